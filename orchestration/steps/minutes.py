"""The steps of companies' minute bars: charts of a watchlist, and files that a user brought."""

from __future__ import annotations

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from orchestration.steps.common import bodies_of, days, land, since, write_gold, write_silver
from orchestration.steps.imports import as_one, settle_files
from orchestration.steps.market import members
from orchestration.work import Outcome, Work


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

    outcomes = list(settle_files(work, "bars_minute"))
    settled = minutes_rows(bodies_of(work, "bronze.yahoo_minutes", since(work)), work.first, work.last)
    where = days(work, "session")
    charts = Slice({"origin": "yahoo_chart", **where.equals}, where.between)
    outcomes.append(write_silver(work, "silver.bars_minute", settled, charts))
    return as_one("silver.bars_minute", outcomes)


def gold_minutes(work: Work) -> Outcome:
    """Minute bars, one for each company and minute: the newest observed."""
    rows = delta.read(work.home, table("silver.bars_minute"))
    newest = rows.sort("observed_at", "origin", descending=[True, False]).unique(
        ["symbol", "minute"], keep="first", maintain_order=True
    )
    return write_gold(work, "gold.bars_minute", newest.sort("symbol", "minute"), EVERYTHING)
