"""Which metric each concept may be, and how a question asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from chat_api.plan import Over, Statistic
from chat_api.times import When

# Concepts that a quote holds and a daily bar does not.
QUOTE_ONLY = {
    "previous_close": "quote.previous_close", "average_volume": "quote.average_volume", "market_cap": "quote.market_cap", "pe": "quote.pe", "eps": "quote.eps",
    "dividend_yield": "quote.dividend_yield", "forward_dividend": "quote.forward_dividend", "beta": "quote.beta", "high_52w": "quote.high_52w", "low_52w": "quote.low_52w",
    "below_high_52w": "quote.below_high_52w", "above_low_52w": "quote.above_low_52w", "bid": "quote.bid", "ask": "quote.ask", "target": "quote.target",
    "earnings_date": "quote.earnings_date", "ex_dividend_date": "quote.ex_dividend_date", "quoted_at": "quote.quoted_at", "summary_observed_at": "quote.summary_observed_at",
}  # fmt: skip


BAR_ONLY = {
    "close": "bar.close",
    "adj_close": "bar.adj_close",
    "ma_20": "bar.ma_20",
    "ma_50": "bar.ma_50",
    "ma_200": "bar.ma_200",
    "daily_return": "bar.return",
}


# What a quote says at a tick and a bar over a day.
BOTH = {
    "price": ("quote.price", "bar.close"),
    "open": ("quote.open", "bar.open"),
    "day_high": ("quote.day_high", "bar.high"),
    "day_low": ("quote.day_low", "bar.low"),
    "high": ("quote.day_high", "bar.high"),
    "low": ("quote.day_low", "bar.low"),
    "volume": ("quote.volume", "bar.volume"),
    "change_pct": ("quote.change_pct", "bar.return"),
    "change": ("quote.change", "bar.return"),
}


# Two ends asked for by one word.
RANGES = {"day_range": ("day_low", "day_high"), "range_52w": ("low_52w", "high_52w")}


RANGE_LABELS = {"day_low": "day low", "day_high": "day high", "low_52w": "52 week low", "high_52w": "52 week high"}


PERIOD_ONLY: dict[str, Over] = {"return": "return", "volatility": "volatility", "drawdown": "drawdown"}


COMPANY = {"employees": "company.employees"}


ATTRIBUTES = {
    "city": "city", "country": "country", "address": "address", "website": "website", "exchange": "exchange", "industry": "industry", "sector_of": "sector",
    "cik": "cik", "currency": "currency", "name_of": "name", "description": "description", "symbol": "symbol",
    "officers": "officers", "ceo": "ceo", "cfo": "cfo",
}  # fmt: skip


ATTENTION = {
    "visits": "attention.visits",
    "visit_share": "attention.share",
    "visit_rank": "attention.rank",
    "relative": "attention.relative",
}


FORECAST = {
    "forecast_return": ("forecast.return",), "forecast_close": ("forecast.close",), "forecast": ("forecast.close", "forecast.return"),
    "interval": ("forecast.low", "forecast.high"), "actual": ("forecast.actual",), "error": ("forecast.error",), "skill": ("forecast.skill",),
}  # fmt: skip


SCORED = {"actual", "error", "skill"}


SIGNAL = {
    "posts": "signal.posts",
    "engagement": "signal.engagement",
    "sentiment": "signal.sentiment",
    "composite": "signal.composite",
    "posts_per_user": "signal.posts_per_user",
}


SECTOR = {
    "change_weighted": "sector.change_weighted",
    "change_avg": "sector.change_avg",
    "advancers": "sector.advancers",
    "decliners": "sector.decliners",
}


NOT_LOADED = {
    "board": ("Boards of directors are", "a company's officers are", "Ask for the officers."),
    "bands": ("Percentiles by second of the day are", "visits by day with rank, share and the ratio to the usual are", "Ask for the visits of a day."),
    "visits_second": ("Visits by second or minute are not answered from here and are", "visits by day are", "Ask for the visits of a day."),
}  # fmt: skip


OF_AN_INDEX = (
    "Its open, high, low, close, volume, change, return, volatility and drawdown can be asked by the day, "
    "its level by the minute."
)


PERIODS = ("this month", "year to date", "the last 60 sessions")


@dataclass(frozen=True)
class Ask:
    """How a concept is asked for.

    Attributes:
        when: the time, if one was said.
        statistic: an aggregate over time that was said ("average close", "highest price").
        change: whether the change over the time is asked rather than the value.
        percent: whether that change is asked in percent.
        role: of forecasts.
        at_minutes: whether minute bars are meant.
    """

    when: When | None = None
    statistic: Statistic | None = None
    change: bool = False
    percent: bool = True
    role: str = "champion"
    at_minutes: bool = False


def is_period(when: When | None) -> bool:
    """Whether a time spans several days."""
    if when is None:
        return False
    return when.kind in {"period", "since", "sessions", "pair"}


def is_day(when: When | None) -> bool:
    """Whether a time is one day in the past or the last session."""
    return when is not None and when.kind in {"day", "yesterday", "session"}
