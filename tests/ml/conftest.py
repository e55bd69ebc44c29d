"""Bars and posts for the tests of models and signals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.contracts.market import BarDaily
from lake.contracts.signals import Post
from lake.market_calendar import xnys

AS_OF = datetime(2026, 11, 21, 12, tzinfo=UTC)
LAST = date(2026, 11, 20)

MakeBars = Callable[..., pl.DataFrame]


@pytest.fixture
def as_of() -> datetime:
    return AS_OF


def contract_bars(prices: pl.DataFrame, *, basis: str = "raw") -> pl.DataFrame:
    """Contract gold.bars_daily from symbol, session, open, high, low, close, volume_shares (and what else is there)."""
    defaults = {
        "split_ratio": pl.lit(1.0),
        "dividend": pl.lit(0.0),
        "adj_close": pl.col("close"),
        "return_pct": pl.lit(None, dtype=pl.Float64),
        "observed_at": pl.lit(AS_OF - timedelta(hours=2)),
        "origin": pl.lit("test"),
        "_run_id": pl.lit("crawl-1"),
        "_payload_sha256": pl.lit(None, dtype=pl.String),
    }
    missing = {name: value for name, value in defaults.items() if name not in prices.columns}
    rows = prices.with_columns(pl.lit(basis).alias("basis"), pl.col("session").dt.year().alias("year"), **missing)
    return BarDaily.validate(rows.select(BarDaily.column_names()), cast=True)


def random_market(companies: int, sessions: int, seed: int = 1, momentum: float = 0.0) -> pl.DataFrame:
    """A market without memory, or one whose returns repeat the day before's by a share `momentum`."""
    rng = np.random.default_rng(seed)
    days = xnys().sessions(date(2010, 1, 1), LAST)[-sessions:]
    returns = rng.normal(0.0003, 0.008, (sessions, 1)) + rng.standard_t(5, (sessions, companies)) * 0.01
    for row in range(1, sessions):
        returns[row] += momentum * returns[row - 1]
    close = 50 * np.exp(np.cumsum(np.clip(returns, -0.3, 0.3), axis=0))
    opened = close * np.exp(rng.normal(0, 0.003, close.shape))
    return contract_bars(
        pl.DataFrame(
            {
                "symbol": np.tile([f"S{i:03d}" for i in range(companies)], sessions),
                "session": pl.Series([day for day in days for _ in range(companies)], dtype=pl.Date),
                "open": opened.ravel(),
                "high": (np.maximum(opened, close) * 1.004).ravel(),
                "low": (np.minimum(opened, close) * 0.996).ravel(),
                "close": close.ravel(),
                "volume_shares": rng.lognormal(13, 0.5, companies * sessions).astype(np.int64),
            }
        )
    )


@pytest.fixture
def market() -> MakeBars:
    """Makes a random market: `market(companies, sessions, seed=…, momentum=…)`."""
    return random_market


@pytest.fixture
def bars_of() -> MakeBars:
    """Makes contract bars from plain columns."""
    return contract_bars


@pytest.fixture
def downloaded(shared: Path) -> Callable[[str, str], pl.DataFrame]:
    """Reads a file of the common download form as contract bars: `downloaded("GOOG", "GOOG_….csv")`."""

    def read(symbol: str, name: str) -> pl.DataFrame:
        raw = pl.read_csv(shared / "data" / "daily_ohlcv" / name, try_parse_dates=True)
        return contract_bars(
            raw.select(
                pl.lit(symbol).alias("symbol"),
                pl.col("Date").alias("session"),
                *(pl.col(name.title()).cast(pl.Float64).alias(name) for name in ("open", "high", "low", "close")),
                pl.col("Adj Close").alias("adj_close"),
                pl.col("Volume").alias("volume_shares"),
            ),
            basis="split_adjusted",
        )

    return read


@pytest.fixture
def posts_of() -> Callable[..., pl.DataFrame]:
    """Makes contract posts from dicts; what is left out is plain."""

    def make(*rows: dict[str, object]) -> pl.DataFrame:
        plain: dict[str, object] = {
            "created_at": datetime(2026, 11, 20, 5, 0, tzinfo=UTC),
            "author_key": "a",
            "text": "nifty",
            "language": "en",
            "tags": ["nifty50"],
            "likes": 0,
            "reposts": 0,
            "replies": 0,
            "is_repost": False,
            "observed_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
            "_run_id": "posts-1",
            "_payload_sha256": "a" * 64,
        }
        filled = [{"post_id": str(number), **plain, **row} for number, row in enumerate(rows)]
        frame = pl.DataFrame(filled, infer_schema_length=None).with_columns(
            pl.col("created_at").dt.convert_time_zone("Asia/Kolkata").dt.date().alias("day")
        )
        return Post.validate(frame.select(Post.column_names()), cast=True)

    return make
