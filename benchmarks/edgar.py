"""An EDGAR log to typed silver, its quarantine, the account of its lines and gold's counts: side by side in one run.

Sail and Apache Spark run the job itself; DuckDB and Polars do the same work from the same CSV to the same tables. Each
runs in a process of its own. No figure is told before all have made the same rows, and refused what was planted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import edgar_equal, edgar_log
from benchmarks.edgar_work import CONTENDERS
from benchmarks.machine import PeakMemory

ROOT = Path(__file__).resolve().parents[1]
ROWS = "1000000,8000000,40000000"
BESIDE = "duckdb"
LIMITS = {"ratio_of_sail": 0.8, "peak_gb_of_sail": 2.0}

Figures = dict[str, Any]


def measure(folder: Path) -> Figures:
    """Every contender with every size; `TIDEMARK_BENCH_EDGAR_ROWS` and `…_CONTENDERS` name others.

    Raises:
        RuntimeError: when one fails, makes other rows than the others, or does not refuse what was planted.
    """
    sizes = [int(text) for text in os.environ.get("TIDEMARK_BENCH_EDGAR_ROWS", ROWS).split(",")]
    names = os.environ.get("TIDEMARK_BENCH_EDGAR_CONTENDERS", ",".join(CONTENDERS)).split(",")
    folder.mkdir(parents=True, exist_ok=True)
    taken: dict[int, dict[str, Figures]] = {}
    for rows in sizes:
        csv = folder / "log.csv"
        planted = edgar_log.make(csv, rows)
        outs = {name: folder / name for name in names}
        taken[rows] = {name: _run(name, csv, out) for name, out in outs.items()}
        _check(outs, planted)
        for out in outs.values():
            shutil.rmtree(out)
        for name, figures in taken[rows].items():
            print(f"{rows:>10,} {name:<7} {json.dumps(figures)}", file=sys.stderr, flush=True)
    return {
        "rows": {str(rows): _compared(runs) for rows, runs in taken.items()},
        "growth": _growth(taken),
        "limits": LIMITS,
    }


def _run(name: str, csv: Path, out: Path) -> Figures:
    home = out / "home"
    env = {**os.environ, "TIDEMARK_HOME": str(home)}
    command = [sys.executable, "-m", "benchmarks.edgar_work", name, str(csv), str(out)]
    # What was written before is on the disk: nobody waits for another's pages.
    os.sync()
    with PeakMemory(home) as memory:
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures | {"peak_gb": round(memory.peak_bytes / 2**30, 2)}


def _check(outs: Mapping[str, Path], planted: Mapping[str, int]) -> None:
    made = {name: edgar_equal.numbers(out) for name, out in outs.items()}
    first, *others = made
    for name in others:
        differing = [table for table, numbers in made[first].items() if made[name][table] != numbers]
        if differing:
            raise RuntimeError(f"{first} and {name} made different rows of {', '.join(differing)}: {made}")
    for name, out in outs.items():
        if edgar_equal.refused(out) != dict(planted):
            raise RuntimeError(f"{name} refused {edgar_equal.refused(out)}, and planted were {dict(planted)}")


def _compared(runs: Mapping[str, Figures]) -> dict[str, Figures]:
    """The runs of one size, each with its ratio to DuckDB and the share of its phases."""
    beside = runs.get(BESIDE)
    compared = {}
    for name, figures in runs.items():
        told = dict(figures)
        if beside:
            told["ratio"] = round(figures["seconds"] / beside["seconds"], 2)
            told["cpu_ratio"] = round(figures["cpu_seconds"] / beside["cpu_seconds"], 2)
        told["percent"] = {
            phase: round(100 * seconds / figures["seconds"], 1) for phase, seconds in figures["phases"].items()
        }
        compared[name] = told
    return compared


def _growth(taken: Mapping[int, Mapping[str, Figures]]) -> dict[str, dict[str, float]]:
    """Seconds a row of each size, against those of the smallest: no more than 1 is linear."""
    (least, first), *others = taken.items()
    return {
        name: {
            str(rows): round(runs[name]["seconds"] / rows / (first[name]["seconds"] / least), 2)
            for rows, runs in others
        }
        for name in first
    }
