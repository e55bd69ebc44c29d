"""Yahoo's v7 quote: batches of snapshots.

Units here: `regularMarketChangePercent` and `dividendYield` are percent, as the contract wants them. A P/E is kept only
where earnings are positive. Zero bids, asks and previous closes are Yahoo's way of saying that there is none.
"""

from __future__ import annotations

from datetime import date, datetime

from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import (
    Parsed,
    Records,
    RowRefused,
    guarded,
    instant,
    json_object,
    must,
    number,
    parsed,
    positive,
    require_usd,
    text,
    whole,
)
from scrapers.pages.bodies import Json, by_status, load_json, raise_source_error

QUOTES = table("silver.quotes")


def read_quotes(body: bytes, session: date, tick: datetime, status: int | None = None) -> Records:
    """Quotes of a body as records; see `parse_quotes`."""

    def read(records: Records) -> None:
        elements = quote_elements(body, status)
        records.read_each(elements, lambda quote, _: _row(quote, session, tick))

    return guarded(read, body)


def parse_quotes(body: bytes, session: date, tick: datetime, status: int | None = None) -> Parsed:
    """Rows of silver.quotes from a v7 quote body.

    Args:
        body: the payload as received.
        session: the trading day asked about.
        tick: the scheduled instant it was asked for.
        status: the response's HTTP status, where known.
    """
    return parsed(read_quotes(body, session, tick, status), QUOTES)


def quote_elements(body: bytes, status: int | None = None) -> list[Json]:
    """The quotes in a body, as they are.

    Raises:
        BodyRefused: naming what came instead.
    """
    root = json_object(load_json(body, status))
    raise_source_error("finance", json_object(root.get("finance")).get("error"), status)
    answer = json_object(root.get("quoteResponse"))
    raise_source_error("quoteResponse", answer.get("error"), status)
    result = answer.get("result")
    if not isinstance(result, list):
        raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE)
    if not result:
        raise BodyRefused(by_status(status) or Reason.EMPTY_RESULT)
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    return result


def _row(quote: dict[str, Json], session: date, tick: datetime) -> dict[str, object]:
    symbol = must(text(quote, "symbol"), Reason.SYMBOL_MISSING)
    if text(quote, "quoteType") == "NONE":
        raise RowRefused(Reason.NOT_FOUND)
    price = positive(quote, "regularMarketPrice")
    if price is None:
        raise RowRefused(Reason.PRICE_MISSING)
    require_usd(quote)
    earnings = number(quote, "epsTrailingTwelveMonths")
    has_pe = earnings is None or earnings > 0
    return {
        "symbol": symbol,
        "tick": tick,
        "session": session,
        "quoted_at": instant(quote, "regularMarketTime"),
        "price": price,
        "previous_close": positive(quote, "regularMarketPreviousClose"),
        "change": number(quote, "regularMarketChange"),
        "change_pct": number(quote, "regularMarketChangePercent"),
        "open": positive(quote, "regularMarketOpen"),
        "day_high": positive(quote, "regularMarketDayHigh"),
        "day_low": positive(quote, "regularMarketDayLow"),
        "volume_shares": whole(quote, "regularMarketVolume"),
        "average_volume_3m_shares": whole(quote, "averageDailyVolume3Month"),
        "market_cap": positive(quote, "marketCap"),
        "pe_trailing": number(quote, "trailingPE") if has_pe else None,
        "eps": earnings,
        "dividend_yield_pct": number(quote, "dividendYield"),
        "high_52w": positive(quote, "fiftyTwoWeekHigh"),
        "low_52w": positive(quote, "fiftyTwoWeekLow"),
        "bid": positive(quote, "bid"),
        "ask": positive(quote, "ask"),
    }
