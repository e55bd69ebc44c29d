"""The universe is taken once a session: what is lacking is known from bronze, and the newest taking counts alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from lake.contracts import SECTORS, table
from scrapers.silver import universe_rows
from scrapers.spool import request_text
from scrapers.universe import newest_taking, sectors_lacking
from tests.scrapers.bodies import quote, screener_body


def page(sector: str, offset: int, size: int, total: int, *, run: int = 1, names: str = "S") -> dict[str, object]:
    asked = {"sector": sector, "offset": str(offset), "size": str(size)}
    given = [quote(f"{names}{n}") for n in range(offset, min(offset + size, total))]
    return {
        "source": "yahoo_screener",
        "request": request_text("universe", asked),
        "session": date(2026, 11, 20),
        "body": screener_body(*given, start=offset, total=total),
        "_ingested_at": datetime(2026, 11, 20, 13, run, tzinfo=UTC),
        "_source_url": "http://127.0.0.1/",
        "_http_status": 200,
        "_payload_sha256": f"{abs(hash((sector, offset, run))):064x}"[:64],
        "_run_id": f"run-{run}",
    }


def bronze(*pages: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(pages), schema=table("bronze.yahoo_screener").schema.create_empty().schema)


def test_a_sector_is_taken_when_all_its_pages_are_there() -> None:
    assert sectors_lacking(bronze(), 100) == list(SECTORS)
    others = [page(sector, 0, 100, 500) for sector in SECTORS if sector != "Energy"]
    assert sectors_lacking(bronze(*others), 100) == ["Energy"]
    assert sectors_lacking(bronze(*others, page("Energy", 0, 100, 60)), 100) == [], "it has no more"
    assert sectors_lacking(bronze(page("Energy", 0, 250, 400), page("Energy", 250, 150, 400)), 400) == list(
        SECTORS[:4] + SECTORS[5:]
    )
    assert "Energy" in sectors_lacking(bronze(page("Energy", 0, 250, 400)), 400), "its second page is missing"
    assert len(sectors_lacking(bronze(*others, page("Energy", 0, 100, 500)), 200)) == len(SECTORS), "more are wanted"


def test_a_later_taking_replaces_the_earlier_and_does_not_add_to_it() -> None:
    bodies = bronze(page("Energy", 0, 3, 500), page("Energy", 0, 3, 500, run=2, names="T"), page("Utilities", 0, 2, 9))
    taken = newest_taking(bodies)
    assert taken.columns == bodies.columns
    members = universe_rows(taken, 3).good.filter(pl.col("sector") == "Energy").sort("rank")
    assert members.select("symbol", "rank").rows() == [("T0", 1), ("T1", 2), ("T2", 3)]
    turned_away = page("Energy", 0, 3, 500, run=3) | {"_http_status": 429, "body": b"Too Many Requests"}
    still = newest_taking(pl.concat([bodies, bronze(turned_away)]))
    assert set(still["_run_id"]) == {"run-1", "run-2"}
