"""SEC's mapping of tickers to filers: from the source in a simulated home, from files in a real one."""

from __future__ import annotations

import polars as pl

from lake.contracts import table
from lake.delta import EVERYTHING
from lake.rows import Refusal, RowAccount, Settled, settle
from orchestration.steps.common import write_silver
from orchestration.steps.files import kept
from orchestration.work import Outcome, Work


def settle_tickers(work: Work) -> Outcome:
    """The mapping of all files kept; of those that name a ticker the newest holds, and says when it was last named."""
    from scrapers.imports.read import Source, ticker_rows
    from scrapers.silver import sec_ticker_rows

    known = table("silver.sec_tickers")
    frames: list[pl.DataFrame] = [known.schema.create_empty()]
    refusals: list[Refusal] = []
    rows_in = 0
    for file in kept(work, "sec_tickers").sort("_ingested_at").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            if path.suffix == ".json":
                frame, refused, count = sec_ticker_rows(path, source)
            else:
                frame, refused, count = ticker_rows(path, source, file["file_name"])
        frames.append(frame.select(known.columns))
        refusals += refused
        rows_in += count
    rows = pl.concat(frames, how="vertical_relaxed")
    newest = rows.filter(pl.col("observed_at") == pl.col("observed_at").max().over("symbol"))
    outdated = rows.height - newest.height
    settled = settle(known, newest, rows_in - outdated, refusals)
    account = settled.account
    whole = RowAccount(rows_in, account.rows_out, account.duplicates + outdated, account.quarantined).check(known.id)
    return write_silver(work, known.id, Settled(settled.good, settled.quarantined, whole), EVERYTHING)
