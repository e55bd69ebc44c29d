"""The market: universe, companies, quotes, sectors, coverage, bars and corporate actions."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import SYMBOL, Provenance, Table, utc

SECTORS = (
    "Basic Materials",
    "Communication Services",
    "Consumer Cyclical",
    "Consumer Defensive",
    "Energy",
    "Financial Services",
    "Healthcare",
    "Industrials",
    "Real Estate",
    "Technology",
    "Utilities",
)


class Membership(Provenance):
    """A company's place among the largest of its sector, taken once a session before the open."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    sector = dy.String(nullable=False, metadata={"meaning": "one of the 11 sectors"})
    rank = dy.Int32(nullable=False, min=1, metadata={"meaning": "place in its sector by market cap, 1 the largest"})
    name = dy.String(nullable=True, metadata={"meaning": "company name as the screener gives it"})
    market_cap = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "shares times price"})


class Profile(Provenance):
    """A company's description and its slow figures, read once a session from the source's summary."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    name = dy.String(nullable=True, metadata={"meaning": "company name"})
    sector = dy.String(nullable=True, metadata={"meaning": "sector"})
    industry = dy.String(nullable=True, metadata={"meaning": "industry"})
    exchange = dy.String(nullable=True, metadata={"meaning": "exchange name"})
    currency = dy.String(nullable=True, metadata={"meaning": "trading currency, ISO 4217 or GBp for pence"})
    country = dy.String(nullable=True, metadata={"meaning": "country of the head office"})
    city = dy.String(nullable=True, metadata={"meaning": "city of the head office"})
    address = dy.String(nullable=True, metadata={"meaning": "street address of the head office"})
    website = dy.String(nullable=True, metadata={"meaning": "web address"})
    employees = dy.Int64(nullable=True, min=0, metadata={"unit": "people", "meaning": "full-time employees"})
    description = dy.String(nullable=True, metadata={"meaning": "business summary"})
    beta = dy.Float64(nullable=True, metadata={"unit": "ratio", "meaning": "five-year monthly beta"})
    forward_dividend = dy.Float64(
        nullable=True, min=0, metadata={"unit": "USD per share", "meaning": "dividends expected over the next year"}
    )
    target_1y = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "mean one-year price target"})
    earnings_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "next earnings date"})
    ex_dividend_date = dy.Date(nullable=True, metadata={"meaning": "latest or next ex-dividend date"})


class Company(Provenance):
    """A company's description in force from one instant to another (SCD type 2: history kept).

    Only the profile's descriptive fields open a new version.
    """

    company_id = dy.String(nullable=False, metadata={"meaning": "CIK where known, else the first symbol"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    valid_from = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "start of this version"})
    valid_to = utc(
        nullable=True, metadata={"unit": "UTC", "meaning": "end of this version; empty while it is in force"}
    )
    is_current = dy.Bool(nullable=False, metadata={"meaning": "whether this version is in force"})
    name = dy.String(nullable=False, metadata={"meaning": "company name"})
    sector = dy.String(nullable=True, metadata={"meaning": "sector"})
    industry = dy.String(nullable=True, metadata={"meaning": "industry"})
    exchange = dy.String(nullable=True, metadata={"meaning": "exchange name"})
    currency = dy.String(nullable=True, metadata={"meaning": "trading currency"})
    country = dy.String(nullable=True, metadata={"meaning": "country of the head office"})
    city = dy.String(nullable=True, metadata={"meaning": "city of the head office"})
    address = dy.String(nullable=True, metadata={"meaning": "street address of the head office"})
    website = dy.String(nullable=True, metadata={"meaning": "web address"})
    employees = dy.Int64(nullable=True, min=0, metadata={"unit": "people", "meaning": "full-time employees"})
    cik = dy.Int64(nullable=True, min=1, metadata={"meaning": "SEC's central index key"})
    description = dy.String(nullable=True, metadata={"meaning": "business summary"})


class SecTicker(Provenance):
    """SEC's mapping of a ticker to a filer."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker, with - for share classes"})
    cik = dy.Int64(nullable=False, min=1, metadata={"meaning": "SEC's central index key"})
    name = dy.String(nullable=True, metadata={"meaning": "filer's name"})
    exchange = dy.String(nullable=True, metadata={"meaning": "exchange name"})


class QuoteFields(Provenance):
    """A company's snapshot at a tick, from the source's batch quotes."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    tick = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "scheduled instant of the snapshot"})
    session = dy.Date(nullable=False, metadata={"meaning": "trading day at the exchange"})
    quoted_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "the source's own time of the price"})
    price = dy.Float64(
        nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "last trade at or before the tick"}
    )
    previous_close = dy.Float64(
        nullable=True, min=0, metadata={"unit": "USD", "meaning": "close of the session before"}
    )
    change = dy.Float64(nullable=True, metadata={"unit": "USD", "meaning": "price less previous close"})
    change_pct = dy.Float64(nullable=True, metadata={"unit": "percent", "meaning": "change over previous close"})
    open = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "first trade of the session"})
    day_high = dy.Float64(
        nullable=True, min=0, metadata={"unit": "USD", "meaning": "highest trade of the session so far"}
    )
    day_low = dy.Float64(
        nullable=True, min=0, metadata={"unit": "USD", "meaning": "lowest trade of the session so far"}
    )
    volume_shares = dy.Int64(
        nullable=True, min=0, metadata={"unit": "shares", "meaning": "traded in the session so far"}
    )
    average_volume_3m_shares = dy.Int64(
        nullable=True, min=0, metadata={"unit": "shares", "meaning": "average daily volume of three months"}
    )
    market_cap = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "shares outstanding times price"})
    pe_trailing = dy.Float64(
        nullable=True,
        metadata={"unit": "ratio", "meaning": "price over trailing EPS; absent where EPS is not positive"},
    )
    eps = dy.Float64(nullable=True, metadata={"unit": "USD per share", "meaning": "trailing twelve months' earnings"})
    dividend_yield_pct = dy.Float64(
        nullable=True, min=0, metadata={"unit": "percent", "meaning": "expected dividends of a year over price"}
    )
    high_52w = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "highest price of 52 weeks"})
    low_52w = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "lowest price of 52 weeks"})
    bid = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "best bid"})
    ask = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "best ask"})

    @dy.rule()
    def pe_absent_where_eps_not_positive(cls) -> pl.Expr:
        """P/E has no meaning without earnings."""
        return pl.col("pe_trailing").is_null() | (pl.col("eps") > 0).fill_null(True)

    @dy.rule()
    def low_not_above_high(cls) -> pl.Expr:
        """The session's range is a range."""
        return (pl.col("day_low") <= pl.col("day_high")).fill_null(True)


class QuoteSilver(QuoteFields):
    """A company's snapshot at a tick, typed from the batch quotes of one crawl."""


class Quote(QuoteFields):
    """A company's snapshot at a tick, with the slow figures known at that time."""

    distance_high_52w_pct = dy.Float64(
        nullable=True, metadata={"unit": "percent", "meaning": "how far the price is below its 52-week high"}
    )
    distance_low_52w_pct = dy.Float64(
        nullable=True, metadata={"unit": "percent", "meaning": "how far the price is above its 52-week low"}
    )
    beta = dy.Float64(nullable=True, metadata={"unit": "ratio", "meaning": "five-year monthly beta"})
    forward_dividend = dy.Float64(
        nullable=True, min=0, metadata={"unit": "USD per share", "meaning": "dividends expected over the next year"}
    )
    target_1y = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "mean one-year price target"})
    earnings_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "next earnings date"})
    ex_dividend_date = dy.Date(nullable=True, metadata={"meaning": "latest or next ex-dividend date"})
    summary_observed_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "when the slow figures were observed"})


class Sector(Provenance):
    """A sector at a tick, over the members quoted at it."""

    sector = dy.String(primary_key=True, metadata={"meaning": "one of the 11 sectors"})
    tick = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "scheduled instant of the snapshot"})
    session = dy.Date(nullable=False, metadata={"meaning": "trading day at the exchange"})
    companies = dy.Int64(nullable=False, min=0, metadata={"unit": "companies", "meaning": "companies quoted"})
    market_cap = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "total market cap"})
    pe_median = dy.Float64(nullable=True, metadata={"unit": "ratio", "meaning": "median trailing P/E"})
    change_avg_pct = dy.Float64(nullable=True, metadata={"unit": "percent", "meaning": "plain average of change %"})
    change_cap_weighted_pct = dy.Float64(
        nullable=True,
        metadata={"unit": "percent", "meaning": "change % weighted by market cap at the previous close"},
    )
    advancers = dy.Int64(
        nullable=False, min=0, metadata={"unit": "companies", "meaning": "companies above previous close"}
    )
    decliners = dy.Int64(
        nullable=False, min=0, metadata={"unit": "companies", "meaning": "companies below previous close"}
    )
    volume_shares = dy.Int64(
        nullable=True, min=0, metadata={"unit": "shares", "meaning": "total volume of the session so far"}
    )


class Coverage(Provenance):
    """Whether a company expected at a tick was received, and if not, why."""

    tick = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "scheduled instant"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker expected"})
    session = dy.Date(nullable=False, metadata={"meaning": "trading day at the exchange"})
    sector = dy.String(nullable=True, metadata={"meaning": "its sector in the universe"})
    received = dy.Bool(nullable=False, metadata={"meaning": "whether a valid snapshot came"})
    reason = dy.String(
        nullable=True,
        metadata={
            "meaning": "why it is missing: not_found, refused, throttled, malformed, timed_out, outside_universe, "
            "crawl_failed or downtime; empty where received"
        },
    )
    detail = dy.String(nullable=True, metadata={"meaning": "the exact reason; empty where received"})

    @dy.rule()
    def reason_where_missing(cls) -> pl.Expr:
        """What is missing has a reason, and what was received has none."""
        return pl.col("received") == pl.col("reason").is_null()


class BarFields(Provenance):
    """A company's trading day as a source or a file gives it."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    session = dy.Date(primary_key=True, metadata={"meaning": "trading day at the exchange"})
    open = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "first trade"})
    high = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "highest trade"})
    low = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "lowest trade"})
    close = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "last trade"})
    volume_shares = dy.Int64(nullable=True, min=0, metadata={"unit": "shares", "meaning": "shares traded"})
    basis = dy.Enum(
        ["raw", "split_adjusted", "fully_adjusted"],
        nullable=False,
        metadata={"meaning": "whether the source has adjusted the prices, and for what"},
    )
    year = dy.Int32(nullable=False, metadata={"meaning": "year of the session; locates the partition"})

    @dy.rule()
    def range_holds_open_and_close(cls) -> pl.Expr:
        """The high is the highest and the low the lowest, up to the source's rounding (1e-6 of the price)."""
        slack = pl.col("close") * 1e-6
        return (pl.max_horizontal("open", "close", "low") <= pl.col("high") + slack) & (
            pl.min_horizontal("open", "close") >= pl.col("low") - slack
        )


class BarDailySilver(BarFields):
    """A company's trading day from one source or file; several may speak of the same day."""

    origin = dy.String(primary_key=True, metadata={"meaning": "yahoo_chart, or the SHA-256 of the imported file"})
    source_adj_close = dy.Float64(
        nullable=True, min_exclusive=0, metadata={"unit": "USD", "meaning": "the source's own adjusted close"}
    )


class CorporateAction(Provenance):
    """A dividend or a split of a company."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    date = dy.Date(primary_key=True, metadata={"meaning": "ex-date at the exchange"})
    kind = dy.Enum(["dividend", "split"], primary_key=True, metadata={"meaning": "dividend or split"})
    amount = dy.Float64(
        nullable=False,
        min_exclusive=0,
        metadata={"unit": "USD per share, or new shares per old", "meaning": "the dividend, or the split's ratio"},
    )
    stated_on = dy.Date(
        nullable=True,
        metadata={"meaning": "day in whose shares the amount is; empty for the day it was observed"},
    )
    origin = dy.String(nullable=False, metadata={"meaning": "yahoo_chart, or the SHA-256 of the imported file"})


class CorporateActionSilver(CorporateAction):
    """A dividend or a split as one source or file gives it; several may speak of the same one."""

    origin = dy.String(primary_key=True, metadata={"meaning": "yahoo_chart, or the SHA-256 of the imported file"})


class BarDaily(BarFields):
    """A company's trading day, with the adjusted close derived from its dividends and splits.

    The CRSP form: going back in time, each dividend multiplies earlier prices by 1 − dividend / previous close.
    """

    dividend = dy.Float64(
        nullable=False, min=0, metadata={"unit": "USD per share", "meaning": "dividend with this ex-date"}
    )
    split_ratio = dy.Float64(
        nullable=False,
        min_exclusive=0,
        metadata={"unit": "ratio", "meaning": "new shares per old on this day; 1 for none"},
    )
    adj_close = dy.Float64(
        nullable=False,
        min_exclusive=0,
        metadata={"unit": "USD", "meaning": "close adjusted for later dividends and splits"},
    )
    return_pct = dy.Float64(
        nullable=True,
        metadata={"unit": "percent", "meaning": "adjusted close over that of the session before, less one"},
    )
    origin = dy.String(nullable=False, metadata={"meaning": "the source or file it was taken from"})


class MinuteFields(Provenance):
    """A company's minute as a source or a file gives it."""

    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    minute = utc(primary_key=True, metadata={"unit": "UTC", "meaning": "start of the minute"})
    session = dy.Date(nullable=False, metadata={"meaning": "trading day at the exchange"})
    open = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "first trade"})
    high = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "highest trade"})
    low = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "lowest trade"})
    close = dy.Float64(nullable=False, min_exclusive=0, metadata={"unit": "USD", "meaning": "last trade"})
    volume_shares = dy.Int64(nullable=True, min=0, metadata={"unit": "shares", "meaning": "shares traded"})

    @dy.rule()
    def range_holds_open_and_close(cls) -> pl.Expr:
        """The high is the highest and the low the lowest."""
        return (pl.max_horizontal("open", "close", "low") <= pl.col("high")) & (
            pl.min_horizontal("open", "close") >= pl.col("low")
        )


class BarMinuteSilver(MinuteFields):
    """A company's minute from one source or file; several may speak of the same minute."""

    origin = dy.String(
        primary_key=True, metadata={"meaning": "yahoo_chart, alphavantage, or the SHA-256 of the imported file"}
    )


class BarMinute(MinuteFields):
    """A company's minute; of two sources the one that is asked now, else the newest observed of several origins."""

    origin = dy.String(nullable=False, metadata={"meaning": "the source or file it was taken from"})


# Silver's bars that are refused beside others of the same day, on the way to gold. No table is kept under the name: it
# has a quarantine alone, apart from the one that silver's own run writes.
DISPUTED = Table("bars_daily_origins", "silver", BarDailySilver, "market", "silver.bars_daily")

MARKET = (
    Table("universe", "silver", Membership, "market", "yahoo_screener", partition_by=("session",)),
    Table("profiles", "silver", Profile, "market", "yahoo_summary", partition_by=("session",)),
    Table("sec_tickers", "silver", SecTicker, "market", "SEC company tickers"),
    Table("quotes", "silver", QuoteSilver, "market", "yahoo_quotes", partition_by=("session",)),
    Table("bars_daily", "silver", BarDailySilver, "market", "yahoo_chart, imported files", partition_by=("year",)),
    Table("corporate_actions", "silver", CorporateActionSilver, "market", "yahoo_chart, imported files"),
    Table(
        "bars_minute",
        "silver",
        BarMinuteSilver,
        "market",
        "yahoo_minutes, alphavantage_minutes, imported files",
        partition_by=("session",),
    ),
    Table("universe", "gold", Membership, "market", "silver.universe", partition_by=("session",)),
    Table("companies", "gold", Company, "market", "silver.profiles, silver.sec_tickers"),
    Table("quotes", "gold", Quote, "market", "silver.quotes, silver.profiles", partition_by=("session",), hot_days=400),
    Table("sectors", "gold", Sector, "market", "gold.quotes, gold.universe", partition_by=("session",), hot_days=400),
    Table(
        "coverage", "gold", Coverage, "market", "gold.universe, silver.quotes", partition_by=("session",), hot_days=400
    ),
    Table("bars_daily", "gold", BarDaily, "market", "silver.bars_daily", partition_by=("year",)),
    Table("corporate_actions", "gold", CorporateAction, "market", "silver.corporate_actions"),
    Table("bars_minute", "gold", BarMinute, "market", "silver.bars_minute", partition_by=("session",), hot_days=3660),
)
