"""Features and target of the daily forecast, from gold's daily bars.

What belongs here: the one definition of what a model may know at a session's close, and of what it has to say about
the next. Fitting and testing are in `models` and `walk_forward`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from lake.market_calendar import Calendar, xnys

RETURNS = (1, 2, 5, 10, 20)
WARM_UP = 20
MAX_GAP = timedelta(days=7)
RETURN_CLIP = 0.5
SCALE_FLOOR = 1e-3

FEATURES = (
    *(f"ret_{n}" for n in RETURNS),
    "intraday",
    "range",
    "vol_20",
    "vol_60",
    "volume_ratio",
    "dist_ma_20",
    "dist_ma_60",
    "market_ret_1",
    "market_ret_5",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
)

INPUTS = (
    "symbol",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume_shares",
    "basis",
    "split_ratio",
    "adj_close",
)


def known(bars: pl.DataFrame, as_of: datetime, calendar: Calendar | None = None) -> pl.DataFrame:
    """The bars that were observed by an instant, of sessions that had closed by then.

    Args:
        bars: rows of contract gold.bars_daily.
        as_of: an instant with a time zone.
        calendar: whose close counts; New York's by default.

    Returns:
        The same columns, sorted by symbol and session.
    """
    last = (calendar or xnys()).latest_closed_session(as_of)
    return bars.filter(pl.col("observed_at") <= as_of, pl.col("session") <= last).sort("symbol", "session")


def _clipped(expression: pl.Expr) -> pl.Expr:
    """A return within ±50 %, so that one bad print does not steer a fit."""
    return expression.clip(-RETURN_CLIP, RETURN_CLIP)


def _is_raw() -> pl.Expr:
    return pl.col("basis").cast(pl.String) == "raw"


def features(bars: pl.DataFrame, as_of: datetime, calendar: Calendar | None = None) -> pl.DataFrame:
    """What was known of each company at the close of each session.

    Every feature of a row rests on that session and earlier ones only. Prices enter as ratios of the adjusted close,
    which a later dividend or split scales alike, so restated history leaves the features as they were.

    Args:
        bars: rows of contract gold.bars_daily, in any order.
        as_of: only what was observed by this instant counts.
        calendar: the exchange's calendar; New York's by default.

    Returns:
        One row a symbol and session from its 21st bar on, sorted by session and symbol: symbol, session, close (USD),
        scale (standard deviation of 20 daily returns, at least 0.1 %), known_at (UTC: the newest observation among
        all companies up to that session) and the columns of `FEATURES` (returns and volatilities as fractions).
    """
    frame = known(bars, as_of, calendar).select(*INPUTS, "observed_at")
    price = pl.col("adj_close")
    splits = pl.when(_is_raw()).then(pl.col("split_ratio")).otherwise(1.0).cum_prod().over("symbol")
    frame = frame.with_columns(
        *(_clipped(price / price.shift(n).over("symbol") - 1).alias(f"ret_{n}") for n in RETURNS),
        _clipped(pl.col("close") / pl.col("open") - 1).alias("intraday"),
        (pl.col("high") / pl.col("low")).log().clip(0, RETURN_CLIP).alias("range"),
        (pl.col("volume_shares").cast(pl.Float64) / splits).alias("_volume"),
    )
    frame = frame.with_columns(
        pl.col("ret_1").rolling_std(20).over("symbol").alias("vol_20"),
        pl.col("ret_1").rolling_std(60, min_samples=20).over("symbol").alias("vol_60"),
        (pl.col("_volume") / pl.col("_volume").rolling_mean(20).over("symbol")).log().alias("volume_ratio"),
        _clipped(price / price.rolling_mean(20).over("symbol") - 1).alias("dist_ma_20"),
        _clipped(price / price.rolling_mean(60, min_samples=20).over("symbol") - 1).alias("dist_ma_60"),
        pl.col("ret_1").mean().over("session").alias("market_ret_1"),
        pl.col("ret_5").mean().over("session").alias("market_ret_5"),
        *(
            (pl.col("session").dt.weekday() == number).cast(pl.Float64).alias(day)
            for number, day in ((2, "tuesday"), (3, "wednesday"), (4, "thursday"), (5, "friday"))
        ),
    )
    frame = frame.with_columns(
        pl.col("volume_ratio").fill_nan(None).clip(-3, 3).fill_null(0.0),
        pl.col("vol_20").clip(SCALE_FLOOR).alias("scale"),
    )
    # A rolling sum's rounding depends on how long it has rolled; 1e-12 is far below any effect.
    rounded = [pl.col(name).round(12) for name in (*FEATURES, "scale")]
    frame = frame.sort("session", "symbol").with_columns(pl.col("observed_at").cum_max().alias("_seen"), *rounded)
    frame = frame.with_columns(pl.col("_seen").max().over("session").alias("known_at"))
    return frame.drop_nulls(FEATURES).select("symbol", "session", "close", "scale", "known_at", *FEATURES)


def targets(bars: pl.DataFrame, as_of: datetime, calendar: Calendar | None = None) -> pl.DataFrame:
    """What came after each session: the return of the close to the company's next bar.

    The return is of the price that a share bought at the close has at the next one: a split is undone where the
    prices are raw, a dividend is not, because the forecast speaks of the close. There is none where the next bar is
    more than a week away or on another basis.

    Returns:
        symbol, session, target (fraction), target_session; rows without a target left out.
    """
    frame = known(bars, as_of, calendar).select(*INPUTS)
    frame = frame.with_columns(
        pl.when(_is_raw()).then(pl.col("close") * pl.col("split_ratio")).otherwise(pl.col("close")).alias("_value"),
    )
    frame = frame.with_columns(
        (pl.col("_value").shift(-1).over("symbol") / pl.col("close") - 1).alias("target"),
        pl.col("session").shift(-1).over("symbol").alias("target_session"),
        (pl.col("basis").shift(-1).over("symbol") == pl.col("basis")).alias("_same_basis"),
    )
    near = (pl.col("target_session") - pl.col("session")) <= MAX_GAP
    return frame.filter(near, pl.col("_same_basis")).select("symbol", "session", "target", "target_session")


def labelled(rows: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Feature rows with their target, where there is one, sorted by session and symbol."""
    return rows.join(truth, on=["symbol", "session"], how="inner").sort("session", "symbol")
