"""`python -m benchmarks [NAME…] [--install]`: measure, print and write benchmarks/results/NAME.json.

first_load    an empty home to its end by `up --once`, seconds by step, peak memory
warm_start    seconds from `up` on that home to the first answer
ask           milliseconds of an answer through the API, once warm
tick          a tick of 1,100 companies, from the sensor's evaluation by the daemon to the marts
tick_11000    the same of 11,000
year_of_ticks a tick in a home on its first day and in one with a year of ticks, by turns
definitions   seconds of build_defs() after its imports
edgar         an EDGAR log of 1, 8 and 40 million rows to silver and gold: Sail, Apache Spark, DuckDB, Polars
live          the live stream's events a second within two seconds, a second's frame on the page's websocket being the end
backfill_bars ten years of daily bars of the universe into an empty home
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks import backfill_bars, edgar
from benchmarks.machine import PeakMemory, describe

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
ASKED = (
    "What is the price of Apple?",
    "top 5 companies by market cap in technology",
    "median P/E of each sector",
    "companies with a dividend yield above 4%",
    "compare MSFT and NVDA by market cap",
    "close of Boeing over the last 20 sessions as a chart",
    "how many companies are in Energy?",
    "Walmart return this month",
    "champion forecast for Amazon, next session",
    "which tables are older than 2 hours?",
)
ROUNDS = 20

Figures = dict[str, Any]


def command(*words: str) -> list[str]:
    """Tidemark's own command."""
    return [sys.executable, "-m", "orchestration", *words]


def environment(home: Path) -> dict[str, str]:
    """The user's environment with a home of the benchmark's own."""
    return {**os.environ, "TIDEMARK_HOME": str(home)}


def first_load(home: Path) -> Figures:
    """An empty home to its first complete load, with the environment in place."""
    began = time.monotonic()
    with PeakMemory(home) as memory:
        done = subprocess.run(
            command("up", "--once"), env=environment(home), cwd=ROOT, capture_output=True, text=True, check=False
        )
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"up --once ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return {
        "seconds": round(seconds, 1),
        "peak_pss_gb": round(memory.peak_bytes / 2**30, 2),
        "limits": {"seconds": 120, "peak_pss_gb": 3.0},
        "output": done.stdout.splitlines()[-60:],
    }


@contextmanager
def running(home: Path) -> Iterator[tuple[str, float]]:
    """The whole system on a loaded home: the chat's address, and seconds to its first answer."""
    began = time.monotonic()
    process = subprocess.Popen(
        command("up"), env=environment(home), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = f"http://127.0.0.1:{json.loads((home / 'ports.json').read_text())['chat']}"
        while True:
            if process.poll() is not None:
                raise RuntimeError(
                    f"up ended with {process.returncode}: {process.stdout.read() if process.stdout else ''}"
                )
            try:
                reply = httpx.post(f"{address}/ask", json={"question": ASKED[0]}, timeout=5)
                if reply.status_code == 200 and reply.json()["kind"] == "answer":
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        yield address, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def ask(address: str) -> Figures:
    """Milliseconds of an answer through the API, once each question has been asked."""
    with httpx.Client(timeout=30) as client:
        kinds = {q: client.post(f"{address}/ask", json={"question": q}).json()["kind"] for q in ASKED}
        taken = []
        for _ in range(ROUNDS):
            for question in ASKED:
                began = time.perf_counter()
                client.post(f"{address}/ask", json={"question": question}).raise_for_status()
                taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    return {
        "asked": len(taken),
        "answered": sum(kind == "answer" for kind in kinds.values()) * ROUNDS,
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "max_ms": round(max(taken), 1),
        "limits": {"p95_ms": 250},
    }


def in_python(home: Path, module: str, more: Mapping[str, str] | None = None) -> Figures:
    """A measurement in a process of its own, with more in its environment."""
    env = environment(home) | dict(more or {})
    done = subprocess.run(
        [sys.executable, "-m", module], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def installation() -> Figures:
    """From a clone to the end of the first load, the environment made on the way."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        clone = Path(folder) / "tidemark"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environ = {k: v for k, v in os.environ.items() if k not in {"TIDEMARK_HOME", "VIRTUAL_ENV"}}
        began = time.monotonic()
        subprocess.run(["make", "run", "ONCE=1"], cwd=clone, env=environ, check=True, stdout=subprocess.DEVNULL)
        return {"seconds": round(time.monotonic() - began, 1), "limits": {"seconds": 300}}


def write(name: str, figures: Figures) -> None:
    """Keep figures with the machine's description, and show them."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": describe(), **figures}, indent=1) + "\n")
    shown = {key: value for key, value in figures.items() if key != "output"}
    print(f"{name}: {json.dumps(shown)}", flush=True)


# Those that need neither the first load nor its home.
ALONE: dict[str, Callable[[Path], Figures]] = {
    "tick": lambda home: in_python(home, "benchmarks.tick"),
    "tick_11000": lambda home: in_python(home, "benchmarks.tick", {"TIDEMARK_UNIVERSE_PER_SECTOR": "1000"}),
    "live": lambda home: in_python(home, "benchmarks.live"),
    "backfill_bars": lambda home: backfill_bars.measure(home, command(), environment(home)),
    "edgar": edgar.measure,
    "year_of_ticks": lambda home: in_python(home, "benchmarks.year_of_ticks"),
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *ALONE], help="only these; all by default")
    parser.add_argument("--install", action="store_true", help="also measure a clone with its installation")
    parser.add_argument("--keep", type=Path, help="use and keep this home instead of a new one")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidemark-bench-"))
    home = (given.keep or folder / "home").resolve()
    try:
        for name in given.names or ALONE:
            write(name, ALONE[name](folder / name))
            shutil.rmtree(folder / name)
        if given.names:
            return 0
        write("first_load", first_load(home))
        with running(home) as (address, seconds):
            write(
                "warm_start", {"seconds_to_first_answer": round(seconds, 1), "limits": {"seconds_to_first_answer": 30}}
            )
            write("ask", ask(address))
        measured: dict[str, Callable[[], Figures]] = {"definitions": lambda: in_python(home, "benchmarks.definitions")}
        if given.install:
            measured["installation"] = installation
        for name, measure in measured.items():
            write(name, measure())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
