"""Gold's counts of visits anew from silver, without the raw logs: after the definition of a visit was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lake import delta, staged
from lake.delta import Slice
from lake.partitions import partitions
from spark_jobs.edgar_gold import DAYS, GOLD, READ, VisitDefinition
from spark_jobs.edgar_requests import PROVENANCE, REQUESTS
from spark_jobs.edgar_staging import Facts, read, scratch_of, stage_gold

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lake.home import Home

# Requests that are on this machine's disk a second time at a time; a larger day goes alone.
BATCH_ROWS = 2_000_000


class LoadedDay(NamedTuple):
    """A day of a series that silver has, and how many requests."""

    series: str
    log_date: date
    rows: int

    @property
    def slice(self) -> Slice:
        """Its rows, in silver and in gold."""
        return Slice({"series": self.series, "log_date": self.log_date})

    @property
    def partition(self) -> dict[str, str]:
        """Its partition, as the folder's names have it."""
        return {"series": self.series, "log_date": self.log_date.isoformat()}


def loaded_days(home: Home) -> list[LoadedDay]:
    """The days that silver has, in order."""
    found = []
    for part in partitions(home, REQUESTS).values():
        day = part.where.equals["log_date"]
        if part.rows and isinstance(day, date):
            found.append(LoadedDay(str(part.where.equals["series"]), day, part.rows))
    return sorted(found)


def counted_otherwise(home: Home, definition: VisitDefinition) -> list[LoadedDay]:
    """The days of silver that gold does not count by a definition, be it by another one or not at all."""
    alike = delta.scan(home, DAYS).filter(
        (pl.col("counts_repeats") == definition.count_repeats)
        & (pl.col("documents_a_minute") == definition.documents_a_minute)
    )
    counted = set(alike.select("series", "log_date").collect().iter_rows())
    return [day for day in loaded_days(home) if (day.series, day.log_date) not in counted]


def recount_days(
    spark: SparkSession, home: Home, days: Sequence[LoadedDay], run_id: str, definition: VisitDefinition
) -> dict[str, int]:
    """Count days' visits anew, each in place of what gold has of it.

    Args:
        spark: a session that sees this machine's files.
        home: whose lake.
        days: of `loaded_days`.
        run_id: for provenance.
        definition: what a visit is.

    Returns:
        Rows by table of gold.
    """
    rows = dict.fromkeys((known.id for known in GOLD), 0)
    for batch in _batches(days):
        with scratch_of(home) as scratch:
            copied = [(*_copied(home, day, scratch / "requests"), run_id) for day in batch]
            provenance = Facts(_COPIED, copied, REQUESTS.partition_by)
            requests = read(spark, scratch / "requests", READ, [day.partition for day in batch])
            rows_in = sum(day.rows for day in batch)
            gold = stage_gold(spark, home, requests, provenance, definition, scratch, rows_in)
            for known in GOLD:
                written = staged.commit(home, known, gold[known.id], [day.partition for day in batch])
                rows[known.id] += written.rows
    return rows


# As `PROVENANCE`, in the order in which `_copied` tells it.
_COPIED = {name: kind for name, kind in PROVENANCE.items() if name != "_run_id"} | {"_run_id": PROVENANCE["_run_id"]}


def _batches(days: Sequence[LoadedDay]) -> Iterator[list[LoadedDay]]:
    batch: list[LoadedDay] = []
    for day in days:
        if batch and sum(one.rows for one in batch) + day.rows > BATCH_ROWS:
            yield batch
            batch = []
        batch.append(day)
    if batch:
        yield batch


def _copied(home: Home, day: LoadedDay, folder: Path) -> tuple[object, ...]:
    """Put what counting reads of a day where the engine sees it, wherever the lake is; the day's provenance, less the run."""
    below = folder / f"series={day.series}" / f"log_date={day.log_date}"
    below.mkdir(parents=True)
    requests = delta.scan(home, REQUESTS, day.slice)
    requests.select(name for name in READ if name not in REQUESTS.partition_by).sink_parquet(below / "requests.parquet")
    # A day of a series is one file, so all of its rows say the same.
    told = requests.select("observed_at", "_payload_sha256").head(1).collect().row(0)
    return (day.series, day.log_date, *told)
