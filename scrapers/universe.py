"""The universe is taken once a session: which sectors a session still lacks, and which of its takings counts."""

from __future__ import annotations

from collections import defaultdict

import polars as pl

from lake.contracts import SECTORS
from scrapers.pages.screener import read_screener
from scrapers.spool import asked_for


def newest_taking(bodies: pl.DataFrame) -> pl.DataFrame:
    """The bodies of each sector's newest answered run: two takings of one sector would add up to a universe that never was.

    Args:
        bodies: rows of bronze.yahoo_screener, of any sessions.
    """
    sector = pl.col("request").map_elements(lambda asked: asked_for(asked).get("sector", ""), return_dtype=pl.String)
    of_run = ("session", "_sector", "_run_id")
    begun = pl.col("_ingested_at").min().over(of_run)
    answered = (pl.col("_http_status") == 200).any().over(of_run)
    runs = bodies.with_columns(sector.alias("_sector")).with_columns(
        begun.alias("_begun"), answered.fill_null(False).alias("_answered")
    )
    # A run that was only turned away has taken nothing.
    by_age = pl.col("_run_id").sort_by("_answered", "_begun", "_run_id").last().over("session", "_sector")
    return runs.filter(pl.col("_run_id") == by_age).drop("_sector", "_begun", "_answered")


def sectors_lacking(bodies: pl.DataFrame, per_sector: int) -> list[str]:
    """The sectors of which a session has not all the pages that are wanted.

    Args:
        bodies: rows of bronze.yahoo_screener of one session.
        per_sector: how many companies of each are wanted, where the source has as many.
    """
    pages: dict[str, set[int]] = defaultdict(set)
    wanted = dict.fromkeys(SECTORS, per_sector)
    columns = newest_taking(bodies).select("request", "body", "session", "_http_status")
    for request, body, session, status in columns.iter_rows():
        asked = asked_for(request)
        sector, offset, size = asked.get("sector", ""), int(asked.get("offset", 0)), int(asked.get("size", 0))
        records = read_screener(body, session, sector, status)
        if records.refused is None and sector in wanted:
            pages[sector] |= set(range(offset, offset + size))
            if records.total is not None:
                wanted[sector] = min(wanted[sector], records.total)
    return [sector for sector in SECTORS if not pages[sector] or not set(range(wanted[sector])) <= pages[sector]]
