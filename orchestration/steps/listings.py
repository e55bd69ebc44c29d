"""Exchanges' lists from files that a user brought."""

from __future__ import annotations

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING
from orchestration.steps.common import write_gold
from orchestration.steps.imports import as_one, settle_files
from orchestration.work import Outcome, Work


def settle_listings(work: Work) -> Outcome:
    """The lists of every file kept."""
    return as_one("silver.listings", list(settle_files(work, "listings")))


def gold_listings(work: Work) -> Outcome:
    """One row a security and day: of several files the list taken last, then the newest import."""
    known = table("gold.listings")
    rows = delta.read(work.home, table("silver.listings"))
    chosen = rows.sort("taken_at", "observed_at", "origin", descending=[True, True, False], nulls_last=True).unique(
        list(known.key), keep="first", maintain_order=True
    )
    outcome = write_gold(work, known.id, chosen.select(known.columns).sort(known.key), EVERYTHING)
    facts: dict[str, int | float | str] = {"taken": chosen.height, "superseded": rows.height - chosen.height}
    return Outcome(outcome.table, outcome.written, problem=outcome.problem, facts=facts)
