"""A small, made-up market in the marts: whatever the pages and the API show, with hostile texts where asked."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from psycopg import sql

from lake.contracts import SECTORS, of_layer
from lake.load import postgres_columns
from lake.market_calendar import NEW_YORK, xnys
from tests.chat_api import news_rows, small_records

NEWEST = date(2026, 11, 20)
CLOSE = datetime(2026, 11, 20, 16, tzinfo=NEW_YORK).astimezone(UTC)
_PROVENANCE = {"observed_at": CLOSE, "_run_id": "test", "_payload_sha256": None}
_KNOWN = (
    ("AAPL", "Apple Inc.", "Technology", 320193),
    ("MSFT", "Microsoft Corporation", "Technology", 789019),
    ("GOOGL", "Alphabet Inc. Class A", "Communication Services", 1652044),
    ("GOOG", "Alphabet Inc. Class C", "Communication Services", 1652044),
    ("JPM", "JPMorgan Chase & Co.", "Financial Services", 19617),
    ("XOM", "Exxon Mobil Corporation", "Energy", 34088),
    ("BA", "The Boeing Company", "Industrials", 12927),
    ("PFE", "Pfizer Inc.", "Healthcare", 78003),
)

Rows = list[dict[str, Any]]


def ticker(stem: str, n: int) -> str:
    """The n-th made-up ticker of a stem."""
    return f"{stem}{chr(65 + n // 26)}{chr(65 + n % 26)}"


def companies(hostile: Sequence[str] = (), filler: int = 22) -> Rows:
    """The known companies, a few fictional ones in every sector, and one for each hostile text, named so."""
    named = [*_KNOWN]
    named += [(ticker("FI", n), f"Fictional {n} Ltd.", SECTORS[n % len(SECTORS)], 9_000_000 + n) for n in range(filler)]
    named += [(ticker("HX", n), text, SECTORS[n % len(SECTORS)], 9_900_000 + n) for n, text in enumerate(hostile)]
    return [
        {
            "company_id": str(cik),
            "symbol": symbol,
            "valid_from": CLOSE - timedelta(days=400),
            "is_current": True,
            "name": name,
            "sector": sector,
            "industry": name if symbol.startswith("HX") else "Example industry",
            "city": name if symbol.startswith("HX") else "Springfield",
            "country": "United States",
            "employees": 1000 + n,
            "cik": cik,
            "market_cap": 3e12 / (n + 1),
            "description": name,
        }
        for n, (symbol, name, sector, cik) in enumerate(named)
    ]


def _price(n: int, day: int) -> float:
    return round(50 + 10 * n + 4 * math.sin(day / 9 + n) + day * 0.05 * (1 if n % 3 else -1), 2)


def bars(listed: Rows, sessions: int) -> Rows:
    """Daily bars of the newest sessions."""
    days = xnys().sessions(NEWEST - timedelta(days=2 * sessions + 10), NEWEST)[-sessions:]
    rows: Rows = []
    for n, company in enumerate(listed):
        for k, day in enumerate(days):
            close = _price(n, k)
            before = _price(n, k - 1) if k else None
            rows.append(
                {
                    **{key: company[key] for key in ("symbol", "name", "sector", "industry")},
                    "session": day,
                    "open": close - 0.2,
                    "high": close + 1,
                    "low": close - 1,
                    "close": close,
                    "volume_shares": 1_000_000 + 1000 * n + k,
                    "basis": "raw",
                    "year": day.year,
                    "dividend": 0.0,
                    "split_ratio": 1.0,
                    "adj_close": close,
                    "return_pct": None if before is None else (close / before - 1) * 100,
                    "origin": "yahoo_chart",
                }
            )
    return rows


def quotes(listed: Rows, sessions: int) -> Rows:
    """The newest session's ticks."""
    rows: Rows = []
    for tick in xnys().ticks(NEWEST):
        for n, company in enumerate(listed):
            previous = _price(n, sessions - 2)
            price = round(_price(n, sessions - 1) - (CLOSE - tick).total_seconds() / 36_000, 2)
            rows.append(
                {
                    **{key: company[key] for key in ("symbol", "name", "sector", "industry", "market_cap")},
                    "tick": tick,
                    "session": NEWEST,
                    "price": price,
                    "previous_close": previous,
                    "change": price - previous,
                    "change_pct": (price / previous - 1) * 100,
                    "open": price - 0.5,
                    "day_high": price + 1,
                    "day_low": price - 1,
                    "volume_shares": 900_000 + n,
                    "eps": 2.0,
                    "pe_trailing": price / 2,
                }
            )
    return rows


def sectors(snapshots: Rows) -> Rows:
    """Sectors by tick, from the quotes."""
    rows: Rows = []
    for tick in sorted({row["tick"] for row in snapshots}):
        for sector in SECTORS:
            held = [row for row in snapshots if row["tick"] == tick and row["sector"] == sector]
            cap = sum(row["market_cap"] for row in held) or None
            rows.append(
                {
                    "sector": sector,
                    "tick": tick,
                    "session": NEWEST,
                    "companies": len(held),
                    "market_cap": cap,
                    "change_cap_weighted_pct": sum(r["change_pct"] * r["market_cap"] for r in held) / cap
                    if cap
                    else None,
                    "change_avg_pct": sum(r["change_pct"] for r in held) / len(held) if held else None,
                    "advancers": sum(r["change"] > 0 for r in held),
                    "decliners": sum(r["change"] < 0 for r in held),
                    "volume_shares": sum(r["volume_shares"] for r in held),
                }
            )
    return rows


def visits(listed: Rows) -> Rows:
    """Visits of the newest logged day, the last companies the most visited."""
    total = sum(100 + 10 * n for n in range(len(listed)))
    return [
        {
            "series": "v2",
            "log_date": NEWEST,
            "cik": company["cik"],
            "visits_all": 100 + 10 * n,
            "rank": len(listed) - n,
            "share_pct": (100 + 10 * n) / total * 100,
            "usual_visits": 100.0,
            "usual_days": 20,
            "relative_to_usual": (100 + 10 * n) / 100,
            **{key: company[key] for key in ("symbol", "name", "sector")},
        }
        for n, company in enumerate(listed)
        if company["symbol"] != "GOOG"
    ]


def forecasts(listed: Rows, sessions: int) -> Rows:
    """The champion's forecasts for the next session, and scored ones of the two before."""
    rows: Rows = []
    days = [*xnys().sessions(NEWEST - timedelta(days=10), NEWEST)[-3:], xnys().next_session(NEWEST)]
    for made, target in pairwise(days):
        known = target <= NEWEST
        for n, company in enumerate(listed):
            last = _price(n, sessions - 1)
            guess, actual = last * (1 + 0.001 * (n % 7 - 3)), last * 1.002
            rows.append(
                {
                    **{key: company[key] for key in ("symbol", "name", "sector")},
                    "model_name": "ridge_daily",
                    "model_version": "1",
                    "made_at": xnys().close_at(made),
                    "target_session": target,
                    "role": "champion",
                    "origin": "walk_forward" if known else "live",
                    "horizon_sessions": 1,
                    "last_close": last,
                    "forecast_return_pct": (guess / last - 1) * 100,
                    "forecast_close": guess,
                    "interval_low": guess * 0.97,
                    "interval_high": guess * 1.03,
                    "interval_level_pct": 80.0,
                    "actual_close": actual if known else None,
                    "absolute_error": abs(actual - guess) if known else None,
                    "persistence_absolute_error": abs(actual - last) if known else None,
                    "within_interval": True if known else None,
                }
            )
    return rows


def signals() -> Rows:
    """Six hours of signals for four tags."""
    start = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
    return [
        {
            "tag": tag,
            "hour": start + timedelta(hours=k),
            "day": NEWEST,
            "posts": 100 + k,
            "authors": 80,
            "engagement": 5000.0,
            "sentiment": 0.1 * n - 0.05 * k,
            "composite": 0.08 * n - 0.04 * k,
            "composite_low": 0.08 * n - 0.04 * k - 0.1,
            "composite_high": 0.08 * n - 0.04 * k + 0.1,
        }
        for n, tag in enumerate(("nifty50", "sensex", "intraday", "banknifty"))
        for k in range(6)
    ]


def loads(made: dict[str, Rows]) -> Rows:
    """What is loaded, as the lake counts it."""
    return [
        {
            "table_name": f"gold.{name}",
            "layer": "gold",
            "source": "test",
            "rows": len(rows),
            "quarantined_rows": 0,
            "version": 1,
            "loaded_at": CLOSE,
            "last_time": CLOSE,
        }
        for name, rows in made.items()
    ]


def coverage(snapshots: Rows) -> Rows:
    """What came of the newest session: nothing at its third tick, one company not at its last."""
    lost = xnys().ticks(NEWEST)[2]
    return [
        {
            "tick": row["tick"],
            "symbol": row["symbol"],
            "session": NEWEST,
            "sector": row["sector"],
            "received": received,
            "reason": None if received else "downtime" if row["tick"] == lost else "throttled",
        }
        for row in snapshots
        for received in [row["tick"] != lost and not (row["tick"] == CLOSE and row["symbol"] == "PFE")]
    ]


def quarantine(hostile: Sequence[str]) -> Rows:
    """Two rules that refused rows; the samples are what a source wrote."""
    seen = {"first_observed_at": CLOSE, "last_observed_at": CLOSE, "version": 3}
    return [
        {
            "table_name": "silver.posts",
            "rule": "no_tag",
            "rows": 12,
            "samples": json.dumps([*hostile][:3] or ["text"]),
            **seen,
        },
        {"table_name": "silver.quotes", "rule": "price_missing", "rows": 3, "samples": '["{}"]', **seen},
    ]


def fill(owner_dsn: str, hostile: Sequence[str] = (), sessions: int = 60, empty: bool = False) -> None:
    """Make all marts anew in the schema `marts`, readable by the read-only role; `empty` leaves out the rows."""
    made: dict[str, Rows] = {}
    if not empty:
        listed = companies(hostile)
        snapshots = quotes(listed, sessions)
        made = {
            "companies": [*listed],
            "bars_daily": bars(listed, sessions),
            "quotes": snapshots,
            "sectors": sectors(snapshots),
            "visits_day": visits(listed),
            "forecasts": forecasts(listed, sessions),
            "signals_hourly": signals(),
            "coverage": coverage(snapshots),
            "quarantine": quarantine(hostile),
            "news": news_rows.news(hostile),
        }
        made["companies"] += small_records.earlier_descriptions(listed)
        made |= {
            "index_bars_daily": small_records.index_bars(),
            "index_bars_minute": small_records.index_minutes(),
            "bars_minute": small_records.minutes(),
            "universe": small_records.universe(listed),
        }
        made["loads"] = loads(made)
    with psycopg.connect(owner_dsn) as connection:
        for table in of_layer("mart"):
            columns = postgres_columns(table)
            name = sql.Identifier("marts", table.name)
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
            connection.execute(
                sql.SQL("CREATE TABLE {} ({})").format(
                    name,
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.kind)) for c in columns
                    ),
                )
            )
            connection.execute(sql.SQL("GRANT SELECT ON {} TO tidemark_reader").format(name))
            rows = made.get(table.name, [])
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    sql.SQL("COPY {} ({}) FROM STDIN").format(
                        name, sql.SQL(", ").join(sql.Identifier(c.name) for c in columns)
                    )
                ) as copy,
            ):
                for row in rows:
                    copy.write_row([{**_PROVENANCE, **row}.get(c.name) for c in columns])
        connection.execute(
            "UPDATE marts.news SET search = to_tsvector('english', headline || ' ' || coalesce(summary, ''))"
        )
