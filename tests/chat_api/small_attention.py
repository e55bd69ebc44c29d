"""Small marts of attention for the pages: a day's seconds, visitors and documents, and bands of every second."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from tests.chat_api import small_marts

Rows = list[dict[str, Any]]
NEWEST = small_marts.NEWEST
OLD = date(2017, 1, 3)


def level(second: int) -> float:
    """Visits a second that the day's curve has: few at night, most in the afternoon."""
    return 8 + 34 * max(0.0, math.sin((second / 86_400 - 0.25) * math.pi * 1.25)) ** 1.5


def bands(days: int = 24) -> Rows:
    """A band for each second, of weekdays and of all days in both forms of the log; as uneven as few days make it."""
    rows = []
    for series, kind in (("v2", "weekday"), ("v2", "all"), ("v1", "all")):
        draw = random.Random(f"{series} {kind}")
        for second in range(86_400):
            mean, odd = level(second), draw.uniform(-0.06, 0.06)
            parts = (mean * (0.76 + odd), mean * (1.22 + odd), mean * (1.55 + draw.uniform(-0.1, 0.15)))
            rows.append(
                {
                    **{"series": series, "measure": "all", "day_kind": kind, "second_of_day": second},
                    **{name: round(4 * value) / 4 for name, value in zip(("p25", "p75", "p95"), parts, strict=True)},
                    **{"days": days, "zeros": "zero"},
                }
            )
    return rows


def seconds(series: str, day: date) -> Rows:
    """Every second's visits of a day, with an hour of more than usual."""
    draw = random.Random(f"{series} {day}")
    rows = []
    for second in range(86_400):
        more = 1.7 if 14 * 3600 <= second < 15 * 3600 else 1.0
        mean = level(second) * more
        visits = max(0, round(draw.gauss(mean, math.sqrt(mean))))
        if visits:
            human = visits // 3 if series == "v1" else None
            rows.append(
                {
                    "series": series,
                    "log_date": day,
                    "second_of_day": second,
                    "visits_all": visits,
                    "visits_human": human,
                }
            )
    return rows


def documents(series: str, day: date, hostile: Sequence[str] = ()) -> Rows:
    """Filings of the known companies, one of a company without a name; forms may be anything that a log led to."""
    known = [("AAPL", "Apple Inc.", 320193), ("MSFT", "Microsoft Corporation", 789019), (None, None, 4_000_001)]
    made = [
        {
            "series": series,
            "log_date": day,
            "cik": cik,
            "accession": f"{cik:010d}-26-{n:06d}",
            "visits_all": 900 - 40 * n - k,
            "visits_human": 300 - 10 * n - k if series == "v1" else None,
            "visitors": 200 - 5 * n if series == "v1" else None,
            "form": ("10-K", "8-K", None, "4")[n % 4],
            "symbol": symbol,
            "name": name,
        }
        for k, (symbol, name, cik) in enumerate(known)
        for n in range(6)
    ]
    for n, text in enumerate(hostile):
        made.append({**made[0], "accession": text, "visits_all": 5000 - n, "form": text, "symbol": None, "name": text})
    return made


def old_visits() -> Rows:
    """Companies of a day of the first form, which tells people from programs."""
    day = [row for row in small_marts.visits(small_marts.companies()) if row["cik"] < 9_000_000]
    return [{**row, "series": "v1", "log_date": OLD, "visits_human": row["visits_all"] // 3} for row in day]


def fill(owner_dsn: str, hostile: Sequence[str] = ()) -> None:
    """Fill the marts of attention, which stand empty after `small_marts.fill`."""
    visitors = [
        {"series": "v1", "log_date": OLD, "minute_of_day": m, "visitors": round(level(60 * m) * 9), "visitors_human": 5}
        for m in range(1440)
    ]
    day = {"visits_all": 1_900_000, "companies": 7, "counts_repeats": True, "documents_a_minute": 25}
    tables: dict[str, Rows] = {
        "visits_bands": bands(),
        "visits_total_second": [*seconds("v2", NEWEST), *seconds("v1", OLD)],
        "visits_documents": [*documents("v2", NEWEST, hostile), *documents("v1", OLD)],
        "visitors_minute": visitors,
        "visitors_day": [{"series": "v1", "log_date": OLD, "visits_human": 600_000, "visitors": 61_234, **day}],
        "visits_day": old_visits(),
    }
    with psycopg.connect(owner_dsn) as connection:
        for name, rows in tables.items():
            _insert(connection, name, rows)
        # Each filer had another name before the year of the newest day.
        connection.execute(
            "INSERT INTO marts.filers (cik, valid_from, valid_to, symbol, name) "
            "SELECT DISTINCT ON (cik, since) cik, since, until, symbol, name || former FROM marts.companies, "
            "(VALUES (date '1993-01-01', date '2026-01-01', ' (formerly)'), ('2026-01-01', NULL, '')) "
            "AS held (since, until, former) WHERE is_current ORDER BY cik, since, symbol"
        )
        # The more visited, the more unusual, the ones on top so much that they are marked; the second is not judged.
        connection.execute(
            "UPDATE marts.visits_day SET measure = 'all', usual_of = 'weekday', unusual_score = relative_to_usual * 2, "
            "is_unusual = CASE WHEN rank <> 2 THEN relative_to_usual * 2 >= 6 END"
        )
        connection.execute(
            "INSERT INTO marts.visits_prices (series, log_date, cik, return_pct, price) "
            "SELECT series, log_date, cik, CASE WHEN cik % 5 > 0 THEN cik % 7 - 3.2 END, "
            "CASE WHEN cik % 5 > 0 THEN 'bar' ELSE 'no_bar' END FROM marts.visits_day"
        )
        connection.execute("CREATE INDEX ON marts.visits_bands (series, measure, day_kind, second_of_day)")
        connection.commit()
        connection.execute("ANALYZE")


def _insert(connection: psycopg.Connection, name: str, rows: Rows) -> None:
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'marts' AND table_name = %s", (name,)
    )
    columns = [row[0] for row in found]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    provenance = {"observed_at": small_marts.CLOSE, "_run_id": "test"}
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier("marts", name), names)) as copy,
    ):
        for row in rows:
            copy.write_row([{**provenance, **row}.get(column) for column in columns])
