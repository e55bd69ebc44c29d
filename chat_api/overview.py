"""The market at a glance: what the first page and `GET /api/overview` show, read from the marts in a few queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from chat_api.context import Context

Run = Callable[[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class SectorLine(_Part):
    """A sector at the latest tick; changes in percent, market cap in USD."""

    sector: str
    companies: int
    market_cap: float | None
    change_pct: float | None
    advancers: int
    decliners: int


class Mover(_Part):
    """A company whose price moved; price in USD, change in percent."""

    symbol: str
    name: str | None
    price: float
    change_pct: float


class Visited(_Part):
    """A company by visits to its filings in the newest logged day; relative to its usual, a ratio."""

    rank: int
    name: str
    symbol: str | None
    visits: int
    relative: float | None


class SignalLine(_Part):
    """A tag's newest hour: the composite signal (−1 to 1) with the 95 % interval of its mean."""

    tag: str
    hour: datetime
    posts: int
    composite: float
    low: float | None
    high: float | None


class HeadlineLine(_Part):
    """A story, with the companies' tickers that it is about and its address; its words are a source's."""

    published_at: datetime
    headline: str
    publisher: str | None
    url: str
    symbols: str


class ForecastLine(_Part):
    """A company's forecast; return in percent, prices in USD."""

    symbol: str
    name: str | None
    return_pct: float
    close: float
    low: float
    high: float


class TrackRecord(_Part):
    """How the champion did where the truth is known; errors as a percentage of the close it started from.

    `skill` is 1 − error / error of persistence: above zero is better than "tomorrow as today".
    """

    origin: str
    forecasts: int
    first: date
    last: date
    error_pct: float
    persistence_error_pct: float
    skill: float | None
    inside_pct: float


class ForecastPanel(_Part):
    """The champion's forecasts for the next session it speaks of."""

    session: date
    made_at: datetime
    model: str
    level_pct: float
    companies: int
    spread: tuple[float, float, float, float, float]
    highest: tuple[ForecastLine, ...]
    lowest: tuple[ForecastLine, ...]
    track: tuple[TrackRecord, ...]


class Overview(_Part):
    """Everything on the first page beside the answers. Parts without data are empty."""

    simulated: bool
    loaded: bool
    tick: datetime | None = None
    sectors: tuple[SectorLine, ...] = ()
    gainers: tuple[Mover, ...] = ()
    losers: tuple[Mover, ...] = ()
    visits_day: date | None = None
    visited: tuple[Visited, ...] = ()
    signals: tuple[SignalLine, ...] = ()
    headlines: tuple[HeadlineLine, ...] = ()
    forecast: ForecastPanel | None = None

    @property
    def advancers(self) -> int:
        """Companies above their previous close."""
        return sum(line.advancers for line in self.sectors)

    @property
    def decliners(self) -> int:
        """Companies below their previous close."""
        return sum(line.decliners for line in self.sectors)


_SECTORS = (
    "SELECT sector, companies, market_cap, change_cap_weighted_pct AS change_pct, advancers, decliners "
    "FROM marts.sectors WHERE tick = %(tick)s ORDER BY change_cap_weighted_pct DESC NULLS LAST, sector"
)
_MOVERS = (
    "SELECT symbol, name, price, change_pct FROM marts.quotes WHERE tick = %(tick)s AND %(sign)s * change_pct > 0 "
    "ORDER BY %(sign)s * change_pct DESC, symbol LIMIT 6"
)
_VISITED = (
    "SELECT rank, coalesce(name, 'CIK ' || cik) AS name, symbol, visits_all AS visits, relative_to_usual AS relative "
    "FROM marts.visits_day WHERE log_date = %(day)s AND series = %(series)s ORDER BY rank, cik LIMIT 8"
)
_SIGNALS = (
    "SELECT tag, hour, posts, composite, composite_low AS low, composite_high AS high FROM ("
    "SELECT DISTINCT ON (tag) * FROM marts.signals_hourly WHERE hour <= %(now)s ORDER BY tag, hour DESC"
    ") AS newest ORDER BY posts DESC, tag LIMIT 8"
)
_HEADLINES = (
    "SELECT published_at, headline, publisher, url, string_agg(symbol, ', ' ORDER BY symbol) AS symbols FROM marts.news "
    "WHERE published_at <= %(now)s GROUP BY published_at, headline, publisher, url ORDER BY published_at DESC, url LIMIT 8"
)
_SPREAD = (
    "SELECT count(*) AS companies, max(model_name) AS name, max(model_version) AS version, "
    "max(interval_level_pct) AS level, "
    "percentile_cont(ARRAY[0, 0.25, 0.5, 0.75, 1]) WITHIN GROUP (ORDER BY forecast_return_pct) AS spread "
    "FROM marts.forecasts WHERE role = 'champion' AND target_session = %(session)s AND made_at = %(made_at)s"
)
_EXTREMES = (
    "SELECT symbol, name, forecast_return_pct AS return_pct, forecast_close AS close, interval_low AS low, "
    "interval_high AS high FROM marts.forecasts "
    "WHERE role = 'champion' AND target_session = %(session)s AND made_at = %(made_at)s "
    "ORDER BY %(sign)s * forecast_return_pct DESC, symbol LIMIT 4"
)
_TRACK = (
    "SELECT origin, count(*) AS forecasts, min(target_session) AS first, max(target_session) AS last, "
    "100 * avg(absolute_error / last_close) AS error_pct, "
    "100 * avg(persistence_absolute_error / last_close) AS persistence_error_pct, "
    "1 - sum(absolute_error / last_close) / nullif(sum(persistence_absolute_error / last_close), 0) AS skill, "
    "100.0 * count(*) FILTER (WHERE within_interval) / count(*) AS inside_pct "
    "FROM marts.forecasts WHERE role = 'champion' AND actual_close IS NOT NULL GROUP BY origin ORDER BY origin"
)


def read(run: Run, context: Context) -> Overview:
    """Read the overview as of the context's instant.

    Args:
        run: runs one constant SELECT with parameters and gives its rows by column name.
        context: what is loaded, and when it is.
    """
    tick, day = context.latest_tick, context.latest_visit_day
    at = {"tick": tick}
    logged = {"day": day, "series": context.series_of(day) if day else None}
    return Overview(
        simulated=context.simulated,
        loaded=bool(context.companies or context.sessions or context.visit_days),
        tick=tick,
        sectors=tuple(SectorLine(**row) for row in run(_SECTORS, at)),
        gainers=tuple(Mover(**row) for row in run(_MOVERS, {**at, "sign": 1})),
        losers=tuple(Mover(**row) for row in run(_MOVERS, {**at, "sign": -1})),
        visits_day=day,
        visited=tuple(Visited(**row) for row in run(_VISITED, logged)),
        signals=tuple(SignalLine(**row) for row in run(_SIGNALS, {"now": context.now})),
        headlines=_headlines(run, context),
        forecast=_forecast(run, context),
    )


def _headlines(run: Run, context: Context) -> tuple[HeadlineLine, ...]:
    if context.news_days is None:
        return ()
    return tuple(HeadlineLine(**row) for row in run(_HEADLINES, {"now": context.now}))


def _forecast(run: Run, context: Context) -> ForecastPanel | None:
    coming = [held for held in context.forecasts if held.role == "champion" and held.actuals == 0]
    if not coming:
        return None
    newest = max(coming, key=lambda held: held.session)
    chosen = {"session": newest.session, "made_at": newest.made_at}
    held = run(_SPREAD, chosen)[0]
    return ForecastPanel(
        session=newest.session,
        made_at=newest.made_at,
        model=f"{held['name']}, version {held['version']}",
        level_pct=held["level"],
        companies=held["companies"],
        spread=held["spread"],
        highest=tuple(ForecastLine(**row) for row in run(_EXTREMES, {**chosen, "sign": 1})),
        lowest=tuple(ForecastLine(**row) for row in run(_EXTREMES, {**chosen, "sign": -1})),
        track=tuple(TrackRecord(**row) for row in run(_TRACK, {})),
    )
