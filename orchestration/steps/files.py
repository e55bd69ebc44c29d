"""Raw files in bronze: an EDGAR log or a file that a user brought, kept as it came, with a row in `bronze.files`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Slice, Written
from lake.raw_files import sha256_of
from orchestration.work import Work

# Kinds by the names that homes of an earlier version have them under.
_EARLIER = {"bars_daily_csv": "bars_daily", "bars_minute_alphavantage_csv": "bars_minute"}


class _Said(NamedTuple):
    """What has been said of a file."""

    kind: str
    log_date: date | None
    symbol: str | None
    basis: str | None


class RawFile(NamedTuple):
    """A file to be kept, and what is known about it before it is read."""

    path: Path
    kind: str
    source_url: str
    log_date: date | None = None
    symbol: str | None = None
    basis: str | None = None


def keep(work: Work, files: list[RawFile]) -> Written:
    """Copy files into bronze and record each once; a file that is there already is left as it is.

    Brought again with another day, symbol or basis, its row is put in place of the old one, as a new import, be it of
    another kind now. The copy is complete before its row is written, so a kill leaves at most a file without a row.
    """
    known = table("bronze.files")
    present = _said(work)
    rows, again = [], []
    for file in files:
        sha = sha256_of(file.path)
        suffix = "".join(file.path.suffixes[-1:]).lower()
        stored = Path(file.kind) / f"{sha}{suffix}"
        work.home.lake.keep(file.path, str(stored))
        said = _Said(file.kind, file.log_date, file.symbol, file.basis)
        if present.get(sha) == said:
            continue
        if sha in present:
            again.append(Slice({"sha256": sha}))
        present[sha] = said
        rows.append(
            {
                "sha256": sha,
                "kind": file.kind,
                "file_name": file.path.name,
                "stored_as": str(stored),
                "log_date": file.log_date,
                "symbol": file.symbol,
                "basis": file.basis,
                "bytes": file.path.stat().st_size,
                "rows_in": None,
                "_ingested_at": work.clock.now(),
                "_source_url": file.source_url,
                "_run_id": work.run_id,
            }
        )
    frame = pl.DataFrame(rows, schema=known.schema.create_empty().schema)
    for where in again:
        delta.replace_slice(work.home, known, frame.filter(where.expr).tail(1), where)
        frame = frame.filter(~where.expr)
    return delta.append(work.home, known, frame)


def _said(work: Work) -> dict[str, _Said]:
    """What has been said of each file kept."""
    told = delta.scan(work.home, table("bronze.files")).select("sha256", *_Said._fields).collect()
    return {sha: _Said(_EARLIER.get(kind, kind), *others) for sha, kind, *others in told.iter_rows()}


def kinds_before(work: Work, files: list[RawFile]) -> set[str]:
    """The kinds under which some of these files were kept until now, where they are others."""
    said = _said(work)
    before = {(said[sha].kind, file.kind) for file in files if (sha := sha256_of(file.path)) in said}
    return {old for old, new in before if old != new}


def days_before(work: Work, files: list[RawFile]) -> list[RawFile]:
    """Logs among these files that were kept as another day's until now, as that day's."""
    said = _said(work)
    before = [(file, said[sha]) for file in files if (sha := sha256_of(file.path)) in said]
    return [
        file._replace(kind=old.kind, log_date=old.log_date)
        for file, old in before
        if old.log_date is not None and old.log_date != file.log_date
    ]


def kept(work: Work, *kinds: str) -> pl.DataFrame:
    """The rows of `bronze.files` of some kinds; `lake.local` gives the file that a row calls `stored_as`."""
    told = delta.scan(work.home, table("bronze.files")).with_columns(pl.col("kind").replace(_EARLIER))
    return told.filter(pl.col("kind").is_in(kinds)).collect().sort("sha256")
