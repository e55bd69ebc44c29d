"""The live stream's rate: from the end of a second to its count in PostgreSQL, at rates that grow until two seconds are not held.

Requests are the sandbox's, with its heavy-tailed companies, so many a second. A second's latency is the time from its end
to the first commit (the NOTIFY that the page hears) after which all its requests are counted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import psutil
import psycopg

from lake import postgres
from lake.home import Home
from lake.settings import load_settings
from scrapers.sandbox.world.visits import visits
from spark_jobs.live_job import Job
from spark_jobs.live_replay import Pace, Played, Replay
from spark_jobs.live_source import Source, writer_of

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
_ENDS = 10
_NUMBERS = 500_000


@dataclass
class Commits:
    """What the listener saw of one stream: at which time how many rows were counted."""

    dsn: str
    stream: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Look at each notice until the stream is over."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("LISTEN live")
            query = "SELECT s.rows, t.ended_at IS NOT NULL FROM live.state s JOIN live.streams t USING (stream) WHERE stream = %s"
            while not self.over.is_set():
                # Nothing can be asked while notices are being read.
                if not list(connection.notifies(timeout=1.0, stop_after=1)):
                    continue
                at = time.time()
                row = connection.execute(query, (self.stream,)).fetchone()
                if row is not None:
                    self.seen.append((at, row[0]))
                    if row[1]:
                        self.over.set()


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


def measure(dsn: str, source: Source, rate: int, seconds: int) -> dict[str, Any]:
    """Play so many seconds at a rate; latencies by second, and whether the stream kept up."""
    stream = f"bench-{rate}-{int(time.time())}"
    played, commits = day_of(rate, seconds), Commits(dsn, stream)
    listener = threading.Thread(target=commits.listen)
    listener.start()
    writer = writer_of(source, stream)
    Replay(played, stream, Pace(1.0)).run(writer)
    writer.close()
    commits.over.wait(120)
    commits.over.set()
    listener.join()
    with psycopg.connect(dsn) as connection:
        query = "SELECT extract(epoch FROM min(first_at))::float8 FROM live.seconds WHERE stream = %s"
        row = connection.execute(query, (stream,)).fetchone()
    assert row is not None
    at = np.array([moment for moment, _ in commits.seen])
    rows = np.maximum.accumulate(np.array([count for _, count in commits.seen]))
    late: list[float] = []
    for second in range(LEAVE_OUT_SECONDS if seconds > 2 * LEAVE_OUT_SECONDS else 0, seconds):
        place = int(np.searchsorted(rows, rate * (second + 1)))
        late.append(float(at[place]) - (row[0] + second + 1) if place < len(at) else float("inf"))
    p50, p95 = (float(np.quantile(late, share)) for share in (0.5, 0.95))
    return {
        "events_per_second": rate,
        "seconds": seconds,
        "latency_p50_s": round(p50, 2),
        "latency_p95_s": round(p95, 2),
        "latency_max_s": round(float(max(late)), 2),
        "commits": len(commits.seen),
        "latency_growth_s": round(growth(late), 2),
        "holds": holds(late),
    }


def growth(late: Sequence[float]) -> float:
    """By how much the last seconds' latency, in seconds, lies above the first ones'."""
    return float(np.median(late[-_ENDS:]) - np.median(late[:_ENDS]))


def holds(late: Sequence[float]) -> bool:
    """Whether seconds are shown within the limit, and would be if the stream went on: what falls behind grows later."""
    return bool(np.quantile(late, 0.95) <= LIMIT_SECONDS and growth(late) < GROWTH_SECONDS)


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
        dsn = postgres.owner_dsn(home, settings)
        with job_at_work(home, settings) as job:
            measure(dsn, job.source, RATES[0], WARM_SECONDS)
            for rate in RATES:
                steps.append(measure(dsn, job.source, rate, SECONDS) | {"java_mb": _java_mb()})
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
