"""Indices, minutes, the universe's history and an earlier description, beside the small market of the marts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from lake.contracts import SECTORS
from lake.indices import INDICES, Index
from lake.market_calendar import xnys

Rows = list[dict[str, Any]]
NEWEST = date(2026, 11, 20)
INDEX_DAYS = 270
# Who comes and goes: XOM leaves Energy on the 18th and is back on the 20th; a fictional one is new on the 19th.
LEFT, BACK, NEW = date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 19)
RENAMED = datetime(2026, 11, 12, 11, tzinfo=UTC)
WATCHED = ("AAPL", "MSFT")


def level(index: Index, n: int) -> float:
    """The close of an index's n-th day."""
    return round({"^NSEI": 25000.0, "^BSESN": 82000.0, "^NSEBANK": 56000.0, "^GSPC": 6700.0}[index.symbol] + 7 * n, 2)


def index_sessions(index: Index) -> list[date]:
    """The loaded sessions of an index, on its own exchange's calendar."""
    return index.calendar.sessions(NEWEST - timedelta(days=2 * INDEX_DAYS), NEWEST)[-INDEX_DAYS:]


def _about(index: Index) -> dict[str, Any]:
    return {"symbol": index.symbol, "name": index.name, "exchange": index.exchange, "currency": index.currency}


def index_bars() -> Rows:
    """Daily levels of the four indices."""
    rows: Rows = []
    for index in INDICES.values():
        for n, day in enumerate(index_sessions(index)):
            close = level(index, n)
            before = level(index, n - 1) if n else None
            change = None if before is None else (close / before - 1) * 100
            rows.append(
                {
                    **_about(index), "session": day, "year": day.year, "open": close - 3, "high": close + 20, "low": close - 30,
                    "close": close, "volume_shares": 1000 + n, "return_pct": change, "origin": "yahoo_chart",
                }
            )  # fmt: skip
    return rows


def index_minutes() -> Rows:
    """Minutes of the newest session of each index; the n-th closes n hundredths above the day's open."""
    rows: Rows = []
    for index in INDICES.values():
        opens, closes = index.calendar.open_at(NEWEST), index.calendar.close_at(NEWEST)
        for n in range(int((closes - opens) / timedelta(minutes=1))):
            at = round(level(index, INDEX_DAYS - 1) - 3 + n / 100, 2)
            ends = {"open": at, "high": at + 1, "low": at - 1, "close": at}
            rows.append(
                {**_about(index), **ends, "session": NEWEST, "minute": opens + timedelta(minutes=n), "volume_shares": 0}
            )
    return rows


def minutes() -> Rows:
    """Minutes of the watched companies over the newest two sessions; the n-th closes n hundredths above 100."""
    rows: Rows = []
    for day in xnys().sessions(NEWEST - timedelta(days=1), NEWEST):
        for symbol in WATCHED:
            for n in range(390):
                close = round(100 + n / 100, 2)
                rows.append(
                    {
                        "symbol": symbol, "name": symbol, "session": day, "minute": xnys().open_at(day) + timedelta(minutes=n), "open": close, "high": close + 0.5,
                        "low": close - 0.5, "close": close, "volume_shares": 10 + n, "origin": "yahoo_chart",
                    }
                )  # fmt: skip
    return rows


def universe(listed: Rows) -> Rows:
    """The members of ten sessions, ranked within their sector by market cap."""
    newcomer = next(one["symbol"] for one in reversed(listed) if one["sector"] == "Technology")
    rows: Rows = []
    for day in xnys().sessions(NEWEST - timedelta(days=20), NEWEST)[-10:]:
        for sector in SECTORS:
            held = sorted((one for one in listed if one["sector"] == sector), key=lambda one: -one["market_cap"])
            gone = {"XOM"} if LEFT <= day < BACK else set()
            gone |= {newcomer} if day < NEW else set()
            held = [one for one in held if one["symbol"] not in gone]
            rows += [
                {
                    "session": day, "symbol": one["symbol"], "sector": sector, "rank": n, "name": one["name"], "market_cap": one["market_cap"],
                }
                for n, one in enumerate(held, start=1)
            ]  # fmt: skip
    return rows


def earlier_descriptions(listed: Rows) -> Rows:
    """Pfizer as it was described before it moved and hired; the version in force begins where this one ends."""
    now = next(one for one in listed if one["symbol"] == "PFE")
    before = {**now, "valid_to": RENAMED, "is_current": False, "city": "Old Town", "employees": 7, "market_cap": None}
    now["valid_from"] = RENAMED
    return [before]
