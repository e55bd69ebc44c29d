"""A tick from the sensor's evaluation to the swapped marts, by the daemon of a whole running system.

The home has its universe and nothing else. For each tick the system is started anew with a clock at which the tick has
just come: the sensor finds it, the queue starts its run, and Dagster's own storage tells when each part began and ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.machine import LargestProcess, PeakMemory
from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.assets.factory import TICK_TAG
from orchestration.serving import served

if TYPE_CHECKING:
    import dagster as dg

SESSION = date(2026, 11, 20)
RUNS = 3
PATIENCE_SECONDS = 1_800.0
SERVICES = ("postgres", "sandbox", "sail", "mlflow", "chat", "dagster-code", "dagster-webserver", "dagster-daemon")
CRAWL = "scrapers.prefork"


def shares(steps: Mapping[str, float], told: Mapping[str, float], total: float) -> dict[str, dict[str, float]]:
    """Seconds and percent of a tick by part; what no part took is Dagster's own.

    Args:
        steps: seconds by Dagster's step.
        told: what the steps tell of themselves: `crawl`, `load`, `dbt`, `swap`.
        total: from the sensor's evaluation to the swap.
    """
    inventory = steps.get("gold_quarantine", 0.0) + steps.get("gold_loads", 0.0)
    parts = {
        "crawl": told.get("crawl", 0.0),
        "parse": steps.get("silver_quotes", 0.0),
        "write": steps.get("bronze_yahoo_quotes", 0.0) - told.get("crawl", 0.0) + steps.get("gold_quotes", 0.0),
        "inventory": inventory,
        "load": told.get("load", 0.0),
        "dbt": told.get("dbt", 0.0),
        "swap": told.get("swap", 0.0),
    }
    parts["dagster"] = total - sum(parts.values())
    return {
        name: {"seconds": round(taken, 2), "percent": round(100 * taken / total, 1)} for name, taken in parts.items()
    }


def take_universe(home: Home) -> None:
    """The session's members and profiles, by the command; nothing where they are there."""
    if delta.count(home, table("gold.universe")):
        return
    day = SESSION.isoformat()
    command = [sys.executable, "-m", "orchestration", "backfill", "companies", "--from", day, "--to", day, "--json"]
    env = {**os.environ, "TIDEMARK_HOME": str(home.root), "TIDEMARK_NOW": f"{SESSION + timedelta(days=1)}T09:00:00Z"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def await_run(instance: dg.DagsterInstance, tick: datetime) -> dg.RunRecord:
    """Wait until the run that the sensor starts for a tick has ended.

    Raises:
        RuntimeError: when it failed, or there is none in time.
    """
    import dagster as dg

    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        records = instance.get_run_records(dg.RunsFilter(tags={TICK_TAG: tick.isoformat()}), limit=1)
        if records and records[0].dagster_run.is_finished:
            if not records[0].dagster_run.is_success:
                raise RuntimeError(f"the run of {tick} ended as {records[0].dagster_run.status}")
            return records[0]
        time.sleep(1)
    raise RuntimeError(f"no run of {tick} has ended after {PATIENCE_SECONDS:.0f} s")


def evaluated_at(instance: dg.DagsterInstance, run_id: str) -> float:
    """When the sensor began the evaluation that asked for a run, in seconds since 1970."""
    for state in instance.all_instigator_state():
        if state.name != "tick_sensor":
            continue
        for evaluation in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=100):
            if run_id in evaluation.run_ids:
                return float(evaluation.timestamp)
    raise RuntimeError(f"no evaluation of the sensor asked for run {run_id}")


def told_by(instance: dg.DagsterInstance, run_id: str) -> dict[str, float]:
    """What a run's materializations tell of their seconds."""
    import dagster as dg

    found: dict[str, float] = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.dagster_event
        if event is None or event.asset_key is None:
            continue
        metadata = event.step_materialization_data.materialization.metadata
        names = {"seconds": "crawl"} if event.asset_key.path == ["bronze", "yahoo_quotes"] else {}
        names |= {f"seconds_{part}": part for part in ("load", "dbt", "swap")}
        for word, part in names.items():
            if word in metadata and isinstance(value := metadata[word].value, int | float):
                found[part] = float(value)
    return found


def timed(instance: dg.DagsterInstance, tick: datetime) -> dict[str, Any]:
    """How long a tick took, when its run has ended."""
    record = await_run(instance, tick)
    run_id = record.dagster_run.run_id
    stats = [one for one in instance.get_run_step_stats(run_id) if one.start_time and one.end_time]
    steps = {one.step_key: (one.end_time or 0.0) - (one.start_time or 0.0) for one in stats}
    began = evaluated_at(instance, run_id)
    ended = max(one.end_time or 0.0 for one in stats if one.step_key == "marts")
    first = min(one.start_time or 0.0 for one in stats)
    created = record.create_timestamp.timestamp()
    return {
        "tick": tick.isoformat(),
        "seconds": round(ended - began, 1),
        "shares": shares(steps, told_by(instance, run_id), ended - began),
        "dagster": {
            "sensor": round(created - began, 2),
            "queue and process": round(first - created, 2),
            "between and around steps": round(ended - first - sum(steps.values()), 2),
        },
    }


def main() -> int:
    """Take the session's ticks from the second on, and print the figures."""
    import dagster as dg

    settings = load_settings()
    home = Home.open(settings)
    take_universe(home)
    runs = []
    with LargestProcess(home.root) as largest, PeakMemory(home.root) as memory, PeakMemory(home.root, CRAWL) as crawl:
        for tick in xnys().ticks(SESSION)[1 : RUNS + 1]:
            os.environ["TIDEMARK_NOW"] = (tick + timedelta(seconds=10)).isoformat()
            with served(home, load_settings(), SERVICES), dg.DagsterInstance.get() as instance:
                runs.append(timed(instance, tick))
    expected = delta.count(home, table("gold.universe"))
    figures = {
        "companies": expected,
        "snapshots": delta.count(home, table("gold.quotes")),
        "seconds": median(run["seconds"] for run in runs),
        "runs": runs,
        "crawl_peak_gb": round(crawl.peak_bytes / 2**30, 2),
        "peak_pss_gb": round(memory.peak_bytes / 2**30, 2),
        "largest_processes_gb": largest.told(),
        "limits": {"seconds": 30 if settings.universe_per_sector <= 100 else 300, "crawl_peak_gb": 1.0},
    }
    if figures["snapshots"] != RUNS * expected:
        raise RuntimeError(f"{figures['snapshots']} snapshots of {RUNS} ticks of {expected} companies")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
