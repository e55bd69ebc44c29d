"""Full-size marts for the chat: 1,100 companies with a year of bars, made up, deterministic, and quick to load.

Numbers follow random walks from a fixed seed; they agree with each other where questions join them (quotes with the
last bars, sectors with quotes, forecasts with bars), and nothing of them is real.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg import sql

from lake.contracts import SECTORS, of_layer
from lake.load import postgres_columns
from lake.market_calendar import INDIA, NEW_YORK, xnys
from scrapers.sandbox.world.companies import Company, fictional, listed

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
NEWEST = date(2026, 11, 20)
CLOSE = datetime(2026, 11, 20, 16, tzinfo=NEW_YORK).astimezone(UTC)
FIRST = date(2025, 11, 20)
TAGS = ("nifty50", "sensex", "intraday", "banknifty")
Row = dict[str, Any]
_PROVENANCE = {"observed_at": CLOSE, "_run_id": "test", "_payload_sha256": None}
_SEED = 7


def universe(per_sector: int = 100) -> list[Company]:
    """The largest companies of each sector, well-known and fictional."""
    chosen: list[Company] = []
    for sector in SECTORS:
        held = [*listed(_SEED)[sector], *(fictional(_SEED, sector, n) for n in range(per_sector))]
        chosen.extend(sorted(held, key=lambda company: -company.price * company.shares)[:per_sector])
    return chosen


def _walk(company: Company, count: int) -> list[float]:
    draw = random.Random(company.symbol)
    price, path = company.price, []
    for _ in range(count):
        path.append(round(price, 4))
        price *= math.exp(draw.gauss(0.0002, company.own_vol))
    return path


def bars(companies: Sequence[Company]) -> dict[str, list[Row]]:
    """Symbol → a year of daily bars; every yielding company pays four dividends, every 90th splits once."""
    sessions = xnys().sessions(FIRST, NEWEST)
    made: dict[str, list[Row]] = {}
    for n, company in enumerate(companies):
        draw = random.Random(f"{company.symbol} bars")
        closes = _walk(company, len(sessions))
        rows: list[Row] = []
        split_at = 150 if n % 90 == 7 else -1
        for k, (day, close) in enumerate(zip(sessions, closes, strict=True)):
            pays = company.yield_pct > 0 and k % 62 == 10 + n % 40
            traded = round(close / (2 if 0 <= split_at <= k else 1), 4)
            rows.append(
                {
                    "session": day, "open": round(traded * (1 + draw.gauss(0, 0.004)), 4), "close": traded,
                    "volume_shares": int(company.shares * 0.004 * math.exp(draw.gauss(0, 0.35))),
                    "dividend": round(traded * company.yield_pct / 400, 4) if pays else 0.0, "split_ratio": 2.0 if k == split_at else 1.0,
                }
            )  # fmt: skip
        _finish_bars(rows, draw)
        made[company.symbol] = rows
    return made


def _finish_bars(rows: list[Row], draw: random.Random) -> None:
    """Highs and lows, the adjusted close going back, returns and moving averages."""
    factor = 1.0
    for k in range(len(rows) - 1, -1, -1):
        rows[k]["adj_close"] = rows[k]["close"] * factor
        if k:
            factor *= (1 - rows[k]["dividend"] / rows[k - 1]["close"]) / rows[k]["split_ratio"]
    for k, row in enumerate(rows):
        row["high"] = max(row["open"], row["close"]) * (1 + abs(draw.gauss(0, 0.004)))
        row["low"] = min(row["open"], row["close"]) * (1 - abs(draw.gauss(0, 0.004)))
        row["return_pct"] = (row["adj_close"] / rows[k - 1]["adj_close"] - 1) * 100 if k else None
        for window in (20, 50, 200):
            held = [other["close"] for other in rows[max(0, k - window + 1) : k + 1]]
            row[f"ma_{window}"] = statistics.fmean(held) if len(held) == window else None
        row |= {"basis": "raw", "year": row["session"].year, "origin": "yahoo_chart"}


def quote(company: Company, history: list[Row]) -> Row:
    """The snapshot at the close of the newest session."""
    last, before = history[-1], history[-2]
    year = history[-252:]
    high, low = max(r["high"] for r in year), min(r["low"] for r in year)
    price, previous = last["close"], before["close"]
    eps = round(price / company.pe, 4) if company.pe else -1.5
    volumes = [r["volume_shares"] for r in history[-63:]]
    return {
        "symbol": company.symbol, "name": company.name, "sector": company.sector, "industry": company.industry, "tick": CLOSE, "session": NEWEST,
        "quoted_at": CLOSE, "price": price, "previous_close": previous, "change": price - previous, "change_pct": (price / previous - 1) * 100,
        "open": last["open"], "day_high": last["high"], "day_low": last["low"], "volume_shares": last["volume_shares"] * (3 if len(company.symbol) == 3 and company.symbol < "D" else 1),
        "average_volume_3m_shares": int(statistics.fmean(volumes)), "market_cap": price * company.shares, "pe_trailing": price / eps if eps > 0 else None,
        "eps": eps, "dividend_yield_pct": company.yield_pct or (0.0 if len(company.symbol) % 2 else None), "high_52w": high, "low_52w": low,
        "bid": price - 0.01, "ask": price + 0.01, "distance_high_52w_pct": (1 - price / high) * 100, "distance_low_52w_pct": (price / low - 1) * 100,
        "beta": company.beta, "forward_dividend": price * company.yield_pct / 100, "target_1y": price * 1.08,
        "earnings_at": CLOSE + timedelta(days=20), "ex_dividend_date": date(2026, 11, 3), "summary_observed_at": CLOSE,
    }  # fmt: skip


def sectors(quotes: Sequence[Row]) -> list[Row]:
    """The sectors at the one tick."""
    rows = []
    for sector in SECTORS:
        held = [q for q in quotes if q["sector"] == sector]
        weights = [q["market_cap"] * q["previous_close"] / q["price"] for q in held]
        rows.append(
            {
                "sector": sector, "tick": CLOSE, "session": NEWEST, "companies": len(held), "market_cap": sum(q["market_cap"] for q in held),
                "pe_median": statistics.median(q["pe_trailing"] for q in held if q["pe_trailing"]), "change_avg_pct": statistics.fmean(q["change_pct"] for q in held),
                "change_cap_weighted_pct": sum(q["change_pct"] * w for q, w in zip(held, weights, strict=True)) / sum(weights),
                "advancers": sum(q["change"] > 0 for q in held), "decliners": sum(q["change"] < 0 for q in held), "volume_shares": sum(q["volume_shares"] for q in held),
            }
        )  # fmt: skip
    return rows


def visits(companies: Sequence[Company]) -> list[Row]:
    """Visits of 21 days up to the newest session, by filer."""
    days = [NEWEST - timedelta(days=n) for n in range(20, -1, -1)]
    filers: dict[int, Company] = {}
    for company in companies:
        if company.cik:
            filers.setdefault(company.cik, company)
    history: dict[int, list[int]] = {cik: [] for cik in filers}
    rows: list[Row] = []
    for day in days:
        draw = random.Random(day.toordinal())
        counts = {
            cik: max(1, int(math.log(company.price * company.shares) * 2 * math.exp(draw.gauss(0, 0.5))))
            for cik, company in filers.items()
        }
        counts = {cik: n * 6 if draw.random() < 0.004 else n for cik, n in counts.items()}
        total, ordered = sum(counts.values()), sorted(counts.values(), reverse=True)
        for cik, count in counts.items():
            company, past = filers[cik], history[cik]
            usual = statistics.median(past) if len(past) >= 10 else None
            rows.append(
                {
                    "series": "v2", "log_date": day, "cik": cik, "visits_all": count, "rank": ordered.index(count) + 1, "share_pct": 100 * count / total,
                    "usual_visits": usual, "usual_days": len(past), "relative_to_usual": count / usual if usual else None,
                    "symbol": company.symbol, "name": company.name, "sector": company.sector,
                }
            )  # fmt: skip
            past.append(count)
    return rows


def forecasts(companies: Sequence[Company], history: dict[str, list[Row]]) -> list[Row]:
    """Champion and challenger for the last 60 sessions, tested walking forward, and live for the coming one."""
    rows: list[Row] = []
    coming = xnys().next_session(NEWEST)
    for company in companies:
        held = history[company.symbol]
        for role, model in (("champion", "ridge"), ("challenger", "persistence")):
            draw = random.Random(f"{company.symbol} {role}")
            for k in range(len(held) - 60, len(held) + 1):
                last = held[k - 1]["close"]
                guess = last * (1 + (draw.gauss(0, 0.006) if role == "champion" else 0.0))
                actual = held[k]["close"] if k < len(held) else None
                rows.append(
                    {
                        "symbol": company.symbol, "name": company.name, "sector": company.sector, "model_name": model, "model_version": "1", "role": role,
                        "made_at": xnys().close_at(held[k - 1]["session"]), "target_session": held[k]["session"] if k < len(held) else coming,
                        "origin": "walk_forward" if actual else "live", "horizon_sessions": 1, "last_close": last, "forecast_return_pct": (guess / last - 1) * 100,
                        "forecast_close": guess, "interval_low": guess * 0.975, "interval_high": guess * 1.025, "interval_level_pct": 80.0, "actual_close": actual,
                        "absolute_error": abs(actual - guess) if actual else None, "persistence_absolute_error": abs(actual - last) if actual else None,
                        "within_interval": (guess * 0.975 <= actual <= guess * 1.025) if actual else None,
                    }
                )  # fmt: skip
    return rows


def signals() -> list[Row]:
    """Four tags by the hour, from the start of India's 16 November to now."""
    start = datetime.combine(date(2026, 11, 16), time(0), INDIA).astimezone(UTC)
    hours = int((NOW - start) / timedelta(hours=1)) + 1
    rows: list[Row] = []
    for tag in TAGS:
        draw = random.Random(tag)
        for n in range(hours):
            hour = start + timedelta(hours=n)
            composite = draw.gauss(0.05, 0.2)
            posts = draw.randint(3, 60)
            rows.append(
                {
                    "tag": tag, "hour": hour, "day": hour.astimezone(INDIA).date(), "posts": posts, "authors": max(1, posts * 2 // 3), "engagement": posts * draw.uniform(5, 5000),
                    "sentiment": max(-1, min(1, draw.gauss(0, 0.3))), "composite": max(-1, min(1, composite)), "composite_low": composite - 0.1, "composite_high": composite + 0.1,
                }
            )  # fmt: skip
    return rows


def news(companies: Sequence[Company]) -> list[Row]:
    """Up to three stories a company and day over 90 days, some of them about the next company as well."""
    rows: list[Row] = []
    words = ("shares move", "quarter in short", "recall of a product", "dividend is paid", "stock split")
    for n, company in enumerate(companies):
        draw = random.Random(f"{company.symbol} news")
        for back in range(90):
            day = NEWEST - timedelta(days=back)
            for k in range(draw.choice((0, 0, 0, 1, 1, 2, 3))):
                about = [company, *([companies[(n + 1) % len(companies)]] if draw.random() < 0.2 else [])]
                at = datetime.combine(day, time(draw.randint(0, 20), draw.randint(0, 59)), NEW_YORK).astimezone(UTC)
                head = f"{company.name}: {draw.choice(words)}"
                rows.append(
                    {
                        "url": f"https://news.example.com/{company.symbol}/{day}/{k}", "symbol": company.symbol, "session": day, "published_at": at,
                        "headline": head, "publisher": draw.choice(("Wire", "Daily", "Desk")), "summary": None, "document": "{}",
                        "source": "search", "name": company.name, "sector": company.sector, "industry": company.industry,
                    }
                )  # fmt: skip
                rows += [
                    {**rows[-1], "symbol": o.symbol, "name": o.name, "sector": o.sector, "industry": o.industry}
                    for o in about[1:]
                ]
    return rows


def tables() -> dict[str, list[Row]]:
    """All marts' rows by table; minute bars are not loaded."""
    companies = universe()
    history = bars(companies)
    quotes = [quote(company, history[company.symbol]) for company in companies]
    made: dict[str, list[Row]] = {
        "companies": [
            {
                "company_id": str(c.cik or c.symbol), "symbol": c.symbol, "valid_from": CLOSE - timedelta(days=1), "valid_to": None, "is_current": True, "name": c.name, "sector": c.sector,
                "industry": c.industry, "exchange": "NasdaqGS" if c.exchange == "NMS" else "NYSE", "currency": "USD", "country": c.country, "city": c.city, "address": c.address,
                "website": c.website, "employees": c.employees, "cik": c.cik, "description": c.description, "market_cap": q["market_cap"],
            }
            for c, q in zip(companies, quotes, strict=True)
        ],
        "quotes": quotes,
        "sectors": sectors(quotes),
        "coverage": [{"tick": CLOSE, "symbol": c.symbol, "session": NEWEST, "sector": c.sector, "received": True, "reason": None} for c in companies],
        "bars_daily": [{"symbol": c.symbol, "name": c.name, "sector": c.sector, "industry": c.industry, **row} for c in companies for row in history[c.symbol]],
        "forecasts": forecasts(companies, history),
        "signals_hourly": signals(),
        "visits_day": visits(companies),
        "news": news(companies),
    }  # fmt: skip
    names = (
        "quotes",
        "companies",
        "sectors",
        "coverage",
        "bars_daily",
        "forecasts",
        "signals_hourly",
        "visits_day",
        "news",
    )
    made["loads"] = [
        {
            "table_name": f"gold.{name}", "layer": "gold", "source": f"silver.{name}", "rows": len(made[name]), "quarantined_rows": 3 * n, "version": n,
            "loaded_at": NOW - timedelta(minutes=20 * (n + 1)), "first_time": CLOSE - timedelta(days=89) if name == "news" else CLOSE, "last_time": CLOSE,
        }
        for n, name in enumerate(names)
    ]  # fmt: skip
    return made


def fill(owner_dsn: str) -> dict[str, list[Row]]:
    """Make all marts anew in the schema `marts`, readable by the read-only role; gives the rows they hold."""
    made = tables()
    with psycopg.connect(owner_dsn) as connection:
        for table in of_layer("mart"):
            columns = postgres_columns(table)
            name = sql.Identifier("marts", table.name)
            declared = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.kind)) for c in columns
            )
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(name, declared))
            connection.execute(sql.SQL("GRANT SELECT ON {} TO tidemark_reader").format(name))
            listed_columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in columns)
            with (
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, listed_columns)) as copy,
            ):
                for row in made.get(table.name, []):
                    copy.write_row([row.get(c.name, _PROVENANCE.get(c.name)) for c in columns])
            key = sql.SQL(", ").join(sql.Identifier(column) for column in table.key)
            connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, key))
        connection.execute("CREATE INDEX ON marts.bars_daily (session)")
        connection.execute("UPDATE marts.news SET search = to_tsvector('english', headline)")
        connection.commit()
        connection.execute("ANALYZE")
    return made
