"""Filings and their forms, from files that a user brought."""

from __future__ import annotations

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING
from orchestration.steps.common import write_gold
from orchestration.steps.imports import as_one, settle_files
from orchestration.work import Outcome, Work


def settle_filings(work: Work) -> Outcome:
    """The filings of every file kept."""
    return as_one("silver.filings", list(settle_files(work, "filings")))


def gold_filings(work: Work) -> Outcome:
    """One row a filing: of several files the newest import, of several filers the one with the lowest number."""
    known = table("gold.filings")
    rows = delta.read(work.home, table("silver.filings"))
    newest = rows.sort("observed_at", "origin", "cik", descending=[True, False, False]).unique(
        list(known.key), keep="first", maintain_order=True
    )
    return write_gold(work, known.id, known.conform(newest).sort(known.key), EVERYTHING)
