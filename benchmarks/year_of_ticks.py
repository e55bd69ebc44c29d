"""A tick in a home on its first day and in one with a year behind it, by turns: does its time grow with the past?

The two homes take each tick one right after the other, so that whatever else the machine does falls on both. The history is the home's own newest tick, jittered: 252 sessions of 14 ticks of the whole universe, with the universe
and the profiles of each session, one file a session and table, as compaction leaves them. Every row is simulated and
says so by its run.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import polars as pl

from benchmarks.tick import SESSION, take_universe
from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.assets.factory import TICK_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import Step, run_steps, tables_of
from orchestration.serving import served

if TYPE_CHECKING:
    from lake.settings import Settings

SERVICES = ("postgres", "sandbox")
SESSIONS = int(os.environ.get("TIDEMARK_BENCH_SESSIONS", "252"))
REPETITIONS = int(os.environ.get("TIDEMARK_BENCH_REPETITIONS", "9"))
RUN = "simulated-year"
_BY_TICK = ("silver.quotes", "gold.quotes", "gold.sectors", "gold.coverage")
_BY_SESSION = ("silver.universe", "gold.universe", "silver.profiles")
_JITTERED = ("price", "market_cap", "volume_shares", "change_pct")
# What a tick's time goes into: the part's name, and the function that does it.
_PARTS = (
    ("crawl", "scrapers.shards.run_shards"),
    ("parse", "scrapers.silver.quotes_rows"),
    ("write", "lake.delta.append"),
    ("write", "lake.delta.replace_slice"),
    ("write", "lake.delta.replace_quarantine"),
    ("inventory", "orchestration.steps.publish.inventory"),
    ("load", "orchestration.steps.publish.stage"),
    ("dbt", "dbt_project.runner.build"),
    ("swap", "orchestration.steps.publish.swap"),
)


@contextmanager
def parts_timed() -> Iterator[dict[str, float]]:
    """Seconds spent in each part while the block runs."""
    spent: dict[str, float] = defaultdict(float)

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                spent[name] += time.perf_counter() - began

        return run

    with ExitStack() as stack:
        for name, path in _PARTS:
            owner, attribute = path.rsplit(".", 1)
            call = getattr(__import__(owner, fromlist=[attribute]), attribute)
            stack.enter_context(patch(path, timed(name, call)))
        yield spent


def measure(home: Home, settings: Settings, session: date, ticks: Sequence[datetime]) -> list[dict[str, float]]:
    """Run each tick from crawl to marts; seconds by part, and of the processor in this process."""
    found = []
    for tick in ticks:
        tags = {TICK_TAG: tick.isoformat()}
        step = Step("tick", "quotes", (*tables_of("quotes"), *INVENTORY), session, session, tags, marts=True)
        busy = time.process_time()
        with parts_timed() as spent:
            total = run_steps(home, settings, [step]).seconds["tick"]
        busy = time.process_time() - busy
        rest = total - sum(spent.values())
        found.append({**spent, "dagster and the rest": rest, "total": total, "processor": busy})
    return found


def add_history(home: Home, session: date, tick: datetime) -> int:
    """The sessions before one, from its rows at a tick; how many snapshots of companies were added."""
    calendar, random = xnys(), np.random.default_rng(7)
    at_tick = {
        name: delta.read(home, table(name), delta.Slice({"session": session, "tick": tick})) for name in _BY_TICK
    }
    of_session = {name: delta.read(home, table(name), delta.Slice({"session": session})) for name in _BY_SESSION}
    added, day = 0, session
    for _ in range(SESSIONS):
        day = calendar.previous_session(day)
        ticks = pl.DataFrame({"tick": calendar.ticks(day)}, schema={"tick": pl.Datetime("us", "UTC")})
        for name, rows in at_tick.items():
            frame = ticks.join(rows.drop("tick"), how="cross").with_columns(observed_at=pl.col("tick"))
            frame = _of(frame, day).with_columns(
                (pl.col(column) * random.lognormal(0, 0.01, frame.height)).cast(rows.schema[column])
                for column in _JITTERED
                if column in rows.columns
            )
            delta.append(home, table(name), frame)
            added += frame.height if name == "gold.quotes" else 0
        for name, rows in of_session.items():
            delta.append(home, table(name), _of(rows, day))
    return added


def _of(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    return frame.with_columns(session=pl.lit(day), _run_id=pl.lit(RUN))


def main() -> int:
    """Add the year to one of two homes, publish it, take ticks in both by turns, and print the figures."""
    os.environ["TIDEMARK_NOW"] = f"{SESSION + timedelta(days=1)}T09:00:00Z"
    folder = load_settings().home
    young, old = (Home.open(load_settings(home=folder / name)) for name in ("first-day", "year"))
    for home in (young, old):
        take_universe(home)
    ticks = xnys().ticks(SESSION)
    newest, earlier = ticks[-1], ticks[: REPETITIONS + 1]
    settings = {home: load_settings(home=home.root) for home in (young, old)}
    with served(young, settings[young], SERVICES), served(old, settings[old], SERVICES):
        # The first in a process parses dbt's project and imports what it needs: no part of what is compared.
        measure(young, settings[young], SESSION, earlier[:1])
        measure(old, settings[old], SESSION, [newest])
        added = add_history(old, SESSION, newest)
        began = time.perf_counter()
        measure(old, settings[old], SESSION, earlier[:1])
        published = time.perf_counter() - began
        runs: dict[Home, list[dict[str, float]]] = {young: [], old: []}
        for number, tick in enumerate(earlier[1:]):
            for home in (young, old) if number % 2 else (old, young):
                runs[home] += measure(home, settings[home], SESSION, [tick])
    figures = {
        "snapshots": added,
        "ratio": _ratio(runs[young], runs[old], "total"),
        "ratio_of_processor": _ratio(runs[young], runs[old], "processor"),
        "first_day": _medians(runs[young]),
        "after_the_year": _medians(runs[old]),
        "shares_percent": _shares(_medians(runs[old])),
        "seconds_to_publish_the_year": round(published, 1),
        "limits": {"ratio": 1.2},
    }
    print(json.dumps(figures))
    return 0


def _ratio(young: list[dict[str, float]], old: list[dict[str, float]], part: str) -> float:
    """The median of what the old home took over what the young one took for the same tick."""
    return round(statistics.median(b[part] / a[part] for a, b in zip(young, old, strict=True)), 3)


def _shares(medians: dict[str, float]) -> dict[str, float]:
    parts = {name: taken for name, taken in medians.items() if name not in {"total", "processor"}}
    return {name: round(100 * taken / sum(parts.values()), 1) for name, taken in parts.items()}


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    names = {name: None for run in runs for name in run}
    return {name: round(statistics.median(run.get(name, 0.0) for run in runs), 3) for name in names}


if __name__ == "__main__":
    sys.exit(main())
