"""The market's gold tables as pure functions of silver ones: companies, quotes, sectors.

Bars and coverage have modules of their own (`scrapers.gold_bars`, `scrapers.coverage`). Nothing here reads or writes.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from lake.contracts import table
from lake.market_calendar import NEW_YORK, xnys
from scrapers.coverage import coverage_gold
from scrapers.gold_bars import actions_chosen, bars_chosen, bars_gold

__all__ = [
    "actions_chosen",
    "bars_chosen",
    "bars_gold",
    "companies_scd2",
    "coverage_gold",
    "minimal_companies",
    "quotes_gold",
    "sectors_gold",
]

DESCRIPTIVE = (
    "name",
    "sector",
    "industry",
    "exchange",
    "currency",
    "country",
    "city",
    "address",
    "website",
    "employees",
    "description",
)
SLOW = ("beta", "forward_dividend", "target_1y", "earnings_at", "ex_dividend_date")
_PROVENANCE = ("observed_at", "_run_id", "_payload_sha256")


def companies_scd2(profiles: pl.DataFrame, tickers: pl.DataFrame, previous: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every company's description with its history.

    A version is in force from the open of the session whose profile first said so. A field that a profile leaves empty
    is taken as unchanged. Two profiles of one session cannot be; an earlier history's version of the same instant gives
    way to the profile. A symbol whose company goes on under another one (see `_renamed`) is in force until the other
    one's first profile.

    Args:
        profiles: silver.profiles.
        tickers: silver.sec_tickers, for the CIK, and for when SEC last named a symbol.
        previous: gold.companies as it was, if profiles do not reach back to the beginning.

    Returns:
        Rows of gold.companies, sorted by key.
    """
    contract = table("gold.companies")
    said = profiles.with_columns(_opens(profiles["session"]).alias("valid_from")).select(
        "symbol", "valid_from", *DESCRIPTIVE, *_PROVENANCE
    )
    if previous is not None and previous.height:
        said = pl.concat([previous.select(said.columns), said])
    said = said.unique(["symbol", "valid_from"], keep="last").sort("symbol", "valid_from")
    filled = said.with_columns(pl.col(DESCRIPTIVE).forward_fill().over("symbol"))
    facts = pl.struct(DESCRIPTIVE)
    changed = filled.filter(facts.ne_missing(facts.shift(1).over("symbol")) | _first_of_symbol())
    starts = pl.col("valid_from")
    versions = changed.join(_renamed(said, tickers), on="symbol", how="left").with_columns(
        pl.coalesce(starts.shift(-1).over("symbol"), "renamed_at").alias("valid_to"),
        pl.col("name").fill_null(pl.col("symbol")),
    )
    versions = versions.with_columns(pl.col("valid_to").is_null().alias("is_current"))
    return contract.conform(_identified(versions, tickers)).sort("symbol", "valid_from")


def _renamed(said: pl.DataFrame, tickers: pl.DataFrame) -> pl.DataFrame:
    """Symbols whose company goes on under another one, and from when: columns symbol, renamed_at.

    That is so where SEC gives the same CIK another symbol and has named the old one for the last time before it, and
    every profile of the old one lies before the first of the other. Two share classes are none: SEC goes on naming both.
    """
    span = said.group_by("symbol").agg(
        pl.col("valid_from").min().alias("first"), pl.col("valid_from").max().alias("last")
    )
    known = span.join(tickers.select("symbol", "cik", pl.col("observed_at").alias("named")), on="symbol")
    pairs = known.join(known, on="cik", suffix="_new")
    return (
        pairs.filter(pl.col("named") < pl.col("named_new"), pl.col("last") < pl.col("first_new"))
        .group_by("symbol")
        .agg(pl.col("first_new").min().alias("renamed_at"))
    )


def _first_of_symbol() -> pl.Expr:
    return (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(True)


def _opens(sessions: pl.Series) -> pl.Series:
    """The open of each session in UTC; New York's midnight where the exchange was closed."""
    known = {day: _open(day) for day in sessions.unique().to_list()}
    return pl.Series([known[day] for day in sessions.to_list()], dtype=pl.Datetime("us", "UTC"))


def _open(day: date) -> datetime:
    if xnys().is_session(day):
        return xnys().open_at(day)
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)


def _identified(rows: pl.DataFrame, tickers: pl.DataFrame) -> pl.DataFrame:
    """Rows with `cik` and `company_id`: the CIK where SEC's mapping has the symbol, else the symbol."""
    with_cik = rows.join(tickers.select("symbol", "cik"), on="symbol", how="left")
    return with_cik.with_columns(pl.coalesce(pl.col("cik").cast(pl.String), "symbol").alias("company_id"))


def minimal_companies(seen: pl.DataFrame, tickers: pl.DataFrame) -> pl.DataFrame:
    """A row for each symbol that is known by its bars alone: its symbol, and its name where SEC's mapping has one.

    Args:
        seen: columns symbol, observed_at, _run_id; one row a symbol.
        tickers: silver.sec_tickers.

    Returns:
        Rows of gold.companies, in force from the first day the calendar knows, so that they hold for any bar.
    """
    contract = table("gold.companies")
    names = tickers.select("symbol", pl.col("name").alias("filer"), "exchange")
    rows = seen.select("symbol", "observed_at", "_run_id").join(names, on="symbol", how="left")
    described = rows.with_columns(
        pl.coalesce("filer", "symbol").alias("name"),
        pl.lit(datetime(1990, 1, 1, tzinfo=NEW_YORK)).dt.convert_time_zone("UTC").alias("valid_from"),
        pl.lit(None).alias("valid_to"),
        pl.lit(True).alias("is_current"),
        *(pl.lit(None).alias(column) for column in DESCRIPTIVE if column not in ("name", "exchange")),
        pl.lit(None).alias("_payload_sha256"),
    )
    return contract.conform(_identified(described, tickers)).sort("symbol")


def quotes_gold(quotes: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Snapshots with the slow figures of the newest profile up to their session.

    Args:
        quotes: silver.quotes, of any ticks.
        profiles: silver.profiles; those of later sessions are not looked at.

    Returns:
        Rows of gold.quotes, sorted by key.
    """
    contract = table("gold.quotes")
    slow = profiles.select("symbol", pl.col("session"), *SLOW, pl.col("observed_at").alias("summary_observed_at")).sort(
        "session"
    )
    joined = quotes.sort("session").join_asof(
        slow, on="session", by="symbol", strategy="backward", check_sortedness=False
    )
    price, high, low = pl.col("price"), pl.col("high_52w"), pl.col("low_52w")
    rows = joined.with_columns(
        pl.when(high > 0).then((high - price) / high * 100).alias("distance_high_52w_pct"),
        pl.when(low > 0).then((price - low) / low * 100).alias("distance_low_52w_pct"),
        pl.max_horizontal("observed_at", "summary_observed_at").alias("observed_at"),
    )
    return contract.conform(rows).sort("symbol", "tick")


def sectors_gold(quotes: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """Sectors over the members quoted at each tick.

    The weighted change weighs by market cap at the previous close: a winner does not weigh more for having won.

    Args:
        quotes: gold.quotes.
        universe: the members in force: gold.universe of one session.

    Returns:
        Rows of gold.sectors, sorted by key.
    """
    contract = table("gold.sectors")
    members = universe.select("symbol", "sector")
    cap_before = pl.col("market_cap") * pl.col("previous_close") / pl.col("price")
    weight = pl.when(pl.col("change_pct").is_not_null()).then(cap_before)
    has_cap = pl.col("market_cap").is_not_null().any()
    has_volume = pl.col("volume_shares").is_not_null().any()
    total_weight = weight.sum()
    rows = (
        quotes.join(members, on="symbol", how="inner")
        .group_by("sector", "tick", "session")
        .agg(
            pl.len().cast(pl.Int64).alias("companies"),
            pl.when(has_cap).then(pl.col("market_cap").sum()).alias("market_cap"),
            pl.col("pe_trailing").median().alias("pe_median"),
            pl.col("change_pct").mean().alias("change_avg_pct"),
            pl.when(total_weight > 0)
            .then((pl.col("change_pct") * weight).sum() / total_weight)
            .alias("change_cap_weighted_pct"),
            (pl.col("price") > pl.col("previous_close")).sum().cast(pl.Int64).alias("advancers"),
            (pl.col("price") < pl.col("previous_close")).sum().cast(pl.Int64).alias("decliners"),
            pl.when(has_volume).then(pl.col("volume_shares").sum()).alias("volume_shares"),
            pl.col("observed_at").max(),
            pl.col("_run_id").sort_by("observed_at", "_run_id").last(),
            pl.lit(None, dtype=pl.String).alias("_payload_sha256"),
        )
    )
    return contract.conform(rows).sort("sector", "tick")
