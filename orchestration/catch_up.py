"""Days that were missed while the machine was off: found between what is loaded, and asked for as one range."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import dagster as dg
import polars as pl

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import xnys
from orchestration.assets.factory import RANGE_END, RANGE_START
from orchestration.jobs import Job, not_now
from orchestration.resources import LakeResource
from orchestration.steps.log_days import LOG_KINDS, spans

INTERVAL_SECONDS = 600
# What was missed for longer is `tidemark backfill`'s.
REACH = timedelta(days=30)
# The schedule after the close has its turn first.
_SETTLING = timedelta(hours=3)
_AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def missed_sessions(home: Home, now: datetime) -> list[date]:
    """Closed sessions of the last days without a single daily bar, those before the home's first left out."""
    last = xnys().latest_closed_session(now - _SETTLING)
    start = last - REACH
    bars = delta.scan(home, table("silver.bars_daily")).filter(
        (pl.col("origin") == "yahoo_chart") & (pl.col("session") >= start)
    )
    have = set(bars.select(pl.col("session").unique()).collect()["session"])
    return _between(xnys().sessions(start, last), have)


def missed_logs(home: Home, now: datetime) -> list[date]:
    """Days before yesterday without a log of EDGAR, those before the home's first left out."""
    last = now.date() - timedelta(days=2)
    start = last - REACH
    files = delta.scan(home, table("bronze.files")).filter(
        pl.col("kind").is_in(LOG_KINDS) & (pl.col("log_date") >= start)
    )
    have = set(files.select(pl.col("log_date").unique()).collect()["log_date"])
    return _between([start + timedelta(days=n) for n in range(REACH.days + 1)], have)


def _between(days: Sequence[date], have: set[date]) -> list[date]:
    """The days that lack, after the first that is there: what came before it was never asked for."""
    first = min(have, default=None)
    return [day for day in days if first is not None and day > first and day not in have]


def request(job: str, days: Sequence[date], today: date | None = None) -> dg.RunRequest | dg.SkipReason:
    """One run from the first to the last missed day.

    Args:
        today: where the same days may be asked for again on another day, as those that came damaged.
    """
    if not days:
        return dg.SkipReason("no day is missing")
    first, last = days[0].isoformat(), days[-1].isoformat()
    key = f"{job}-missed-{first}-{last}{f'-on-{today}' if today else ''}"
    if first == last:
        return dg.RunRequest(run_key=key, partition_key=first)
    tags = {RANGE_START: first, RANGE_END: last}
    return dg.RunRequest(run_key=key, tags=tags)


def requests_alone(job: str, days: Sequence[date], today: date) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each stretch of missed days, once a day: days between them are left as they are."""
    found = [request(job, span, today) for span in spans(days)]
    return [one for one in found if isinstance(one, dg.RunRequest)] or dg.SkipReason("no day is missing")


def catch_up_sensors(jobs: dict[str, Job]) -> list[dg.SensorDefinition]:
    """A sensor for daily bars, and one for EDGAR's logs."""
    return [
        _sensor(jobs["bars_daily"], "query2", missed_sessions),
        _sensor(jobs["attention"], "sec", missed_logs, alone=True),
    ]


def _sensor(
    job: Job, slot: str, missed: Callable[[Home, datetime], list[date]], *, alone: bool = False
) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{job.name}_missed",
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Days of the last {REACH.days} that were missed while the machine was off.",
    )
    def evaluate(
        context: dg.SensorEvaluationContext, lake: LakeResource
    ) -> dg.RunRequest | list[dg.RunRequest] | dg.SkipReason:
        if (reason := not_now(lake, slot)) is not None:
            return reason
        if context.instance.get_runs(filters=dg.RunsFilter(job_name=job.name, statuses=_AT_WORK), limit=1):
            return dg.SkipReason(f"a run of {job.name} is at work")
        now = lake.clock().now()
        days = missed(Home.open(lake.settings()), now)
        return requests_alone(job.name, days, now.date()) if alone else request(job.name, days)

    return evaluate
