"""Raw files in bronze: an EDGAR log or a file that a user brought, kept as it came, with a row in `bronze.files`."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Written
from orchestration.work import Work

_BLOCK = 1 << 20


class RawFile(NamedTuple):
    """A file to be kept, and what is known about it before it is read."""

    path: Path
    kind: str
    source_url: str
    log_date: date | None = None
    symbol: str | None = None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def keep(work: Work, files: list[RawFile]) -> Written:
    """Copy files into bronze and record each once; a file that is there already is left as it is.

    The copy is complete before its row is written, so a kill leaves at most a file without a row.
    """
    known = table("bronze.files")
    present = set(delta.scan(work.home, known).select("sha256", "kind").collect().iter_rows())
    rows = []
    for file in files:
        sha = sha256_of(file.path)
        suffix = "".join(file.path.suffixes[-1:]).lower()
        stored = Path(file.kind) / f"{sha}{suffix}"
        work.home.lake.keep(file.path, str(stored))
        if (sha, file.kind) in present:
            continue
        present.add((sha, file.kind))
        rows.append(
            {
                "sha256": sha,
                "kind": file.kind,
                "file_name": file.path.name,
                "stored_as": str(stored),
                "log_date": file.log_date,
                "symbol": file.symbol,
                "bytes": file.path.stat().st_size,
                "rows_in": None,
                "_ingested_at": work.clock.now(),
                "_source_url": file.source_url,
                "_run_id": work.run_id,
            }
        )
    frame = pl.DataFrame(rows, schema=known.schema.create_empty().schema)
    return delta.append(work.home, known, frame)


def kept(work: Work, *kinds: str) -> pl.DataFrame:
    """The rows of `bronze.files` of some kinds; `lake.local` gives the file that a row calls `stored_as`."""
    return delta.scan(work.home, table("bronze.files")).filter(pl.col("kind").is_in(kinds)).collect()
