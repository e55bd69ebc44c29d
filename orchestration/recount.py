"""`tidemark recount`: gold's visits anew from silver, after the definition of a visit was changed; then what rests on it.

No raw log is read. What is counted already stays until its day is replaced, so a recount that ends early goes on where
it was: the days that are counted by the settings' definition are not asked for again.
"""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from orchestration.load import Step
from orchestration.reparse import rebuilt_from

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.work import Work

SILVER = "silver.edgar_requests"


def days_to_count(work: Work, *, all_days: bool) -> list[date]:
    """The days of `work` that silver has and gold counts by another definition than the settings', or all of them."""
    from spark_jobs.edgar_gold import VisitDefinition
    from spark_jobs.edgar_recount import counted_otherwise, loaded_days

    found = (
        loaded_days(work.home)
        if all_days
        else counted_otherwise(work.home, VisitDefinition.from_settings(work.settings))
    )
    return sorted({day.log_date for day in found if work.first <= day.log_date <= work.last})


def make_steps(defs: dg.Definitions, days: list[date]) -> list[Step]:
    """The runs that count days anew, a month of them together, and what follows from them; none without days."""
    if not days:
        return []
    rebuild = rebuilt_from(defs, SILVER)
    job = rebuild.spec.name
    months = [list(month) for _, month in groupby(days, lambda day: (day.year, day.month))]
    steps = [Step(f"visits of {month[0]} to {month[-1]}", job, rebuild.by_day, month[0], month[-1]) for month in months]
    return [*steps, Step("gold", job, rebuild.whole), Step("marts", "publish", ("gold.loads",), marts=True)]
