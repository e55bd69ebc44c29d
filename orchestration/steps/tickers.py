"""SEC's mapping of tickers to filers: from the source in a simulated home, from files in a real one."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from lake.contracts import table
from lake.delta import EVERYTHING
from lake.rows import Refusal, settle
from orchestration.steps.common import write_silver
from orchestration.steps.files import kept
from orchestration.work import Outcome, Work


def settle_tickers(work: Work) -> Outcome:
    """The mapping of all files kept; where two name a ticker, the newer file's filer holds."""
    from scrapers.imports.read import Source, ticker_rows
    from scrapers.silver import sec_ticker_rows

    known = table("silver.sec_tickers")
    frames: list[pl.DataFrame] = [known.schema.create_empty()]
    refusals: list[Refusal] = []
    rows_in = 0
    for file in kept(work, "sec_tickers").sort("_ingested_at").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        path = Path(file["path"])
        if path.suffix == ".json":
            frame, refused, count = sec_ticker_rows(path, source)
        else:
            frame, refused, count = ticker_rows(path, source, file["file_name"])
        frames.append(frame.select(known.columns))
        refusals += refused
        rows_in += count
    settled = settle(known, pl.concat(frames, how="vertical_relaxed"), rows_in, refusals)
    return write_silver(work, known.id, settled, EVERYTHING)
