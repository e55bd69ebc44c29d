"""Rows of contract gold.forecasts from predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from lake.contracts.forecasts import Forecast
from lake.market_calendar import Calendar

Origin = Literal["live", "walk_forward"]


def predicted(upcoming: pl.DataFrame, model: Any, metadata: dict[str, Any]) -> pl.DataFrame:
    """A model's predictions for feature rows.

    Args:
        upcoming: rows from `latest`.
        model: a fitted pipeline.
        metadata: logged with it: the features in its order, and what the scale is multiplied by.

    Returns:
        The rows with prediction (fraction) and quantile.
    """
    x = upcoming.select(metadata["features"]).to_numpy()
    return upcoming.with_columns(
        pl.Series("prediction", model.predict(x)), pl.lit(float(metadata["interval_quantile"])).alias("quantile")
    )


@dataclass(frozen=True)
class Maker:
    """Who makes forecasts: a registered model, its role, its interval's nominal coverage (a fraction), and the run."""

    model_name: str
    model_version: str
    role: str
    level: float
    run_id: str


def forecast_rows(rows: pl.DataFrame, maker: Maker, origin: Origin, calendar: Calendar) -> pl.DataFrame:
    """Turn predictions into the contract's rows.

    The interval is the forecast return ± quantile × scale, applied to the last close; a price is never below zero,
    so neither is the interval.

    Args:
        rows: symbol, session (the last one known), target_session, close (USD), known_at (UTC), scale,
            prediction (fraction), quantile.
        maker: the model and the run.
        origin: live, or walk_forward for forecasts of the past.
        calendar: gives the close of each session, which is when the forecast was made.

    Returns:
        Contract gold.forecasts, sorted by key.
    """
    closes = {day: calendar.close_at(day) for day in rows["session"].unique()}
    reach = pl.col("quantile") * pl.col("scale")
    # Rounded to a millionth: the same data give the same rows whatever order a processor adds in.
    price = pl.max_horizontal(pl.col("close") * (1 + pl.col("prediction")), pl.lit(1e-6)).round(6)
    low = pl.max_horizontal(pl.col("close") * (1 + pl.col("prediction") - reach), pl.lit(0.0)).round(6)
    high = (pl.col("close") * (1 + pl.col("prediction") + reach)).round(6)
    made = rows.select(
        symbol=pl.col("symbol"),
        model_name=pl.lit(maker.model_name),
        model_version=pl.lit(maker.model_version),
        made_at=pl.col("session").replace_strict(closes, return_dtype=pl.Datetime("us", "UTC")),
        target_session=pl.col("target_session"),
        role=pl.lit(maker.role),
        origin=pl.lit(origin),
        horizon_sessions=pl.lit(1),
        last_close=pl.col("close"),
        forecast_return_pct=(pl.col("prediction") * 100).round(6),
        forecast_close=price,
        interval_low=pl.min_horizontal(low, price),
        interval_high=pl.max_horizontal(high, price),
        interval_level_pct=pl.lit(maker.level * 100),
        observed_at=pl.col("known_at"),
        _run_id=pl.lit(maker.run_id),
        _payload_sha256=pl.lit(None, dtype=pl.String),
    )
    return Forecast.cast(made.select(Forecast.column_names())).sort(Forecast.primary_key())


def target_session(given: date | Callable[[date], date] | None, last: date, calendar: Calendar) -> date:
    """The session to forecast: as given, as a function of the last one known, or the calendar's next."""
    if given is None:
        return calendar.next_session(last)
    return given if isinstance(given, date) else given(last)


def latest(rows: pl.DataFrame, target: date) -> pl.DataFrame:
    """The newest session's feature rows, with the session they are to forecast.

    A company whose bars end earlier is left out: its next session is not the one asked for.
    """
    newest = rows.filter(pl.col("session") == pl.col("session").max())
    return newest.with_columns(pl.lit(target).alias("target_session"))
