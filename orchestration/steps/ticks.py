"""A tick's steps: quotes by shards, snapshots, sectors over them, coverage, and the gaps that downtime has left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Commit, Slice, Written
from lake.rows import Settled
from orchestration.steps.common import bodies_of, received_enough, unchanged, write_gold, write_silver
from orchestration.steps.market import members, newest_profiles
from orchestration.work import Finding, Outcome, Work

BODIES, UNANSWERED = "bronze.yahoo_quotes", "bronze.unanswered"
COVERAGE_CHECK = "coverage_complete"


class TickPassed(ValueError):
    """A live source is asked for a tick that is over: it gives the present alone."""


def tick_of(work: Work) -> datetime:
    """The tick a quote run is for: the one asked for, else the session's newest that has passed."""
    if work.tick is not None:
        return work.tick
    passed = [tick for tick in work.calendar.ticks(work.last) if tick <= work.clock.now()]
    if not passed:
        raise ValueError(f"{work.last} has no tick yet: its first is at {work.calendar.open_at(work.last)}")
    return passed[-1]


def tick_slice(work: Work) -> Slice:
    """The slice of a quote run."""
    return Slice({"session": work.last, "tick": tick_of(work)})


def land_quotes(work: Work) -> Iterator[Outcome]:
    """Batch quotes of the universe at a tick, less what the tick has already; and what was asked in vain.

    Raises:
        TickPassed: when a live source would have to give the past.
        scrapers.crawl.CrawlFailed: when nothing at all was answered; what came instead is in bronze then.
    """
    from scrapers.crawl import CrawlFailed
    from scrapers.shards import run_shards, shards_of
    from scrapers.urls import source_urls

    tick = tick_of(work)
    if not work.simulated and tick != work.calendar.latest_tick(work.clock.now()).tick:
        raise TickPassed(f"tick {tick:%Y-%m-%d %H:%M} UTC is over: a live source gives only the present")
    universe = members(work)
    lacking = universe if work.again else universe.filter(~pl.col("symbol").is_in(_received(work)))
    if lacking.is_empty():
        yield from (unchanged(work, name, "all of it was there") for name in (BODIES, UNANSWERED))
        return
    at = {"at": tick.isoformat()} if work.simulated else {}
    report = run_shards(
        "quotes",
        {"session": work.last.isoformat(), "tick": tick.isoformat(), **at},
        shards_of(lacking.select("symbol", "sector").iter_rows(), work.settings.shards_per_sector),
        work.home.landing / "crawls" / f"{work.run_id}-quotes",
        source_urls(work.settings, work.home),
        work.settings,
        run_id=work.run_id,
        log_file=work.home.logs / "crawl.log",
        hosts=work.home.run / "hosts",
    )
    bodies, facts = report.bodies(), report.summary() | {"expected": universe.height, "asked": lacking.height}
    commit = Commit(f"{work.run_id}/quotes", 1)
    written = delta.append(work.home, table(BODIES), bodies, commit)
    yield Outcome(table(BODIES), Written(written.version, bodies.height), facts=facts)
    in_vain = [
        ("yahoo_quotes", one.request, tick, work.last, one.shard, one.reason, one.detail, work.clock.now(), work.run_id)
        for one in report.unanswered
    ]
    schema = table(UNANSWERED).schema.create_empty().schema
    missed = delta.append(work.home, table(UNANSWERED), pl.DataFrame(in_vain, schema=schema, orient="row"), commit)
    shutil.rmtree(report.folder, ignore_errors=True)
    if len(report.failed) == len(report.ends) and lacking.height == universe.height:
        reasons = sorted({one.reason for one in report.unanswered})
        raise CrawlFailed(f"quotes: none of {len(report.ends)} shards was answered: {', '.join(reasons)}")
    yield Outcome(table(UNANSWERED), Written(missed.version, len(in_vain)))


def _received(work: Work) -> list[str]:
    """The symbols of the tick that are there: in gold, or in bronze where a run was killed before gold."""
    from scrapers.silver import quotes_rows

    where = tick_slice(work)
    known = delta.scan(work.home, table("gold.coverage"), where).filter("received").collect()["symbol"].to_list()
    bodies = bodies_of(work, BODIES, where)
    landed = quotes_rows(bodies, work.last, tick_of(work)).good["symbol"].to_list() if bodies.height else []
    return [*known, *landed]


def settle_quotes(work: Work) -> Outcome:
    """Snapshots at the tick; left alone where its bodies would say the same, or are no longer kept."""
    from scrapers.silver import quotes_rows

    where, known = tick_slice(work), table("silver.quotes")
    bodies = bodies_of(work, BODIES, where)
    settled: Settled = quotes_rows(bodies, work.last, tick_of(work))
    there = delta.read(work.home, known, where)
    if there.height and (bodies.is_empty() or _same(there, settled.good, known.key)):
        refused = delta.read_quarantine(work.home, known, where)
        if bodies.is_empty() or refused.height == settled.quarantined.height:
            version = delta.version(work.home, known) or 0
            account = None if bodies.is_empty() else settled.account
            return Outcome(known, Written(version, there.height), account, facts={"unchanged": "as it was"})
    return write_silver(work, "silver.quotes", settled, where)


def _same(one: pl.DataFrame, other: pl.DataFrame, key: tuple[str, ...]) -> bool:
    return one.height == other.height and one.sort(key).equals(other.select(one.columns).sort(key))


def _write_if_new(work: Work, table_id: str, frame: pl.DataFrame, where: Slice) -> Outcome:
    """Write a gold slice unless it is there already, to the last value: a repeated run makes no new version."""
    known = table(table_id)
    if frame.height and _same(delta.read(work.home, known, where), frame, known.key):
        version = delta.version(work.home, known) or 0
        return Outcome(known, Written(version, frame.height), facts={"unchanged": "as it was"})
    return write_gold(work, table_id, frame, where)


def gold_quotes(work: Work) -> Iterator[Outcome]:
    """Snapshots with the slow figures known by then, the sectors over them, and what is missing and why."""
    from scrapers.gold import coverage_gold, quotes_gold, sectors_gold

    where = tick_slice(work)
    quotes = delta.read(work.home, table("silver.quotes"), where)
    refused = delta.read_quarantine(work.home, table("silver.quotes"), where)
    known = newest_profiles(work)
    universe = members(work)
    gold = quotes_gold(quotes, known)
    yield _write_if_new(work, "gold.quotes", gold, where)
    yield _write_if_new(work, "gold.sectors", sectors_gold(gold, universe), where)
    # Before the tick's own coverage: a tick that is covered has no gap before it, whatever kills a run.
    gaps = write_gaps(work)
    unanswered = delta.read(work.home, table(UNANSWERED), where)
    coverage = coverage_gold(universe, gold, refused, work.last, tick_of(work), work.run_id, unanswered)
    outcome = _write_if_new(work, "gold.coverage", coverage, where)
    yield Outcome(
        outcome.table,
        outcome.written,
        problem=outcome.problem,
        facts={**outcome.facts, "expected": coverage.height, "received": int(coverage["received"].sum())}
        | {"ticks_missed": len(gaps)},
        findings=(completeness(coverage),),
    )


def completeness(coverage: pl.DataFrame) -> Finding:
    """The check of a tick's coverage, what is missing counted by reason; a tick at which nobody is expected fails."""
    found = received_enough(COVERAGE_CHECK, coverage, "reason")
    return replace(found, passed=found.passed and coverage.height > 0)


def write_gaps(work: Work) -> list[datetime]:
    """Coverage of the ticks between the newest covered one and this, all of it missing: nobody was there to ask.

    Returns:
        The ticks; none where this tick is itself in the past of a covered one, or the home's first.
    """
    from scrapers.coverage import gap_gold

    tick, known = tick_of(work), table("gold.coverage")
    before = _newest_covered(work, tick)
    if before is None:
        return []
    missed: list[datetime] = []
    for session in work.calendar.sessions(before[0], work.last):
        ticks = [at for at in work.calendar.ticks(session) if before[1] < at < tick]
        if not ticks:
            continue
        universe = members(work, session)
        where = Slice({"session": session}, ("tick", ticks[0], ticks[-1] + timedelta(microseconds=1)))
        told = delta.read(work.home, table(UNANSWERED), where)
        rows = [
            gap_gold(universe, session, at, work.run_id, work.clock.now(), told.filter(pl.col("tick") == at))
            for at in ticks
        ]
        delta.replace_slice(work.home, known, pl.concat(rows), where)
        missed += ticks
    return missed


def _newest_covered(work: Work, tick: datetime) -> tuple[date, datetime] | None:
    """The newest tick before one that has coverage, with its session; found by partitions, not by reading them all."""
    known = table("gold.coverage")
    if not delta.exists(work.home, known):
        return None
    for session in sorted((day for day in delta.partition_days(work.home, known) if day <= work.last), reverse=True):
        ticks = delta.scan(work.home, known, Slice({"session": session})).select("tick").unique().collect()["tick"]
        passed = [at for at in ticks.to_list() if at < tick]
        if passed:
            return session, max(passed)
    return None
