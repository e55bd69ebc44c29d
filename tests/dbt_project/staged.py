"""A small market in the staging schema, built by hand: what the marts make of it can be counted on one's fingers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import psycopg

from lake import load
from lake.contracts import table

SHA = "c" * 64
SESSIONS = [date(2026, 1, 1) + timedelta(days=n) for n in range(210)]
TICKS = [datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC)]
DAY = date(2026, 11, 20)


def frame(table_id: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a contract with provenance filled in and the columns not named left empty."""
    empty = table(table_id).schema.create_empty()
    known = {"observed_at": TICKS[-1], "_run_id": "run-1", "_payload_sha256": SHA}
    full = [{name: {**known, **row}.get(name) for name in empty.columns} for row in rows]
    return pl.DataFrame(full, schema=empty.schema)


def companies() -> pl.DataFrame:
    """Two companies, one with a former name, and two share classes of one filer, one of them with a former symbol."""
    old, new = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    current = {"valid_from": new, "is_current": True, "sector": "Energy", "industry": "Oil"}
    return frame(
        "gold.companies",
        [
            {
                "company_id": "10",
                "symbol": "AAA",
                "valid_from": old,
                "valid_to": new,
                "is_current": False,
                "name": "Old A",
            },
            {"company_id": "10", "symbol": "AAA", "name": "Alpha", "cik": 10, **current},
            {"company_id": "20", "symbol": "BB-B", "name": "Beta B", "cik": 20, **current},
            {"company_id": "20", "symbol": "BB-A", "name": "Beta A", "cik": 20, **current},
            {
                "company_id": "20",
                "symbol": "B-OLD",
                "valid_from": old,
                "valid_to": new,
                "is_current": False,
                "name": "Beta A",
                "cik": 20,
                "sector": "Energy",
            },
        ],
    )


def quotes() -> pl.DataFrame:
    """Two ticks of two symbols; ZZZ is in no list of companies."""
    rows = [("AAA", TICKS[0], 100.0), ("AAA", TICKS[1], 200.0), ("BB-A", TICKS[1], 300.0), ("ZZZ", TICKS[1], 1.0)]
    return frame(
        "gold.quotes",
        [{"symbol": s, "tick": t, "session": DAY, "price": 10.0, "market_cap": cap} for s, t, cap in rows],
    )


def bars() -> pl.DataFrame:
    """AAA closes at 1, 2, 3 …, so its averages are known; BB-A has 19 sessions, one too few for an average."""
    rows = [("AAA", n) for n in range(len(SESSIONS))] + [("BB-A", n) for n in range(19)] + [("B-OLD", 0)]
    return frame(
        "gold.bars_daily",
        [
            {
                "symbol": symbol, "session": SESSIONS[n], "year": 2026, "basis": "split_adjusted", "origin": "yahoo_chart",
                "dividend": 0.0, "split_ratio": 1.0, "adj_close": n + 1.0,
                **dict.fromkeys(("open", "high", "low", "close"), n + 1.0),
            }
            for symbol, n in rows
        ],
    )  # fmt: skip


def forecasts() -> pl.DataFrame:
    """Two forecasts of AAA, of which one has come true."""
    known = {
        "symbol": "AAA", "model_name": "ridge", "model_version": "1", "made_at": TICKS[1], "role": "champion",
        "origin": "live", "horizon_sessions": 1, "last_close": 10.0, "forecast_return_pct": 1.0, "forecast_close": 10.1,
        "interval_low": 9.0, "interval_high": 11.0, "interval_level_pct": 90.0,
    }  # fmt: skip
    targets = (date(2026, 11, 23), date(2026, 11, 24))
    return frame("gold.forecasts", [{**known, "target_session": target} for target in targets])


def scores() -> pl.DataFrame:
    """The score of the first of the forecasts."""
    key = {"symbol": "AAA", "model_name": "ridge", "model_version": "1", "made_at": TICKS[1]}
    score = {"actual_close": 10.2, "absolute_error": 0.1, "persistence_absolute_error": 0.2, "within_interval": True}
    return frame("gold.forecast_scores", [{**key, "target_session": date(2026, 11, 23), **score}])


def visits() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Visits of a day and of its seconds to a filer with two tickers and to one without."""
    day = {
        "series": "v2", "log_date": DAY, "visits_all": 3, "measure": "all", "rank": 1, "share_pct": 50.0, "rank_all": 1,
        "share_all_pct": 50.0, "usual_days": 0, "is_session": True,
    }  # fmt: skip
    second = {"series": "v2", "log_date": DAY, "second_of_day": 5, "visits_all": 3}
    return (
        frame("gold.visits_day", [{**day, "cik": cik} for cik in (20, 77, 99)]),
        frame("gold.visits_second", [{**second, "cik": cik} for cik in (20, 77, 99)]),
    )


def documents() -> pl.DataFrame:
    """Visits to a filing of a filer that had another ticker the day before."""
    known = {"series": "v2", "cik": 77, "accession": "0000000077-26-000001", "visits_all": 2}
    return frame("gold.visits_documents", [{**known, "log_date": DAY - timedelta(days=n)} for n in (0, 1)])


def filers() -> pl.DataFrame:
    """A filer that changed its ticker, and those that companies of the home are."""
    spans = [("THEN", "Then Inc", date(1993, 1, 1), DAY), ("NOW", "Now Inc", DAY, None)]
    rows = [
        {"cik": 77, "symbol": symbol, "name": name, "valid_from": first, "valid_to": last, "taken_on": first}
        for symbol, name, first, last in spans
    ]
    known = companies().filter(pl.col("is_current") & pl.col("cik").is_not_null()).sort("cik", "symbol")
    own = known.unique("cik", keep="first").select("cik", "symbol", "name", valid_from=date(1993, 1, 1))
    return frame("gold.filers", [*rows, *own.to_dicts()])


def news() -> pl.DataFrame:
    """Three stories: two about AAA, of which one names in its summary what the other has in its headline, and one about nobody known."""
    rows = [
        ("AAA", "https://e.example/recall", "Alpha recalls its pumps", None),
        ("AAA", "https://e.example/quarter", "Alpha's quarter in short", "Among others the recall of pumps."),
        ("ZZZ", "https://e.example/quarter", "Alpha's quarter in short", "<b>Nobody's</b> company."),
    ]
    known = {"session": DAY, "published_at": TICKS[0], "source": "search"}
    return frame(
        "gold.news",
        [
            {"symbol": s, "url": url, "headline": head, "summary": text, "document": '{"title": "x", "n": 1}', **known}
            for s, url, head, text in rows
        ],
    )


def fill(dsn: str) -> None:
    """Load all of it."""
    empty(dsn)
    by_day, by_second = visits()
    for name, rows in {
        "companies": companies(),
        "quotes": quotes(),
        "bars_daily": bars(),
        "forecasts": forecasts(),
        "forecast_scores": scores(),
        "visits_day": by_day,
        "visits_second": by_second,
        "visits_documents": documents(),
        "filers": filers(),
        "news": news(),
    }.items():
        load.load_slice(dsn, table(f"gold.{name}"), rows)


def empty(dsn: str) -> None:
    """All staging tables without a row, and no marts."""
    load.ensure_staging(dsn)
    with psycopg.connect(dsn) as connection:
        for staged in load.staged_tables():
            connection.execute(f"TRUNCATE staging.{staged.name}")
        for mart in load.of_layer("mart"):
            connection.execute(f"DROP TABLE IF EXISTS marts.{mart.name}, marts_next.{mart.name}")
