"""Attention's steps: EDGAR's logs into bronze, their requests and visits by the engine, the days' totals."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Written
from lake.rows import RowAccount
from orchestration.steps.common import crawl, keep_unanswered, unchanged
from orchestration.steps.files import RawFile, keep, kept
from orchestration.steps.log_days import (
    ASKED_IN_VAIN,
    gold_log_days,
    newest_logs,
    published,
    unanswered_rows,
    unreadable_days,
)
from orchestration.steps.visits import counted
from orchestration.work import Outcome, Work

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark_jobs.edgar_days import Day

# Of raw logs of a lake in S3, on this machine's disk at a time.
COPIED_BYTES = 1 << 30
# Half a gigabyte a day takes as long as it takes; what stalls is given up within a minute.
_CRAWL_SECONDS = 86_400.0
_PART_SECONDS = 7 * 86_400


def land_logs(work: Work) -> Iterator[Outcome]:
    """The logs of the days asked for that are not in bronze yet, SEC's mapping of tickers, and what was asked in vain.

    In a real home without a live source there is nothing to fetch: files come by `tidemark import`. That a day did not
    come costs no other day: it is told by the table of what was asked in vain.

    Raises:
        scrapers.crawl.CrawlFailed: when the crawl itself failed; the days are told as asked in vain all the same.
    """
    from scrapers.coverage import CRAWL_FAILED
    from scrapers.crawl import CrawlFailed
    from scrapers.spiders.edgar import log_request

    wanted = _wanted(work)
    tickers = bool(wanted) or not kept(work, "sec_tickers").height
    if (not work.simulated and work.settings.source_sec != "live") or not tickers:
        why = "nothing is lacking" if work.simulated or work.settings.source_sec == "live" else "files only"
        yield from (unchanged(work, name, why) for name in ("bronze.files", ASKED_IN_VAIN))
        return
    asked = {log_request(day): day for day in wanted}
    downloads = work.home.landing / "downloads"
    _sweep(downloads)
    question = {"days": [day.isoformat() for day in wanted], "tickers": tickers, "downloads": str(downloads)}
    try:
        report = crawl(work, "edgar", question, timeout=_CRAWL_SECONDS)
    except CrawlFailed as failure:
        if failure.report is None:
            keep_unanswered(
                work, ASKED_IN_VAIN, "logs", unanswered_rows(work, asked, dict.fromkeys(asked, CRAWL_FAILED))
            )
            raise
        report = failure.report
    files = [RawFile(file.path, file.kind, file.url, file.log_date) for file in report.files]
    written = keep(work, files)
    shutil.rmtree(report.spool)
    for file in files:
        file.path.unlink(missing_ok=True)
        file.path.with_name(f"{file.path.name}.json").unlink(missing_ok=True)
    facts = {"days_wanted": len(wanted), "files": len(files), **report.summary()}
    yield Outcome(table("bronze.files"), written, facts=facts)
    yield keep_unanswered(work, ASKED_IN_VAIN, "logs", unanswered_rows(work, asked, report.unanswered))


def _wanted(work: Work) -> list[date]:
    """The days asked for that bronze has no log of, or one that cannot be read; all where they are asked for again."""
    have = set() if work.again else set(newest_logs(work)["log_date"]) - unreadable_days(work)
    asked = pl.date_range(work.first, work.last, eager=True).to_list()
    return [day for day in asked if published(day) and day not in have]


def _sweep(downloads: Path) -> None:
    """Remove parts that nobody has gone on with for a week."""
    for path in downloads.glob("*"):
        if time.time() - path.stat().st_mtime > _PART_SECONDS:
            path.unlink(missing_ok=True)


def settle_logs(work: Work, spark: SparkSession) -> Iterator[Outcome]:
    """Typed requests and counts of visits of every log of the days asked for; the newest file of a day counts.

    A log that cannot be read costs no other day: `gold.log_days` tells of it. Of a day that has no log any more, since it
    turned out to be another day's, nothing stays.
    """
    from spark_jobs.edgar import DayReport, DaysFailed, run_days
    from spark_jobs.edgar_gold import GOLD, VisitDefinition
    from spark_jobs.edgar_replaced import take_out

    newest = newest_logs(work)
    asked = pl.date_range(work.first, work.last, eager=True)
    take_out(work.home, asked.filter(~asked.is_in(newest["log_date"].to_list())).to_list())
    definition = VisitDefinition.from_settings(work.settings)
    reports: list[DayReport] = []
    failures: dict[date, str] = {}
    for together in _at_hand(newest):
        with _days(work, together) as some:
            try:
                reports += run_days(spark, work.home, some, work.run_id, definition)
            except DaysFailed as failed:
                reports += failed.reports
                failures |= failed.failures
    account = RowAccount(
        sum(r.rows_in for r in reports),
        sum(r.rows_out for r in reports),
        sum(r.duplicates for r in reports),
        sum(r.quarantined for r in reports),
    ).check("silver.edgar_requests")
    silver = table("silver.edgar_requests")
    yield Outcome(
        silver, Written(delta.version(work.home, silver) or 0, account.rows_out), account, facts={"days": len(reports)}
    )
    rows = {known.id: sum(report.counted[known.id] for report in reports) for known in GOLD}
    yield from counted(work, rows, len(reports))
    # The last: a day is told as loaded when all of it is.
    yield gold_log_days(work, newest, reports, failures)


def _at_hand(logs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Logs in groups that this machine holds copies of at a time; a larger log is alone."""
    start, size = 0, 0
    for number, bytes_ in enumerate(logs["bytes"]):
        if size and size + bytes_ > COPIED_BYTES:
            yield logs[start:number]
            start, size = number, 0
        size += bytes_
    if logs.height > start:
        yield logs[start:]


@contextmanager
def _days(work: Work, logs: pl.DataFrame) -> Iterator[list[Day]]:
    from spark_jobs.edgar_days import Day

    with ExitStack() as copies:
        yield [
            Day(
                copies.enter_context(work.home.lake.local(row["stored_as"])),
                row["log_date"],
                row["sha256"],
                row["_ingested_at"],
            )
            for row in logs.iter_rows(named=True)
        ]
