"""Sensors: one run a tick of the exchange, with a run key that the same tick always gets."""

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


def run_key(tick: Tick) -> str:
    """The same for the same tick, whatever asks."""
    return f"tick-{tick.tick:%Y%m%dT%H%MZ}"


def loaded(home: Home, tick: Tick) -> bool:
    """Whether a tick's coverage is already in gold."""
    where = Slice({"session": tick.session, "tick": tick.tick})
    found = delta.scan(home, table("gold.coverage"), where).select(pl.len()).collect().item()
    return int(found) > 0


def decide(home: Home, now: datetime) -> dg.RunRequest | dg.SkipReason:
    """The run for the newest tick, or why there is none."""
    tick = xnys().latest_tick(now)
    if delta.count(home, table("gold.loads")) == 0:
        return dg.SkipReason("the first load has not ended yet; it loads the newest tick itself")
    if loaded(home, tick):
        return dg.SkipReason(
            f"{run_key(tick)} is loaded; the next tick is at {xnys().next_tick(now).tick:%Y-%m-%d %H:%M} UTC"
        )
    return dg.RunRequest(
        run_key=run_key(tick),
        partition_key=tick.session.isoformat(),
        tags={TICK_TAG: tick.tick.isoformat(), "dagster/priority": "10"},
    )


def tick_sensor(job: Job) -> dg.SensorDefinition:
    """The sensor that starts `job` once a tick."""

    @dg.sensor(
        name="tick_sensor",
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run for each 30-minute tick of the New York exchange; none outside its sessions.",
    )
    def evaluate(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        del context
        if (reason := not_now(lake, "query1")) is not None:
            return reason
        return decide(Home.open(lake.settings()), lake.clock().now())

    return evaluate
