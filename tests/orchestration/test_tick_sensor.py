"""The tick sensor: one run a tick on the exchange's calendar, retried a bounded number of times, never doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.events import EngineEventData

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import CalendarEnd, xnys
from lake.settings import World, load_settings
from orchestration import orphans
from orchestration.assets.factory import TICK_TAG
from orchestration.sensors import RETRIES, decide

NOW = datetime(2026, 11, 20, 15, 31, tzinfo=UTC)
KEY = "tick-20261120T1530Z"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as made:
        yield made


def home_of(folder: Path, world: World = "simulated") -> Home:
    return Home.open(load_settings(home=folder / world, world=world))


def put(home: Home, table_id: str, row: dict[str, object], where: delta.Slice) -> None:
    known = table(table_id)
    full = {"observed_at": datetime(2026, 11, 20, 22, tzinfo=UTC), "_run_id": "run", **row}
    frame = pl.DataFrame([full], schema=known.schema.create_empty().schema)
    delta.replace_slice(home, known, frame, where)


def cover(home: Home, session: date, tick: datetime) -> None:
    row = {"tick": tick, "symbol": "A", "session": session, "received": True}
    put(home, "gold.coverage", row, delta.Slice({"session": session, "tick": tick}))


def ended(instance: dg.DagsterInstance, key: str, status: dg.DagsterRunStatus, **tags: str) -> str:
    with_key = {"dagster/run_key": key, **{name.replace("__", "/"): value for name, value in tags.items()}}
    return instance.create_run_for_job(a_job, tags=with_key, status=status).run_id


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def a_job() -> None:
    """Do nothing."""
    nothing()


def asked(decision: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(decision, dg.RunRequest), decision
    return str(decision.run_key)


def skipped(decision: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(decision, dg.SkipReason), decision
    return str(decision.skip_message)


def test_one_run_a_tick_with_a_key_of_its_own(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = home_of(tmp_path)
    first = decide(home, NOW, instance)
    assert asked(first) == asked(decide(home, NOW + timedelta(minutes=28), instance)) == KEY
    assert asked(decide(home, datetime(2026, 11, 20, 16, tzinfo=UTC), instance)) == "tick-20261120T1600Z"
    assert isinstance(first, dg.RunRequest)
    assert (first.partition_key, first.tags[TICK_TAG]) == ("2026-11-20", "2026-11-20T15:30:00+00:00")


@pytest.mark.parametrize(
    ("day", "ticks", "first"),
    [
        (date(2026, 11, 25), 14, "14:30"),  # winter time
        (date(2026, 11, 26), 0, None),  # Thanksgiving
        (date(2026, 11, 27), 8, "14:30"),  # the half day after it
        (date(2026, 11, 28), 0, None),  # Saturday
        (date(2026, 3, 6), 14, "14:30"),  # the Friday before summer time
        (date(2026, 3, 9), 14, "13:30"),  # the Monday after
        (date(2026, 10, 30), 14, "13:30"),  # the Friday before winter time
        (date(2026, 11, 2), 14, "14:30"),  # the Monday after
        (date(2027, 7, 5), 0, None),  # Independence Day, observed
    ],
)
def test_a_day_has_the_exchange_s_ticks(
    tmp_path: Path, instance: dg.DagsterInstance, day: date, ticks: int, first: str | None
) -> None:
    home = home_of(tmp_path)
    begin = datetime.combine(day, datetime.min.time(), UTC)
    cover(home, *xnys().latest_tick(begin))
    keys: list[str] = []
    for minute in range(0, 24 * 60, 10):
        decision = decide(home, begin + timedelta(minutes=minute), instance)
        if isinstance(decision, dg.RunRequest):
            keys.append(str(decision.run_key))
            cover(home, *xnys().latest_tick(begin + timedelta(minutes=minute)))
    assert len(keys) == ticks
    if first:
        assert keys[0] == f"tick-{day:%Y%m%d}T{first.replace(':', '')}Z"


def test_past_the_calendar_s_end_it_fails_loudly(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    with pytest.raises(CalendarEnd, match="generate_calendar"):
        decide(home_of(tmp_path), datetime(2090, 1, 3, 15, tzinfo=UTC), instance)


def test_outside_hours_the_newest_tick_is_asked_for_until_it_is_loaded(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    home, sunday = home_of(tmp_path), datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert asked(decide(home, sunday, instance)) == "tick-20261120T2100Z"
    cover(home, date(2026, 11, 20), datetime(2026, 11, 20, 21, tzinfo=UTC))
    assert "next tick is at 2026-11-23 14:30 UTC" in skipped(decide(home, sunday, instance))


def test_a_failed_run_is_tried_again_so_often_and_no_more(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = home_of(tmp_path)
    names = [KEY, *(f"{KEY}-retry{number}" for number in range(1, RETRIES + 1))]
    for name in names:
        assert asked(decide(home, NOW, instance)) == name
        ended(instance, name, dg.DagsterRunStatus.FAILURE)
    assert "has failed 3 times" in skipped(decide(home, NOW, instance))
    assert asked(decide(home, NOW + timedelta(minutes=30), instance)) == "tick-20261120T1600Z"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_a_run_that_goes_on_is_not_doubled(
    tmp_path: Path, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    ended(instance, KEY, dg.DagsterRunStatus.FAILURE)
    ended(instance, f"{KEY}-retry1", status)
    assert "is at work" in skipped(decide(home_of(tmp_path), NOW, instance))


def test_what_the_daemon_retries_by_itself_or_somebody_cancelled_is_left_alone(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    home = home_of(tmp_path)
    killed = ended(instance, KEY, dg.DagsterRunStatus.FAILURE, dagster__will_retry="true")
    assert "daemon runs it again" in skipped(decide(home, NOW, instance))
    again = ended(instance, KEY, dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(killed, {"dagster/auto_retry_run_id": again})
    assert again in skipped(decide(home, NOW, instance))
    ended(instance, "tick-20261120T1600Z", dg.DagsterRunStatus.CANCELED)
    assert "was cancelled" in skipped(decide(home, NOW + timedelta(minutes=30), instance))


def test_a_real_home_begins_with_its_universe(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = home_of(tmp_path, "real")
    first = decide(home, NOW, instance)
    assert (asked(first), getattr(first, "job_name", "")) == ("companies-2026-11-20", "companies")
    going = ended(instance, "companies-2026-11-20", dg.DagsterRunStatus.STARTED)
    assert going in skipped(decide(home, NOW, instance))
    row = {"session": date(2026, 11, 20), "symbol": "A", "sector": "Energy", "rank": 1}
    put(home, "gold.universe", row, delta.Slice({"session": date(2026, 11, 20)}))
    assert asked(decide(home, NOW, instance)) == KEY


def test_only_runs_whose_processes_are_gone_are_told_as_failed(instance: dg.DagsterInstance) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    runs = {}
    for name, pid in (("living", os.getpid()), ("killed", gone.pid), ("not yet said", None)):
        run = instance.create_run_for_job(a_job, status=dg.DagsterRunStatus.STARTED)
        if pid is not None:
            instance.report_engine_event("Started process for run", run, EngineEventData.in_process(pid))
        runs[name] = run.run_id
    assert orphans.settle(instance) == [runs["killed"]]
    statuses = {name: instance.get_run_by_id(run_id).status for name, run_id in runs.items()}  # type: ignore[union-attr]
    assert statuses["killed"] is dg.DagsterRunStatus.FAILURE
    assert statuses["living"] is statuses["not yet said"] is dg.DagsterRunStatus.STARTED


def test_a_run_of_dagster_says_in_which_process_it_runs(instance: dg.DagsterInstance) -> None:
    result = a_job.execute_in_process(instance=instance)
    told = orphans.process_of(instance, result.run_id)
    assert told is not None
    assert told[0] == os.getpid()
