"""Sensors: one run a tick of the exchange, with a run key that the same tick always gets."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Slice
from lake.home import Home
from lake.market_calendar import Tick, xnys
from orchestration.assets.factory import TICK_TAG
from orchestration.jobs import Job, not_now
from orchestration.resources import LakeResource

INTERVAL_SECONDS = 30
RETRIES = 2
_RUN_KEY = "dagster/run_key"


def run_key(tick: Tick) -> str:
    """The same for the same tick, whatever asks."""
    return f"tick-{tick.tick:%Y%m%dT%H%MZ}"


def loaded(home: Home, tick: Tick) -> bool:
    """Whether a tick's coverage is already in gold."""
    where = Slice({"session": tick.session, "tick": tick.tick})
    found = delta.scan(home, table("gold.coverage"), where).select(pl.len()).collect().item()
    return int(found) > 0


def next_try(instance: dg.DagsterInstance, key: str) -> str | dg.SkipReason:
    """The run key under which something is to be run now: its own, then `-retry1` …, each once a run has failed.

    A run that goes on, or that the daemon will start again by itself, is left to end; one that somebody cancelled stays
    cancelled; after the last retry nothing is started.
    """
    for name in (key, *(f"{key}-retry{number}" for number in range(1, RETRIES + 1))):
        # The daemon's own retries of a killed run carry their parent's key.
        runs = instance.get_runs(filters=dg.RunsFilter(tags={_RUN_KEY: name}))
        if not runs:
            return name
        newest = max(runs, key=lambda run: (run.tags.get("dagster/retry_number", "0"), run.run_id))
        if going := next((run for run in runs if not run.is_finished), None):
            return dg.SkipReason(f"{name} is at work: run {going.run_id}")
        if _will_be_retried(runs):
            return dg.SkipReason(f"{name} was killed, and the daemon runs it again")
        if any(run.status is dg.DagsterRunStatus.CANCELED for run in runs):
            return dg.SkipReason(f"{name} was cancelled: run {newest.run_id}")
    return dg.SkipReason(
        f"{key} has failed {RETRIES + 1} times, the last in run {newest.run_id}; the next tick follows"
    )


def _will_be_retried(runs: Sequence[dg.DagsterRun]) -> bool:
    return any(
        run.tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in run.tags for run in runs
    )


def decide(home: Home, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """The run for the newest tick, or why there is none.

    A real home has no first load by command: its sensor begins with the universe, from which a tick follows.

    Raises:
        lake.market_calendar.CalendarEnd: past the calendar's end.
    """
    tick = xnys().latest_tick(now)
    if loaded(home, tick):
        return dg.SkipReason(
            f"{run_key(tick)} is loaded; the next tick is at {xnys().next_tick(now).tick:%Y-%m-%d %H:%M} UTC"
        )
    if not home.simulated and delta.count(home, table("gold.universe")) == 0:
        key = next_try(instance, f"companies-{tick.session}")
        if isinstance(key, dg.SkipReason):
            return key
        return dg.RunRequest(run_key=key, job_name="companies", partition_key=tick.session.isoformat())
    key = next_try(instance, run_key(tick))
    if isinstance(key, dg.SkipReason):
        return key
    return dg.RunRequest(
        run_key=key,
        job_name="quotes",
        partition_key=tick.session.isoformat(),
        tags={TICK_TAG: tick.tick.isoformat(), "dagster/priority": "10"},
    )


def tick_sensor(quotes: Job, companies: Job) -> dg.SensorDefinition:
    """The sensor that starts `quotes` once a tick, and `companies` first where a real home has none."""

    @dg.sensor(
        name="tick_sensor",
        jobs=[quotes, companies],
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run for each 30-minute tick of the New York exchange; none outside its sessions.",
    )
    def evaluate(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "query1")) is not None:
            return reason
        return decide(Home.open(lake.settings()), lake.clock().now(), context.instance)

    return evaluate
