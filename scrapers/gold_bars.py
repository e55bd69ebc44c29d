"""Daily bars in gold: one origin for each day, and the adjusted close that follows from dividends and splits.

The CRSP form: going back in time, each dividend multiplies the earlier prices by 1 − dividend / previous close. Prices
of several origins may stand side by side, each in shares of another day: raw prices in those of their own day,
split-adjusted ones in those of the day they were observed. All are brought to today's shares before they are compared.
A dividend counts as its source states it: in shares of the day it was observed.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from lake.contracts import table
from scrapers.gold_choice import CRAWLED, Choice, choose, later_splits

ADJUSTED_FULLY = pl.col("basis") == "fully_adjusted"


class GoldBars(NamedTuple):
    """Rows of gold.bars_daily, and what became of the bars they were chosen from."""

    rows: pl.DataFrame
    choice: Choice


def bars_gold(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold.bars_daily; see `bars_chosen`."""
    return bars_chosen(bars, actions).rows


def bars_chosen(bars: pl.DataFrame, actions: pl.DataFrame) -> GoldBars:
    """Rows of gold.bars_daily.

    Args:
        bars: silver.bars_daily, of several origins.
        actions: corporate actions, each once, as `actions_chosen` gives them.

    Returns:
        One row for each symbol and session, sorted by key. Of several origins the least adjusted is taken, among equals
        the newest observed. Prices stay in their origin's basis, and `dividend` is in the same; `adj_close` and
        `return_pct` are comparable over all of them.
    """
    contract = table("gold.bars_daily")
    splits = _splits(actions)
    choice = choose(bars, splits)
    chosen = choice.rows
    events = _events(chosen, _dividends_today(actions, splits), splits)
    rows = (
        chosen.join(events, on=["symbol", "session"], how="left")
        .sort("symbol", "session")
        .with_columns(
            pl.col("dividend_today").fill_null(0.0),
            pl.col("split_ratio").fill_null(1.0),
            (pl.col("close") / pl.col("scale")).alias("close_today"),
        )
        .pipe(_adjusted)
        .with_columns(
            (pl.col("dividend_today") * pl.col("scale")).alias("dividend"),
            ((pl.col("adj_close") / pl.col("adj_close").shift(1).over("symbol") - 1) * 100).alias("return_pct"),
            pl.max_horizontal("observed_at", "event_observed_at").alias("observed_at"),
        )
    )
    return GoldBars(contract.conform(rows), choice)


def actions_chosen(actions: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold.corporate_actions: each dividend and split once, the crawled source's before files', newest first."""
    known = table("gold.corporate_actions")
    rows = (
        # A row of a version that knew no origins is the crawled source's.
        actions.with_columns(pl.col("origin").fill_null(CRAWLED))
        .with_columns((pl.col("origin") == CRAWLED).alias("_crawled"))
        .sort("_crawled", "observed_at", "origin", descending=[True, True, False])
        .unique(list(known.key), keep="first", maintain_order=True)
    )
    return rows.select(known.columns).sort(known.key)


def _splits(actions: pl.DataFrame) -> pl.DataFrame:
    """Splits with `after`: the product of their ratio and of all later ones; sorted by symbol and date."""
    return (
        actions.filter(pl.col("kind").cast(pl.String) == "split")
        .select("symbol", "date", pl.col("amount").alias("ratio"), pl.col("observed_at").alias("event_observed_at"))
        .sort("symbol", "date")
        .with_columns(pl.col("ratio").cum_prod(reverse=True).over("symbol").alias("after"))
    )


def _dividends_today(actions: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Dividends in today's shares: symbol, date, dividend_today, event_observed_at."""
    dividends = actions.filter(pl.col("kind").cast(pl.String) == "dividend").select(
        "symbol",
        "date",
        "amount",
        pl.col("observed_at").alias("event_observed_at"),
        pl.coalesce(
            "stated_on",
            pl.max_horizontal(pl.col("observed_at").dt.convert_time_zone("America/New_York").dt.date(), "date"),
        ).alias("stated"),
    )
    return later_splits(dividends, "stated", splits).select(
        "symbol", "date", (pl.col("amount") / pl.col("scale")).alias("dividend_today"), "event_observed_at"
    )


def _events(chosen: pl.DataFrame, dividends: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Dividends and splits on the first session on or after their day: symbol, session, and the sums of both."""
    days = chosen.select("symbol", "session").sort("session")
    events = pl.concat(
        [
            dividends.with_columns(pl.lit(1.0).alias("split_ratio")),
            splits.select(
                "symbol",
                "date",
                pl.lit(0.0).alias("dividend_today"),
                "event_observed_at",
                pl.col("ratio").alias("split_ratio"),
            ),
        ]
    )
    return (
        events.rename({"date": "session"})
        .sort("session")
        .join_asof(
            days.with_columns(pl.col("session").alias("on")),
            on="session",
            by="symbol",
            strategy="forward",
            check_sortedness=False,
        )
        .drop_nulls("on")
        .group_by("symbol", pl.col("on").alias("session"))
        .agg(
            pl.col("dividend_today").sum(),
            pl.col("split_ratio").product(),
            pl.col("event_observed_at").max(),
        )
    )


def _adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, sorted by symbol and session, with `adj_close`.

    A fully adjusted price already holds the dividends up to its file's last day. A dividend of the whole previous close
    or more is no factor and is left out.
    """
    before = pl.col("close_today").shift(1).over("symbol")
    plain_before = (~ADJUSTED_FULLY).shift(1).over("symbol").fill_null(False)
    raw_factor = 1 - pl.col("dividend_today") / before
    usable = plain_before & (pl.col("dividend_today") > 0) & (raw_factor > 0)
    with_factor = frame.with_columns(pl.when(usable).then(raw_factor).otherwise(1.0).alias("factor"))
    later = pl.col("factor").cum_prod(reverse=True).shift(-1, fill_value=1.0).over("symbol")
    # Of a fully adjusted row only the dividends after its file's last day are still to be taken off.
    after_file = with_factor.with_columns(later.alias("later")).with_columns(
        pl.when(ADJUSTED_FULLY).then(pl.col("as_of")).otherwise(pl.col("session")).alias("held_to")
    )
    known = after_file.select("symbol", pl.col("session").alias("held_to"), pl.col("later").alias("untaken")).sort(
        "held_to"
    )
    joined = after_file.sort("held_to").join_asof(
        known, on="held_to", by="symbol", strategy="backward", check_sortedness=False
    )
    return joined.sort("symbol", "session").with_columns((pl.col("close_today") * pl.col("untaken")).alias("adj_close"))
