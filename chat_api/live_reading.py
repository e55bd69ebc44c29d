"""What one connection reads of the newest stream, and of the marts beside it, for a frame."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import errors

from chat_api.live import WINDOW, Band, Frame, Known, Snapshot, day_kind, frame_of, second_of_day, whole_of, window
from chat_api.live_leaders import LEADERS, Leaders

# A message says whose filing was asked for, not by whom: all requests are counted.
MEASURE = "all"
_KEPT = 300.0
_CHUNK = 600
_ABSENT = (errors.UndefinedTable, errors.InvalidSchemaName, errors.InsufficientPrivilege)

# Whichever was counted last: a stream that was left without its end gives way to the next. Of two that move at a time
# the one that is shown stays. A start that lies ahead, as others may write it, counts for nothing until rows come.
_STREAM = (
    "SELECT s.*, extract(epoch FROM clock_timestamp() - coalesce(t.at, s.started_at))::float8 AS age "
    "FROM live.streams s LEFT JOIN live.state t USING (stream) ORDER BY (s.stream = %s AND s.ended_at IS NULL "
    "AND t.at > clock_timestamp() - interval '5 seconds') DESC NULLS LAST, coalesce(t.at, CASE WHEN s.started_at <= clock_timestamp() "
    "THEN s.started_at END) DESC NULLS LAST LIMIT 1"
)
_STATE = "SELECT batch_id, clock, watermark, rows, late, at FROM live.state WHERE stream = %s"
_SECONDS = "SELECT clock, visits, late, first_at, last_at FROM live.seconds WHERE stream = %s AND clock > %s"
_FIRST = "SELECT min(clock) AS first FROM live.seconds WHERE stream = %s"
_TOTALS = f"SELECT cik, visits FROM live.totals WHERE stream = %s ORDER BY visits DESC, cik LIMIT {LEADERS}"  # noqa: S608 - a constant
_VISITS = "SELECT clock, cik, visits FROM live.visits WHERE stream = %s AND clock = ANY(%s)"
_BANDS = (
    "SELECT second_of_day, p25, p75, p95, days, day_kind, zeros FROM marts.visits_bands WHERE series = %s "
    "AND measure = %s AND day_kind = %s AND second_of_day = ANY(%s) AND p25 IS NOT NULL"
)
# Of the same kind of day where enough of those are loaded, else of all days. A stream put in by others names no series:
# the log's newer form, where it has bands.
_KIND = (
    "SELECT series, day_kind FROM marts.visits_bands WHERE (series = %(series)s OR %(series)s::text IS NULL) "
    "AND measure = %(measure)s AND day_kind IN (%(kind)s, 'all') AND p25 IS NOT NULL "
    "ORDER BY series DESC, day_kind = 'all' LIMIT 1"
)
_COMPANIES = (
    "SELECT cik, symbol, name FROM marts.filers WHERE cik = ANY(%(ciks)s) AND valid_from <= %(day)s "
    "AND (valid_to IS NULL OR valid_to > %(day)s)"
)

Connection = psycopg.AsyncConnection[dict[str, Any]]


class Reading:
    """What one connection has read of the newest stream, so that only what changed is read again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stream: str | None = None
        self._leaders = Leaders()
        self._rows = -1
        self._changed = 0.0
        self._known = KnownOnes(connection)

    async def frame(self, number: int, now: datetime) -> Frame | None:
        """The newest stream's frame; None where there is no stream."""
        try:
            return await self._frame(number, now)
        except _ABSENT:
            return None

    async def _frame(self, number: int, now: datetime) -> Frame | None:
        # One instant for all that a frame tells: its seconds add up to its companies.
        async with self._connection.transaction():
            await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            stream = await self._one(_STREAM, self._stream)
            if stream is None:
                return None
            if stream["stream"] != self._stream:
                self._stream, self._leaders, self._rows = stream["stream"], Leaders(), -1
            snapshot = await self._snapshot(stream)
            whole = whole_of(snapshot)
            if whole is not None:
                await self._lead(snapshot, whole)
        ciks = {cik for counts in (snapshot.totals, self._leaders.minute, self._leaders.ten) for cik, _ in counts}
        seconds = [] if whole is None else window(whole)
        day = (whole or now).date()
        known = Known(await self._known.bands(stream["series"], seconds), await self._known.companies(ciks, day))
        return frame_of(number, now, snapshot, self._leaders, known)

    async def _snapshot(self, stream: Mapping[str, Any]) -> Snapshot:
        name = stream["stream"]
        state = await self._one(_STATE, name)
        if state is None or state["clock"] is None:
            return Snapshot(stream, {}, {}, (), quiet=self._quiet(0, stream["age"]))
        # Seconds may be supposed after the newest seen, never before the window: two of them are enough.
        held = await self._all(_SECONDS, name, state["clock"] - timedelta(seconds=WINDOW + 1))
        totals = await self._all(_TOTALS, name)
        first = await self._one(_FIRST, name)
        return Snapshot(
            stream,
            state,
            {row["clock"]: row for row in held},
            [(row["cik"], row["visits"]) for row in totals],
            first["first"] if first else None,
            self._quiet(state["rows"], stream["age"]),
        )

    def _quiet(self, rows: int, age: float) -> float:
        """Seconds since a row last came: by this process's own count, by the job's stamp where it has just begun."""
        now = time.monotonic()
        if rows != self._rows:
            self._changed = now if self._rows >= 0 else now - max(age, 0.0)
            self._rows = rows
        return round(now - self._changed, 3)

    async def _lead(self, snapshot: Snapshot, whole: datetime) -> None:
        """Read the companies of the last minute's seconds that are new or have changed."""
        minute = window(whole, 60)
        visits = {clock: snapshot.seconds[clock]["visits"] for clock in minute if clock in snapshot.seconds}
        wanted = self._leaders.missing(visits)
        if wanted:
            companies: dict[datetime, dict[int, int]] = {clock: {} for clock in wanted}
            for row in await self._all(_VISITS, snapshot.stream["stream"], wanted):
                companies[row["clock"]][row["cik"]] = row["visits"]
            for clock, held in companies.items():
                self._leaders.put(clock, visits[clock], held)
        self._leaders.move(whole)

    async def _one(self, query: str, *parameters: Any) -> dict[str, Any] | None:
        cursor = await self._connection.execute(query.encode(), parameters or None)
        return await cursor.fetchone()

    async def _all(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        cursor = await self._connection.execute(query.encode(), parameters or None)
        return await cursor.fetchall()


class KnownOnes:
    """Bands and companies as the marts have them, kept for a few minutes; none where there are no such marts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._until = 0.0
        self._bands: dict[tuple[str, str, int], Band | None] = {}
        self._companies: dict[tuple[int, date], tuple[str | None, str | None] | None] = {}
        self._kinds: dict[tuple[str | None, str], tuple[str, str] | None] = {}

    async def bands(self, series: str | None, seconds: Sequence[datetime]) -> Mapping[int, Band]:
        """Second of the day → band, for the seconds that have one; a window over midnight goes by its last day."""
        if time.monotonic() > self._until:
            self._bands, self._companies, self._kinds = {}, {}, {}
            self._until = time.monotonic() + _KEPT
        kind = await self._kind(series, seconds[-1]) if seconds else None
        if kind is None:
            return {}
        wanted = [second_of_day(clock) for clock in seconds]
        missing = [second for second in wanted if (*kind, second) not in self._bands]
        if missing:
            # The clock goes on: what comes next is read along.
            ahead = [(missing[-1] + n) % 86_400 for n in range(1, _CHUNK)]
            asked = list(dict.fromkeys([*missing, *ahead]))
            self._bands |= {(*kind, second): None for second in asked}
            for row in await self._ask(_BANDS, (kind[0], MEASURE, kind[1], asked)):
                self._bands[(*kind, row.pop("second_of_day"))] = Band(**row)
        found = ((second, self._bands[(*kind, second)]) for second in wanted)
        return {second: band for second, band in found if band is not None}

    async def _kind(self, series: str | None, clock: datetime) -> tuple[str, str] | None:
        """Series and kind of day whose bands a second is held against; None where there are none."""
        key = (series, day_kind(clock))
        if key not in self._kinds:
            rows = await self._ask(_KIND, {"series": series, "measure": MEASURE, "kind": key[1]})
            self._kinds[key] = (rows[0]["series"], rows[0]["day_kind"]) if rows else None
        return self._kinds[key]

    async def companies(self, ciks: set[int], day: date) -> Mapping[int, tuple[str | None, str | None]]:
        """CIK → ticker and name on a day, for those that the mapping has."""
        missing = [cik for cik in ciks if (cik, day) not in self._companies]
        if missing:
            self._companies |= {(cik, day): None for cik in missing}
            for row in await self._ask(_COMPANIES, {"ciks": missing, "day": day}):
                self._companies[row["cik"], day] = (row["symbol"], row["name"])
        return {cik: found for cik in ciks if (found := self._companies[cik, day]) is not None}

    async def _ask(self, query: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            cursor = await self._connection.execute(query.encode(), parameters)
            return await cursor.fetchall()
        except _ABSENT:
            return []
