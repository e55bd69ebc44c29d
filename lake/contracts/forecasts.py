"""Forecasts with their interval, and how they did once the truth is known."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import SYMBOL, Provenance, Table, utc


class Forecast(Provenance):
    """A model's forecast of a company's close, one session ahead.

    `origin` tells a forecast made before the fact (live) from one that a walk-forward test made about the past
    with only what was known then (walk_forward).
    """

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    model_name = dy.String(primary_key=True, metadata={"meaning": "registered model"})
    model_version = dy.String(primary_key=True, metadata={"meaning": "its version in the registry"})
    made_at = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "close of the last session it knew"})
    target_session = dy.Date(primary_key=True, metadata={"meaning": "the trading day forecast"})
    role = dy.String(nullable=False, metadata={"meaning": "champion or challenger when it was made"})
    origin = dy.Enum(
        ["live", "walk_forward"],
        nullable=False,
        metadata={"meaning": "made before the fact, or in a walk-forward test"},
    )
    horizon_sessions = dy.Int32(nullable=False, min=1, metadata={"unit": "sessions", "meaning": "sessions ahead"})
    last_close = dy.Float64(
        nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "close it started from"}
    )
    forecast_return_pct = dy.Float64(
        nullable=False, metadata={"unit": "percent", "meaning": "forecast return to the target's close"}
    )
    forecast_close = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "forecast close"})
    interval_low = dy.Float64(
        nullable=False, min=0, metadata={"unit": "USD", "meaning": "lower end of the interval of the close"}
    )
    interval_high = dy.Float64(
        nullable=False, min=0, metadata={"unit": "USD", "meaning": "upper end of the interval of the close"}
    )
    interval_level_pct = dy.Float64(
        nullable=False, min=1, max=99.9, metadata={"unit": "percent", "meaning": "nominal coverage of the interval"}
    )

    @dy.rule()
    def interval_holds_the_forecast(cls) -> pl.Expr:
        """low ≤ forecast ≤ high."""
        return (pl.col("interval_low") <= pl.col("forecast_close")) & (
            pl.col("forecast_close") <= pl.col("interval_high")
        )


class ForecastScore(Provenance):
    """A forecast's error against the actual close, beside that of persistence (tomorrow as today)."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    model_name = dy.String(primary_key=True, metadata={"meaning": "registered model"})
    model_version = dy.String(primary_key=True, metadata={"meaning": "its version in the registry"})
    made_at = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "close of the last session it knew"})
    target_session = dy.Date(primary_key=True, metadata={"meaning": "the trading day forecast"})
    actual_close = dy.Float64(
        nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "the close that came"}
    )
    absolute_error = dy.Float64(
        nullable=False, min=0, metadata={"unit": "USD", "meaning": "distance of forecast and actual close"}
    )
    persistence_absolute_error = dy.Float64(
        nullable=False, min=0, metadata={"unit": "USD", "meaning": "distance of last and actual close"}
    )
    within_interval = dy.Bool(nullable=False, metadata={"meaning": "whether the actual close lay in the interval"})


FORECASTS = (
    Table("forecasts", "gold", Forecast, "forecasts", "gold.bars_daily, MLflow"),
    Table("forecast_scores", "gold", ForecastScore, "forecasts", "gold.forecasts, gold.bars_daily"),
)
