"""The live stream's rate: from the end of a second to its frame, at rates that grow until two seconds are not held.

Requests are the sandbox's, with its heavy-tailed companies, so many a second. A second's latency is the time from its end
to the first frame on the page's websocket that has all its requests; Spark, PostgreSQL, the page's server, the feed and
who watches are on one machine.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil

from benchmarks.live_frames import Lag, Watched, watch
from lake import postgres
from lake.home import Home
from lake.settings import load_settings
from scrapers.sandbox.world.visits import visits
from spark_jobs.engine import free_port
from spark_jobs.live_job import Job
from spark_jobs.live_replay import Pace, Played, Replay
from spark_jobs.live_source import Source, writer_of

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2016, 11, 21)
RATES = tuple(
    int(rate) for rate in os.environ.get("TIDEMARK_BENCH_RATES", "5000,10000,20000,30000,40000,60000,80000").split(",")
)
SECONDS = int(os.environ.get("TIDEMARK_BENCH_SECONDS", "45"))
# Java compiles what it runs often; its first batches are not those of a stream that goes on.
WARM_SECONDS = 60
LEAVE_OUT_SECONDS = 10
LIMIT_SECONDS = 2.0
GROWTH_SECONDS = 0.3
# For what has fallen behind to come after the feed's end.
PATIENCE_SECONDS = 120.0
READY_SECONDS = 60.0
_ENDS = 10
_NUMBERS = 500_000


class Frames(threading.Thread):
    """A watcher of one stream on the page's websocket; `seen` is there once it has ended."""

    def __init__(self, address: str, stream: str) -> None:
        super().__init__()
        self._address, self._stream = address, stream
        self._stop_now = threading.Event()
        self.seen: Watched | None = None

    def run(self) -> None:
        """Watch until the stream is over."""
        self.seen = watch(self._address, self._stop_now, self._stream)

    def lags(self, patience: float) -> list[Lag]:
        """How late each second was, once the stream is over or so many seconds have passed."""
        self.join(patience)
        self._stop_now.set()
        self.join()
        return self.seen.lags() if self.seen else []


def day_of(rate: int, seconds: int) -> Played:
    """So many requests in each of so many seconds, of the sandbox's companies."""
    found, wanted = [], rate * seconds
    for piece in visits(7, 100, DAY, max(wanted, _NUMBERS)):
        found.append(piece.cik)
        if sum(map(len, found)) >= wanted:
            break
    cik = np.concatenate(found)[:wanted]
    requests = pl.DataFrame(
        {"second": np.arange(wanted, dtype=np.int32) // rate, "cik": cik},
        schema={"second": pl.Int32, "cik": pl.Int64},
    ).with_columns(pl.lit("0000320193-16-000070").alias("accession"))
    return Played(DAY, "v1", requests, "made for the benchmark", True)


def measure(address: str, source: Source, rate: int, seconds: int) -> dict[str, Any]:
    """Play so many seconds at a rate; latencies by second, and whether the stream kept up."""
    stream = f"bench-{rate}-{int(time.time())}"
    played, frames = day_of(rate, seconds), Frames(address, stream)
    frames.start()
    writer = writer_of(source, stream)
    Replay(played, stream, Pace(1.0)).run(writer)
    writer.close()
    lags = frames.lags(PATIENCE_SECONDS)
    first = LEAVE_OUT_SECONDS if seconds > 2 * LEAVE_OUT_SECONDS else 0
    # A second that no frame held has no lag to be told.
    late = [lag.whole_from_end for lag in lags] + [float("inf")] * (seconds - len(lags))
    late = late[first:]
    p50, p95 = (float(np.quantile(late, share, method="higher")) for share in (0.5, 0.95))
    return {
        "events_per_second": rate,
        "seconds": seconds,
        "latency_p50_s": round(p50, 2),
        "latency_p95_s": round(p95, 2),
        "latency_max_s": round(float(max(late)), 2),
        "complete_at_once_pct": round(100 * sum(lag.complete for lag in lags) / seconds, 1),
        "frames": frames.seen.frames if frames.seen else 0,
        "latency_growth_s": round(growth(late), 2),
        "holds": holds(late),
    }


def growth(late: Sequence[float]) -> float:
    """By how much the last seconds' latency, in seconds, lies above the first ones'."""
    return float(np.median(late[-_ENDS:]) - np.median(late[:_ENDS]))


def holds(late: Sequence[float]) -> bool:
    """Whether seconds are shown within the limit, and would be if the stream went on: what falls behind grows later."""
    return bool(np.quantile(late, 0.95, method="higher") <= LIMIT_SECONDS and growth(late) < GROWTH_SECONDS)


@contextmanager
def page_served(home: Home, port: int) -> Iterator[str]:
    """The page's server, a process of its own; the address of its websocket."""
    command = [sys.executable, "-m", "chat_api", "--port", str(port)]
    with (home.logs / "page.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TIDEMARK_HOME": str(home.root)}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the page's server is not there: {home.logs / 'page.log'}")
            time.sleep(0.1)
        yield f"ws://127.0.0.1:{port}/api/attention/live/ws"
    finally:
        process.terminate()
        process.wait()


def listens(port: int) -> bool:
    """Whether somebody answers at a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def job_at_work(home: Home, settings: Any) -> Iterator[Job]:
    """The job of a home in a thread of this process; its engine and worker are processes of their own."""
    job = Job(home, settings, Source.of(home, settings))
    thread = threading.Thread(target=job.run)
    thread.start()
    try:
        yield job
    finally:
        job.ending.set()
        thread.join()


def _java_mb() -> int:
    own = psutil.Process().children(recursive=True)
    return sum(p.memory_info().rss for p in own if p.name() == "java") // 1_000_000


def main() -> int:
    """Measure; figures as JSON on the last line."""
    settings = load_settings()
    home = Home.open(settings)
    home.move_port("postgres")
    server = postgres.start(home, settings)
    steps: list[dict[str, Any]] = []
    memory = 0
    try:
        with job_at_work(home, settings) as job, page_served(home, free_port()) as address:
            measure(address, job.source, RATES[0], WARM_SECONDS)
            for rate in RATES:
                steps.append(measure(address, job.source, rate, SECONDS) | {"java_mb": _java_mb()})
                sys.stderr.write(f"{steps[-1]}\n")
                memory = max(memory, steps[-1]["java_mb"])
                if not steps[-1]["holds"]:
                    break
    finally:
        if server is not None:
            server.stop()
    held = [step["events_per_second"] for step in steps if step["holds"]]
    figures = {
        "highest_events_per_second": max(held, default=0),
        "java_mb": memory,
        "load_average": os.getloadavg()[0],
        "steps": steps,
        "limits": {"latency_p95_s": LIMIT_SECONDS, "latency_growth_s": GROWTH_SECONDS, "events_per_second": 20_000},
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
