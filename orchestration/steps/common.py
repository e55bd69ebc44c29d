"""What the steps of every group share: landing a crawl in bronze, writing silver and gold."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Commit, Slice, Written
from lake.rows import Settled, write_settled
from orchestration.work import Outcome, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapers.crawl import CrawlReport


class CrawlFailedError(RuntimeError):
    """A crawl brought nothing that can be used; the text says what the source answered."""


def land(work: Work, table_id: str, spider: str, params: Mapping[str, object]) -> Outcome:
    """Crawl a source and append every body to bronze, the refused ones too, before anything is parsed.

    Raises:
        CrawlFailedError: when no body was received at all.
    """
    from scrapers.crawl import run_crawl

    known = table(table_id)
    spool = work.home.landing / "crawls" / f"{work.run_id}-{spider}"
    report = run_crawl(spider, dict(params), spool, settings=work.settings, home=work.home, run_id=work.run_id)
    if report.received == 0:
        raise CrawlFailedError(f"{spider}: no body was received; {report.summary()}")
    bodies = spooled(report)
    written = delta.append(work.home, known, bodies, Commit(f"{work.run_id}/{spider}", 1))
    shutil.rmtree(spool)
    facts: dict[str, int | float | str] = {
        "requests": report.requests,
        "received": report.received,
        "crawl_seconds": round(report.seconds, 2),
    }
    return Outcome(known, Written(written.version, bodies.height), facts=facts | refused_facts(report))


def spooled(report: CrawlReport) -> pl.DataFrame:
    """The bodies that a crawl put down."""
    return pl.read_parquet(report.spool_files)


def refused_facts(report: CrawlReport) -> dict[str, int | float | str]:
    """How many bodies were refused, by reason."""
    return {f"refused_{reason}": count for reason, count in report.refusals.items()}


def bodies_of(work: Work, table_id: str, where: Slice | None = None) -> pl.DataFrame:
    """The bronze bodies of the days asked for."""
    return delta.read(work.home, table(table_id), where or days(work, "session"))


def days(work: Work, column: str) -> Slice:
    """The slice of the days asked for."""
    if work.first == work.last:
        return Slice({column: work.first})
    from datetime import timedelta

    return Slice(between=(column, work.first, work.last + timedelta(days=1)))


def write_silver(work: Work, table_id: str, settled: Settled, where: Slice) -> Outcome:
    """Write a silver slice with its quarantine and its account."""
    known = table(table_id)
    written = write_settled(work.home, known, settled, where)
    reasons = settled.quarantined.group_by("rules").len().sort("rules") if settled.quarantined.height else None
    facts = {f"refused_{rule}": int(count) for rule, count in reasons.iter_rows()} if reasons is not None else {}
    return Outcome(known, written, settled.account, facts=facts)


def write_gold(work: Work, table_id: str, frame: pl.DataFrame, where: Slice) -> Outcome:
    """Write a gold slice, if every row keeps the contract; otherwise nothing, and the outcome says what is wrong."""
    known = table(table_id)
    good, failure = known.schema.filter(frame.select(known.columns), cast=True)
    if good.height != frame.height:
        broken = ", ".join(f"{rule} ({count} rows)" for rule, count in sorted(failure.counts().items()))
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), problem=f"rows break {broken}")
    return Outcome(known, delta.replace_slice(work.home, known, good, where))
