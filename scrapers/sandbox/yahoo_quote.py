"""A company's snapshot in the form of Yahoo's v7 quotes, which the screener's rows share.

Units are Yahoo's: in v7 the yield and the changes against the previous close and the year are percent, the changes
against averages and extremes are fractions.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from lake.market_calendar import NEW_YORK
from scrapers.sandbox.world import noise
from scrapers.sandbox.world.companies import EXCHANGES
from scrapers.sandbox.world.fundamentals import Fundamentals, fundamentals
from scrapers.sandbox.world.snapshot import Snapshot, first_trade

Row = dict[str, Any]


def midnight(day: date) -> int:
    """A date as Yahoo writes it: midnight UTC in seconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def day_range(low: float, high: float) -> str:
    """A range as Yahoo words it."""
    return f"{low} - {high}"


def tidy(number: float, digits: int = 7) -> float:
    """A number to the significant digits that Yahoo sends."""
    return float(f"{number:.{digits}g}")


def quote_row(seed: int, snapshot: Snapshot) -> Row:
    """One element of `quoteResponse.result`."""
    about = fundamentals(seed, snapshot)
    return {
        **_head(seed, snapshot),
        **_prices(seed, snapshot),
        **_year(snapshot),
        **_slow(snapshot, about),
        **_against(snapshot, "fiftyDayAverage", snapshot.mean_close(50)),
        **_against(snapshot, "twoHundredDayAverage", snapshot.mean_close(200)),
        "symbol": snapshot.company.symbol,
    }


def _head(seed: int, snapshot: Snapshot) -> Row:
    company = snapshot.company
    local = snapshot.moment.at.astimezone(NEW_YORK)
    offset = local.utcoffset()
    nasdaq = company.exchange == "NMS"
    return {
        "language": "en-US",
        "region": "US",
        "quoteType": "EQUITY",
        "typeDisp": "Equity",
        "quoteSourceName": "Nasdaq Real Time Price" if nasdaq else "Delayed Quote",
        "triggerable": not company.fictional,
        "customPriceAlertConfidence": "LOW" if company.fictional else "HIGH",
        "shortName": company.short_name,
        "longName": company.name,
        "displayName": company.name.split(",")[0].removesuffix(" Inc.").removesuffix(" Corporation"),
        "marketState": snapshot.moment.state,
        "currency": "USD",
        "exchange": company.exchange,
        "fullExchangeName": EXCHANGES[company.exchange],
        "messageBoardId": f"finmb_{noise.key(seed, company.born.symbol, 'board') % 10**8}",
        "exchangeTimezoneName": "America/New_York",
        "exchangeTimezoneShortName": local.tzname(),
        "gmtOffSetMilliseconds": int(offset.total_seconds() * 1000) if offset else 0,
        "market": "us_market",
        "esgPopulated": False,
        "corporateActions": [],
        "financialCurrency": "USD",
        "sourceInterval": 15,
        "exchangeDataDelayedBy": 0,
        "hasPrePostMarketData": True,
        "firstTradeDateMilliseconds": first_trade(company) * 1000,
        "priceHint": 2 if snapshot.price >= 1 else 4,
        "tradeable": False,
        "cryptoTradeable": False,
    }


def _prices(seed: int, snapshot: Snapshot) -> Row:
    row: Row = {
        "regularMarketPrice": snapshot.price,
        "regularMarketTime": snapshot.moment.quoted_at,
        "regularMarketOpen": tidy(snapshot.open),
        "regularMarketDayHigh": tidy(snapshot.high),
        "regularMarketDayLow": tidy(snapshot.low),
        "regularMarketDayRange": day_range(snapshot.low, snapshot.high),
        "regularMarketVolume": snapshot.volume,
        "averageDailyVolume3Month": snapshot.mean_volume(63),
        "averageDailyVolume10Day": snapshot.mean_volume(10),
        "sharesOutstanding": snapshot.shares,
        "marketCap": int(snapshot.market_cap),
    }
    if snapshot.previous_close:
        row["regularMarketPreviousClose"] = tidy(snapshot.previous_close)
        row["regularMarketChange"] = tidy(snapshot.change)
        row["regularMarketChangePercent"] = tidy(snapshot.change_fraction * 100)
    return row | bid_ask(seed, snapshot)


def bid_ask(seed: int, snapshot: Snapshot) -> Row:
    """Best bid and ask around the last trade, sizes in lots."""
    stream = noise.key(seed, snapshot.company.born.symbol, "book")
    minute = snapshot.moment.last_trade // 60
    half = max(0.01, snapshot.price * 0.0002 * (0.5 + noise.one(stream, minute)))
    return {
        "bid": round(max(0.0001, snapshot.price - half), 2 if snapshot.price >= 1 else 4),
        "ask": round(snapshot.price + half, 2 if snapshot.price >= 1 else 4),
        "bidSize": 1 + int(noise.one(stream, minute + 1) * 30),
        "askSize": 1 + int(noise.one(stream, minute + 2) * 30),
    }


def _year(snapshot: Snapshot) -> Row:
    low, high, price = float(snapshot.year.low.min()), float(snapshot.year.high.max()), snapshot.price
    return {
        "fiftyTwoWeekLow": tidy(low),
        "fiftyTwoWeekHigh": tidy(high),
        "fiftyTwoWeekRange": day_range(tidy(low), tidy(high)),
        "fiftyTwoWeekLowChange": tidy(price - low),
        "fiftyTwoWeekLowChangePercent": tidy(price / low - 1),
        "fiftyTwoWeekHighChange": tidy(price - high),
        "fiftyTwoWeekHighChangePercent": tidy(price / high - 1),
        "fiftyTwoWeekChangePercent": tidy(snapshot.year_change * 100),
    }


def _against(snapshot: Snapshot, name: str, mean: float) -> Row:
    return {
        name: tidy(mean),
        f"{name}Change": tidy(snapshot.price - mean),
        f"{name}ChangePercent": tidy(snapshot.price / mean - 1),
    }


def _slow(snapshot: Snapshot, about: Fundamentals) -> Row:
    price = snapshot.price
    start, reported = int(about.next_report.timestamp()), int(about.reported.timestamp())
    row: Row = {
        "earningsTimestamp": reported,
        "earningsTimestampStart": start,
        "earningsTimestampEnd": start,
        "earningsCallTimestampStart": reported + 1800,
        "earningsCallTimestampEnd": reported + 1800,
        "isEarningsDateEstimate": True,
        "epsTrailingTwelveMonths": about.eps,
        "epsForward": about.eps_forward,
        "epsCurrentYear": tidy(about.eps * 1.02),
        "priceEpsCurrentYear": tidy(price / (about.eps * 1.02)),
        "forwardPE": tidy(price / about.eps_forward) if about.eps_forward else None,
        "bookValue": about.book_value,
        "priceToBook": tidy(price / about.book_value),
        "averageAnalystRating": f"{about.rating} - {about.rating_word}",
        "trailingAnnualDividendRate": about.dividends_paid,
        "trailingAnnualDividendYield": tidy(about.dividends_paid / (snapshot.previous_close or price)),
    }
    if about.eps > 0:
        row["trailingPE"] = tidy(price / about.eps, 8)
    if about.dividend_rate:
        row["dividendRate"] = about.dividend_rate
        row["dividendYield"] = round(about.dividend_rate / price * 100, 2)
        if about.ex_dividend:
            row["dividendDate"] = midnight(about.ex_dividend) + 15 * 86_400
    return row
