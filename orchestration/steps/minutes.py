"""The steps of companies' minute bars: charts of a watchlist, and files that a user brought."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from orchestration.steps.common import bodies_of, days, land, since, write_gold, write_silver
from orchestration.steps.imports import as_one, settle_minute_files
from orchestration.steps.market import members
from orchestration.work import Outcome, Work

# With more sessions than these to renew, the table is written whole: one commit, and as quick.
_MANY = 64


def watchlist(work: Work) -> list[str]:
    """The companies whose minutes are collected: those of the setting, else the largest of each sector."""
    if work.settings.minute_symbols:
        return list(work.settings.minute_symbols)
    return members(work).filter(pl.col("rank") == 1)["symbol"].to_list()


def land_minutes(work: Work) -> Outcome:
    """Charts by the minute over those of the sessions asked for that the source still gives."""
    from scrapers.windows import charts_of, minute_windows

    windows = list(minute_windows(work.calendar, work.first, work.last, work.clock.now()))
    if not windows:
        known = table("bronze.yahoo_minutes")
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), facts={"requests": 0})
    return land(work, "bronze.yahoo_minutes", "charts", {"charts": charts_of(watchlist(work), "1m", windows)})


def settle_minutes(work: Work) -> Outcome:
    """Minute bars of the sessions asked for, and those of imported files."""
    from scrapers.silver import minutes_rows

    outcomes = list(settle_minute_files(work))
    settled = minutes_rows(bodies_of(work, "bronze.yahoo_minutes", since(work)), work.first, work.last)
    where = days(work, "session")
    charts = Slice({"origin": "yahoo_chart", **where.equals}, where.between)
    outcomes.append(write_silver(work, "silver.bars_minute", settled, charts))
    return as_one("silver.bars_minute", outcomes)


def gold_minutes(work: Work) -> Outcome:
    """Minute bars, one for each company and minute: the newest observed.

    Sessions that gold has as they should be are left alone, so that the marts renew those alone that have changed.
    """
    known = table("gold.bars_minute")
    rows = delta.read(work.home, table("silver.bars_minute"))
    newest = (
        rows.sort("observed_at", "origin", descending=[True, False])
        .unique(["symbol", "minute"], keep="first", maintain_order=True)
        .select(known.columns)
        .sort("symbol", "minute")
    )
    there = delta.read(work.home, known)
    changed = _sessions_that_differ(newest, there)
    if len(changed) > _MANY or there.is_empty():
        return write_gold(work, known.id, newest, EVERYTHING)
    written = Written(delta.version(work.home, known) or 0, 0)
    for session in changed:
        one = write_gold(work, known.id, newest.filter(pl.col("session") == session), Slice({"session": session}))
        if one.problem is not None:
            return one
        written = Written(one.written.version, written.rows + one.written.rows)
    return Outcome(known, Written(written.version, newest.height), facts={"rows_written": written.rows})


def _sessions_that_differ(wanted: pl.DataFrame, there: pl.DataFrame) -> list[date]:
    """The sessions of which one frame has a row that the other has not."""
    pairs = ((wanted, there), (there, wanted))
    alone = [a.join(b, on=a.columns, how="anti", nulls_equal=True)["session"] for a, b in pairs]
    return sorted(pl.concat(alone).unique())
