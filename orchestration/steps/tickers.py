"""SEC's mapping of tickers to filers: from the source in a simulated home, from files in a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING
from lake.rows import Refusal, RowAccount, Settled, settle
from orchestration.steps.common import write_gold, write_silver
from orchestration.steps.files import kept
from orchestration.work import Outcome, Work

TICKERS, MAPPED = "silver.sec_tickers", "silver.mapped_tickers"


class _Read(NamedTuple):
    """All mappings kept: rows of both tables, what was refused, and how many rows there were."""

    rows: pl.DataFrame
    refusals: list[Refusal]
    rows_in: int


def settle_mappings(work: Work) -> Iterator[Outcome]:
    """The mapping of all files kept, as each has it, and as the newest that names a ticker has it."""
    read = _read(work)
    yield _settle_mapped(work, read)
    yield _settle_newest(work, read)


def settle_tickers(work: Work) -> Outcome:
    """Of the files that name a ticker the newest holds, and says when it was last named."""
    return _settle_newest(work, _read(work))


def _read(work: Work) -> _Read:
    from scrapers.filers import day_of_mapping
    from scrapers.imports.read import Source, ticker_rows
    from scrapers.silver import sec_ticker_rows

    mapped = table(MAPPED)
    frames: list[pl.DataFrame] = [mapped.schema.create_empty()]
    refusals: list[Refusal] = []
    rows_in = 0
    for file in kept(work, "sec_tickers").sort("_ingested_at").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            if path.suffix == ".json":
                frame, refused, count = sec_ticker_rows(path, source)
            else:
                frame, refused, count = ticker_rows(path, source, file["file_name"])
        taken = day_of_mapping(file["file_name"], file["_ingested_at"].date())
        told = frame.with_columns(origin=pl.lit(file["sha256"]), taken_on=pl.lit(taken)).with_row_index("place")
        # A row that comes twice is one.
        told = told.with_columns(pl.col("place").min().over("symbol", "cik", "name", "exchange"))
        frames.append(mapped.conform(told))
        refusals += refused
        rows_in += count
    return _Read(pl.concat(frames), refusals, rows_in)


def _settle_mapped(work: Work, read: _Read) -> Outcome:
    settled = settle(table(MAPPED), read.rows, read.rows_in, read.refusals)
    return write_silver(work, MAPPED, settled, EVERYTHING)


def _settle_newest(work: Work, read: _Read) -> Outcome:
    known = table(TICKERS)
    rows = known.conform(read.rows)
    newest = rows.filter(pl.col("observed_at") == pl.col("observed_at").max().over("symbol"))
    outdated = rows.height - newest.height
    settled = settle(known, newest, read.rows_in - outdated, read.refusals)
    account = settled.account
    whole = RowAccount(read.rows_in, account.rows_out, account.duplicates + outdated, account.quarantined).check(
        known.id
    )
    return write_silver(work, known.id, Settled(settled.good, settled.quarantined, whole), EVERYTHING)


def gold_filers(work: Work) -> Outcome:
    """Filers' tickers and names over time: by SEC's mappings, else as the companies describe themselves."""
    from scrapers.filers import filers

    companies = delta.scan(work.home, table("gold.companies")).filter("is_current").collect()
    rows = filers(delta.read(work.home, table(MAPPED)), companies)
    return write_gold(work, "gold.filers", rows, EVERYTHING)
