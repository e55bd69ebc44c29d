"""Visits counted anew from silver's requests, and whether all days are counted by one definition of a visit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lake import delta
from lake.delta import Written
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COUNTED_ALIKE = "days_counted_alike"


def recount(work: Work, spark: SparkSession) -> Iterator[Outcome]:
    """Gold's counts of the days asked for that silver has, by the definition that the settings give."""
    from spark_jobs.edgar_gold import VisitDefinition
    from spark_jobs.edgar_recount import loaded_days, recount_days

    definition = VisitDefinition.from_settings(work.settings)
    days = [day for day in loaded_days(work.home) if work.first <= day.log_date <= work.last]
    rows = recount_days(spark, work.home, days, work.run_id, definition)
    yield from counted(work, rows, len(days))


def counted(work: Work, rows: dict[str, int], days: int) -> Iterator[Outcome]:
    """What became of each of gold's tables.

    Args:
        rows: by table.
        days: how many were counted.
    """
    from spark_jobs.edgar_gold import DAYS, GOLD, VisitDefinition

    definition = VisitDefinition.from_settings(work.settings)
    for known in GOLD:
        written = Written(delta.version(work.home, known) or 0, rows[known.id])
        findings = (counted_alike(work),) if known is DAYS else ()
        yield Outcome(known, written, facts={"days": days, **definition.facts}, findings=findings)


def counted_alike(work: Work) -> Finding:
    """Whether gold counts every day that silver has by the definition that the settings give."""
    from spark_jobs.edgar_gold import VisitDefinition
    from spark_jobs.edgar_recount import counted_otherwise

    others = counted_otherwise(work.home, VisitDefinition.from_settings(work.settings))
    facts: dict[str, int | float | str] = {"days_counted_otherwise": len(others)}
    if others:
        facts |= {"first": str(others[0].log_date), "what_to_do": "tidemark recount"}
    return Finding(COUNTED_ALIKE, not others, True, facts)
