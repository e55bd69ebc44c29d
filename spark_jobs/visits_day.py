"""Visits to companies' filings by day: rank, share, and how a day compares with the company's own usual.

Small enough for Polars and numpy: it reads counts that the engine has made. See `spark_jobs.unusual` for the usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from lake.contracts import table
from lake.market_calendar import xnys
from spark_jobs.unusual import LEAST_USUAL, REACH, THRESHOLD, Basis, DayCounts, Scores, basis, scores

Measure = Literal["all", "human"]

DAYS = table("gold.visits_day")
TOTALS = ("series", "log_date", "cik", "visits_all", "visits_human", "observed_at", "_run_id", "_payload_sha256")


def day_totals(seconds: pl.LazyFrame) -> pl.LazyFrame:
    """Visits by series, day and company: the columns `TOTALS`, from rows of gold.visits_second."""
    return seconds.group_by("series", "log_date", "cik").agg(
        pl.col("visits_all").sum(),
        # In the second form of the logs nothing is known of humans, which is not zero.
        pl.when(pl.col("visits_human").count() > 0).then(pl.col("visits_human").sum()).alias("visits_human"),
        pl.col("observed_at").max(),
        pl.col("_run_id").sort_by("observed_at").last(),
        # One file makes a day of a series.
        pl.col("_payload_sha256").sort_by("observed_at").last(),
    )


@dataclass
class DayMaker:
    """Makes the days of a series, each from its totals and those of the ten weeks before; days come in order.

    Attributes:
        totals: gives a loaded day's `TOTALS`.
        loaded: all loaded days of the series, in order.
        measure: which visits rank, share, usual and score go by, where the logs tell.
    """

    totals: Callable[[date], pl.DataFrame]
    loaded: Sequence[date]
    measure: Measure = "all"
    _at_hand: dict[date, pl.DataFrame] = field(default_factory=dict)

    def make(self, day: date) -> pl.DataFrame:
        """Rows of gold.visits_day of a day; a day that has none gives none."""
        for old in [known for known in self._at_hand if known < day - REACH]:
            del self._at_hand[old]
        rows = self._rows(day)
        measure = self.measure if rows["visits_human"].sum() else "all"
        comparable = basis(day, self.loaded)
        counts = {other: _counts(self._rows(other), measure) for other in comparable.days if comparable.of is not None}
        found = scores(_counts(rows, measure), comparable, counts) if rows.height else None
        return _described(day, rows, measure, comparable, found)

    def make_all(self, days: Sequence[date]) -> Iterator[tuple[date, pl.DataFrame]]:
        """Several days, in order."""
        for day in days:
            yield day, self.make(day)

    def _rows(self, day: date) -> pl.DataFrame:
        if day not in self._at_hand:
            self._at_hand[day] = self.totals(day).sort("cik")
        return self._at_hand[day]


def _counts(rows: pl.DataFrame, measure: str) -> DayCounts:
    visits = rows[f"visits_{measure}"].fill_null(0).cast(pl.Float64)
    return DayCounts(rows["cik"].to_numpy(), visits.to_numpy())


def _described(day: date, rows: pl.DataFrame, measure: str, comparable: Basis, found: Scores | None) -> pl.DataFrame:
    """A day's totals with rank, share and, where it is known, the usual."""
    empty = np.full(rows.height, np.nan)
    usual, score = (empty, empty) if found is None else (found.usual, found.score)
    visits = pl.col(f"visits_{measure}")
    known = rows.with_columns(
        *_standing("visits_all", "_all"),
        *_standing("visits_human", "_human"),
        usual_visits=pl.Series(usual).fill_nan(None),
        unusual_score=pl.Series(score).fill_nan(None),
        usual_days=pl.lit(len(comparable.days) if found is None else found.days, pl.Int64),
        usual_of=pl.lit(None if found is None else found.of, pl.String),
        measure=pl.lit(measure),
        is_session=pl.lit(xnys().is_session(day) if xnys().knows(day) else None, pl.Boolean),
    )
    return known.with_columns(
        rank=pl.col(f"rank_{measure}"),
        share_pct=pl.col(f"share_{measure}_pct"),
        relative_to_usual=pl.when(pl.col("usual_visits") > 0).then(visits / pl.col("usual_visits")),
        is_unusual=pl.when(pl.col("usual_visits") >= LEAST_USUAL).then(pl.col("unusual_score") >= THRESHOLD),
    ).select(DAYS.columns)


def _standing(visits: str, name: str) -> tuple[pl.Expr, pl.Expr]:
    """A company's place and share among the day's."""
    total = pl.col(visits).sum()
    return (
        pl.col(visits).rank("min", descending=True).cast(pl.Int64).alias(f"rank{name}"),
        pl.when(total > 0).then(pl.col(visits) / total * 100).alias(f"share{name}_pct"),
    )
