"""Runs that Dagster still holds for running though their processes are gone: told as failed, their slots freed.

Run before the daemon starts, when nothing can be running yet. The daemon then runs them again (`run_retries`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import dagster as dg


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
        instance.report_run_failed(run, "The process of this run ended without a word: it was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ids.append(run.run_id)
    return ids


if __name__ == "__main__":
    with dg.DagsterInstance.get() as found:
        for run_id in settle(found):
            sys.stdout.write(f"run {run_id} was killed and is told as failed\n")
