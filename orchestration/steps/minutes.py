"""The steps of companies' minute bars: a watchlist's by the source that is chosen, and files that a user brought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from lake.settings import MinuteSource
from orchestration.steps.common import (
    bodies_of,
    crawl,
    days,
    keep_bodies,
    keep_unanswered,
    since,
    unchanged,
    write_gold,
    write_silver,
)
from orchestration.steps.imports import as_one, settle_files
from orchestration.steps.market import members
from orchestration.steps.minute_coverage import UNANSWERED, gold_minute_coverage, unanswered_rows
from orchestration.work import Outcome, Work

# With more sessions than these to renew, the table is written whole: one commit, and as quick.
_MANY = 64


class Source(NamedTuple):
    """A source of minutes: the table of its bodies, and the origin of its rows."""

    bodies: str
    origin: str


SOURCES: dict[MinuteSource, Source] = {
    "yahoo": Source("bronze.yahoo_minutes", "yahoo_chart"),
    "alphavantage": Source("bronze.alphavantage_minutes", "alphavantage"),
}


def watchlist(work: Work) -> list[str]:
    """The companies whose minutes are collected: those of the setting, else the largest of each sector."""
    if work.settings.minute_symbols:
        return list(work.settings.minute_symbols)
    return members(work).filter(pl.col("rank") == 1)["symbol"].to_list()


def land_minutes(work: Work) -> Iterator[Outcome]:
    """Bodies of the source that is chosen, and what it was asked in vain; the other source is left alone.

    Raises:
        scrapers.crawl.CrawlFailed: when nothing was answered; what came instead, and what was asked, is in bronze then.
    """
    from scrapers.crawl import CrawlFailed

    chosen = SOURCES[work.settings.minute_source]
    spider, name, asked = _questions(work)
    for source in SOURCES.values():
        if source != chosen:
            yield unchanged(work, source.bodies, f"TIDEMARK_MINUTE_SOURCE is {work.settings.minute_source}")
    if not asked:
        yield unchanged(work, chosen.bodies, "nothing is lacking that can be had")
        yield unchanged(work, UNANSWERED, "nothing was asked")
        return
    try:
        report = crawl(work, spider, {name: asked})
    except CrawlFailed as failure:
        if failure.report is not None:
            keep_bodies(work, chosen.bodies, failure.report)
        keep_unanswered(work, UNANSWERED, "minutes", unanswered_rows(work, chosen.bodies, asked, failure.report))
        raise
    outcome = keep_bodies(work, chosen.bodies, report)
    yield outcome
    yield keep_unanswered(work, UNANSWERED, "minutes", unanswered_rows(work, chosen.bodies, asked, report))


def _questions(work: Work) -> tuple[str, str, list[dict[str, str]]]:
    """The spider, and what it is asked under which name."""
    from scrapers.asked_months import answers, lacking_months
    from scrapers.windows import charts_of, minute_windows

    if work.settings.minute_source == "yahoo":
        windows = list(minute_windows(work.calendar, work.first, work.last, work.clock.now()))
        return "charts", "charts", charts_of(watchlist(work), "1m", windows) if windows else []
    sessions = work.calendar.sessions(work.first, work.last)
    closes = {session: work.calendar.close_at(session) for session in sessions}
    known = {} if work.again else answers(_series(work))
    return "alphavantage", "series", lacking_months(known, watchlist(work), sessions, closes)


def lacks(work: Work) -> bool:
    """Whether something is lacking of the sessions asked for that asking again may bring.

    What Yahoo has left out it leaves out again; Alpha Vantage may have been asked too often on one day.
    """
    return work.settings.minute_source == "alphavantage" and bool(_questions(work)[2])


def _series(work: Work) -> pl.DataFrame:
    """Alpha Vantage's bodies of the months asked for: each is landed under any of the month's days, or a later one."""
    from scrapers.asked_months import months_of

    months = "|".join(months_of(work.first, work.last))
    where = Slice(between=("session", work.first.replace(day=1), date.max))
    bodies = delta.scan(work.home, table(SOURCES["alphavantage"].bodies), where)
    return bodies.filter(pl.col("request").str.contains(f"[?&]month=(?:{months})(?:&|$)")).collect()


def settle_minutes(work: Work) -> Outcome:
    """Minute bars of the sessions asked for, by each source, and those of imported files."""
    from scrapers.silver import minutes_rows, series_rows

    outcomes = list(settle_files(work, "bars_minute"))
    where = days(work, "session")
    settled = {
        "yahoo_chart": minutes_rows(bodies_of(work, SOURCES["yahoo"].bodies, since(work)), work.first, work.last),
        "alphavantage": series_rows(_series(work), work.first, work.last),
    }
    for origin, rows in settled.items():
        own = Slice({"origin": origin, **where.equals}, where.between)
        outcomes.append(write_silver(work, "silver.bars_minute", rows, own))
    return as_one("silver.bars_minute", outcomes)


def gold_coverage(work: Work) -> Outcome:
    """What came of each watched company in each session asked for."""
    return gold_minute_coverage(work, watchlist(work), SOURCES[work.settings.minute_source].origin)


def gold_minutes(work: Work) -> Outcome:
    """Minute bars, one for each company and minute: of two sources the chosen one's, else the newest observed.

    Sessions that gold has as they should be are left alone, so that the marts renew those alone that have changed. The
    facts count the rows that gave way, and the minutes of which the sources tell different closes.
    """
    known = table("gold.bars_minute")
    rows = delta.read(work.home, table("silver.bars_minute"))
    wanted, counts = _one_each(rows, SOURCES[work.settings.minute_source].origin)
    wanted = wanted.select(known.columns).sort("symbol", "minute")
    there = delta.read(work.home, known)
    changed = _sessions_that_differ(wanted, there)
    if len(changed) > _MANY or there.is_empty():
        outcome = write_gold(work, known.id, wanted, EVERYTHING)
        return replace(outcome, facts={**outcome.facts, **counts})
    written = Written(delta.version(work.home, known) or 0, 0)
    for session in changed:
        one = write_gold(work, known.id, wanted.filter(pl.col("session") == session), Slice({"session": session}))
        if one.problem is not None:
            return one
        written = Written(one.written.version, written.rows + one.written.rows)
    return Outcome(known, Written(written.version, wanted.height), facts={"rows_written": written.rows, **counts})


def _one_each(rows: pl.DataFrame, origin: str) -> tuple[pl.DataFrame, dict[str, int]]:
    """One row for each company and minute, and how many gave way.

    Args:
        rows: of silver.bars_minute.
        origin: of the source that is chosen.
    """
    others = [source.origin for source in SOURCES.values() if source.origin != origin]
    one_each = rows.sort(
        pl.col("origin").is_in(others), "observed_at", "origin", descending=[False, True, False]
    ).unique(["symbol", "minute"], keep="first", maintain_order=True)
    own, other = rows.filter(pl.col("origin") == origin), rows.filter(pl.col("origin").is_in(others))
    both = own.join(other, on=["symbol", "minute"], suffix="_other")
    differ = both.filter((pl.col("close_other") / pl.col("close") - 1).abs() > 1e-4).height
    return one_each, {
        "superseded": rows.height - one_each.height,
        "minutes_of_both_sources": both.height,
        "differ": differ,
    }


def _sessions_that_differ(wanted: pl.DataFrame, there: pl.DataFrame) -> list[date]:
    """The sessions of which one frame has a row that the other has not."""
    pairs = ((wanted, there), (there, wanted))
    alone = [a.join(b, on=a.columns, how="anti", nulls_equal=True)["session"] for a, b in pairs]
    return sorted(pl.concat(alone).unique())
