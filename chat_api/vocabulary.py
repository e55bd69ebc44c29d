"""The metrics people can ask about: where each is read, its unit, and the words for it.

Units and meanings come from the table contracts; here stand the words of plain language and what SQL reads.
Words are lower case, hyphens as blanks, without possessive endings, as the lexer gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lake.contracts import table

Subject = Literal[
    "company",
    "quote",
    "bar",
    "minute",
    "index",
    "index_minute",
    "sector",
    "signal",
    "attention",
    "forecast",
    "coverage",
    "member",
    "data",
]

MART: dict[Subject, str] = {
    "company": "companies",
    "quote": "quotes",
    "bar": "bars_daily",
    "minute": "bars_minute",
    "index": "index_bars_daily",
    "index_minute": "index_bars_minute",
    "sector": "sectors",
    "signal": "signals_hourly",
    "attention": "visits_day",
    "forecast": "forecasts",
    "coverage": "coverage",
    "member": "universe",
    "data": "loads",
}


def _subject(name: str) -> Subject:
    first = name.split(".", maxsplit=1)[0]
    return next(subject for subject in MART if subject == first)


@dataclass(frozen=True)
class Metric:
    """A number (or date, or word) that a mart's row holds.

    Attributes:
        name: subject and metric, as plans name it.
        column: the mart's column, or an SQL expression over its columns.
        label: what people call it.
        unit: as the contract says, unless the expression changes it.
        additive: whether a sum of it means something.
        weight: column that an average over rows is weighted by.
    """

    name: str
    column: str
    label: str
    unit: str | None = None
    additive: bool = False
    weight: str | None = None

    @property
    def subject(self) -> Subject:
        """The subject whose mart holds it."""
        return _subject(self.name)

    @property
    def mart(self) -> str:
        """The mart that holds it."""
        return MART[self.subject]


def _metric(name: str, column: str, label: str, *, additive: bool = False) -> Metric:
    contract = table(f"mart.{MART[_subject(name)]}")
    unit = contract.unit(column) if column in contract.columns else None
    return Metric(name, column, label, unit, additive)


_LIST = (
    _metric("company.employees", "employees", "employees", additive=True),
    _metric("company.city", "city", "city"),
    _metric("company.country", "country", "country"),
    _metric("company.address", "address", "address"),
    _metric("company.website", "website", "website"),
    _metric("company.exchange", "exchange", "exchange"),
    _metric("company.industry", "industry", "industry"),
    _metric("company.sector", "sector", "sector"),
    _metric("company.cik", "cik", "CIK"),
    _metric("company.name", "name", "company name"),
    _metric("company.currency", "currency", "currency"),
    _metric("company.officers", "officers", "officers"),
    _metric("company.ceo", "ceo", "chief executive officer"),
    _metric("company.cfo", "cfo", "chief financial officer"),
    _metric("company.description", "description", "description"),
    _metric("quote.price", "price", "price"),
    _metric("quote.previous_close", "previous_close", "previous close"),
    _metric("quote.change", "change", "change in USD"),
    _metric("quote.change_pct", "change_pct", "change %"),
    _metric("quote.open", "open", "open"),
    _metric("quote.day_high", "day_high", "day high"),
    _metric("quote.day_low", "day_low", "day low"),
    _metric("quote.volume", "volume_shares", "volume", additive=True),
    _metric("quote.average_volume", "average_volume_3m_shares", "average volume, 3 months", additive=True),
    _metric("quote.market_cap", "market_cap", "market cap", additive=True),
    _metric("quote.pe", "pe_trailing", "P/E"),
    _metric("quote.eps", "eps", "EPS"),
    _metric("quote.dividend_yield", "dividend_yield_pct", "dividend yield"),
    _metric("quote.high_52w", "high_52w", "52-week high"),
    _metric("quote.low_52w", "low_52w", "52-week low"),
    _metric("quote.below_high_52w", "distance_high_52w_pct", "distance below the 52-week high"),
    _metric("quote.above_low_52w", "distance_low_52w_pct", "distance above the 52-week low"),
    _metric("quote.bid", "bid", "bid"),
    _metric("quote.ask", "ask", "ask"),
    _metric("quote.beta", "beta", "beta"),
    _metric("quote.forward_dividend", "forward_dividend", "forward dividend"),
    _metric("quote.target", "target_1y", "one-year target"),
    _metric("quote.earnings_date", "earnings_at", "earnings date"),
    _metric("quote.ex_dividend_date", "ex_dividend_date", "ex-dividend date"),
    _metric("quote.quoted_at", "quoted_at", "time of the price"),
    _metric("quote.summary_observed_at", "summary_observed_at", "time of the summary"),
    _metric("bar.open", "open", "open"),
    _metric("bar.high", "high", "high"),
    _metric("bar.low", "low", "low"),
    _metric("bar.close", "close", "close"),
    _metric("bar.adj_close", "adj_close", "adjusted close"),
    _metric("bar.volume", "volume_shares", "volume", additive=True),
    _metric("bar.return", "return_pct", "daily return"),
    _metric("bar.dividend", "dividend", "dividend", additive=True),
    _metric("bar.split", "split_ratio", "split"),
    _metric("bar.ma_20", "ma_20", "20-day average"),
    _metric("bar.ma_50", "ma_50", "50-day average"),
    _metric("bar.ma_200", "ma_200", "200-day average"),
    _metric("bar.session", "session", "sessions"),
    _metric("minute.open", "open", "open"),
    _metric("minute.high", "high", "high"),
    _metric("minute.low", "low", "low"),
    _metric("minute.close", "close", "close"),
    _metric("minute.volume", "volume_shares", "volume", additive=True),
    _metric("index.open", "open", "open"),
    _metric("index.high", "high", "high"),
    _metric("index.low", "low", "low"),
    _metric("index.close", "close", "close"),
    _metric("index.volume", "volume_shares", "volume", additive=True),
    _metric("index.return", "return_pct", "daily return"),
    _metric("index.session", "session", "sessions"),
    _metric("index_minute.open", "open", "open"),
    _metric("index_minute.high", "high", "high"),
    _metric("index_minute.low", "low", "low"),
    _metric("index_minute.close", "close", "level"),
    _metric("index_minute.volume", "volume_shares", "volume", additive=True),
    _metric("sector.companies", "companies", "companies", additive=True),
    _metric("sector.market_cap", "market_cap", "total market cap", additive=True),
    _metric("sector.pe", "pe_median", "median P/E"),
    _metric("sector.change_avg", "change_avg_pct", "average change %"),
    _metric("sector.change_weighted", "change_cap_weighted_pct", "cap-weighted change %"),
    _metric("sector.advancers", "advancers", "advancers", additive=True),
    _metric("sector.decliners", "decliners", "decliners", additive=True),
    _metric("sector.volume", "volume_shares", "total volume", additive=True),
    _metric("sector.tick", "tick", "tick"),
    _metric("signal.posts", "posts", "posts", additive=True),
    _metric("signal.engagement", "engagement", "engagement", additive=True),
    replace(_metric("signal.sentiment", "sentiment", "sentiment"), weight="posts"),
    replace(_metric("signal.composite", "composite", "composite signal"), weight="posts"),
    _metric("signal.low", "composite_low", "95 % interval, low"),
    _metric("signal.high", "composite_high", "95 % interval, high"),
    replace(_metric("signal.posts_per_user", "posts::double precision / authors", "posts a user"), unit="posts a user"),
    _metric("attention.visits", "visits_all", "visits", additive=True),
    _metric("attention.share", "share_pct", "share of all visits"),
    _metric("attention.rank", "rank", "rank by visits"),
    _metric("attention.relative", "relative_to_usual", "visits relative to the usual"),
    _metric("forecast.return", "forecast_return_pct", "forecast return"),
    _metric("forecast.close", "forecast_close", "forecast close"),
    _metric("forecast.low", "interval_low", "interval low"),
    _metric("forecast.high", "interval_high", "interval high"),
    _metric("forecast.actual", "actual_close", "actual close"),
    _metric("forecast.error", "absolute_error", "absolute error"),
    _metric("forecast.persistence_error", "persistence_absolute_error", "persistence's absolute error"),
    replace(
        _metric(
            "forecast.skill",
            "1 - absolute_error / NULLIF(persistence_absolute_error, 0)",
            "skill against persistence",
        ),
        unit="ratio",
    ),
    _metric("forecast.inside", "within_interval", "actual inside the interval"),
    replace(_metric("coverage.expected", "count(*)", "expected"), unit="companies"),
    replace(_metric("coverage.received", "count(*) FILTER (WHERE received)", "received"), unit="companies"),
    replace(_metric("coverage.missing", "count(*) FILTER (WHERE NOT received)", "missing"), unit="companies"),
    replace(
        _metric("coverage.share", "100.0 * count(*) FILTER (WHERE received) / NULLIF(count(*), 0)", "coverage"),
        unit="percent",
    ),
    replace(_metric("coverage.main_reason", "mode() WITHIN GROUP (ORDER BY reason)", "most frequent reason")),
    _metric("coverage.came", "received", "received"),
    _metric("coverage.reason", "reason", "reason"),
    _metric("coverage.detail", "detail", "exact reason"),
    _metric("member.entered", "session", "session of entry"),
    _metric("member.left", "session", "first session without it"),
    _metric("member.rank", "rank", "rank by market cap"),
    _metric("data.rows", "rows", "rows", additive=True),
    _metric("data.quarantined", "quarantined_rows", "quarantined rows", additive=True),
    _metric("data.loaded_at", "loaded_at", "last load"),
    _metric("data.source", "source", "source"),
    _metric("data.first", "first_time", "first"),
    _metric("data.last", "last_time", "last"),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _LIST}
