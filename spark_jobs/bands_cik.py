"""Bands of companies by minute of the day: exact percentiles of counts of which nearly all are zero.

A company's minute is zero on most days, so zeros are counted, not kept: sorted, they are the first ranks. The counts
are parted by company through files, so that memory holds those of some companies over all days.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from lake.contracts import table
from lake.contracts.bands import LEAST_COMPANY_DAYS, LEAST_DAYS
from spark_jobs.bands import (
    DAYS_READ,
    KINDS,
    MEASURES,
    PERCENTS,
    Days,
    Floats,
    Ints,
    Known,
    Read,
    Zeros,
    between,
    described,
    ranks,
)

BANDS_CIK = table("gold.visits_bands_cik")
# Counts of a company's minute on a day, in memory at a time: about 100 bytes each while they are grouped.
ROWS_AT_ONCE = 4_000_000
_COUNTS = ("log_date", "cik", "minute_of_day", "visits_all", "visits_human")


def sparse_percentiles(visits: Ints, starts: Ints, lengths: Ints, days: int, zeros: Zeros) -> tuple[Floats, Ints]:
    """Percentiles of groups of counts over days, of which only those above zero are given.

    Args:
        visits: counts above zero, sorted within their group.
        starts: (groups,) where each group begins.
        lengths: (groups,) how many of them it has.
        days: over how many days; the others are zero.
        zeros: whether these count, or are left out.

    Returns:
        As `spark_jobs.bands.percentiles`.
    """
    empty = np.zeros_like(lengths) if zeros == "left_out" else days - lengths
    rows = lengths + empty
    found = np.full((len(PERCENTS), len(lengths)), np.nan)
    enough = rows >= LEAST_DAYS

    def ranked(rank: Ints) -> Floats:
        above = rank - empty[enough]
        at = starts[enough] + np.maximum(above, 0)
        return np.where(above < 0, 0.0, visits[at].astype(np.float64))

    for number, percent in enumerate(PERCENTS):
        low, part = ranks(rows[enough], percent)
        found[number, enough] = between(ranked(low), ranked(np.minimum(low + 1, rows[enough] - 1)), part)
    return found, rows


def least_days_visited(days: int, zeros: Zeros) -> int:
    """On how many of the days a minute must have visits for its highest percentile to be there and above zero."""
    if zeros == "left_out":
        return LEAST_DAYS
    if days == 0:
        return 1
    ((low,), _) = ranks(np.array([days]), PERCENTS[-1])
    return days - min(int(low) + 1, days - 1)


def visits_bands_cik(
    chosen: Days, read: Read, ciks: Collection[int], rows: int, scratch: Path
) -> Iterator[pl.DataFrame]:
    """Rows of gold.visits_bands_cik of a series, in frames of some companies, one measure and one kind of day.

    Companies with fewer than 30 days of a kind with visits of a measure have no band of it, nor have minutes whose
    95th percentile is zero or, where zeros are left out, rests on fewer than 10 days.

    Args:
        chosen: the days, and what is to be made.
        read: rows by log_date, cik and minute_of_day.
        ciks: companies that may have enough days; the others are not looked at.
        rows: how many rows there may be at most, over all days.
        scratch: a folder for the counts; it is empty afterwards.
    """
    parts = max(1, -(-rows // ROWS_AT_ONCE))
    wanted = pl.Series("cik", sorted(ciks), dtype=pl.Int64).to_frame()
    known = Known()
    try:
        at_once = max(1, min(DAYS_READ, ROWS_AT_ONCE * len(chosen.days) // max(1, rows)))
        for number, (first, last) in enumerate(chosen.spans(at_once)):
            some = read(first, last).join(wanted, on="cik", how="semi")
            known.add(some)
            some = some.select(*_COUNTS, _part=pl.col("cik") % parts)
            for (part,), rows_of in some.partition_by("_part", as_dict=True, include_key=False).items():
                folder = scratch / f"part-{part}"
                folder.mkdir(exist_ok=True)
                rows_of.write_parquet(folder / f"{number}.parquet", compression="lz4")
        for folder in sorted(scratch.glob("part-*")):
            yield from _companies(chosen, pl.read_parquet(folder / "*.parquet"), known)
            shutil.rmtree(folder)
    finally:
        for folder in scratch.glob("part-*"):
            shutil.rmtree(folder)


def _companies(chosen: Days, counts: pl.DataFrame, known: Known) -> Iterator[pl.DataFrame]:
    for measure in MEASURES:
        of_measure = counts.select("log_date", "cik", "minute_of_day", visits=f"visits_{measure}").filter(
            pl.col("visits") > 0
        )
        for kind in chosen.kinds:
            days = int(chosen.of_kind(kind).sum())
            weekdays = [day + 1 for day in KINDS[kind]]
            of_kind = of_measure.filter(pl.col("log_date").dt.weekday().is_in(weekdays))
            frame = _of_kind(chosen, of_kind, days, (measure, kind), known)
            if frame.height:
                yield frame


def _of_kind(chosen: Days, counts: pl.DataFrame, days: int, what: tuple[str, str], known: Known) -> pl.DataFrame:
    enough = counts.group_by("cik").agg(pl.col("log_date").n_unique()).filter(pl.col("log_date") >= LEAST_COMPANY_DAYS)
    mine = counts.join(enough, on="cik", how="semi")
    # Most minutes had a visit on a few days only, and need not be sorted.
    groups = mine.group_by("cik", "minute_of_day").agg(n=pl.len())
    groups = groups.filter(pl.col("n") >= least_days_visited(days, chosen.zeros)).sort("cik", "minute_of_day")
    by = ["cik", "minute_of_day"]
    ordered = mine.join(groups, on=by, how="semi").sort(*by, "visits")
    lengths = groups["n"].cast(pl.Int64).to_numpy()
    starts = np.cumsum(lengths) - lengths
    visits = ordered["visits"].cast(pl.Int64).to_numpy()
    found, rows = sparse_percentiles(visits, starts, lengths, days, chosen.zeros)
    keys = {name: groups[name] for name in ("cik", "minute_of_day")}
    return described(keys, found, rows, (chosen, *what), known, BANDS_CIK.columns).filter(pl.col("p95") > 0)
