"""Steps for files that a user brought: bars by the day and by the minute."""

from __future__ import annotations

from collections.abc import Iterator

from lake.contracts import table
from lake.delta import Slice, Written
from lake.rows import RowAccount
from orchestration.steps.common import write_silver
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


def settle_minute_files(work: Work) -> Iterator[Outcome]:
    """Minute bars of every file kept, each its own slice."""
    from scrapers.files import Source, minute_bars

    for file in kept(work, "bars_minute_alphavantage_csv").iter_rows(named=True):
        source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
        with work.home.lake.local(file["stored_as"]) as path:
            settled = minute_bars(path, file["symbol"], source)
        yield write_silver(work, "silver.bars_minute", settled, Slice({"origin": file["sha256"]}))


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
