"""One more tick of the universe, from crawl to marts, beside the running services, and where its seconds go."""

from __future__ import annotations

import json
import os
import sys
import time

from lake.clock import Clock
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.assets.factory import TICK_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import Step, run_steps, tables_of

# The parts of a run by the step's name; what no step took is Dagster's own.
PARTS = {
    "bronze_yahoo_quotes": "crawl",
    "silver_quotes": "parse",
    "gold_quotes": "write",
    "gold_quarantine": "publish",
    "gold_loads": "publish",
    "marts": "publish",
}


def shares(seconds: dict[str, float], total: float) -> dict[str, dict[str, float]]:
    """Seconds and percent of a run by part: crawl, parse, write, publish (load and dbt), Dagster itself.

    Args:
        seconds: of each step.
        total: of the whole run.
    """
    parts = dict.fromkeys((*PARTS.values(), "dagster"), 0.0)
    for step, taken in seconds.items():
        parts[PARTS.get(step, "dagster")] += taken
    parts["dagster"] += max(0.0, total - sum(seconds.values()))
    return {
        name: {"seconds": round(taken, 2), "percent": round(100 * taken / total, 1)} for name, taken in parts.items()
    }


def steps_of_run(tick: str) -> dict[str, float]:
    """The seconds of each step of the newest run for a tick, as the home's Dagster tells them."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs(filters=dg.RunsFilter(tags={TICK_TAG: tick}), limit=1)
        stats = instance.get_run_step_stats(run.run_id)
    return {one.step_key: one.end_time - one.start_time for one in stats if one.start_time and one.end_time}


def main() -> int:
    """Load the tick before the newest, which the first load has left out."""
    settings = load_settings()
    home = Home.open(settings, create=False)
    newest = xnys().latest_tick(Clock.from_settings(settings).now())
    session = newest.session
    before = [tick for tick in xnys().ticks(session) if tick < newest.tick]
    tags = {TICK_TAG: before[-1].isoformat()}
    step = Step("tick", "quotes", (*tables_of("quotes"), *INVENTORY), session, session, tags, marts=True)
    _meet_dagster(home)
    began = time.monotonic()
    summary = run_steps(home, settings, [step])
    total = time.monotonic() - began
    figures = {
        "seconds": summary.seconds["tick"],
        "seconds_with_definitions": round(total, 1),
        "shares": shares(steps_of_run(before[-1].isoformat()), summary.seconds["tick"]),
        "limits": {"seconds": 30 if settings.universe_per_sector <= 100 else 300},
    }
    print(json.dumps(figures))
    return 0


def _meet_dagster(home: Home) -> None:
    """Run in the home's own Dagster, which keeps the steps' times; a bare command would run in one in memory."""
    from lake.postgres import owner_dsn
    from orchestration import dagster_home

    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ[dagster_home.DSN] = owner_dsn(home, load_settings(), "dagster")


if __name__ == "__main__":
    sys.exit(main())
