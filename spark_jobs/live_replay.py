"""A logged day played again: its requests in order, stamped anew as now, with the offsets between them kept.

A log tells the second and no more. Requests of one second are spread evenly over it, in an order that is the same at each
play. A replay that is killed and begun again goes on with the message that comes next, as after a pause.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Slice

if TYPE_CHECKING:
    import numpy.typing as npt

    from lake.home import Home
    from spark_jobs.live_source import StreamWriter

REQUESTS = table("silver.edgar_requests")
# How often messages are written, and how many at a time where they come as fast as possible.
WRITE_SECONDS = 0.2
WRITE_ROWS = 50_000


@dataclass(frozen=True)
class Played:
    """A day to be played.

    Attributes:
        requests: `second` (of the day), `cik` and `accession`, in the order in which they are played.
        source: what they were read from, in a phrase.
        simulated: whether they were made up.
    """

    log_date: date
    series: str
    requests: pl.DataFrame
    source: str
    simulated: bool

    @property
    def fingerprint(self) -> str:
        """Tells whether a replay that goes on plays what it played before."""
        sums = self.requests.select(pl.col("second").cast(pl.Int64).sum(), pl.col("cik").sum()).row(0)
        return f"{self.requests.height} {sums[0]} {sums[1]}"


@dataclass(frozen=True)
class Pace:
    """How it is played.

    Attributes:
        speed: logged seconds a second; None for as fast as possible.
        repeated: whether it begins again at its end, as another stream.
    """

    speed: float | None
    repeated: bool = False


def logged(home: Home, log_date: date, seconds: tuple[int, int], *, count_repeats: bool) -> Played | None:
    """A day's requests as silver has them; None where it has not the day.

    Args:
        seconds: from the first to before the second of these seconds of the day.
        count_repeats: whether exact repeats of a line are played, as the batch counts them.
    """
    rows = (
        delta.scan(home, REQUESTS, Slice({"log_date": log_date}))
        .filter(pl.lit(count_repeats) | (pl.col("repeat_no") == 1))
        .select("series", "second_of_day", "line_hash", "repeat_no", "cik", "accession")
        .collect()
    )
    if rows.is_empty():
        return None
    series = rows.item(0, "series")
    ordered = rows.sort("second_of_day", "line_hash", "repeat_no").select(
        pl.col("second_of_day").alias("second"), "cik", "accession"
    )
    wanted = ordered.filter(pl.col("second").is_between(*seconds, closed="left"))
    return Played(log_date, series, wanted, f"silver.edgar_requests of {log_date}", home.simulated)


@dataclass
class Replay:
    """One play of a day as one stream.

    Attributes:
        written: called after each write with how many of the requests are written.
        ending: asked before each write; the replay stops there and can go on later.
    """

    played: Played
    stream: str
    pace: Pace
    written: Callable[[int], object] = lambda _count: None
    ending: Callable[[], bool] = lambda: False
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _offsets: npt.NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Where each request lies on the time line, in logged seconds."""
        second = self.played.requests["second"].to_numpy().astype(np.float64)
        _, first, count = np.unique(second, return_index=True, return_counts=True)
        place = np.arange(second.size) - np.repeat(first, count)
        self._offsets = second + place / np.repeat(count, count) if second.size else second

    @property
    def rows(self) -> int:
        """How many requests it has. The start has number 0, they have 1 to `rows`, the end has the next."""
        return self.played.requests.height

    def run(self, writer: StreamWriter) -> bool:
        """Write what is not yet written, each message at its time; whether the end is written."""
        if writer.position == 0:
            writer.write(_control(self._start()), 1)
        began = self.now() - self._after_start(writer.position - 1)
        while writer.position <= self.rows:
            if self.ending():
                return False
            first, last = writer.position - 1, self._due(writer.position - 1, self.now() - began)
            if last > first:
                writer.write(self._messages(first, last, began), last + 1)
                self.written(last)
            self._wait(last, began)
        if writer.position == self.rows + 1:
            writer.write(_control(self._end()), self.rows + 2)
        return True

    def _after_start(self, index: int) -> float:
        """Seconds from the beginning to a request's time."""
        if self.pace.speed is None or index >= self.rows:
            return 0.0
        return float(self._offsets[index] - self._offsets[0]) / self.pace.speed

    def _due(self, first: int, seconds: float) -> int:
        """The first request whose time has not come."""
        if self.pace.speed is None:
            return min(first + WRITE_ROWS, self.rows)
        return int(np.searchsorted(self._offsets, self._offsets[0] + seconds * self.pace.speed, side="right"))

    def _wait(self, index: int, began: float) -> None:
        """Wait until messages are due again, but look whether to end meanwhile."""
        if self.pace.speed is None:
            return
        due = began + self._after_start(index)
        self.sleep(WRITE_SECONDS)
        while index < self.rows and not self.ending() and (left := due - self.now()) > 0:
            self.sleep(min(left, 1.0))

    def _messages(self, first: int, last: int, began: float) -> pl.DataFrame:
        """Requests as messages; each is stamped with its time, or with now where there is none."""
        rows = self.played.requests[first:last]
        if self.pace.speed is None:
            at = pl.Series("at", [self.now()]).new_from_index(0, rows.height)
        else:
            at = pl.Series("at", began + (self._offsets[first:last] - self._offsets[0]) / self.pace.speed)
        midnight = datetime.combine(self.played.log_date, datetime.min.time())
        clock = pl.lit(midnight) + pl.duration(seconds=pl.col("second"))
        accession = pl.col("accession").replace("", None)
        return rows.with_columns(
            pl.int_range(first + 1, last + 1, dtype=pl.Int64).alias("seq"),
            ((at * 1_000_000).round().cast(pl.Int64).cast(pl.Datetime("us")))
            .dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            .alias("at"),
            clock.dt.strftime("%Y-%m-%dT%H:%M:%S").alias("clock"),
            pl.coalesce(pl.concat_str(pl.lit('"'), accession, pl.lit('"')), pl.lit("null")).alias("accession"),
        ).select(
            "cik",
            pl.concat_str(
                pl.lit(f'{{"stream": "{self.stream}", "seq": '),
                "seq",
                pl.lit(', "at": "'),
                "at",
                pl.lit('", "clock": "'),
                "clock",
                pl.lit('", "cik": '),
                "cik",
                pl.lit(', "accession": '),
                "accession",
                pl.lit("}"),
            ).alias("line"),
        )

    def _start(self) -> dict[str, object]:
        about = {
            "replay_of": self.played.log_date.isoformat(),
            "series": self.played.series,
            "speed": self.pace.speed,
            "repeated": self.pace.repeated,
            "source": self.played.source,
            "simulated": self.played.simulated,
        }
        return {**self._place(0), "clock": self._clock(0), "start": about}

    def _end(self) -> dict[str, object]:
        return {**self._place(self.rows + 1), "clock": self._clock(-1), "end": True, "rows": self.rows}

    def _place(self, seq: int) -> dict[str, object]:
        return {"stream": self.stream, "seq": seq, "at": instant(self.now())}

    def _clock(self, index: int) -> str:
        second = int(self.played.requests["second"][index]) if self.rows else 0
        return (datetime.combine(self.played.log_date, datetime.min.time()) + timedelta(seconds=second)).isoformat()


def instant(seconds: float) -> str:
    """An instant as messages write it, from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _control(message: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame({"cik": [None], "line": [json.dumps(message)]}, schema={"cik": pl.Int64, "line": pl.String})
