"""Ten years of daily bars of the universe into an empty home, by the command, the sandbox on the same machine."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import LargestProcess, PeakMemory
from lake.clock import Clock
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings

FIRST = "2016-01-04"


def measure(home: Path, command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Seconds, rows, shares of the time, and memory.

    Args:
        home: where; the universe of the newest session is taken first where there is none.
        command: `tidemark`.
        environment: the user's, with the home in it.
    """
    settings = load_settings(home=home)
    Home.open(settings)
    last = xnys().latest_closed_session(Clock.from_settings(settings).now()).isoformat()
    _run([*command, "backfill", "companies", "--from", last, "--to", last, "--json"], environment)
    began = time.monotonic()
    with PeakMemory(home) as memory, LargestProcess(home) as largest:
        told = _run([*command, "backfill", "bars_daily", "--from", FIRST, "--to", last, "--json"], environment)
    seconds = time.monotonic() - began
    began = time.monotonic()
    again = _run([*command, "backfill", "bars_daily", "--from", FIRST, "--to", last, "--json"], environment)
    spent = sum(told["parts"].values())
    return {
        "seconds": round(seconds, 1),
        "rows": told["rows"],
        "chunks": told["seconds"],
        "parts": told["parts"],
        "shares_percent": {part: round(taken / spent * 100, 1) for part, taken in told["parts"].items()},
        "peak_pss_gb": round(memory.peak_bytes / 2**30, 2),
        "largest_processes_gb": largest.told(),
        "nothing_lacking_seconds": round(time.monotonic() - began, 1),
        "made_again": again["made"],
        "limits": {"seconds": 600, "crawl_gb": 1.0, "process_gb": 2.0},
    }


def _run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told
