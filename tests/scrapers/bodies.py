"""Bodies built by hand in the sources' forms, and frames of bronze bodies made of them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lake.contracts import table

SESSION = date(2026, 11, 20)
TICK = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
SEEN = datetime(2026, 11, 20, 18, 0, 5, tzinfo=UTC)


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def quote(symbol: str = "ABC", /, **changes: Any) -> dict[str, Any]:
    """A v7 quote."""
    fields = {
        "symbol": symbol,
        "quoteType": "EQUITY",
        "currency": "USD",
        "regularMarketTime": 1795197600,
        "regularMarketPrice": 50.5,
        "regularMarketPreviousClose": 50,
        "regularMarketChange": 0.5,
        "regularMarketChangePercent": 1.0,
        "regularMarketOpen": 50.1,
        "regularMarketDayHigh": 51,
        "regularMarketDayLow": 49.5,
        "regularMarketVolume": 1000,
        "averageDailyVolume3Month": 2000,
        "marketCap": 5_050_000,
        "trailingPE": 10.1,
        "epsTrailingTwelveMonths": 5.0,
        "dividendYield": 2.5,
        "fiftyTwoWeekHigh": 60,
        "fiftyTwoWeekLow": 40,
        "bid": 50.4,
        "ask": 50.6,
        "longName": f"{symbol} Corp.",
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not ...}


def quotes_body(*quotes: Any) -> bytes:
    return encode({"quoteResponse": {"result": list(quotes), "error": None}})


def screener_body(*quotes: Any, start: int = 0, total: int = 500) -> bytes:
    page = {"start": start, "count": len(quotes), "total": total, "quotes": list(quotes)}
    return encode({"finance": {"result": [page], "error": None}})


def summary_body(symbol: str = "ABC", **modules: Any) -> bytes:
    price = {"symbol": symbol, "longName": f"{symbol} Corp.", "exchangeName": "NYSE", "currency": "USD"}
    detail = {"beta": 1.2, "dividendRate": 2.0, "exDividendDate": 1739145600}
    result = {
        "price": price,
        "summaryDetail": detail,
        "assetProfile": {"sector": "Energy", "industry": "Oil", "fullTimeEmployees": 7, "address1": "1 Way"},
        "financialData": {"targetMeanPrice": 60},
        "calendarEvents": {"earnings": {"earningsDate": [1746446400, 1746010740]}},
        **modules,
    }
    return encode({"quoteSummary": {"result": [result], "error": None}})


# 2026-11-18, 19 and 20, 09:30 in New York.
STAMPS = (1795012200, 1795098600, 1795185000)


def chart(symbol: str = "ABC", stamps: Any = STAMPS, **changes: Any) -> dict[str, Any]:
    """The result of a daily chart; `meta`, `quote` and `events` are updated, not replaced."""
    size = len(stamps)
    meta = {
        "symbol": symbol,
        "currency": "USD",
        "exchangeTimezoneName": "America/New_York",
        "dataGranularity": "1d",
        "regularMarketTime": 1795208400,
        "currentTradingPeriod": {"regular": {"start": 1795185000, "end": 1795208400}},
        **changes.get("meta", {}),
    }
    prices = {
        "open": [10.0 + n for n in range(size)],
        "high": [11.5 + n for n in range(size)],
        "low": [9.5 + n for n in range(size)],
        "close": [11 + n for n in range(size)],
        "volume": [100 + n for n in range(size)],
        **changes.get("quote", {}),
    }
    result: dict[str, Any] = {"meta": meta, "timestamp": list(stamps), "indicators": {"quote": [prices]}}
    result["indicators"]["adjclose"] = [{"adjclose": [10.5 + n for n in range(size)]}]
    if "events" in changes:
        result["events"] = changes["events"]
    return result


def chart_body(result: Any) -> bytes:
    return encode({"chart": {"result": [result], "error": None}})


def post(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A post of recent search."""
    fields = {
        "id": str(1000 + number),
        "text": "Up it goes #Nifty50",
        "created_at": "2026-11-19T20:00:00.000Z",
        "author_id": "77",
        "lang": "en",
        "public_metrics": {"like_count": 3, "retweet_count": 2, "reply_count": 1},
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not ...}


def posts_body(*posts: Any, **meta: Any) -> bytes:
    return encode({"data": list(posts), "meta": {"result_count": len(posts), **meta}})


def error_body(root: str, code: str, description: str) -> bytes:
    return encode({root: {"result": None, "error": {"code": code, "description": description}}})


def bronze(*bodies: tuple[str, bytes], source: str = "yahoo_quotes", **columns: Any) -> pl.DataFrame:
    """Bronze rows: (request, body) each, with shared other columns."""
    rows = [
        {
            "source": source,
            "request": request,
            "tick": columns.get("tick"),
            "session": columns.get("session", SESSION),
            "content_type": "application/json",
            "body": body,
            "_ingested_at": columns.get("at", SEEN),
            "_source_url": "http://127.0.0.1/",
            "_http_status": columns.get("status", 200),
            "_payload_sha256": hashlib.sha256(body).hexdigest(),
            "_run_id": columns.get("run_id", "run-1"),
        }
        for request, body in bodies
    ]
    return pl.DataFrame(rows, schema=table("bronze.yahoo_quotes").schema.create_empty().schema)
