"""One reader a process of the live counts, and everybody who watches: each watcher gets the newest frame.

The reader runs while somebody watches. It listens for PostgreSQL's notifications and looks by itself once a second; it
reads what changed, makes a frame and hands it on. A watcher that is slow misses frames and never the newest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from chat_api.live import (
    LEADERS,
    WINDOW,
    Band,
    Frame,
    Known,
    Leaders,
    Snapshot,
    day_kind,
    frame_of,
    second_of_day,
    whole_of,
    window,
)
from lake.live_store import CHANNEL

# A message says whose filing was asked for, not by whom: all requests are counted.
MEASURE = "all"
_LOOK_AGAIN = 1.0
# Notifications may come ten times a second; nobody sees more than a few frames.
_PAUSE = 0.2
_LINGER = 10.0
_HEARTBEAT = 15.0
_KEPT = 300.0
_CHUNK = 600
_ABSENT = (errors.UndefinedTable, errors.InvalidSchemaName, errors.InsufficientPrivilege)
NO_STREAM = "No stream has begun yet."
DOWN = "PostgreSQL does not answer; this goes on by itself once it does. `tidemark status` says what runs."

# Whichever was counted last: a stream that was left without its end gives way to the next. Of two that move at a time
# the one that is shown stays.
_STREAM = (
    "SELECT s.*, extract(epoch FROM clock_timestamp() - coalesce(t.at, s.started_at))::float8 AS age "
    "FROM live.streams s LEFT JOIN live.state t USING (stream) ORDER BY (s.stream = %s AND s.ended_at IS NULL "
    "AND t.at > clock_timestamp() - interval '5 seconds') DESC NULLS LAST, coalesce(t.at, s.started_at) DESC LIMIT 1"
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


@dataclass(frozen=True)
class Shown:
    """A frame, and its JSON, which is made once for all."""

    frame: Frame
    text: str


class _Mailbox:
    """Room for one: the newest frame, or what ended the reader."""

    def __init__(self) -> None:
        self._held: Shown | BaseException | None = None
        self._there = asyncio.Event()

    def put(self, what: Shown | BaseException) -> None:
        self._held = what
        self._there.set()

    async def take(self) -> Shown:
        await self._there.wait()
        self._there.clear()
        held = self._held
        if isinstance(held, BaseException):
            raise held
        assert held is not None
        return held


class Live:
    """The live stream for everybody in this process.

    Args:
        dsn: the read-only role's; it holds a password and is never logged.
        now: the one clock.
        simulated: whether the home's world is simulated.
    """

    def __init__(self, dsn: str, now: Callable[[], datetime], simulated: bool) -> None:
        self._dsn = dsn
        self._now = now
        self._simulated = simulated
        self._watchers: set[_Mailbox] = set()
        self._reader: asyncio.Task[None] | None = None
        self._last: Shown | None = None
        self._shown_at = 0.0
        self._wanted = False
        # Rises over restarts too: nobody makes a thousand frames a second.
        self._number = time.time_ns() // 1_000_000

    async def frames(self) -> AsyncGenerator[Shown, None]:
        """The newest frame, and then each one that follows, for as long as the caller takes them.

        A frame that the caller is too slow for is left out. Close the generator to stop watching.
        """
        box = _Mailbox()
        if self._reader is None or self._reader.done():
            self._begin()
        elif self._watchers and self._last is not None:
            box.put(self._last)
        else:
            # Nobody has watched for a while: what is held is old.
            self._last, self._wanted = None, True
        self._watchers.add(box)
        try:
            while True:
                yield await box.take()
        finally:
            self._watchers.discard(box)

    async def newest(self) -> Shown:
        """The frame of now."""
        async with aclosing(self.frames()) as frames:
            return await anext(frames)

    async def close(self) -> None:
        """End the reader."""
        if self._reader is not None and self._reader.cancel():
            await asyncio.wait([self._reader])

    def _begin(self) -> None:
        self._last = None
        self._reader = asyncio.create_task(self._read())
        self._reader.add_done_callback(self._ended)

    def _ended(self, reader: asyncio.Task[None]) -> None:
        """Go on for who began to watch while the reader went; tell who still waits why it ended, if it did otherwise."""
        error = asyncio.CancelledError() if reader.cancelled() else reader.exception()
        if error is not None:
            for box in self._watchers:
                box.put(error)
        elif self._watchers:
            self._begin()

    async def _read(self) -> None:
        left = time.monotonic()
        while self._watchers or time.monotonic() - left < _LINGER:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._dsn,
                    autocommit=True,
                    row_factory=dict_row,
                    application_name="tidemark live",
                    connect_timeout=3,
                    prepare_threshold=None,
                    options="-c timezone=UTC",
                ) as connection:
                    await self._follow(connection, Reading(connection))
                    return
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._show(self._empty("down", DOWN))
                await asyncio.sleep(_LOOK_AGAIN)
            if self._watchers:
                left = time.monotonic()

    async def _follow(self, connection: Connection, reading: Reading) -> None:
        """Look on each notification, and once a second without one, until nobody has watched for a while."""
        await connection.execute(f"LISTEN {CHANNEL}")
        watched = time.monotonic()
        while time.monotonic() - watched < _LINGER:
            if self._watchers:
                watched, self._wanted = time.monotonic(), False
                self._number += 1
                frame = await reading.frame(self._number, self._now())
                self._show(frame or self._empty("none", NO_STREAM))
            await asyncio.sleep(_PAUSE)
            await self._news(connection)

    async def _news(self, connection: Connection) -> None:
        """Wait for a notification, for somebody who begins to watch, or for the next look without either."""
        until = time.monotonic() + _LOOK_AGAIN - _PAUSE
        while not self._wanted and time.monotonic() < until:
            async for _ in connection.notifies(timeout=_PAUSE, stop_after=1):
                until = 0.0

    def _empty(self, state: Any, message: str) -> Frame:
        self._number += 1
        return Frame(id=self._number, state=state, at=self._now(), simulated=self._simulated, message=message)

    def _show(self, frame: Frame) -> None:
        """Hand a frame on; one that says nothing new only now and then, to show that the line holds."""
        now = time.monotonic()
        if self._last is not None and frame.state not in ("moving", "silent") and now - self._shown_at < _HEARTBEAT:
            passing = {"id": frame.id, "at": frame.at, "quiet_seconds": frame.quiet_seconds}
            if self._last.frame.model_copy(update=passing) == frame:
                return
        self._last, self._shown_at = Shown(frame, frame.model_dump_json()), now
        for box in self._watchers:
            box.put(self._last)


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
