"""What the thermometer shows: one frame of a live stream, made from its counts. Nothing here reads or waits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chat_api.live_leaders import LEADERS, Leaders

WINDOW = 120
# A second counts as without a visit once nothing of it, or of a later one, has come for so long after its end; longer
# where what came last had been on its way for long.
GRACE_SECONDS = 3.0
# After so long without a row nothing is supposed any more: the stream is silent, whatever the reason.
SILENT_SECONDS = 30.0
_SECOND = timedelta(seconds=1)

Word = Literal["quiet", "usual", "busy", "feverish", "unknown"]
State = Literal["moving", "silent", "over", "none", "down"]
WORDS: tuple[Word, ...] = ("quiet", "usual", "busy", "feverish")
MEANINGS: dict[Word, str] = {
    "quiet": "below the 25th percentile",
    "usual": "from the 25th to the 75th percentile",
    "busy": "above the 75th, up to the 95th percentile",
    "feverish": "above the 95th percentile",
    "unknown": "there is no band for this second",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Band(_Part):
    """How many visits a second of the day usually has, in visits a second.

    Attributes:
        p25, p75, p95: percentiles over the days that it rests on.
        days: how many those are.
        day_kind: which days they are: all, weekday (Monday to Friday) or weekend.
        zeros: whether a day without a visit in that second counts as zero or was left out.
    """

    p25: float
    p75: float
    p95: float
    days: int
    day_kind: str
    zeros: str


class Second(_Part):
    """A second of the stream.

    Attributes:
        clock: the second in the stream's own time, without a zone.
        visits: counted so far, those that came late included.
        late: how many of them came late.
        first_at, last_at: the stamps of its first and last visit; None where it has none.
        supposed: whether it stands at none only because nothing has come since.
        p25, p75, p95: the band of this second of the day; None without a band.
    """

    clock: datetime
    visits: int
    late: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    supposed: bool = False
    p25: float | None = None
    p75: float | None = None
    p95: float | None = None


class Leader(_Part):
    """A company and its visits; ticker and name where the marts' mapping has the CIK."""

    cik: int
    ticker: str | None
    name: str | None
    visits: int


class Frame(_Part):
    """The thermometer at one moment.

    Attributes:
        id: rises from frame to frame, also over restarts of the server.
        state: moving; silent (nothing came for long); over (ended and counted whole); none (there is no stream);
            down (PostgreSQL does not answer).
        message: what to do, where there is nothing to show.
        at: when this frame was made, in UTC.
        kind: a replay of a logged day, or open: lines put in by others.
        replay_of: the day replayed.
        simulated: whether the visits are made up by the sandbox.
        speed: seconds of the log in a second; None for as fast as possible.
        clock: the newest whole second, in the stream's own time; `visits`, `band` and `word` are of it.
        counted_at: when the newest rows were counted, in UTC.
        word: where `visits` stands in `band`; unknown without one, or where the stream is silent.
        seconds: the last 120 of them, the newest last.
        top10_all: the most visited since the stream began; `_minute` and `_10s` of its last 60 and 10 whole seconds.
        rows, late: rows counted since the stream began, and how many of them came late.
        expected_rows: how many it has, where its end is known.
        quiet_seconds: for how long nothing has come; None where that is not known.
    """

    id: int
    state: State
    at: datetime
    simulated: bool
    message: str | None = None
    stream: str | None = None
    kind: str | None = None
    replay_of: date | None = None
    series: str | None = None
    speed: float | None = None
    repeated: bool = False
    started_at: datetime | None = None
    ended: bool = False
    clock: datetime | None = None
    counted_at: datetime | None = None
    visits: int | None = None
    band: Band | None = None
    word: Word = "unknown"
    seconds: tuple[Second, ...] = ()
    top10_all: tuple[Leader, ...] = ()
    top10_minute: tuple[Leader, ...] = ()
    top10_10s: tuple[Leader, ...] = ()
    rows: int = 0
    late: int = 0
    expected_rows: int | None = None
    quiet_seconds: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """A stream as PostgreSQL holds it at one instant.

    Attributes:
        stream: the row of `live.streams`.
        state: the row of `live.state`; empty before the first batch.
        seconds: second → row of `live.seconds`, of the newest two minutes.
        totals: CIK and visits since the beginning, the most visited first.
        first: the first second held; seconds before it are not of the stream.
        quiet: seconds since a row last came; None where that is not known.
    """

    stream: Mapping[str, Any]
    state: Mapping[str, Any]
    seconds: Mapping[datetime, Mapping[str, Any]]
    totals: Sequence[tuple[int, int]]
    first: datetime | None = None
    quiet: float | None = None


def word_of(visits: int, band: Band | None) -> Word:
    """Where a second's visits stand in its band."""
    if band is None:
        return "unknown"
    if visits > band.p95:
        return "feverish"
    if visits > band.p75:
        return "busy"
    return "quiet" if visits < band.p25 else "usual"


def second_of_day(clock: datetime) -> int:
    """A stream's second as the second of its day, 0 to 86,399."""
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def day_kind(day: date) -> str:
    """Weekday (Monday to Friday) or weekend, as the bands have it."""
    return "weekday" if day.weekday() < 5 else "weekend"


def newest_whole(seen: datetime, pace: float | None, quiet: float | None, lag: float = 0.0) -> datetime:
    """The newest second of a stream that is not over that has all its visits, as far as can be known.

    Args:
        seen: the newest second of which a row has come.
        pace: seconds of the stream in a second; None where it keeps none.
        quiet: seconds since a row last came; None where that is not known.
        lag: seconds that the newest rows were on their way, from their stamps to their count.
    """
    whole = seen - _SECOND
    grace = GRACE_SECONDS + 2 * lag
    if pace is None or quiet is None or quiet <= grace:
        return whole
    return whole + math.floor((min(quiet, max(grace, SILENT_SECONDS)) - grace) * pace) * _SECOND


def pace_of(stream: Mapping[str, Any]) -> float | None:
    """How fast a stream's clock runs; None where it has no pace, as in a replay at full speed."""
    return 1.0 if stream["kind"] == "open" else stream["speed"]


def whole_of(snapshot: Snapshot) -> datetime | None:
    """The newest whole second of a stream; None before its first one is whole."""
    seen: datetime | None = snapshot.state.get("clock")
    if seen is None or snapshot.stream["ended_at"] is not None:
        return seen
    lag = max((snapshot.state["at"] - snapshot.seconds[seen]["last_at"]).total_seconds(), 0.0)
    whole = newest_whole(seen, pace_of(snapshot.stream), snapshot.quiet, lag)
    return None if snapshot.first is not None and whole < snapshot.first else whole


def window(whole: datetime, length: int = WINDOW) -> list[datetime]:
    """The seconds that end with one, the newest last."""
    return [whole - n * _SECOND for n in reversed(range(length))]


@dataclass(frozen=True)
class Known:
    """What is known beside the stream: bands by second of the day, and ticker and name by CIK."""

    bands: Mapping[int, Band]
    companies: Mapping[int, tuple[str | None, str | None]]

    def leaders(self, counts: Sequence[tuple[int, int]]) -> tuple[Leader, ...]:
        """Companies with their names."""
        found = []
        for cik, visits in counts[:LEADERS]:
            ticker, name = self.companies.get(cik, (None, None))
            found.append(Leader(cik=cik, ticker=ticker, name=name, visits=visits))
        return tuple(found)


def frame_of(number: int, at: datetime, snapshot: Snapshot, leaders: Leaders, known: Known) -> Frame:
    """The frame of a stream.

    Args:
        number: the frame's id.
        at: the present instant.
        snapshot: the stream as it is held.
        leaders: of the same instant, its windows already moved to the newest whole second.
        known: bands of the window's seconds and companies of all leaders, as far as there are any.
    """
    stream, state, quiet = snapshot.stream, snapshot.state, snapshot.quiet
    ended, whole = stream["ended_at"] is not None, whole_of(snapshot)
    silent = not ended and (quiet is None or quiet > SILENT_SECONDS)
    about: dict[str, Any] = {
        key: stream[key] for key in ("stream", "kind", "replay_of", "series", "speed", "repeated", "started_at")
    }
    about |= {"simulated": stream["simulated"], "expected_rows": stream["expected_rows"], "ended": ended}
    about |= {"state": "over" if ended else "silent" if silent else "moving", "quiet_seconds": quiet}
    about |= {"rows": state.get("rows", 0), "late": state.get("late", 0), "counted_at": state.get("at")}
    if whole is None:
        return Frame(id=number, at=at, **about)
    first = snapshot.first or whole
    seconds = tuple(_second(snapshot, known, clock) for clock in window(whole) if clock >= first)
    visits = snapshot.seconds.get(whole, {}).get("visits", 0)
    band = known.bands.get(second_of_day(whole))
    return Frame(
        id=number,
        at=at,
        **about,
        clock=whole,
        visits=visits,
        band=band,
        word="unknown" if silent else word_of(visits, band),
        seconds=seconds,
        top10_all=known.leaders(snapshot.totals),
        top10_minute=known.leaders(leaders.minute),
        top10_10s=known.leaders(leaders.ten),
    )


def _second(snapshot: Snapshot, known: Known, clock: datetime) -> Second:
    held = snapshot.seconds.get(clock, {})
    band = known.bands.get(second_of_day(clock))
    return Second(
        clock=clock,
        visits=held.get("visits", 0),
        late=held.get("late", 0),
        first_at=held.get("first_at"),
        last_at=held.get("last_at"),
        supposed=clock > snapshot.state["clock"],
        p25=band.p25 if band else None,
        p75=band.p75 if band else None,
        p95=band.p95 if band else None,
    )
