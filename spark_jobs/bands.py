"""Bands by second of the day: exact percentiles of a count over days, from counts that the engine has made.

All days of all seconds are 3.5 GB at 5,000 days and two measures, so they go through files: a day is written as a row
of 86,400 counts, and blocks of seconds are read back over all days, which needs the memory of one block.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.contracts import table
from lake.contracts.bands import LEAST_DAYS

Zeros = Literal["zero", "left_out"]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Counts: TypeAlias = npt.NDArray[np.uint32]
# Rows between two days: log_date and what is counted by, visits_all, visits_human, observed_at, _run_id.
Read: TypeAlias = Callable[[date, date], pl.DataFrame]

BANDS = table("gold.visits_bands")
SECONDS = 86_400
PERCENTS = (25, 75, 95)
MEASURES = ("all", "human")
# By `date.weekday`: Sunday is 6.
KINDS: Mapping[str, frozenset[int]] = {
    "all": frozenset(range(7)),
    "weekday": frozenset(range(5)),
    "weekend": frozenset({5, 6}),
}

DAYS_READ = 10
_CELLS = 4_000_000
_IN_MEMORY = 64 << 20


@dataclass
class Known:
    """Where the newest input of a band comes from: when it was received, and by which run."""

    observed_at: datetime | None = None
    run_id: str = ""

    def add(self, rows: pl.DataFrame) -> None:
        """Take note of some input."""
        newest = rows["observed_at"].max()
        if isinstance(newest, datetime) and (self.observed_at is None or newest >= self.observed_at):
            self.observed_at = newest
            self.run_id = str(rows.filter(pl.col("observed_at") == newest)["_run_id"].max())


@dataclass(frozen=True)
class Days:
    """The loaded days of a series that its bands are made of, in order, and the kinds of day to make."""

    series: str
    days: Sequence[date]
    kinds: Sequence[str] = tuple(KINDS)
    zeros: Zeros = "zero"

    def of_kind(self, kind: str) -> npt.NDArray[np.bool_]:
        """Which of the days are of a kind."""
        return np.array([day.weekday() in KINDS[kind] for day in self.days], dtype=np.bool_)

    def spans(self, at_once: int = DAYS_READ) -> Iterator[tuple[date, date]]:
        """The days in stretches of so many, which are read at a time."""
        for start in range(0, len(self.days), at_once):
            some = self.days[start : start + at_once]
            yield some[0], some[-1]


def percentiles(counts: Counts, zeros: Zeros = "zero") -> tuple[Floats, Ints]:
    """Percentiles of each column over the rows, and how many rows they rest on.

    Args:
        counts: (days, slots).
        zeros: whether a zero counts, or is left out of its column.

    Returns:
        (3, slots) of the 25th, 75th and 95th percentile, linear between ranks as numpy's default has them, NaN where a
        column rests on fewer than 10 rows; and (slots,) of those rows.
    """
    ordered = np.sort(np.ascontiguousarray(counts.T), axis=1)
    empty = np.count_nonzero(ordered == 0, axis=1) if zeros == "left_out" else np.zeros(len(ordered), dtype=np.int64)
    rows = ordered.shape[1] - empty
    slots = np.arange(len(ordered))
    enough = rows >= LEAST_DAYS
    found = np.full((len(PERCENTS), len(ordered)), np.nan)
    at = slots[enough]
    for number, percent in enumerate(PERCENTS):
        low, part = ranks(rows[enough], percent)
        below = ordered[at, empty[enough] + low]
        above = ordered[at, np.minimum(empty[enough] + low + 1, ordered.shape[1] - 1)]
        found[number, at] = between(below.astype(np.float64), above.astype(np.float64), part)
    return found, rows.astype(np.int64)


def ranks(rows: Ints, percent: int) -> tuple[Ints, Floats]:
    """The rank below a percentile of so many rows, from 0, and how far the percentile is on the way to the next."""
    place = (rows - 1) * np.true_divide(percent, 100)
    low = np.floor(place)
    return low.astype(np.int64), place - low


def between(below: Floats, above: Floats, part: Floats) -> Floats:
    """A value on the way from one to another, rounded as numpy rounds it: reckoned from the nearer end."""
    step = above - below
    return np.where(part >= 0.5, above - step * (1 - part), below + step * part)


@dataclass
class _Matrix:
    """Counts of days by second of the day, in memory while they are few."""

    scratch: Path
    days: int = 0
    file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(self.scratch))  # noqa: SIM115 - closed by its user

    def add(self, seconds: Ints, visits: Ints) -> None:
        """Write the next day; a second that is not named has no visits."""
        row = np.zeros(SECONDS, dtype=np.uint32)
        row[seconds] = visits
        self.file.seek(self.days * SECONDS * row.itemsize)
        self.file.write(row.tobytes())
        self.days += 1

    def block(self, start: int, end: int) -> Counts:
        """(days, end − start) counts."""
        found = np.empty((self.days, end - start), dtype=np.uint32)
        for day in range(self.days):
            self.file.seek((day * SECONDS + start) * found.itemsize)
            found[day] = np.frombuffer(self.file.read((end - start) * found.itemsize), dtype=np.uint32)
        return found


def visits_bands(chosen: Days, read: Read, scratch: Path) -> Iterator[pl.DataFrame]:
    """Rows of gold.visits_bands of a series, a frame for each measure and kind of day that has a day.

    Args:
        chosen: the days, and what is to be made.
        read: rows by log_date and second_of_day (visits_human is empty where humans are not known); seconds without a
            visit may be absent.
        scratch: a folder for 0.35 MB a day and measure; nothing is left there.
    """
    matrices = {measure: _Matrix(scratch) for measure in MEASURES}
    try:
        known = Known()
        human = _fill(matrices, chosen, read, known)
        for measure in MEASURES if human else MEASURES[:1]:
            for kind in chosen.kinds:
                days = chosen.of_kind(kind)
                if days.any():
                    yield _frame(chosen, measure, kind, _bands(matrices[measure], days, chosen.zeros), known)
    finally:
        for matrix in matrices.values():
            matrix.file.close()


def _fill(matrices: Mapping[str, _Matrix], chosen: Days, read: Read, known: Known) -> bool:
    """Write all days; whether humans are known."""
    human = False
    for first, last in chosen.spans():
        rows = read(first, last)
        known.add(rows)
        human = human or rows["visits_human"].null_count() < rows.height
        by_day = {day: part for (day,), part in rows.partition_by("log_date", as_dict=True).items()}
        for day in (day for day in chosen.days if first <= day <= last):
            part = by_day.get(day)
            seconds = np.empty(0, dtype=np.int64) if part is None else part["second_of_day"].to_numpy()
            for measure, matrix in matrices.items():
                visits = part[f"visits_{measure}"].fill_null(0).to_numpy() if part is not None else seconds
                matrix.add(seconds, visits)
    return human


def _bands(matrix: _Matrix, days: npt.NDArray[np.bool_], zeros: Zeros) -> tuple[Floats, Ints]:
    """Percentiles of all seconds, block by block."""
    step = max(60, _CELLS // max(1, matrix.days))
    parts = [
        percentiles(matrix.block(start, min(start + step, SECONDS))[days], zeros) for start in range(0, SECONDS, step)
    ]
    return np.concatenate([found for found, _ in parts], axis=1), np.concatenate([rows for _, rows in parts])


def _frame(chosen: Days, measure: str, kind: str, bands: tuple[Floats, Ints], known: Known) -> pl.DataFrame:
    found, rows = bands
    second = pl.Series("second_of_day", np.arange(SECONDS, dtype=np.int32))
    return described({"second_of_day": second}, found, rows, (chosen, measure, kind), known, BANDS.columns)


def described(  # noqa: PLR0913, PLR0917 - the parts of a row
    keys: Mapping[str, pl.Series],
    found: Floats,
    rows: Ints,
    what: tuple[Days, str, str],
    known: Known,
    columns: Iterable[str],
) -> pl.DataFrame:
    """Percentiles as rows of a contract of bands; NaN becomes empty.

    Args:
        keys: the columns that they are by.
        what: the days, the measure and the kind of day.
    """
    chosen, measure, kind = what
    same: dict[str, Any] = {
        "series": chosen.series, "measure": measure, "day_kind": kind, "zeros": chosen.zeros, "_run_id": known.run_id,
    }  # fmt: skip
    percents = {f"p{percent}": pl.Series(found[number]).fill_nan(None) for number, percent in enumerate(PERCENTS)}
    return (
        pl.DataFrame({**keys, **percents, "days": pl.Series(rows)})
        .select(
            pl.all(),
            *(pl.lit(value, pl.String).alias(name) for name, value in same.items()),
            pl.lit(known.observed_at).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
            pl.lit(None, pl.String).alias("_payload_sha256"),
        )
        .select(*columns)
    )
