"""`python -m benchmarks.live_frames [ADDRESS]`: how soon a second of the live stream is in a frame on the websocket.

It watches until the stream is over and prints, over all seconds that ended while it watched, the time from the end of a
second to the first frame that holds it. Stamps and this process must go by the same clock: the machine's.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ADDRESS = "ws://127.0.0.1:8080/api/attention/live/ws"
_PATIENCE = 1.0

Frame = Mapping[str, Any]


@dataclass
class Held:
    """A second of the stream as frames held it.

    Attributes:
        clock: the second, in seconds since the beginning of 1970 of the stream's own time.
        received: when the first frame that holds it came, in seconds since 1970.
        whole: when the first frame came that has all visits that the newest one has.
        visits, last_visits: in the first frame, and in the newest.
        first_at, last_at: the stamps of its first and last visit; None where it has none.
    """

    clock: float
    received: float
    whole: float
    visits: int
    last_visits: int
    first_at: float | None = None
    last_at: float | None = None


@dataclass(frozen=True)
class Lag:
    """How late a second was, in seconds.

    Attributes:
        from_end: from its end, by the stream's pace, to the first frame that holds it; for a stream without a pace,
            from the stamp of its last visit.
        whole_from_end: the same, to the first frame that has all its visits.
        from_last_visit: from the stamp of its last visit; None where it has none.
        complete: whether that frame had all of its visits already.
    """

    clock: float
    from_end: float
    whole_from_end: float
    from_last_visit: float | None
    complete: bool


class Watched:
    """What a watcher has seen of one stream: of the one named, or of the newest."""

    def __init__(self, only: str | None = None) -> None:
        self._only = only
        self.stream: str | None = None
        self.pace: float | None = None
        self.frames = 0
        self.over = False
        self._before: set[float] = set()
        self._seconds: dict[float, Held] = {}

    def take(self, frame: Frame, received: float) -> None:
        """Take in a frame; seconds that the first one holds already are left out."""
        if frame["stream"] is None or (self._only or frame["stream"]) != frame["stream"]:
            return
        if frame["stream"] != self.stream:
            first = self.frames == 0
            self.stream, self.pace, self._before, self._seconds = frame["stream"], _pace(frame), set(), {}
            if first:
                self._before = {_seconds(second["clock"]) for second in frame["seconds"]}
        self.frames += 1
        self.over = bool(frame["ended"])
        for second in frame["seconds"]:
            clock, visits = _seconds(second["clock"]), int(second["visits"])
            # A second that is only supposed to have none is not held yet.
            if clock in self._before or second["supposed"]:
                continue
            held = self._seconds.setdefault(clock, Held(clock, received, received, visits, visits))
            if visits != held.last_visits:
                held.whole, held.last_visits = received, visits
            held.first_at, held.last_at = _instant(second["first_at"]), _instant(second["last_at"])

    def lags(self) -> list[Lag]:
        """How late each second was that frames held."""
        starts = [held.first_at - held.clock / (self.pace or 1) for held in self._seconds.values() if held.first_at]
        if not starts:
            return []
        # No visit is stamped before its second begins: the earliest, against the stream's clock, tells where it stands.
        start = min(starts)
        found = []
        for _, held in sorted(self._seconds.items()):
            last = None if held.last_at is None else held.received - held.last_at
            if self.pace is not None:
                end = held.received - (start + (held.clock + 1) / self.pace)
            elif last is not None:
                end = last
            else:
                continue
            whole = end + held.whole - held.received
            found.append(Lag(held.clock, end, whole, last, held.visits == held.last_visits))
        return found


def watch(address: str = ADDRESS, stop: threading.Event | None = None, only: str | None = None) -> Watched:
    """Watch until the stream is over, the connection ends, or `stop` is set; the stream named, or the newest."""
    seen = Watched(only)
    with connect(address, max_size=None) as socket:
        for text in _texts(socket, stop or threading.Event()):
            seen.take(json.loads(text), time.time())
            if seen.over:
                break
    return seen


def _texts(socket: Any, stop: threading.Event) -> Iterator[str]:
    while not stop.is_set():
        try:
            yield socket.recv(timeout=_PATIENCE)
        except TimeoutError:
            continue
        except ConnectionClosed:
            return


def summary(lags: Iterable[Lag]) -> dict[str, float | int]:
    """Seconds seen, percentiles of their lags in seconds, and how many of them were complete at once, in percent."""
    held = list(lags)
    if not held:
        return {"seconds": 0}
    figures: dict[str, float | int] = {"seconds": len(held)}
    for name, values in (
        ("from_end", [lag.from_end for lag in held]),
        ("whole_from_end", [lag.whole_from_end for lag in held]),
        ("from_last_visit", [lag.from_last_visit for lag in held if lag.from_last_visit is not None]),
    ):
        figures |= {f"{name}_{part}": round(value, 3) for part, value in _spread(values).items()}
    figures["complete_pct"] = round(100 * sum(lag.complete for lag in held) / len(held), 2)
    return figures


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else values * 99
    return {"p50": cuts[49], "p95": cuts[94], "max": max(values)}


def _pace(frame: Frame) -> float | None:
    return 1.0 if frame["kind"] == "open" else frame["speed"]


def _seconds(clock: str) -> float:
    """A stream's second, without a zone, as a number to reckon with."""
    return datetime.fromisoformat(f"{clock}+00:00").timestamp()


def _instant(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def main(words: list[str]) -> int:
    """Watch and print the figures."""
    seen = watch(words[0] if words else ADDRESS)
    print(json.dumps({"stream": seen.stream, "frames": seen.frames, **summary(seen.lags())}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
