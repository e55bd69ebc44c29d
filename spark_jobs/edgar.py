"""EDGAR days into the lake: raw logs to silver.edgar_requests, its quarantine, and gold's counts of visits.

The edge around `edgar_files` and `edgar_requests`. The engine reads clean text and writes Parquet into folders of
the tables; delta-rs commits them (see `lake.staged`). Many days go through one job, because a job costs more than a
small day. A day is whole: its slice is replaced, so a repeated load leaves the same rows.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake import delta, staged
from lake.contracts.quarantine import Quarantined
from lake.rows import RowAccount
from spark_jobs import edgar_files
from spark_jobs.edgar_days import Day, DayReport, DaysFailed
from spark_jobs.edgar_files import CleanLog, DamagedLog, LogForm, NotALog
from spark_jobs.edgar_gold import GOLD, READ, USUAL, VisitDefinition
from spark_jobs.edgar_reading import DaysText
from spark_jobs.edgar_replaced import give_way
from spark_jobs.edgar_requests import PROVENANCE, REQUESTS, broken_rules
from spark_jobs.edgar_staging import Facts, read, scratch_of, stage_gold, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.home import Home

__all__ = ["Day", "DayReport", "DaysFailed", "run_day", "run_days"]

# Text on disk and in flight at a time, which bounds the engine's memory too; a larger day goes alone.
BATCH_BYTES = 64 << 20
ZIP_FACTOR = 10


@dataclass
class _Loading:
    """A day on its way: its lines made ready, then what the engine made of them."""

    day: Day
    number: int
    log: CleanLog
    folder: Path
    rows_out: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def partition(self) -> dict[str, str]:
        return {"series": self.log.form.series, "log_date": self.day.log_date.isoformat()}

    @property
    def slice(self) -> delta.Slice:
        return delta.Slice({"series": self.log.form.series, "log_date": self.day.log_date})


def run_day(spark: SparkSession, home: Home, day: Day, run_id: str, definition: VisitDefinition = USUAL) -> DayReport:
    """Load one day; see `run_days`."""
    (report,) = run_days(spark, home, [day], run_id, definition)
    return report


def run_days(  # noqa: PLR0913, PLR0917 - a job's surroundings
    spark: SparkSession,
    home: Home,
    days: Sequence[Day],
    run_id: str,
    definition: VisitDefinition = USUAL,
    progress: Callable[[DayReport], None] | None = None,
) -> list[DayReport]:
    """Load days, each in place of what the lake has of it.

    Args:
        spark: a session on Sail or Apache Spark that sees this machine's files.
        home: whose lake.
        days: each day at most once.
        run_id: for provenance.
        definition: what a visit is.
        progress: called after each day is committed.

    Raises:
        ValueError: when a day comes twice.
        DaysFailed: when logs could not be read; all other days are loaded.
        RowsLost: when a day's lines are not accounted for; nothing of its batch is committed.
    """
    twice = [str(day) for day, count in Counter(d.log_date for d in days).items() if count > 1]
    if twice:
        raise ValueError(f"more than one log for {', '.join(twice)}")
    reports: list[DayReport] = []
    failures: dict[date, str] = {}
    for batch in _batches(days):
        for report in _run_batch(spark, home, batch, run_id, definition, failures):
            reports.append(report)
            if progress:
                progress(report)
    if failures:
        raise DaysFailed(reports, failures)
    return reports


def _batches(days: Sequence[Day]) -> Iterator[list[Day]]:
    batch: list[Day] = []
    size = 0
    for day in days:
        weight = day.raw_path.stat().st_size * (ZIP_FACTOR if day.raw_path.suffix.lower() == ".zip" else 1)
        if batch and size + weight > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += weight
    if batch:
        yield batch


def _run_batch(  # noqa: PLR0913, PLR0917 - a job's surroundings
    spark: SparkSession,
    home: Home,
    days: list[Day],
    run_id: str,
    definition: VisitDefinition,
    failures: dict[date, str],
) -> list[DayReport]:
    began = time.monotonic()
    with scratch_of(home) as scratch:
        loading = _clean_all(days, scratch, failures)
        if not loading:
            return []
        versions = _compute_and_commit(spark, home, loading, run_id, definition, scratch)
    seconds = time.monotonic() - began
    lines = sum(one.log.rows_in for one in loading) or 1
    return [_report(one, seconds * one.log.rows_in / lines, versions) for one in loading]


def _clean_all(days: list[Day], scratch: Path, failures: dict[date, str]) -> list[_Loading]:
    """Each day's text into `form-F/lines/file=N`: an engine reads a form's files at once and tells them apart by N."""
    forms: dict[LogForm, int] = {}
    loading = []
    for number, day in enumerate(days):
        try:
            form = edgar_files.read_head(day.raw_path).form
            folder = scratch / f"form-{forms.setdefault(form, len(forms))}"
            log = edgar_files.clean(day.raw_path, folder, number, day=day.log_date)
            loading.append(_Loading(day, number, log, folder))
        except (NotALog, DamagedLog) as error:
            failures[day.log_date] = str(error)
            for part in scratch.glob(f"form-*/*/file={number}"):
                shutil.rmtree(part)
    return loading


def _compute_and_commit(  # noqa: PLR0913, PLR0917 - a job's surroundings
    spark: SparkSession,
    home: Home,
    loading: list[_Loading],
    run_id: str,
    definition: VisitDefinition,
    scratch: Path,
) -> dict[str, int]:
    """Compute all tables, account for every line, then commit: the quarantine, silver, gold."""
    provenance = Facts(
        PROVENANCE,
        [(*one.slice.equals.values(), one.day.observed_at, run_id, one.day.sha256) for one in loading],
        REQUESTS.partition_by,
    )
    partitions = [one.partition for one in loading]
    requests_folder = staged.new_folder(home, REQUESTS, scratch / "staged")
    try:
        for text, alike in _texts(loading):
            good = provenance.joined(spark, text.requests(spark)).select(*REQUESTS.columns)
            write(good, requests_folder, [one.partition for one in alike])
        requests = staged.files_of(REQUESTS, requests_folder)
        _account(spark, loading, requests)
        gold: dict[str, list[staged.StagedFile]] = {known.id: [] for known in GOLD}
        if requests:
            counted = read(spark, requests_folder, READ, partitions)
            rows = sum(file.rows for file in requests)
            gold = stage_gold(spark, home, counted, provenance, definition, scratch, rows)
    except BaseException:
        shutil.rmtree(requests_folder, ignore_errors=True)
        raise
    return _commit(home, loading, run_id, requests, gold)


def _commit(
    home: Home,
    loading: list[_Loading],
    run_id: str,
    requests: Sequence[staged.StagedFile],
    gold: Mapping[str, Sequence[staged.StagedFile]],
) -> dict[str, int]:
    partitions = [one.partition for one in loading]
    give_way(home, partitions)
    for one in loading:
        one.counted = {
            table_id: sum(f.rows for f in files if dict(f.partition) == one.partition)
            for table_id, files in gold.items()
        }
        delta.replace_quarantine(home, REQUESTS, _quarantine(one, run_id), one.slice)
    return {
        REQUESTS.id: staged.commit(home, REQUESTS, requests, partitions).version,
        **{known.id: staged.commit(home, known, gold[known.id], partitions).version for known in GOLD},
    }


def _texts(loading: list[_Loading]) -> Iterator[tuple[DaysText, list[_Loading]]]:
    """The days that left lines for the engine, those of one form together."""
    forms: dict[tuple[LogForm, Path], list[_Loading]] = {}
    for one in loading:
        if one.log.rows_clean:
            forms.setdefault((one.log.form, one.folder), []).append(one)
    for (form, folder), alike in forms.items():
        days = {one.number: one.day.log_date for one in alike}
        yield DaysText(form, folder, days, tuple(one.log for one in alike)), alike


def _account(spark: SparkSession, loading: list[_Loading], requests: list[staged.StagedFile]) -> None:
    """Count each day's rows by the files' footers; where lines are missing, ask the engine which rules they broke."""
    for one in loading:
        one.rows_out = sum(f.rows for f in requests if dict(f.partition) == one.partition)
        one.refused = [(line.rule, line.text) for line in one.log.refused]
    short = [one for one in loading if one.rows_out != one.log.rows_clean]
    for text, alike in _texts(short):
        refused = text.refused(spark)
        by_date = {one.day.log_date: one for one in alike}
        for row in refused.toArrow().to_pylist() if refused else ():
            by_date[row["file_date"]].refused.append((broken_rules(text.form.series, row["broken"]), row["line"]))
    for one in loading:
        account = RowAccount(one.log.rows_in, one.rows_out, 0, len(one.refused))
        account.check(f"{one.day.raw_path.name} ({one.day.log_date})")


def _quarantine(one: _Loading, run_id: str) -> pl.DataFrame:
    rows = [(one.slice.label, rules, text) for rules, text in one.refused]
    frame = pl.DataFrame(rows, schema={"slice": pl.String, "rules": pl.String, "row": pl.String}, orient="row")
    return (
        frame.sort("rules", "row")
        .select(
            "slice",
            "rules",
            "row",
            pl.lit(one.day.observed_at).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
            pl.lit(run_id).alias("_run_id"),
            pl.lit(one.day.sha256).alias("_payload_sha256"),
        )
        .select(Quarantined.column_names())
    )


def _report(one: _Loading, seconds: float, versions: dict[str, int]) -> DayReport:
    broken = Counter(rule for rules, _ in one.refused for rule in rules.split(","))
    return DayReport(
        series=one.log.form.series,
        log_date=one.day.log_date,
        rows_in=one.log.rows_in,
        rows_out=one.rows_out,
        quarantined=len(one.refused),
        counted=one.counted,
        seconds=round(seconds, 3),
        broken=dict(broken),
        versions=versions,
    )
