"""The state of the data: the newest tick, what is missing and why, how fresh each table is, and what was refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chat_api.context import Context
from lake.clock import INDIA
from lake.market_calendar import NEW_YORK, CalendarEnd, xnys

Run = Callable[[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]
Freshness = Literal["fresh", "late", "empty", "unscheduled"]

# How long after its instant a load may be under way before it counts as late.
_TICK_GRACE = timedelta(minutes=15)
_CLOSE_GRACE = timedelta(hours=2)
_BY_TICK = {"gold.quotes", "gold.sectors", "gold.coverage"}
_BY_CLOSE = {"gold.bars_daily"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TickLine(_Part):
    """A tick: companies expected and received."""

    tick: datetime
    expected: int
    received: int

    @property
    def percent(self) -> float:
        """Received of expected, in percent."""
        return 100 * self.received / self.expected if self.expected else 0.0


class MissingLine(_Part):
    """Companies missing at the newest tick for one reason, with a few of them."""

    reason: str
    companies: int
    examples: tuple[str, ...]


class TableLine(_Part):
    """A table of the lake. `due` is the instant that its newest row should have reached by now."""

    table: str
    rows: int
    quarantined_rows: int
    loaded_at: datetime | None
    last_time: datetime | None
    due: datetime | None
    state: Freshness


class RefusedLine(_Part):
    """A rule that refused rows of a table."""

    table: str
    rule: str
    rows: int
    last_observed_at: datetime
    samples: tuple[str, ...]


class DataHealth(_Part):
    """The state of the data at an instant.

    Attributes:
        newest_tick, due_tick: the newest tick loaded, and the newest that should be.
        ticks: the newest first.
        gaps: ticks of the sessions shown at which nothing was received.
        missing: by reason, at the newest tick.
    """

    simulated: bool
    now: datetime
    newest_tick: datetime | None
    due_tick: datetime | None
    ticks: tuple[TickLine, ...]
    gaps: tuple[datetime, ...]
    missing: tuple[MissingLine, ...]
    tables: tuple[TableLine, ...]
    refused: tuple[RefusedLine, ...]


_TICKS = (
    "SELECT tick, count(*) AS expected, count(*) FILTER (WHERE received) AS received FROM marts.coverage "
    "GROUP BY tick ORDER BY tick DESC LIMIT 28"
)
_MISSING = (
    "SELECT coalesce(reason, 'not said') AS reason, count(*) AS companies, "
    "(array_agg(symbol ORDER BY symbol))[1:6] AS examples FROM marts.coverage "
    "WHERE tick = %(tick)s AND NOT received GROUP BY 1 ORDER BY 2 DESC, 1"
)
_TABLES = (
    'SELECT table_name AS "table", rows, quarantined_rows, loaded_at, last_time FROM marts.loads '
    "WHERE layer <> 'bronze' ORDER BY layer, table_name"
)
_REFUSED = (
    'SELECT table_name AS "table", rule, rows, last_observed_at, samples FROM marts.quarantine '
    "ORDER BY rows DESC, table_name, rule LIMIT 50"
)


def read(run: Run, context: Context) -> DataHealth:
    """Read the state of the data as of the context's instant.

    Args:
        run: runs one constant SELECT with parameters and gives its rows by column name.
        context: what is loaded, and when it is.
    """
    now = context.now
    ticks = tuple(TickLine(**row) for row in run(_TICKS, {}))
    newest = next((line.tick for line in ticks if line.received), None)
    due = _due_tick(now)
    return DataHealth(
        simulated=context.simulated,
        now=now,
        newest_tick=newest,
        due_tick=due,
        ticks=ticks,
        gaps=_gaps(ticks, now),
        missing=tuple(MissingLine(**row) for row in run(_MISSING, {"tick": newest})),
        tables=tuple(_line(row, now) for row in run(_TABLES, {})),
        refused=tuple(RefusedLine(**{**row, "samples": json.loads(row["samples"])}) for row in run(_REFUSED, {})),
    )


def _due_tick(now: datetime) -> datetime | None:
    try:
        return xnys().latest_tick(now - _TICK_GRACE).tick
    except CalendarEnd:
        return None


def _gaps(ticks: Sequence[TickLine], now: datetime) -> tuple[datetime, ...]:
    """Ticks between the oldest shown and now at which nothing was received, the newest first."""
    came = {line.tick for line in ticks if line.received}
    if not came or (due := _due_tick(now)) is None:
        return ()
    first, last = min(came), due
    days = xnys().sessions(first.astimezone(NEW_YORK).date(), last.astimezone(NEW_YORK).date())
    scheduled = [tick for day in days for tick in xnys().ticks(day) if first <= tick <= last]
    return tuple(tick for tick in reversed(scheduled) if tick not in came)


def _line(row: Mapping[str, Any], now: datetime) -> TableLine:
    due = _due(row["table"], now)
    last = row["last_time"]
    state: Freshness = "unscheduled"
    if not row["rows"]:
        state = "empty"
    elif due is not None:
        state = "fresh" if last is not None and last >= due else "late"
    return TableLine(**row, due=due, state=state)


def _due(table: str, now: datetime) -> datetime | None:
    """What a table's newest row should have reached; None for a table without a schedule of its own."""
    if table in _BY_TICK:
        return _due_tick(now)
    if table in _BY_CLOSE:
        return _midnight(xnys().latest_closed_session(now - _CLOSE_GRACE))
    if table == "gold.visits_day":
        return _midnight((now - timedelta(days=1, hours=12)).date())
    if table == "gold.signals_hourly":
        # No posts come in India's night; the day before yesterday's evening is always past.
        return now.astimezone(INDIA) - timedelta(hours=24)
    return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
