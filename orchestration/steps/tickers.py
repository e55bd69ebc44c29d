"""SEC's mapping of tickers to filers: from the source in a simulated home, from files in a real one."""

from __future__ import annotations

import polars as pl

from lake.contracts import table
from lake.delta import EVERYTHING
from lake.rows import Refusal, settle
from orchestration.steps.common import write_silver
from orchestration.steps.files import kept
from orchestration.work import Outcome, Work


def settle_tickers(work: Work) -> Outcome:
    """The mapping of all files kept; where two name a ticker, the newer file's filer holds."""
    from scrapers.files import Source, ticker_rows
    from scrapers.silver import sec_ticker_rows

    known = table("silver.sec_tickers")
    frames: list[pl.DataFrame] = [known.schema.create_empty()]
    refusals: list[Refusal] = []
    rows_in = 0
    for file in kept(work, "sec_tickers").sort("_ingested_at").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            read = sec_ticker_rows if path.suffix == ".json" else ticker_rows
            frame, refused, count = read(path, source)
        frames.append(frame.select(known.columns))
        refusals += refused
        rows_in += count
    settled = settle(known, pl.concat(frames, how="vertical_relaxed"), rows_in, refusals)
    return write_silver(work, known.id, settled, EVERYTHING)
