"""Indian indices in the form of Yahoo's v8 chart: daily and by the minute, without volume or events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from lake.market_calendar import INDIA
from scrapers.sandbox.world import india
from scrapers.sandbox.world.india import MINUTES, Index
from scrapers.sandbox.world.noise import Floats
from scrapers.sandbox.yahoo_chart import by_month, quote_columns
from scrapers.sandbox.yahoo_window import RANGES, Window


def index_range_start(name: str, at: datetime) -> int:
    """Where a named range of an index's chart starts, seconds since 1970."""
    today = at.astimezone(INDIA).date()
    if name == "max":
        first = india.FIRST_DAY
    elif name == "ytd":
        first = date(today.year, 1, 1)
    else:
        first = _newest(at) - timedelta(days=(RANGES[name] or 1) - 1)
    return int(india.open_at(first).timestamp())


def _newest(at: datetime) -> date:
    """The newest session that has opened."""
    today = at.astimezone(INDIA).date()
    return next(day for day in reversed(india.sessions(today - timedelta(days=10), today)) if india.open_at(day) <= at)


def _way(seed: int, index: Index, day: date, at: datetime) -> Floats:
    """An index's levels in a session, as far as it has come."""
    done = int((at - india.open_at(day)) / timedelta(minutes=1))
    return india.path(seed, index.symbol, day)[: min(done, MINUTES) + 1]


def index_chart(seed: int, index: Index, at: datetime, window: Window, ahead: int = 0) -> dict[str, Any]:
    """One element of `chart.result`, by a clock that may be ahead by some seconds."""
    newest = _newest(at)
    first = datetime.fromtimestamp(min(window.start, window.end), UTC).astimezone(INDIA).date()
    last = min(newest, datetime.fromtimestamp(window.end, UTC).astimezone(INDIA).date())
    days = india.sessions(first, last)
    rows = [_minutes(seed, index, day, at) if window.interval == "1m" else _day(seed, index, day, at) for day in days]
    columns: dict[str, Any] = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} if rows else {}
    result: dict[str, Any] = {"meta": _meta(seed, index, at, window, ahead), "indicators": {"quote": [{}]}}
    if columns:
        inside = (columns["timestamp"] >= window.start) & (columns["timestamp"] < window.end)
        columns = {name: values[inside] for name, values in columns.items()}
    if not columns or not len(columns["timestamp"]):
        return result
    if window.interval != "1m" and columns["timestamp"][-1] == int(at.timestamp()):
        columns["timestamp"][-1] += ahead  # of a running session, which is stamped with its last trade
    if window.interval == "1mo":
        kept = np.array([day.toordinal() for day in days], dtype=np.int64)[inside]
        columns = by_month(columns | {"adjclose": columns["close"]}, kept)
        del columns["adjclose"]
    result["timestamp"] = columns.pop("timestamp")
    result["indicators"]["quote"] = [quote_columns(columns)]
    if window.interval != "1m":
        result["indicators"]["adjclose"] = [{"adjclose": result["indicators"]["quote"][0]["close"]}]
    return result


def _day(seed: int, index: Index, day: date, at: datetime) -> dict[str, Any]:
    way = _way(seed, index, day, at)
    running = len(way) <= MINUTES
    stamp = int(at.timestamp()) if running else int(india.open_at(day).timestamp())
    return {
        "timestamp": np.array([stamp]),
        "open": way[:1],
        "high": way.max(keepdims=True),
        "low": way.min(keepdims=True),
        "close": way[-1:],
        "volume": np.zeros(1, dtype=np.int64),
    }


def _minutes(seed: int, index: Index, day: date, at: datetime) -> dict[str, Any]:
    way = _way(seed, index, day, at)
    count = len(way) - 1
    return {
        "timestamp": int(india.open_at(day).timestamp()) + 60 * np.arange(count),
        "open": way[:-1],
        "high": np.maximum(way[:-1], way[1:]),
        "low": np.minimum(way[:-1], way[1:]),
        "close": way[1:],
        "volume": np.zeros(count, dtype=np.int64),
    }


def _meta(seed: int, index: Index, at: datetime, window: Window, ahead: int) -> dict[str, Any]:
    newest = _newest(at)
    way = _way(seed, index, newest, at)
    before = india.sessions(newest - timedelta(days=10), newest - timedelta(days=1))[-1]
    previous = float(india.path(seed, index.symbol, before)[-1])
    closes = int(india.open_at(newest).timestamp()) + MINUTES * 60
    return {
        "currency": "INR",
        "symbol": index.symbol,
        "exchangeName": index.exchange,
        "fullExchangeName": index.exchange_name,
        "instrumentType": "INDEX",
        "firstTradeDate": int(india.open_at(india.sessions(india.FIRST_DAY, at.date())[0]).timestamp()),
        "regularMarketTime": min(int(at.timestamp()), closes) + ahead,
        "hasPrePostMarketData": False,
        "gmtoffset": 19_800,
        "timezone": "IST",
        "exchangeTimezoneName": "Asia/Kolkata",
        "regularMarketPrice": float(way[-1]),
        "regularMarketDayHigh": float(way.max()),
        "regularMarketDayLow": float(way.min()),
        "regularMarketVolume": 0,
        "longName": index.name,
        "shortName": index.name,
        "chartPreviousClose": previous,
        "priceHint": 2,
        "currentTradingPeriod": {
            "regular": {
                "timezone": "IST",
                "start": int(india.open_at(newest).timestamp()),
                "end": closes,
                "gmtoffset": 19_800,
            }
        },
        "dataGranularity": window.interval,
        "range": window.range,
        "validRanges": list(RANGES),
    }
