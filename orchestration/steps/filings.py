"""Filings and their forms: from SEC's indices of a quarter, and from files that a user brought."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from lake.rows import RowAccount, Settled, settle
from orchestration.steps.common import bodies_of, land, since, write_gold, write_silver
from orchestration.steps.imports import as_one, settle_files
from orchestration.work import Outcome, Work

INDEX = "bronze.edgar_index"
# An index of a quarter that goes on is asked for again after as many days.
_RENEWED_DAYS = 7


def land_index(work: Work) -> Outcome:
    """The indices of the day's quarter, of the year's earlier ones and of the last one of the year before, if bronze lacks them.

    In a real home without a live source there is nothing to fetch: filings come by `tidemark import`.
    """
    known = table(INDEX)
    live = work.simulated or work.settings.source_sec == "live"
    wanted = [quarter for quarter in _quarters(work.last) if live and not _held(work, quarter)]
    if not wanted:
        written = Written(delta.version(work.home, known) or 0, 0)
        return Outcome(known, written, facts={"unchanged": "no index is asked for anew" if live else "files only"})
    return land(work, INDEX, "filings", {"quarters": wanted})


def _quarters(day: date) -> list[str]:
    # An index that was asked for before its quarter ended lacks the quarter's last days, also where a year ends with it.
    return [f"{day.year - 1}Q4", *(f"{day.year}Q{number}" for number in range(1, (day.month + 2) // 3 + 1))]


def _held(work: Work, quarter: str) -> bool:
    """Whether bronze has an index of the quarter that is whole, or new enough."""
    year, number = int(quarter[:4]), int(quarter[-1])
    after = date(year + number // 4, 3 * number % 12 + 1, 1)
    enough = min(after, work.last - timedelta(days=_RENEWED_DAYS - 1))
    asked = delta.scan(work.home, table(INDEX)).filter(
        (pl.col("request") == f"filings?quarter={quarter}")
        & (pl.col("_http_status") == 200)
        & (pl.col("session") >= enough)
        & (pl.col("session") <= work.last)
    )
    return not work.again and asked.select(pl.len()).collect().item() > 0


def settle_index(work: Work) -> Outcome:
    """The filings of the indices that were received for the days asked for or later, a quarter a slice; the newest holds."""
    return as_one("silver.filing_index", list(_settled(work)))


def _settled(work: Work) -> Iterator[Outcome]:
    from scrapers.pages.filing_index import parse_filing_index
    from scrapers.spool import asked_for

    known = table("silver.filing_index")
    bodies = (
        bodies_of(work, INDEX, since(work)).sort("_ingested_at").unique("request", keep="last", maintain_order=True)
    )
    for body in bodies.iter_rows(named=True):
        quarter = asked_for(body["request"])["quarter"]
        read = parse_filing_index(body["body"], quarter, body["_http_status"])
        provenance = (body["_payload_sha256"], body["_ingested_at"], body["_run_id"])
        refusals = [type(one)(one.reason, one.raw, *provenance) for one in read.refusals]
        rows = read.rows.with_columns(
            pl.lit(body["_ingested_at"]).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
            pl.lit(body["_run_id"]).alias("_run_id"),
            pl.lit(body["_payload_sha256"]).alias("_payload_sha256"),
        )
        settled = settle(known, rows, read.rows_in, refusals)
        where = Slice({"quarter": quarter})
        if read.refused is not None:
            # What an earlier index listed stays, beside the refusal.
            before = delta.read(work.home, known, where)
            whole = RowAccount(before.height + 1, before.height, 0, 1)
            settled = Settled(before, settled.quarantined, whole)
        yield write_silver(work, known.id, settled, where)


def settle_filings(work: Work) -> Outcome:
    """The filings of every file kept."""
    return as_one("silver.filings", list(settle_files(work, "filings")))


def gold_filings(work: Work) -> Outcome:
    """One row a filing: the newest that was received, of several filers the one with the lowest number."""
    known = table("gold.filings")
    brought = delta.read(work.home, table("silver.filings"))
    listed = delta.read(work.home, table("silver.filing_index"))
    rows = pl.concat([known.conform(brought), known.conform(listed)])
    newest = rows.sort("observed_at", "_payload_sha256", "cik", descending=[True, False, False]).unique(
        list(known.key), keep="first", maintain_order=True
    )
    return write_gold(work, known.id, newest.sort(known.key), EVERYTHING)
