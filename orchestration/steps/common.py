"""What the steps of every group share: landing a crawl in bronze, writing silver and gold."""

from __future__ import annotations

import shutil
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import Table, table
from lake.delta import Commit, Slice, Written
from lake.rows import Settled, write_settled
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scrapers.job import CrawlReport


_LEFT_SECONDS = 86_400
_CRAWL_SECONDS = 3_600.0
# Of what was expected; below it a check fails, below all of it it warns.
ENOUGH_PCT = 98.0


def crawl(work: Work, spider: str, params: Mapping[str, object], timeout: float = _CRAWL_SECONDS) -> CrawlReport:
    """Run a spider against the home's sources; its log lines go to the home's `crawl` log.

    Args:
        timeout: seconds after which it is ended.

    Raises:
        scrapers.crawl.CrawlFailed: when nothing was answered.
    """
    from scrapers.crawl import run_crawl
    from scrapers.urls import source_urls

    _sweep(work.home.landing / "crawls")
    return run_crawl(
        spider,
        {"session": work.last.isoformat(), **params},
        spool_of(work, spider),
        source_urls(work.settings, work.home),
        work.settings,
        run_id=work.run_id,
        log_file=work.home.logs / "crawl.log",
        hosts=work.home.run / "hosts",
        timeout=timeout,
    )


def unchanged(work: Work, table_id: str, why: str) -> Outcome:
    """A table that is left as it is, because nothing is asked."""
    known = table(table_id)
    return Outcome(known, Written(delta.version(work.home, known) or 0, 0), facts={"unchanged": why, "requests": 0})


def keep_unanswered(work: Work, table_id: str, part: str, rows: pl.DataFrame) -> Outcome:
    """Append what was asked in vain.

    Args:
        part: names the append within the run, so that it is made once.
        rows: of the table, with a `reason`.
    """
    known = table(table_id)
    written = delta.append(work.home, known, rows, delta.Commit(f"{work.run_id}/{part}", 1))
    counts = rows.group_by("reason").len().sort("reason")
    facts = {f"unanswered_{reason}": int(count) for reason, count in counts.iter_rows()}
    return Outcome(known, Written(written.version, rows.height), facts=facts)


def _sweep(spools: Path) -> None:
    """Remove what runs that were killed before their bodies reached bronze have left, a day later."""
    for spool in spools.glob("*"):
        if time.time() - spool.stat().st_mtime > _LEFT_SECONDS:
            shutil.rmtree(spool, ignore_errors=True)


def spool_of(work: Work, spider: str) -> Path:
    """Where a crawl of this run puts down what it receives."""
    return work.home.landing / "crawls" / f"{work.run_id}-{spider}"


def land(work: Work, table_id: str, spider: str, params: Mapping[str, object]) -> Outcome:
    """Crawl a source and append every body to bronze, the refused ones too, before anything is parsed.

    Raises:
        scrapers.crawl.CrawlFailed: when nothing was answered; what was received instead is in bronze then.
    """
    from scrapers.crawl import CrawlFailed

    try:
        report = crawl(work, spider, params)
    except CrawlFailed as failure:
        if failure.report is not None:
            keep_bodies(work, table_id, failure.report)
        raise
    return keep_bodies(work, table_id, report)


def keep_bodies(work: Work, table_id: str, report: CrawlReport) -> Outcome:
    """Append what a crawl received to bronze, and remove its spool."""
    known, bodies = table(table_id), report.bodies()
    written = delta.append(work.home, known, bodies, Commit(f"{work.run_id}/{report.spider}", 1))
    shutil.rmtree(report.spool)
    return Outcome(known, Written(written.version, bodies.height), facts=report.summary())


def bodies_of(work: Work, table_id: str, where: Slice | None = None) -> pl.DataFrame:
    """The bronze bodies of the days asked for."""
    return delta.read(work.home, table(table_id), where or days(work, "session"))


def days(work: Work, column: str) -> Slice:
    """The slice of the days asked for."""
    if work.first == work.last:
        return Slice({column: work.first})
    return Slice(between=(column, work.first, work.last + timedelta(days=1)))


def since(work: Work) -> Slice:
    """Bodies asked for on the first day or later: a range is landed under its last day, and may speak of any in it."""
    return Slice(between=("session", work.first, date.max))


def write_silver(work: Work, table_id: str, settled: Settled, where: Slice) -> Outcome:
    """Write a silver slice with its quarantine and its account."""
    known = table(table_id)
    written = write_settled(work.home, known, settled, where)
    reasons = settled.quarantined.group_by("rules").len().sort("rules") if settled.quarantined.height else None
    facts = {f"refused_{rule}": int(count) for rule, count in reasons.iter_rows()} if reasons is not None else {}
    return Outcome(known, written, settled.account, facts=facts)


def write_keeping(work: Work, table_id: str, settled: Settled, where: Slice, bodies: set[str]) -> Outcome:
    """Write a silver slice; rows whose bodies bronze has given up stay, unless a body that is there says them anew.

    Args:
        bodies: SHA-256 of the bodies that `settled` was read from.
    """
    known = table(table_id)
    before = delta.scan(work.home, known, where).filter(~pl.col("_payload_sha256").is_in(bodies)).collect()
    key = list(known.key)
    staying = before.join(settled.good.select(key), on=key, how="anti")
    if staying.is_empty():
        return write_silver(work, table_id, settled, where)
    whole = Settled(pl.concat([settled.good, staying]), settled.quarantined, settled.account)
    outcome = write_silver(work, table_id, whole, where)
    return Outcome(known, outcome.written, outcome.account, facts={**outcome.facts, "kept": staying.height})


class RulesBroken(ValueError):
    """Rows that break their contract; the text says which rules and how many rows."""


def kept_rules(known: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows as the contract has them.

    Raises:
        RulesBroken: when one breaks it.
    """
    good, failure = known.schema.filter(frame.select(known.columns), cast=True)
    if good.height != frame.height:
        broken = ", ".join(f"{rule} ({count} rows)" for rule, count in sorted(failure.counts().items()))
        raise RulesBroken(f"rows break {broken}")
    return good


def write_gold(work: Work, table_id: str, frame: pl.DataFrame, where: Slice) -> Outcome:
    """Write a gold slice, if every row keeps the contract; otherwise nothing, and the outcome says what is wrong."""
    known = table(table_id)
    try:
        good = kept_rules(known, frame)
    except RulesBroken as broken:
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), problem=str(broken))
    return Outcome(known, delta.replace_slice(work.home, known, good, where))


def received_enough(check: str, coverage: pl.DataFrame, by: str) -> Finding:
    """The check of what came: fails below 98 %, warns below all, and counts what is missing.

    Args:
        coverage: a row for each that was expected, with `received`.
        by: the column that what is missing is counted by.
    """
    received, expected = int(coverage["received"].sum()), coverage.height
    pct = 100.0 * received / expected if expected else 0.0
    missing = coverage.filter(~pl.col("received")).group_by(by).len().sort(by)
    facts: dict[str, int | float | str] = {"expected": expected, "received": received, "received_pct": round(pct, 3)}
    facts |= {f"missing_{reason}": int(count) for reason, count in missing.iter_rows()}
    return Finding(check, received == expected, pct >= ENOUGH_PCT, facts)
