"""What a question is read against: the time, the calendar, the companies, and what of each mart is loaded.

Read once from the marts and kept until they change (`stamp` tells). Reading a question needs no database after that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from lake.indices import INDICES
from lake.market_calendar import INDIA, Calendar, xnys

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]

# Bounded: a mart that outgrows them is still answered from, with the newest part known.
_STAMP = "SELECT count(*), max(loaded_at), sum(rows), sum(version) FROM marts.loads"
_COMPANIES = (
    "SELECT symbol, name, sector, industry, city, country, exchange, cik, market_cap "
    "FROM marts.companies WHERE is_current ORDER BY symbol LIMIT 50000"
)
# Sectors tell the ticks in a hundredth of the rows, but may be held for longer than quotes are.
_TICKS = (
    "SELECT DISTINCT tick FROM marts.sectors WHERE tick >= (SELECT min(tick) FROM marts.quotes) "
    "ORDER BY tick DESC LIMIT 20000"
)
_SESSIONS = "SELECT session, count(*) FROM marts.bars_daily GROUP BY session ORDER BY session DESC LIMIT 20000"
_MINUTES = (
    "SELECT session, min(minute), max(minute) FROM marts.bars_minute GROUP BY session ORDER BY session DESC LIMIT 5000"
)
_INDEX_DAYS = "SELECT symbol, session FROM marts.index_bars_daily ORDER BY session DESC LIMIT 40000"
_INDEX_MINUTES = (
    "SELECT symbol, session, max(minute) FROM marts.index_bars_minute "
    "GROUP BY symbol, session ORDER BY session DESC LIMIT 5000"
)
# A look-up in the key for each company, rather than a pass over all minutes.
_MINUTE_SYMBOLS = (
    "SELECT symbol FROM marts.companies AS held WHERE is_current "
    "AND EXISTS (SELECT 1 FROM marts.bars_minute AS bars WHERE bars.symbol = held.symbol) ORDER BY symbol LIMIT 20000"
)
# Distinct values by one look-up in the key each, rather than by a pass over all rows.
_COVERAGE_TICKS = (
    "WITH RECURSIVE found AS ((SELECT max(tick) AS tick FROM marts.coverage) UNION ALL "
    "SELECT (SELECT max(tick) FROM marts.coverage WHERE tick < found.tick) FROM found WHERE found.tick IS NOT NULL) "
    "SELECT tick FROM found WHERE tick IS NOT NULL LIMIT 20000"
)
_UNIVERSE_DAYS = (
    "WITH RECURSIVE found AS ((SELECT max(session) AS session FROM marts.universe) UNION ALL "
    "SELECT (SELECT max(session) FROM marts.universe WHERE session < found.session) FROM found "
    "WHERE found.session IS NOT NULL) SELECT session FROM found WHERE session IS NOT NULL LIMIT 20000"
)
_DESCRIBED_FROM = "SELECT min(valid_from) FROM marts.companies"
_HOURS = "SELECT DISTINCT tag, hour FROM marts.signals_hourly ORDER BY hour DESC LIMIT 50000"
_VISITS = "SELECT DISTINCT series, log_date FROM marts.visits_day ORDER BY log_date DESC LIMIT 20000"
_FORECASTS = (
    "SELECT role, target_session, max(made_at), count(actual_close), count(DISTINCT (model_name, model_version)) "
    "FROM marts.forecasts GROUP BY role, target_session ORDER BY target_session DESC LIMIT 20000"
)
_NEWS = "SELECT min(session), max(session) FROM marts.news"
_LOADS = "SELECT table_name, layer, rows, first_time, last_time FROM marts.loads ORDER BY table_name LIMIT 500"


@dataclass(frozen=True)
class Company:
    """A company as known now. `market_cap` is in USD at the latest tick."""

    symbol: str
    name: str
    sector: str | None = None
    industry: str | None = None
    city: str | None = None
    country: str | None = None
    exchange: str | None = None
    cik: int | None = None
    market_cap: float | None = None


@dataclass(frozen=True)
class ForecastDay:
    """The forecasts of one role for one session."""

    role: str
    session: date
    made_at: datetime
    actuals: int
    models: int


@dataclass(frozen=True)
class Loaded:
    """A table of the lake as its newest load left it."""

    table: str
    layer: str
    rows: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class IndexHeld:
    """What is loaded of an index: its sessions and the days with minutes, ascending, and its newest minute (UTC)."""

    symbol: str
    sessions: tuple[date, ...] = ()
    minute_sessions: tuple[date, ...] = ()
    latest_minute: datetime | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return INDICES[self.symbol].name

    @property
    def calendar(self) -> Calendar:
        """The calendar of its exchange."""
        return INDICES[self.symbol].calendar


@dataclass(frozen=True)
class Context:
    """Everything that reading and compiling need to know.

    Attributes:
        now: the present instant, UTC.
        ticks, sessions, minute_sessions: loaded instants and days, ascending.
        minute_symbols, latest_minute: the companies with minute bars, and the start of the newest minute.
        hours: loaded hours of signals by tag, ascending.
        visit_days: the logged days with visits, with the log's form (v1 or v2), ascending.
        forecasts: by role and session, ascending by session.
        indices: what is loaded of each index.
        coverage_ticks: ticks on record, received or missed, ascending.
        universe_days: sessions whose universe is on record, ascending.
        described_from: since when companies' descriptions are on record.
        news_days: the first and the last day of which news was collected; None where none was.
        simulated: whether the home's data are simulated.
        calendar: of the exchange that the question is about; its zone is the one that days are counted in.
        about_indices: whether the question is about indices: `companies`, `sessions` and `minute_sessions` are theirs.
    """

    now: datetime
    companies: tuple[Company, ...] = ()
    ticks: tuple[datetime, ...] = ()
    sessions: tuple[date, ...] = ()
    minute_sessions: tuple[date, ...] = ()
    minute_symbols: tuple[str, ...] = ()
    latest_minute: datetime | None = None
    hours: tuple[tuple[str, datetime], ...] = ()
    visit_days: tuple[tuple[str, date], ...] = ()
    forecasts: tuple[ForecastDay, ...] = ()
    loads: tuple[Loaded, ...] = ()
    indices: tuple[IndexHeld, ...] = ()
    coverage_ticks: tuple[datetime, ...] = ()
    universe_days: tuple[date, ...] = ()
    described_from: datetime | None = None
    news_days: tuple[date, date] | None = None
    simulated: bool = True
    calendar: Calendar = field(default_factory=xnys, compare=False, repr=False)
    about_indices: bool = False

    def at(self, now: datetime) -> Context:
        """The same data, looked at from another instant. Indexes made so far are kept."""
        moved = replace(self, now=now)
        for name in ("by_symbol", "_names", "_places", "session_set", "visit_day_set", "tags"):
            if name in self.__dict__:
                moved.__dict__[name] = self.__dict__[name]
        return moved

    @property
    def today(self) -> date:
        """Today at the exchange."""
        return self.now.astimezone(self.calendar.zone).date()

    @property
    def india_today(self) -> date:
        """Today in India."""
        return self.now.astimezone(INDIA).date()

    @cached_property
    def by_symbol(self) -> dict[str, Company]:
        """Companies by ticker."""
        return {company.symbol: company for company in self.companies}

    @cached_property
    def session_set(self) -> frozenset[date]:
        """Sessions with daily bars."""
        return frozenset(self.sessions)

    @cached_property
    def visit_day_set(self) -> frozenset[date]:
        """Days with visits."""
        return frozenset(day for _, day in self.visit_days)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Tags with a signal."""
        return tuple(sorted({tag for tag, _ in self.hours}))

    @property
    def latest_tick(self) -> datetime | None:
        """The newest tick loaded that has passed."""
        return max((tick for tick in self.ticks if tick <= self.now), default=None)

    @property
    def latest_session(self) -> date | None:
        """The newest session with daily bars."""
        return max((day for day in self.sessions if day <= self.today), default=None)

    @property
    def latest_visit_day(self) -> date | None:
        """The newest day with visits."""
        return max((day for _, day in self.visit_days), default=None)

    def series_of(self, day: date) -> str:
        """The form of the log of a day: the two are never added up."""
        return next((series for series, held in self.visit_days if held == day), "v2" if day.year >= 2020 else "v1")


def load(fetch: Fetch, now: datetime, *, simulated: bool = True) -> Context:
    """Read the context from the marts.

    Args:
        fetch: runs one SELECT and gives its rows.
        now: the present instant, UTC.
        simulated: whether the home is simulated.
    """
    minutes = fetch(_MINUTES)
    loads = tuple(Loaded(*row) for row in fetch(_LOADS))
    # Its mart is there once its table has been published; a home of an older release has none yet.
    has_news = any(one.table == "gold.news" and one.rows for one in loads)
    first, last = fetch(_NEWS)[0] if has_news else (None, None)
    return Context(
        now=now,
        companies=tuple(Company(*row) for row in fetch(_COMPANIES)),
        ticks=tuple(sorted(row[0] for row in fetch(_TICKS))),
        sessions=tuple(sorted(row[0] for row in fetch(_SESSIONS))),
        minute_sessions=tuple(sorted(row[0] for row in minutes)),
        minute_symbols=tuple(row[0] for row in fetch(_MINUTE_SYMBOLS)) if minutes else (),
        latest_minute=max((row[2] for row in minutes), default=None),
        hours=tuple(sorted(((row[0], row[1]) for row in fetch(_HOURS)), key=lambda pair: (pair[1], pair[0]))),
        visit_days=tuple(sorted(((row[0], row[1]) for row in fetch(_VISITS)), key=lambda pair: pair[1])),
        forecasts=tuple(sorted((ForecastDay(*row) for row in fetch(_FORECASTS)), key=lambda held: held.session)),
        indices=_indices(fetch),
        coverage_ticks=tuple(sorted(row[0] for row in fetch(_COVERAGE_TICKS))),
        universe_days=tuple(sorted(row[0] for row in fetch(_UNIVERSE_DAYS))),
        described_from=next((row[0] for row in fetch(_DESCRIBED_FROM)), None),
        loads=loads,
        news_days=(first, last) if first is not None else None,
        simulated=simulated,
    )


def _indices(fetch: Fetch) -> tuple[IndexHeld, ...]:
    sessions: dict[str, list[date]] = {}
    minutes: dict[str, list[tuple[date, datetime]]] = {}
    for symbol, session in fetch(_INDEX_DAYS):
        sessions.setdefault(symbol, []).append(session)
    for symbol, session, last in fetch(_INDEX_MINUTES):
        minutes.setdefault(symbol, []).append((session, last))
    return tuple(
        IndexHeld(
            symbol=symbol,
            sessions=tuple(sorted(sessions.get(symbol, ()))),
            minute_sessions=tuple(sorted(day for day, _ in minutes.get(symbol, ()))),
            latest_minute=max((last for _, last in minutes.get(symbol, ())), default=None),
        )
        for symbol in INDICES
    )


def stamp(fetch: Fetch) -> tuple[Any, ...]:
    """What changes whenever the marts do: compare it to know whether a context is still good."""
    return tuple(fetch(_STAMP)[0])
