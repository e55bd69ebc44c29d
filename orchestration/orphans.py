"""Runs that Dagster still holds for running though their processes are gone: told as failed, their slots freed.

Run before each start of the daemon, which then runs them again (`run_retries`). Runs may well go on meanwhile: a
daemon that crashed alone leaves them be, and the first load runs in a process of its own. So a run is told as failed
only when the process that it named at its start is gone. One that has named none yet is Dagster's own monitoring's,
which gives it its `start_timeout_seconds`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import dagster as dg
import psutil


def settle(instance: dg.DagsterInstance, tags: Mapping[str, str] | None = None) -> list[str]:
    """End what a kill has left open.

    Args:
        tags: look at runs with these tags alone; for others something may be at work.

    Returns:
        The ids of the runs.
    """
    begun = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    ids = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=begun, tags=dict(tags or {}))):
        process = process_of(instance, run.run_id)
        if process is None or _lives(*process):
            continue
        instance.report_run_failed(run, "The process of this run ended without a word: it was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ids.append(run.run_id)
    return ids


def process_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process that a run last said it runs in: its pid, and when it said so in seconds since 1970."""
    found = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        told = event.engine_event_data.metadata.get("pid") if event is not None else None
        if told is not None and str(told.value).isdigit():
            found = (int(str(told.value)), entry.timestamp)
    return found


def _lives(pid: int, told_at: float) -> bool:
    """Whether a process still runs; one that was born after its pid was told is somebody else."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= told_at + 1.0
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance_of_home:
        for run_id in settle(instance_of_home):
            sys.stdout.write(f"run {run_id} was killed and is told as failed\n")
