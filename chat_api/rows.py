"""Plans whose rows are not one for each entity: series over time, days, and the lake's own tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from chat_api.context import Context
from chat_api.plan import AllOf, Among, AnyOf, ColumnInfo, Compare, Compiled, Condition, Known, Measure, Plan
from chat_api.sources import alias_of, forecast_rows, label_of, literal, predicate, time_text, unit_of, words, zone_of
from chat_api.vocabulary import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

# The column of a mart that a bucket shows, and its zone.
_TIME_OF = {
    "bars_daily": ("session", None), "visits_day": ("log_date", None), "forecasts": ("target_session", None), "sectors": ("tick", "America/New_York"),
    "quotes": ("tick", "America/New_York"), "bars_minute": ("minute", "America/New_York"), "index_bars_daily": ("session", None), "signals_hourly": ("hour", "Asia/Kolkata"),
}  # fmt: skip
_KEY = {"sectors": "sector", "signals_hourly": "tag"}


def series(plan: Plan, context: Context, most: int) -> Compiled:
    """A row for each moment (and entity), or the number of such rows."""
    measures = [value for value in plan.values if isinstance(value, Measure)]
    first = measures[0]
    metric = METRICS[first.metric]
    mart = metric.mart
    column, zone = ("minute", zone_of(context)) if mart == "index_bars_minute" else _TIME_OF[mart]
    key = _KEY.get(mart, "symbol")
    where = [predicate(metric, first.time, context, first.role)]
    if plan.where is not None:
        where.append(_condition(plan.where, mart, context))
    table = f"marts.{mart}" if mart != "forecasts" else forecast_rows(where[0])
    conditions = " AND ".join(where if mart != "forecasts" else where[1:]) or "TRUE"
    if plan.fold is not None:
        return _counted(plan, mart, conditions, time_text(metric, first.time, context))
    by_day = mart == "signals_hourly" and plan.bucket == "day"
    shown_time = ColumnInfo(
        name="day" if by_day else column,
        label="day" if by_day else column.replace("_", " "),
        role="dimension",
        zone=None if by_day else zone,
    )
    who = [ColumnInfo(name=key, label="ticker" if key == "symbol" else key, role="dimension")]
    if plan.entity == "index" or (plan.entity == "session" and mart in {"bars_daily", "index_bars_daily"}):
        who.append(ColumnInfo(name="name", label="name", role="dimension"))
    values = [
        ColumnInfo(name=alias_of(m.model_copy(update={"over": "value"})), label=label_of(m), unit=unit_of(m))
        for m in measures
    ]
    expressions = [_value(m, by_day) for m in measures]
    # The day-level of a posts-weighted mean is the mean over that day's posts.
    group = f" GROUP BY day, {key}" if by_day else ""
    selected = [
        shown_time.name,
        *(info.name for info in who),
        *(f"{e} AS {i.name}" for e, i in zip(expressions, values, strict=True)),
    ]
    sql = f"SELECT {', '.join(selected)} FROM {table} WHERE {conditions}{group} ORDER BY {_order(plan, values, f'{shown_time.name}, {key}')} LIMIT {min(plan.limit or most, most)}"
    as_of = "; ".join(dict.fromkeys(time_text(METRICS[m.metric], m.time, context) for m in measures))
    return Compiled(
        sql=sql.replace("/*narrowed*/", ""), columns=(shown_time, *who, *values), as_of=as_of, marts=(mart,)
    )


def _order(plan: Plan, values: list[ColumnInfo], by_time: str) -> str:
    """By time, unless the moments with the most of a figure are asked for."""
    if not plan.order or plan.order[0].value is None:
        return by_time
    first = plan.order[0]
    return f"{values[first.value or 0].name} {'DESC' if first.descending else 'ASC'} NULLS LAST, {by_time}"


def _value(measure: Measure, by_day: bool) -> str:
    metric = METRICS[measure.metric]
    if not by_day:
        return metric.column
    if metric.weight:
        return f"sum({metric.column} * {metric.weight}) / NULLIF(sum({metric.weight}), 0)"
    return f"sum({metric.column})"


def _counted(plan: Plan, mart: str, conditions: str, as_of: str) -> Compiled:
    """How many sessions: of a named company, or of the calendar that bars are loaded for."""
    counted = "count(*)" if plan.fold is not None and plan.fold.by else "count(DISTINCT session)"
    sql = f"SELECT {counted} AS sessions FROM marts.{mart} WHERE {conditions} LIMIT 1"
    number = ColumnInfo(name="sessions", label="sessions", unit="sessions")
    return Compiled(sql=sql, columns=(number,), as_of=as_of, marts=(mart,))


def _condition(node: Condition, mart: str, context: Context) -> str:
    if isinstance(node, AllOf | AnyOf):
        joint = " AND " if isinstance(node, AllOf) else " OR "
        return "(" + joint.join(_condition(part, mart, context) for part in node.parts) + ")"
    if isinstance(node, Among):
        negation = "NOT " if node.negated else ""
        if node.dimension == "symbol" and mart == "visits_day":
            ciks = sorted(
                str(context.by_symbol[s].cik)
                for s in node.values
                if s in context.by_symbol and context.by_symbol[s].cik
            )
            return f"cik {negation}IN ({', '.join(ciks) or 'NULL'})"
        return f"{node.dimension} {negation}IN ({words(node.values)})"
    if isinstance(node, Compare) and node.number is not None:
        return f"{METRICS[node.left.metric].column} {'<>' if node.op == '!=' else node.op} {literal(node.number)}"
    if isinstance(node, Known):
        return f"{METRICS[node.left.metric].column} IS {'NOT ' if node.known else ''}NULL"
    raise ValueError(f"no such condition in a series: {node.type}")


def roles(plan: Plan, context: Context) -> Compiled:
    """A model's mean error over all its forecasts of a time, by role."""
    measure = next(value for value in plan.values if isinstance(value, Measure))
    metric = METRICS[measure.metric]
    where = [_condition(part, "forecasts", context) for part in _parts(plan.where)]
    named = next(
        (p.values for p in _parts(plan.where) if isinstance(p, Among) and p.dimension == "role"), ("champion",)
    )
    tables = " UNION ALL ".join(
        f"SELECT * FROM {forecast_rows(predicate(metric, measure.time, context, role))}" for role in named
    )
    value = ColumnInfo(name=alias_of(measure), label=label_of(measure), unit=unit_of(measure))
    count = ColumnInfo(name="forecasts", label="forecasts", unit="forecasts", role="extra")
    sql = (
        f"SELECT role, avg({metric.column}) AS {value.name}, count({metric.column}) AS forecasts FROM ({tables}) AS chosen_roles "
        f"WHERE {' AND '.join(where)} GROUP BY role ORDER BY role LIMIT 10"
    ).replace("/*narrowed*/", "")
    columns = (ColumnInfo(name="role", label="role", role="dimension"), value, count)
    return Compiled(sql=sql, columns=columns, as_of=time_text(metric, measure.time, context), marts=("forecasts",))


# --- the lake's own tables ------------------------------------------------------------------------------------------


def tables(plan: Plan, context: Context) -> Compiled:
    """The state of the lake's tables, from the loads mart, or the newest tick."""
    names = {value.metric for value in plan.values if isinstance(value, Measure)}
    if "sector.tick" in names:
        return _newest_tick(context)
    where = [f"{_data(node, context)}" for node in _parts(plan.where)]
    values: list[tuple[str, ColumnInfo]] = []
    for value in plan.values:
        if not isinstance(value, Measure):
            continue
        metric = METRICS[value.metric]
        if metric.name == "data.loaded_at":
            age = f"extract(epoch FROM {literal(_now(context))} - loaded_at)::double precision / 60"
            values.append((age, ColumnInfo(name="age_minutes", label="minutes since the last load", unit="minutes")))
            values.append(("loaded_at", ColumnInfo(name="loaded_at", label="last load", zone="America/New_York")))
        else:
            zone = "UTC" if metric.unit == "UTC" else None
            values.append(
                (
                    metric.column,
                    ColumnInfo(name=metric.column, label=metric.label, unit=None if zone else metric.unit, zone=zone),
                )
            )
    columns = [ColumnInfo(name="table_name", label="table", role="dimension"), *(info for _, info in values)]
    shown = ["table_name", *(f"{e} AS {i.name}" if e != i.name else e for e, i in values)]
    order = [
        f"{values[one.value][1].name} {'DESC' if one.descending else 'ASC'} NULLS LAST"
        for one in plan.order
        if one.value is not None
    ]
    sql = f"SELECT {', '.join(shown)} FROM marts.loads"
    if where:
        sql += f" WHERE {' AND '.join(where)}"
    sql += f" ORDER BY {', '.join([*order, 'table_name'])} LIMIT {plan.limit or 500}"
    return Compiled(sql=sql, columns=tuple(columns), as_of=f"{_now(context):%Y-%m-%d %H:%M} UTC", marts=("loads",))


def _now(context: Context) -> datetime:
    return context.now.replace(microsecond=0)


def _parts(where: Condition | None) -> Sequence[Condition]:
    return () if where is None else where.parts if isinstance(where, AllOf) else (where,)


def _data(node: Condition, context: Context) -> str:
    if isinstance(node, Among):
        return f"{node.dimension} {'NOT ' if node.negated else ''}IN ({words(node.values)})"
    if isinstance(node, Compare) and node.number is not None and node.left.metric == "data.loaded_at":
        # Older than N minutes: loaded before then.
        instant = datetime.fromtimestamp(_now(context).timestamp() - node.number * 60, tz=_now(context).tzinfo)
        opposite = {">": "<", ">=": "<=", "<": ">", "<=": ">="}[node.op]
        return f"loaded_at {opposite} {literal(instant)}"
    if isinstance(node, Compare) and node.number is not None:
        return f"{METRICS[node.left.metric].column} {node.op} {literal(node.number)}"
    raise ValueError(f"no such condition on tables: {node.type}")


def _newest_tick(context: Context) -> Compiled:
    column = ColumnInfo(name="tick", label="newest tick", zone="America/New_York")
    sql = "SELECT max(tick) AS tick FROM marts.sectors LIMIT 1"
    return Compiled(sql=sql, columns=(column,), as_of=f"{_now(context):%Y-%m-%d %H:%M} UTC", marts=("sectors",))
