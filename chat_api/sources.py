"""Measures as SQL: which mart rows a measure reads, and the expression over them.

Each source is one common table expression with a row for each entity. Times are literals and always raw ranges, so
that an index serves them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlglot import exp

from chat_api.context import Context, IndexHeld
from chat_api.plan import Day, Days, Instant, Instants, Latest, Measure, Time
from chat_api.vocabulary import METRICS, Metric
from lake.market_calendar import INDIA, NEW_YORK

# Columns that say who a row is about, by mart; the first is the key.
WHO: dict[str, tuple[str, ...]] = {
    "companies": ("symbol", "name", "sector", "industry"),
    "quotes": ("symbol", "name", "sector", "industry"),
    "bars_daily": ("symbol", "name", "sector", "industry"),
    "bars_minute": ("symbol", "name"),
    "index_bars_daily": ("symbol", "name", "exchange", "currency"),
    "index_bars_minute": ("symbol", "name", "exchange", "currency"),
    "forecasts": ("symbol", "name", "sector"),
    "visits_day": ("symbol", "name", "sector", "cik"),
    "sectors": ("sector",),
    "signals_hourly": ("tag",),
}
# All that a plan may describe, filter or group by; a name outside it never reaches the SQL.
DESCRIPTIONS = frozenset(
    {"symbol", "name", "sector", "industry", "exchange", "currency", "country", "city", "address", "website", "cik"}
    | {"officers", "ceo", "cfo", "description", "tag", "role", "table_name"}
)
_UNIT_OF_OVER = {
    "change_pct": "percent",
    "return": "percent",
    "volatility": "percent",
    "drawdown": "percent",
    "count": None,
}
_LABEL_OF_OVER = {
    "sum": "total {}", "average": "average {}", "median": "median {}", "max": "highest {}", "min": "lowest {}", "count": "number of {}",
    "change": "change of {}", "change_pct": "change of {}", "return": "return", "volatility": "volatility (annualised)", "drawdown": "maximum drawdown",
}  # fmt: skip


# How a time zone is said.
PLACE_OF_ZONE = {"America/New_York": "New York time", "Asia/Kolkata": "India time"}


def zone_of(context: Context) -> str:
    """The time zone of the indices that a question is about."""
    return str(context.indices[0].calendar.zone) if context.indices else "America/New_York"


def literal(value: str | float | int | date | datetime) -> str:
    """A value as SQL, quoted by the SQL library."""
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ {exp.Literal.string(value.isoformat(sep=' ')).sql(dialect='postgres')}"
    if isinstance(value, date):
        return f"DATE {exp.Literal.string(value.isoformat()).sql(dialect='postgres')}"
    if isinstance(value, str):
        return exp.Literal.string(value).sql(dialect="postgres")
    return repr(float(value)) if not float(value).is_integer() else str(int(value))


def words(values: tuple[str, ...]) -> str:
    """A list of words as SQL."""
    return ", ".join(literal(value) for value in values)


@dataclass
class Source:
    """A common table expression under way.

    Attributes:
        name: its alias.
        mart: the mart it reads.
        where: the rows, as SQL.
        grouped: whether several rows become one for each entity.
        columns: alias → expression.
        inner: a subquery to read instead of the mart.
    """

    name: str
    mart: str
    where: str
    grouped: bool
    columns: dict[str, str] = field(default_factory=dict)
    inner: str | None = None

    @property
    def key(self) -> str:
        """The column that rows of two sources meet in."""
        return WHO[self.mart][0]

    def sql(self, narrowed: str = "") -> str:
        """The SELECT of the expression; `narrowed` is a further condition on its rows."""
        who = WHO[self.mart]
        table = self.inner.replace("/*narrowed*/", narrowed) if self.inner else f"marts.{self.mart}"
        shown = [f"max({column}) AS {column}" if self.grouped and column != self.key else column for column in who]
        shown += [f"{expression} AS {alias}" for alias, expression in self.columns.items()]
        where = f" WHERE {self.where}{narrowed}" if not self.inner else ""
        group = f" GROUP BY {self.key}" if self.grouped else ""
        return f"SELECT {', '.join(shown)} FROM {table}{where}{group}"


def unit_of(measure: Measure) -> str | None:
    """The unit of a measure's value."""
    return _UNIT_OF_OVER.get(measure.over, METRICS[measure.metric].unit)


def label_of(measure: Measure) -> str:
    """What people call a measure."""
    metric = METRICS[measure.metric]
    if measure.over in {"change", "change_pct"} and measure.base_metric:
        return f"{metric.label} against {METRICS[measure.base_metric].label}"
    label = _LABEL_OF_OVER.get(measure.over, "{}").format(metric.label)
    return f"{measure.role} {label}" if measure.role and metric.subject == "forecast" else label


def alias_of(measure: Measure) -> str:
    """The column's name in the result."""
    metric = METRICS[measure.metric]
    base = metric.name.split(".")[1] if not metric.column.isidentifier() else metric.column
    if measure.over in {"return", "volatility", "drawdown"}:
        return f"{measure.over}_pct"
    base = base if measure.over == "value" else f"{base}_{measure.over}"
    return f"{base}_{measure.role}" if measure.role and metric.subject == "forecast" else base


def predicate(metric: Metric, time: Time, context: Context, role: str | None = None) -> str:
    """The rows of a mart at a time."""
    subject = metric.subject
    if subject == "company":
        return "is_current"
    if subject in {"quote", "sector"}:
        return _instants("tick", time, context.latest_tick)
    if subject in {"bar", "index"}:
        return _days("session", time)
    if subject == "index_minute" and isinstance(time, Latest):
        newest = [(held.symbol, held.latest_minute) for held in context.indices if held.latest_minute is not None]
        either = " OR ".join(f"(symbol = {literal(symbol)} AND minute = {literal(at)})" for symbol, at in newest)
        return f"({either or 'FALSE'})"
    if subject in {"minute", "index_minute"}:
        return _instants("minute", time, context.latest_minute)
    if subject == "attention":
        first = time.day if isinstance(time, Day) else time.start if isinstance(time, Days) else None
        assert first is not None
        return f"series = {literal(context.series_of(first))} AND {_days('log_date', time)}"
    if subject == "signal":
        return _instants("hour", time, None) if isinstance(time, Instant | Instants) else _days("day", time)
    assert subject == "forecast"
    return f"role = {literal(role or 'champion')} AND {_days('target_session', time)}"


def _instants(column: str, time: Time, latest: datetime | None) -> str:
    if isinstance(time, Latest):
        assert latest is not None
        return f"{column} = {literal(latest)}"
    if isinstance(time, Instant):
        return f"{column} = {literal(time.at)}"
    assert isinstance(time, Instants)
    return f"{column} >= {literal(time.start)} AND {column} < {literal(time.end)}"


def _days(column: str, time: Time) -> str:
    if isinstance(time, Day):
        return f"{column} = {literal(time.day)}"
    assert isinstance(time, Days)
    return f"{column} >= {literal(time.start)} AND {column} <= {literal(time.end)}"


def aggregate(metric: Metric, over: str, time: Time) -> str:
    """The expression that makes several rows of an entity one."""
    column = metric.column
    if over == "average" and metric.weight:
        return f"sum({column} * {metric.weight}) / NULLIF(sum({metric.weight}), 0)"
    if over == "average" and metric.name == "attention.visits" and isinstance(time, Days):
        # A day without visits counts as zero.
        return f"sum({column})::double precision / {(time.end - time.start).days + 1}"
    if over == "median":
        return f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {column})"
    if over == "volatility":
        return f"stddev_samp({column}) * sqrt(252)"
    function = {"sum": "sum", "average": "avg", "max": "max", "min": "min", "count": "count"}[over]
    return f"{function}({column})"


def forecast_rows(where: str) -> str:
    """Forecasts, one for each company and session: the newest made, of the newest version, live before tested."""
    columns = (
        "symbol, name, sector, role, target_session, made_at, forecast_return_pct, forecast_close, interval_low, interval_high, "
        "interval_level_pct, actual_close, absolute_error, persistence_absolute_error, within_interval"
    )
    order = "origin, made_at DESC, length(model_version) DESC, model_version DESC"
    return (
        f"(SELECT {columns} FROM (SELECT {columns}, row_number() OVER (PARTITION BY symbol, target_session ORDER BY {order}) AS nth "
        f"FROM marts.forecasts WHERE {where}/*narrowed*/) AS numbered WHERE nth = 1) AS chosen"
    )


def drawdown_rows(metric: Metric, where: str) -> str:
    """Closes (adjusted ones of companies) beside the highest one so far."""
    who, close = ", ".join(WHO[metric.mart]), metric.column
    return (
        f"(SELECT {who}, {close}, max({close}) OVER (PARTITION BY symbol ORDER BY session) AS peak "
        f"FROM marts.{metric.mart} WHERE {where}/*narrowed*/) AS peaks"
    )


def time_text(metric: Metric, time: Time, context: Context) -> str:
    """When a measure is read, for people."""
    if metric.subject == "company":
        return "now"
    if metric.subject == "index_minute" and isinstance(time, Latest):
        return "; ".join(_minute_text(held) for held in context.indices) or "the newest minute"
    if isinstance(time, Latest):
        tick = context.latest_minute if metric.subject == "minute" else context.latest_tick
        return _instant_text(tick, metric, context) if tick else "the latest tick"
    if isinstance(time, Instant):
        return _instant_text(time.at, metric, context)
    if isinstance(time, Day):
        return f"{'session' if metric.subject in {'bar', 'index', 'forecast'} else 'day'} {time.day}"
    if isinstance(time, Days):
        text = f"{time.start} to {time.end}"
        return f"{text} (from the close of {time.base})" if time.base else text
    return f"{_instant_text(time.start, metric, context)} to {_instant_text(time.end, metric, context)}"


def _minute_text(held: IndexHeld) -> str:
    if held.latest_minute is None:
        return f"{held.name}: no minute is loaded"
    zone = held.calendar.zone
    return f"{held.name}: minute {held.latest_minute.astimezone(zone):%Y-%m-%d %H:%M} {PLACE_OF_ZONE[str(zone)]}"


def _instant_text(at: datetime, metric: Metric, context: Context) -> str:
    india = metric.subject == "index_minute" and zone_of(context) == "Asia/Kolkata"
    if metric.subject == "signal" or india:
        return f"{at.astimezone(INDIA):%Y-%m-%d %H:%M} India time"
    word = {"quote": "tick ", "sector": "tick ", "minute": "minute "}.get(metric.subject, "")
    return f"{word}{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York time"
