"""Visits to companies' filings by day: rank, share, and how a day compares with the company's own usual.

Small enough for Polars: it reads gold.visits_second, which the engine has already counted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from lake.contracts import table

DAYS = table("gold.visits_day")

USUAL_DAYS = 20
LEAST_DAYS = 10


def visits_day(seconds: pl.LazyFrame, only: Collection[date] | None = None) -> pl.DataFrame:
    """Day totals by company, and what they mean.

    A company's usual is the median of its visits over the 20 days loaded before, of the same series; a loaded day
    without a visit counts as zero. It is empty under 10 such days. The days are those loaded, not the calendar's:
    a day that is missing says nothing about visits.

    Args:
        seconds: rows of gold.visits_second.
        only: the days to make rows for; the others only make up what is usual. All of them by default.

    Returns:
        Rows of gold.visits_day. Relative to a usual of zero is empty.
    """
    totals = (
        seconds.group_by("series", "log_date", "cik")
        .agg(
            pl.col("visits_all").sum(),
            # In the second form of the logs nothing is known of humans, which is not zero.
            pl.when(pl.col("visits_human").count() > 0).then(pl.col("visits_human").sum()).alias("visits_human"),
            pl.col("observed_at").max(),
            pl.col("_run_id").sort_by("observed_at").last(),
            # One file makes a day of a series.
            pl.col("_payload_sha256").sort_by("observed_at").last(),
        )
        .collect()
    )
    days = totals.select("series", "log_date").unique().sort("series", "log_date")
    wanted = days if only is None else days.filter(pl.col("log_date").is_in(list(only)))
    usual = [_usual(totals, days, series, day) for series, day in wanted.iter_rows()]
    rows = totals.join(wanted, on=["series", "log_date"], how="semi")
    day = pl.col("visits_all").sum().over("series", "log_date")
    described = rows.with_columns(
        rank=pl.col("visits_all").rank("min", descending=True).over("series", "log_date").cast(pl.Int64),
        share_pct=pl.col("visits_all") / day * 100,
    )
    joined = described.join(pl.concat([_NO_USUAL, *usual]), on=["series", "log_date", "cik"], how="left")
    compared = joined.with_columns(
        relative_to_usual=pl.when(pl.col("usual_visits") > 0).then(pl.col("visits_all") / pl.col("usual_visits"))
    )
    return compared.select(DAYS.columns).sort(DAYS.key)


_NO_USUAL = pl.DataFrame(
    schema={
        "series": pl.String,
        "log_date": pl.Date,
        "cik": pl.Int64,
        "usual_visits": pl.Float64,
        "usual_days": pl.Int64,
    }
)


def _usual(totals: pl.DataFrame, days: pl.DataFrame, series: str, day: date) -> pl.DataFrame:
    """Each company's usual on a day: the median over the loaded days before it, absent ones as zero."""
    before = days.filter((pl.col("series") == series) & (pl.col("log_date") < day)).tail(USUAL_DAYS)
    present = totals.filter((pl.col("series") == series) & (pl.col("log_date") == day)).select(
        "series", "log_date", "cik"
    )
    if before.height < LEAST_DAYS:
        usual = present.with_columns(usual_visits=pl.lit(None, pl.Float64))
    else:
        history = totals.join(before, on=["series", "log_date"], how="semi").group_by("cik").agg("visits_all")
        zeros = pl.lit(0, pl.Int64).repeat_by(before.height - pl.col("visits_all").list.len())
        usual = present.join(history, on="cik", how="left").with_columns(
            usual_visits=pl.coalesce(pl.col("visits_all").list.concat(zeros).list.median(), 0.0)
        )
    return usual.with_columns(usual_days=pl.lit(before.height, pl.Int64)).select(_NO_USUAL.columns)
