"""Steps for files that a user brought: bars by the day and by the minute."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from lake.rows import RowAccount, Settled, settle
from orchestration.steps.common import write_gold, write_silver
from orchestration.steps.files import kept
from orchestration.work import Outcome, Work

_NONE = RowAccount(0, 0, 0, 0)


def settle_daily_files(work: Work) -> Iterator[Outcome]:
    """Daily bars of every file kept, each its own slice."""
    from scrapers.files import Source, daily_bars

    for file in kept(work, "bars_daily_csv").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            settled = daily_bars(path, file["symbol"], source)
        yield write_silver(work, "silver.bars_daily", settled, Slice({"origin": file["sha256"]}))


def settle_minutes(work: Work) -> Outcome:
    """Minute bars of all files kept; a minute in two of them is taken from the newer file."""
    from scrapers.files import Source, minute_bars

    known = table("silver.bars_minute")
    parts: list[Settled] = []
    for file in kept(work, "bars_minute_alphavantage_csv").sort("_ingested_at").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            parts.append(minute_bars(path, file["symbol"], source))
    return write_silver(work, known.id, together("silver.bars_minute", parts), EVERYTHING)


def together(table_id: str, parts: list[Settled]) -> Settled:
    """Several files' rows judged as one table: the account is that of all of them."""
    known = table(table_id)
    if not parts:
        return settle(known, known.schema.create_empty(), 0)
    both = settle(known, pl.concat([part.good for part in parts]), sum(part.good.height for part in parts))
    each = sum((part.account for part in parts), _NONE)
    account = RowAccount(
        each.rows_in,
        both.account.rows_out,
        each.duplicates + both.account.duplicates,
        each.quarantined + both.account.quarantined,
    )
    quarantined = pl.concat([*(part.quarantined for part in parts), both.quarantined])
    return Settled(both.good, quarantined, account.check(table_id))


def gold_minutes(work: Work) -> Outcome:
    """Minute bars, whole."""
    return write_gold(work, "gold.bars_minute", delta.read(work.home, table("silver.bars_minute")), EVERYTHING)


def as_one(table_id: str, outcomes: list[Outcome]) -> Outcome:
    """Several slices of one table as one outcome."""
    known = table(table_id)
    if not outcomes:
        return Outcome(known, Written(0, 0), _NONE)
    accounts = [outcome.account for outcome in outcomes if outcome.account is not None]
    facts: dict[str, int | float | str] = {}
    for outcome in outcomes:
        for name, value in outcome.facts.items():
            before = facts.get(name, 0)
            facts[name] = before + value if isinstance(before, int) and isinstance(value, int) else value
    rows = sum(outcome.written.rows for outcome in outcomes)
    return Outcome(known, Written(outcomes[-1].written.version, rows), sum(accounts, _NONE), facts=facts)
