"""One bar a symbol and day out of several origins: which is taken, which are superseded, which contradict it.

The highest declared basis is taken (raw, then split-adjusted, then fully adjusted), of equals the newest import. Prices
of several origins may each be in shares of another day: raw ones in those of their own day, adjusted ones in those of
the day they were observed. They are brought to today's shares before they are compared.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import polars as pl

from lake.rows import RowsLost

CRAWLED = "yahoo_chart"
_ORDER = {"raw": 0, "split_adjusted": 1, "fully_adjusted": 2}
_PRICES = ("open", "high", "low", "close")
CONTRADICTS, OTHER_SHARES = "contradicts_newer_origin", "in_other_shares"
NO_JUMP, JUMP = "split_jump_missing", "split_jump_present"
# Vendors round to a cent before and after a split is taken off, and to 32-bit numbers.
RELATIVE, _ABSOLUTE = 1e-3, 0.0051
# Smaller splits are no larger than a day's move.
_TELLING_RATIO = 1.5
# Of two origins whose prices keep one ratio, one knows a split that the other does not.
_SAME_RATIO, _FEWEST_DAYS, _RATIO_APART = 0.95, 5, 0.02


class Choice(NamedTuple):
    """What became of the bars of all origins.

    Attributes:
        rows: those taken, with `as_of` (the day in whose shares they are) and `scale` (what their prices are divided by
            to be in today's shares); one a symbol and session.
        superseded: how many gave way to a bar of a higher basis, or to a newer one that says the same.
        refused: those of silver's columns that contradict, and `rules`.
        seams: symbol, session and ratio where the origin changes from one day to the next and the price with it.
    """

    rows: pl.DataFrame
    superseded: int
    refused: pl.DataFrame
    seams: pl.DataFrame


def choose(bars: pl.DataFrame, splits: pl.DataFrame) -> Choice:
    """Choose; rows in are rows taken, superseded and refused together.

    Args:
        bars: silver.bars_daily.
        splits: symbol, date, ratio and `after`, the product of the ratio and all later ones; sorted.

    Raises:
        RowsLost: when they are not.
    """
    placed = later_splits(_with_as_of(bars), "as_of", splits)
    jumps = _wrong_jumps(placed, splits)
    judged = placed.join(jumps, on=["symbol", "origin"], how="left", maintain_order="left")
    kept = judged.filter(pl.col("rules").is_null()).drop("rules")
    ranked = kept.sort("order", "observed_at", "origin", descending=[False, True, False]).with_columns(
        pl.int_range(pl.len()).over("symbol", "session").alias("place"),
        *[_first(f"_{name}", pl.col(name) / pl.col("scale")) for name in _PRICES],
        _first("_as_of", pl.col("as_of")),
        _first("_origin", pl.col("origin")),
    )
    comparable = (pl.col("order") < _ORDER["fully_adjusted"]) | (pl.col("as_of") == pl.col("_as_of"))
    differs = pl.any_horizontal(
        (pl.col(name) / pl.col("scale") - pl.col(f"_{name}")).abs() > RELATIVE * pl.col(f"_{name}") + _ABSOLUTE
        for name in _PRICES
    )
    contradicts = (pl.col("place") > 0) & comparable & differs
    rows = ranked.filter(pl.col("place") == 0)
    columns = [*bars.columns, "rules"]
    disputed = _named(ranked.filter(contradicts), ranked.filter((pl.col("place") > 0) & comparable))
    refused = pl.concat([judged.filter(pl.col("rules").is_not_null()), disputed], how="diagonal")
    superseded = ranked.filter((pl.col("place") > 0) & ~contradicts).height
    if bars.height != rows.height + superseded + refused.height:
        raise RowsLost(f"{bars.height} bars in, {rows.height} taken, {superseded} superseded, {refused.height} refused")
    return Choice(rows.select(*bars.columns, "as_of", "scale"), superseded, refused.select(columns), _seams(rows))


def _named(disputed: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Contradictions with `rules`: whether an origin's prices are others, or the same in other shares."""
    ratio = pl.col("close") / pl.col("scale") / pl.col("_close")
    usual = pl.col("ratio").median()
    same = ((pl.col("ratio") / usual - 1).abs() < RELATIVE).mean() >= _SAME_RATIO
    apart = (usual - 1).abs() > _RATIO_APART
    origins = (
        compared.select("symbol", "origin", "_origin", ratio.alias("ratio"))
        .group_by("symbol", "origin", "_origin")
        .agg((same & apart & (pl.len() >= _FEWEST_DAYS)).alias("scaled"))
    )
    rule = pl.when("scaled").then(pl.lit(OTHER_SHARES)).otherwise(pl.lit(CONTRADICTS)).alias("rules")
    return disputed.join(origins, on=["symbol", "origin", "_origin"], how="left", maintain_order="left").with_columns(
        rule
    )


def _seams(rows: pl.DataFrame) -> pl.DataFrame:
    ordered = rows.select("symbol", "session", "origin", (pl.col("close") / pl.col("scale")).alias("today")).sort(
        "symbol", "session"
    )
    ratio = pl.col("today") / pl.col("today").shift(1).over("symbol")
    changes = pl.col("origin") != pl.col("origin").shift(1).over("symbol")
    told = ordered.with_columns(ratio.alias("ratio")).filter(changes)
    return told.filter(pl.col("ratio").log().abs() > math.log(_TELLING_RATIO)).select("symbol", "session", "ratio")


def _first(name: str, value: pl.Expr) -> pl.Expr:
    """The value of the first of a symbol's and session's bars of the same basis."""
    return value.first().over("symbol", "session", "order").alias(name)


def _with_as_of(bars: pl.DataFrame) -> pl.DataFrame:
    own_day, basis = pl.col("session"), pl.col("basis").cast(pl.String)
    crawled = pl.col("observed_at").dt.convert_time_zone("America/New_York").dt.date()
    # A file's prices are adjusted up to about its last day; when it was imported says nothing about that.
    last_of_file = pl.col("session").max().over("symbol", "origin")
    as_of = pl.when(pl.col("origin") == CRAWLED).then(crawled).otherwise(last_of_file)
    return bars.with_columns(
        basis.alias("basis"),
        basis.replace_strict(_ORDER, return_dtype=pl.Int8).alias("order"),
        pl.when(basis == "raw").then(own_day).otherwise(pl.max_horizontal(own_day, as_of)).alias("as_of"),
    )


def later_splits(frame: pl.DataFrame, day: str, splits: pl.DataFrame) -> pl.DataFrame:
    """The frame with `scale`: the product of the ratios of all splits after a day; 1 where there is none."""
    next_day = pl.col(day).dt.offset_by("1d").alias("_after")
    later = splits.select("symbol", pl.col("date").alias("_after"), pl.col("after").alias("scale")).sort("_after")
    return (
        frame.with_columns(next_day)
        .sort("_after")
        .join_asof(later, on="_after", by="symbol", strategy="forward", check_sortedness=False)
        .with_columns(pl.col("scale").fill_null(1.0))
        .drop("_after")
    )


def _wrong_jumps(placed: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Symbol and origin of files whose basis a known split gives the lie, with the rule.

    Raw closes fall by the ratio over a split and adjusted ones do not; the nearer of the two tells which they are.
    """
    files = placed.filter(pl.col("origin") != CRAWLED).sort("session")
    known = splits.filter((pl.col("ratio") >= _TELLING_RATIO) | (pl.col("ratio") <= 1 / _TELLING_RATIO))
    closes = files.with_columns(
        pl.col("close").shift(1).over("symbol", "origin", order_by="session").alias("_before"),
        pl.col("session").shift(1).over("symbol", "origin", order_by="session").alias("_day_before"),
    ).drop_nulls("_before")
    over = closes.join(known.select("symbol", pl.col("date").alias("_split"), "ratio"), on="symbol").filter(
        (pl.col("_split") > pl.col("_day_before")) & (pl.col("_split") <= pl.col("session"))
    )
    move = (pl.col("close") / pl.col("_before")).log()
    looks_raw = (move + pl.col("ratio").log()).abs() < move.abs()
    raw = pl.col("basis") == "raw"
    return (
        over.filter(looks_raw != raw)
        .select("symbol", "origin", pl.when(raw).then(pl.lit(NO_JUMP)).otherwise(pl.lit(JUMP)).alias("rules"))
        .unique(["symbol", "origin"], keep="first", maintain_order=True)
    )
