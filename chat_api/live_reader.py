"""One reader a process of the live counts, and everybody who watches: each watcher gets the newest frame.

The reader runs while somebody watches. It listens for PostgreSQL's notifications and looks by itself once a second; it
reads what changed, makes a frame and hands it on. A watcher that is slow misses frames and never the newest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chat_api.live import Frame
from chat_api.live_reading import Connection, Reading
from lake.live_store import CHANNEL

_LOOK_AGAIN = 1.0
# Notifications may come ten times a second; nobody sees more than a few frames.
_PAUSE = 0.2
_LINGER = 10.0
_HEARTBEAT = 15.0
NO_STREAM = "No stream has begun yet."
DOWN = "PostgreSQL does not answer; this goes on by itself once it does. `tidemark status` says what runs."


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
        """The newest frame held, and then each one that follows, for as long as the caller takes them.

        A frame that the caller is too slow for is left out. Close the generator to stop watching.
        """
        box = _Mailbox()
        if self._reader is None or self._reader.done():
            self._begin()
        else:
            if self._watchers and self._last is not None:
                box.put(self._last)
            else:
                # Nobody has watched for a while: what is held is old.
                self._last = None
            # It may be a whole look old, and not all that changes is notified.
            self._wanted = True
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
