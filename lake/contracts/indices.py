"""Indices: their levels by the day and by the minute, in points."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import SYMBOL, Provenance, Table, utc

_POINTS = {"unit": "points"}


class IndexLevels(Provenance):
    """An index over a stretch of time."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "the index as its source names it"})
    session = dy.Date(nullable=False, metadata={"meaning": "trading day at the index's own exchange"})
    open = dy.Float64(nullable=False, min_exclusive=0, metadata={**_POINTS, "meaning": "first level"})
    high = dy.Float64(nullable=False, min_exclusive=0, metadata={**_POINTS, "meaning": "highest level"})
    low = dy.Float64(nullable=False, min_exclusive=0, metadata={**_POINTS, "meaning": "lowest level"})
    close = dy.Float64(nullable=False, min_exclusive=0, metadata={**_POINTS, "meaning": "last level"})
    volume_shares = dy.Int64(
        nullable=True, min=0, metadata={"unit": "shares", "meaning": "shares of its companies traded; 0 where not told"}
    )

    @dy.rule()
    def range_holds_open_and_close(cls) -> pl.Expr:
        """The high is the highest and the low the lowest, up to the source's rounding (1e-6 of the level)."""
        slack = pl.col("close") * 1e-6
        return (pl.max_horizontal("open", "close", "low") <= pl.col("high") + slack) & (
            pl.min_horizontal("open", "close") >= pl.col("low") - slack
        )


class Described(dy.Schema):
    """What an index is."""

    name = dy.String(nullable=False, metadata={"meaning": "name of the index"})
    exchange = dy.String(nullable=False, metadata={"meaning": "exchange whose sessions it follows: XNYS or XBOM"})
    currency = dy.String(nullable=False, metadata={"meaning": "currency of its companies' prices"})


class IndexDaySilver(IndexLevels):
    """An index's trading day from one source."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day at the index's own exchange"})
    origin = dy.String(primary_key=True, metadata={"meaning": "yahoo_chart, or the SHA-256 of the imported file"})
    year = dy.Int32(nullable=False, metadata={"meaning": "year of the session; locates the partition"})


class IndexDay(IndexLevels, Described):
    """An index's trading day, on its own exchange's calendar."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day at the index's own exchange"})
    year = dy.Int32(nullable=False, metadata={"meaning": "year of the session; locates the partition"})
    return_pct = dy.Float64(
        nullable=True, metadata={"unit": "percent", "meaning": "close over that of the session before, less one"}
    )
    origin = dy.String(nullable=False, metadata={"meaning": "the source or file it was taken from"})


class IndexMinuteSilver(IndexLevels):
    """An index's minute."""

    minute = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "start of the minute"})
    origin = dy.String(primary_key=True, metadata={"meaning": "yahoo_chart, or the SHA-256 of the imported file"})


class IndexMinute(IndexLevels, Described):
    """An index's minute, within its own exchange's hours."""

    minute = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "start of the minute"})


INDEX_TABLES = (
    Table(
        "index_bars_daily", "silver", IndexDaySilver, "indices", "yahoo_index, imported files", partition_by=("year",)
    ),
    Table(
        "index_bars_minute",
        "silver",
        IndexMinuteSilver,
        "indices",
        "yahoo_index, imported files",
        partition_by=("session",),
    ),
    Table("index_bars_daily", "gold", IndexDay, "indices", "silver.index_bars_daily", partition_by=("year",)),
    Table(
        "index_bars_minute",
        "gold",
        IndexMinute,
        "indices",
        "silver.index_bars_minute",
        partition_by=("session",),
        hot_days=3660,
    ),
    Table("index_bars_daily", "mart", IndexDay, "indices", "gold.index_bars_daily", engine="dbt"),
    Table("index_bars_minute", "mart", IndexMinute, "indices", "gold.index_bars_minute", engine="dbt"),
)
