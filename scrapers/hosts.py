"""What all crawls of a home know of each host together: when it may be asked next, and whether it is left alone.

A host has a small file in one folder (0600, replaced as a whole under a lock), so that crawls side by side keep one
rate, honour one Retry-After and share one circuit breaker, and a crawl that comes later knows what the last one was
told. Yahoo's cookie and crumb have a file of their own there, and are in no other file of the home.

Instants are the machine's, in seconds since 1970: they are between machines, not in the market's time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

LONGEST_PAUSE = 900.0
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_POLL = 0.05


@dataclass(frozen=True)
class HostState:
    """What is known of a host.

    Attributes:
        written_at: when this was noted; a note from the future is of a clock that has been set back, and void.
        next_at: when the next request may be sent.
        quiet_until: until when it asked not to be asked.
        refusals: refusals in a row, whatever crawl received them.
        open_until: until when it is left alone.
        openings: how often in a row it was left alone and then refused again at once.
        day: the UTC day that `asked` counts, for hosts whose requests are counted by the day.
        asked: requests sent on it.
    """

    written_at: float = 0.0
    next_at: float = 0.0
    quiet_until: float = 0.0
    refusals: int = 0
    open_until: float = 0.0
    openings: int = 0
    day: str = ""
    asked: int = 0


@dataclass(frozen=True)
class Crumb:
    """Yahoo's crumb with its cookie; each renewal has the next generation, 0 is none yet."""

    generation: int = 0
    cookie: str = ""
    crumb: str = ""


_State = TypeVar("_State", HostState, Crumb)


class HostLedger:
    """The files of the hosts that a crawl asks.

    Args:
        folder: where they are; made where it is not.
        addresses: slot → the host's base address. Two slots of one host are told apart, as the sandbox plays many;
            SEC's hosts are one, because it counts requests to all of them together.
        limit: refusals in a row after which a host is left alone.
        pause: seconds it is left alone the first time; twice as long each time that it refuses right afterwards.
    """

    def __init__(self, folder: Path, addresses: dict[str, str], limit: int = 20, pause: float = 60.0) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._files = {slot: folder / f"{_name_of(slot, url)}.json" for slot, url in addresses.items()}
        self._limit, self._pause = limit, pause

    def state(self, slot: str) -> HostState:
        """What is known of a host now."""
        path = self._files.get(slot)
        return _read(path, HostState()) if path else HostState()

    def left_alone(self, slot: str) -> float:
        """The seconds for which a host is still to be left alone; 0 where it may be asked."""
        return max(0.0, self.state(slot).open_until - time.time())

    def turn(self, slot: str, delay: float) -> float:
        """Take the next place in a host's line.

        Args:
            slot: the host.
            delay: seconds between two requests to it, of all crawls together.

        Returns:
            Seconds to wait for it.
        """
        if not delay:
            return 0.0
        with self._changing(slot) as change:
            now = time.time()
            at = max(now, change.state.next_at)
            change.state = replace(change.state, next_at=at + delay)
        return at - now

    def asked_today(self, slot: str) -> int:
        """How many requests a host was sent on this UTC day, of those that are counted."""
        state = self.state(slot)
        return state.asked if state.day == _today() else 0

    def count_today(self, slot: str) -> None:
        """Count a request that is sent now."""
        with self._changing(slot) as change:
            today, state = _today(), change.state
            change.state = replace(state, day=today, asked=state.asked + 1 if state.day == today else 1)

    def quiet(self, slot: str) -> float:
        """The seconds for which a host wants not to be asked; 0 where it may be."""
        return max(0.0, self.state(slot).quiet_until - time.time())

    def hush(self, slot: str, seconds: float) -> None:
        """Note that a host wants not to be asked for a while; all wait."""
        with self._changing(slot) as change:
            until = time.time() + seconds
            change.state = replace(change.state, quiet_until=max(until, change.state.quiet_until))

    def leave_alone(self, slot: str, seconds: float) -> None:
        """Note that a host will not be asked for a while; none waits for it."""
        with self._changing(slot) as change:
            until = time.time() + seconds
            change.state = replace(change.state, open_until=max(until, change.state.open_until))

    def answered(self, slot: str) -> None:
        """Note that a host answers."""
        state = self.state(slot)
        if state.refusals or state.openings:
            with self._changing(slot) as change:
                change.state = replace(change.state, refusals=0, openings=0, open_until=0.0)

    def refused(self, slot: str) -> float:
        """Note a refusal of a host.

        Returns:
            The seconds for which it is left alone from now on, where this was one too many; else 0.
        """
        with self._changing(slot) as change:
            now, state = time.time(), change.state
            if state.open_until > now:
                # Of a request that was under way when the others gave up: it says nothing new.
                return 0.0
            refusals = state.refusals + 1
            if refusals < self._limit:
                change.state = replace(state, refusals=refusals)
                return 0.0
            pause = float(min(LONGEST_PAUSE, self._pause * 2**state.openings))
            # One more refusal after the pause is enough.
            change.state = replace(
                state, refusals=self._limit - 1, open_until=now + pause, openings=min(state.openings + 1, 30)
            )
            return pause

    @contextmanager
    def _changing(self, slot: str) -> Iterator[_Change]:
        path = self._files.get(slot)
        if path is None:
            yield _Change(HostState())
            return
        with _locked(path):
            change = _Change(_read(path, HostState()))
            before = change.state
            yield change
            if change.state != before:
                _write(path, replace(change.state, written_at=time.time()))

    def crumb(self) -> Crumb:
        """The crumb that all crawls use; of generation 0 where there is none."""
        return _read(self._crumb_file, Crumb())

    def keep_crumb(self, crumb: Crumb) -> None:
        """Give all crawls a new crumb; within `renewing`."""
        _write(self._crumb_file, crumb)

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """The right to renew the crumb, which one crawl of all has at a time; the others wait for it.

        The lock ends with its process, however that ends.
        """
        fd = os.open(self._crumb_file.with_suffix(".renewing"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while True:
                try:
                    flock(fd, LOCK_EX | LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_POLL)
            yield
        finally:
            os.close(fd)

    @property
    def _crumb_file(self) -> Path:
        about = self._files.get("query1")
        return self._folder / f"crumb-{about.stem if about else 'none'}.json"


@dataclass
class _Change:
    state: HostState


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time()))


def _name_of(slot: str, url: str) -> str:
    host = _plain_host(url)
    return "sec@sec.gov" if f".{host}".endswith(".sec.gov") else f"{slot}@{host}"


def _plain_host(url: str) -> str:
    return _UNSAFE.sub("_", urlsplit(url).netloc.rpartition("@")[2]) or "none"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        flock(fd, LOCK_EX)
        yield
    finally:
        os.close(fd)


def _read(path: Path, otherwise: _State) -> _State:
    """What a file says; `otherwise` where there is none, it is of another form, or its time has not come."""
    try:
        found = type(otherwise)(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return otherwise
    if isinstance(found, HostState) and found.written_at > time.time() + 1:
        return otherwise
    return found


def _write(path: Path, state: HostState | Crumb) -> None:
    partial = path.with_suffix(f".{os.getpid()}.part")
    fd = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(asdict(state), file)
    partial.replace(path)
