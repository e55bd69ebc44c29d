"""Forecasts against what came."""

from __future__ import annotations

import polars as pl

from lake.contracts.forecasts import ForecastScore


def scores(forecasts: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Score every forecast whose target session has a bar.

    The actual close is put on the forecast's share: where raw prices split on the target day, two new shares for an
    old one, it is the value of two.

    Args:
        forecasts: rows of contract gold.forecasts.
        bars: rows of contract gold.bars_daily.

    Returns:
        Contract gold.forecast_scores, sorted by key; observed when both the forecast and the bar were.
    """
    raw = pl.col("basis").cast(pl.String) == "raw"
    truth = bars.select(
        "symbol",
        pl.col("session").alias("target_session"),
        pl.when(raw).then(pl.col("close") * pl.col("split_ratio")).otherwise(pl.col("close")).alias("actual_close"),
        pl.col("observed_at").alias("_bar_at"),
        pl.col("_run_id").alias("_bar_run"),
    )
    rows = forecasts.join(truth, on=["symbol", "target_session"], how="inner").with_columns(
        (pl.col("forecast_close") - pl.col("actual_close")).abs().alias("absolute_error"),
        (pl.col("last_close") - pl.col("actual_close")).abs().alias("persistence_absolute_error"),
        pl.col("actual_close").is_between("interval_low", "interval_high").alias("within_interval"),
        pl.when(pl.col("_bar_at") >= pl.col("observed_at"))
        .then(pl.col("_bar_run"))
        .otherwise(pl.col("_run_id"))
        .alias("_run_id"),
        pl.max_horizontal("observed_at", "_bar_at").alias("observed_at"),
        pl.lit(None, dtype=pl.String).alias("_payload_sha256"),
    )
    return ForecastScore.cast(rows.select(ForecastScore.column_names())).sort(ForecastScore.primary_key())
