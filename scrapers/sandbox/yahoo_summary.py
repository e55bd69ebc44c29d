"""A company's snapshot in the form of Yahoo's quoteSummary modules (formatted=false): yields and changes as fractions."""

from __future__ import annotations

from collections.abc import Callable

from lake.market_calendar import NEW_YORK
from scrapers.sandbox.world import actions, noise
from scrapers.sandbox.world.companies import EXCHANGES, sector_key
from scrapers.sandbox.world.fundamentals import Fundamentals, fundamentals
from scrapers.sandbox.world.officers import officers
from scrapers.sandbox.world.snapshot import Snapshot
from scrapers.sandbox.yahoo_quote import Row, bid_ask, midnight, tidy


def modules(seed: int, snapshot: Snapshot, names: list[str]) -> Row:
    """The modules asked for that exist: one element of `quoteSummary.result`."""
    about = fundamentals(seed, snapshot)
    return {name: MODULES[name](seed, snapshot, about) for name in names if name in MODULES}


def _price(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    del seed, about
    company = snapshot.company
    row: Row = {
        "maxAge": 1,
        "regularMarketChangePercent": tidy(snapshot.change_fraction),
        "regularMarketChange": tidy(snapshot.change),
        "regularMarketTime": snapshot.moment.quoted_at,
        "priceHint": 2 if snapshot.price >= 1 else 4,
        "regularMarketPrice": snapshot.price,
        "regularMarketDayHigh": tidy(snapshot.high),
        "regularMarketDayLow": tidy(snapshot.low),
        "regularMarketVolume": snapshot.volume,
        "regularMarketSource": "FREE_REALTIME",
        "regularMarketOpen": tidy(snapshot.open),
        "exchange": company.exchange,
        "exchangeName": EXCHANGES[company.exchange],
        "exchangeDataDelayedBy": 0,
        "marketState": snapshot.moment.state,
        "quoteType": "EQUITY",
        "symbol": company.symbol,
        "underlyingSymbol": None,
        "shortName": company.short_name,
        "longName": company.name,
        "currency": "USD",
        "quoteSourceName": "Nasdaq Real Time Price" if company.exchange == "NMS" else "Delayed Quote",
        "currencySymbol": "$",
        "fromCurrency": None,
        "toCurrency": None,
        "lastMarket": None,
        "marketCap": int(snapshot.market_cap),
    }
    if snapshot.previous_close:
        row["regularMarketPreviousClose"] = tidy(snapshot.previous_close)
    return row


def _summary_detail(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    book = bid_ask(seed, snapshot)
    high, low, opened = tidy(snapshot.high), tidy(snapshot.low), tidy(snapshot.open)
    row: Row = {
        "maxAge": 1,
        "priceHint": 2 if snapshot.price >= 1 else 4,
        "open": opened,
        "dayLow": low,
        "dayHigh": high,
        "regularMarketOpen": opened,
        "regularMarketDayLow": low,
        "regularMarketDayHigh": high,
        "payoutRatio": tidy(max(0.0, (about.dividend_rate or 0.0) / about.eps), 4) if about.eps > 0 else 0,
        "beta": snapshot.company.beta,
        "volume": snapshot.volume,
        "regularMarketVolume": snapshot.volume,
        "averageVolume": snapshot.mean_volume(63),
        "averageVolume10days": snapshot.mean_volume(10),
        "averageDailyVolume10Day": snapshot.mean_volume(10),
        "bid": book["bid"],
        "ask": book["ask"],
        "bidSize": book["bidSize"] * 100,
        "askSize": book["askSize"] * 100,
        "marketCap": int(snapshot.market_cap),
        "fiftyTwoWeekLow": tidy(float(snapshot.year.low.min())),
        "fiftyTwoWeekHigh": tidy(float(snapshot.year.high.max())),
        "fiftyDayAverage": tidy(snapshot.mean_close(50)),
        "twoHundredDayAverage": tidy(snapshot.mean_close(200)),
        "trailingAnnualDividendRate": about.dividends_paid,
        "trailingAnnualDividendYield": tidy(about.dividends_paid / (snapshot.previous_close or snapshot.price)),
        "currency": "USD",
        "fromCurrency": None,
        "toCurrency": None,
        "lastMarket": None,
        "coinMarketCapLink": None,
        "algorithm": None,
        "tradeable": False,
    }
    if snapshot.previous_close:
        row["previousClose"] = row["regularMarketPreviousClose"] = tidy(snapshot.previous_close)
    if about.eps_forward:
        row["forwardPE"] = tidy(snapshot.price / about.eps_forward)
    if about.eps > 0:
        row["trailingPE"] = tidy(snapshot.price / about.eps, 8)
    if about.dividend_rate:
        row["dividendRate"] = about.dividend_rate
        row["dividendYield"] = round(about.dividend_rate / snapshot.price, 4)
        # The one yield that Yahoo gives in percent here.
        row["fiveYearAvgDividendYield"] = round(snapshot.company.yield_pct, 2)
    if about.ex_dividend:
        row["exDividendDate"] = midnight(about.ex_dividend)
    return row


def _key_statistics(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    company = snapshot.company
    row: Row = {
        "maxAge": 1,
        "priceHint": 2 if snapshot.price >= 1 else 4,
        "enterpriseValue": int(snapshot.market_cap * 1.05),
        "floatShares": int(snapshot.shares * 0.98),
        "sharesOutstanding": snapshot.shares,
        "impliedSharesOutstanding": snapshot.shares,
        "beta": company.beta,
        "category": None,
        "bookValue": about.book_value,
        "priceToBook": tidy(snapshot.price / about.book_value),
        "fundFamily": None,
        "legalType": None,
        "netIncomeToCommon": int(about.eps * snapshot.shares),
        "trailingEps": about.eps,
        "forwardEps": about.eps_forward,
        "lastSplitFactor": None,
        "52WeekChange": tidy(snapshot.year_change),
        "latestShareClass": None,
        "leadInvestor": None,
    }
    if about.eps_forward:
        row["forwardPE"] = tidy(snapshot.price / about.eps_forward)
    today = snapshot.moment.at.astimezone(NEW_YORK).date()
    done = [split for split in actions.splits(seed, company) if split[0] <= today]
    if done:
        when, ratio = done[-1]
        row["lastSplitFactor"] = f"{ratio.numerator}:{ratio.denominator}"
        row["lastSplitDate"] = midnight(when)
    return row


def _asset_profile(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    del about
    company = snapshot.company
    row: Row = {
        "address1": company.address,
        "city": company.city,
        "state": company.state,
        "country": company.country,
        "website": company.website,
        "industry": company.industry,
        "industryKey": sector_key(company.industry),
        "industryDisp": company.industry,
        "sector": company.sector,
        "sectorKey": sector_key(company.sector),
        "sectorDisp": company.sector,
        "longBusinessSummary": company.description,
        "fullTimeEmployees": company.employees,
        "companyOfficers": officers(seed, company, snapshot.moment.session.year),
        "executiveTeam": [],
        "maxAge": 86_400,
    }
    return {name: value for name, value in row.items() if value is not None}


def _calendar_events(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    del seed, snapshot
    row: Row = {
        "maxAge": 1,
        "earnings": {
            "earningsDate": [int(about.next_report.timestamp())],
            "earningsCallDate": [int(about.reported.timestamp()) + 1800],
            "isEarningsDateEstimate": True,
            "earningsAverage": tidy(about.eps_forward / 4, 5),
            "earningsLow": tidy(about.eps_forward / 4 - abs(about.eps_forward) * 0.02, 5),
            "earningsHigh": tidy(about.eps_forward / 4 + abs(about.eps_forward) * 0.02, 5),
        },
    }
    if about.ex_dividend:
        row["exDividendDate"] = midnight(about.ex_dividend)
        row["dividendDate"] = midnight(about.ex_dividend) + 15 * 86_400
    return row


def _financial_data(seed: int, snapshot: Snapshot, about: Fundamentals) -> Row:
    spread = 0.1 + 0.2 * noise.one(noise.key(seed, snapshot.company.born.symbol, "targets"))
    return {
        "maxAge": 86_400,
        "currentPrice": snapshot.price,
        "targetHighPrice": round(about.target_mean * (1 + spread), 2),
        "targetLowPrice": round(about.target_mean * (1 - spread), 2),
        "targetMeanPrice": about.target_mean,
        "targetMedianPrice": round(about.target_mean * 1.01, 2),
        "recommendationMean": about.rating,
        "recommendationKey": about.rating_word.lower().replace(" ", "_"),
        "numberOfAnalystOpinions": about.analysts,
        "financialCurrency": "USD",
    }


MODULES: dict[str, Callable[[int, Snapshot, Fundamentals], Row]] = {
    "price": _price,
    "summaryDetail": _summary_detail,
    "defaultKeyStatistics": _key_statistics,
    "assetProfile": _asset_profile,
    "calendarEvents": _calendar_events,
    "financialData": _financial_data,
}
