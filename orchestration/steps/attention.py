"""Attention's steps: EDGAR's logs into bronze, their requests and visits by the engine, the days' totals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Written
from lake.rows import RowAccount
from orchestration.steps.common import crawl, write_gold
from orchestration.steps.files import RawFile, keep, kept
from orchestration.steps.visits import counted
from orchestration.work import Outcome, Work

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark_jobs.edgar_days import Day

# SEC published no logs between these days.
V1_LAST, V2_FIRST = date(2017, 6, 30), date(2020, 5, 19)
LOG_KINDS = ("edgar_log_v1", "edgar_log_v2")

# Of raw logs of a lake in S3, on this machine's disk at a time.
COPIED_BYTES = 1 << 30


def land_logs(work: Work) -> Outcome:
    """The logs of the days asked for that are not in bronze yet, and SEC's mapping of tickers.

    In a real home without a live source there is nothing to fetch: files come by `tidemark import`.
    """
    known = table("bronze.files")
    if not work.simulated and work.settings.source_sec != "live":
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), facts={"source": "files only"})
    wanted = _absent_days(work)
    report = crawl(work, "edgar", {"days": wanted, "tickers": True})
    files = [RawFile(file.path, file.kind, file.url, file.log_date) for file in report.files]
    written = keep(work, files)
    shutil.rmtree(report.spool)
    return Outcome(known, written, facts={"days_wanted": len(wanted), "files": len(files), **report.summary()})


def _absent_days(work: Work) -> list[str]:
    have = set(kept(work, *LOG_KINDS)["log_date"].to_list())
    asked = pl.date_range(work.first, work.last, eager=True).to_list()
    return [day.isoformat() for day in asked if day not in have and not V1_LAST < day < V2_FIRST]


def settle_logs(work: Work, spark: SparkSession) -> Iterator[Outcome]:
    """Typed requests and counts of visits of every log of the days asked for; the newest file of a day counts.

    Raises:
        spark_jobs.edgar_days.DaysFailed: when logs could not be read; all other days are loaded.
    """
    from spark_jobs.edgar import DayReport, DaysFailed, run_days
    from spark_jobs.edgar_gold import GOLD, VisitDefinition

    logs = kept(work, *LOG_KINDS).filter(pl.col("log_date").is_between(work.first, work.last))
    newest = logs.sort("_ingested_at").unique("log_date", keep="last").sort("log_date")
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
    if failures:
        raise DaysFailed(reports, failures)
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


def gold_visits_day(work: Work) -> Outcome:
    """The days' totals, ranks and usuals; whole, since a day that comes late changes the usual of those after it."""
    from spark_jobs.visits_day import visits_day

    seconds = delta.scan(work.home, table("gold.visits_second"))
    return write_gold(work, "gold.visits_day", visits_day(seconds), EVERYTHING)
