"""A live stream whose every part may be killed: a home with a day's batch, PostgreSQL, the job in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import psutil
import psycopg

from lake import delta, postgres
from lake.contracts import table
from lake.home import Home
from lake.settings import Settings, load_settings
from scrapers.sandbox.edgar_log import write_log
from spark_jobs.edgar import Day, run_day
from spark_jobs.engine import connected, engine
from spark_jobs.live_job import ready_mark
from spark_jobs.live_replay import Pace, Played, Replay, logged
from spark_jobs.live_source import Source, StreamWriter, writer_of

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2016, 11, 21)
STREAM = "edgar-20161121-test"


@dataclass
class Live:
    """The stream's parts. `job` is None while none runs."""

    home: Home
    settings: Settings
    server: postgres.Running
    job: subprocess.Popen[bytes] | None = None

    @property
    def source(self) -> Source:
        return Source.of(self.home, self.settings)

    @property
    def dsn(self) -> str:
        return postgres.owner_dsn(self.home, self.settings)

    def start_job(self, **extra: str) -> None:
        """Start the job and wait until its query runs."""
        foreign = ("TIDEMARK_", "DAGSTER", "MLFLOW", "SPARK_REMOTE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        # Java's first compiler alone: a job of half a minute would not live to see the second one pay.
        env |= {"TIDEMARK_HOME": str(self.home.root), "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1", **extra}
        with (self.home.logs / "stream.log").open("ab") as log:
            self.job = subprocess.Popen(
                [sys.executable, "-m", "spark_jobs.live_job"], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        mark = ready_mark(self.home)
        self.wait(lambda: mark.exists() and mark.read_text().split()[0] == str(self.job_pid), "the query runs", 300)

    @property
    def job_pid(self) -> int:
        assert self.job is not None
        return self.job.pid

    def java(self) -> psutil.Process:
        """The engine."""
        (found,) = [p for p in psutil.Process(self.job_pid).children(recursive=True) if p.name() == "java"]
        return found

    def await_job_s_end(self) -> int:
        """Wait until the job has ended by itself; its exit code."""
        assert self.job is not None
        code = self.job.wait(120)
        self.job = None
        return code

    def kill_job(self) -> None:
        """Kill the job; its engine ends with it."""
        assert self.job is not None
        family = psutil.Process(self.job.pid).children(recursive=True)
        self.job.kill()
        self.job.wait()
        self.job = None
        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == []

    def kill_postgres(self) -> None:
        """Kill PostgreSQL and start it again."""
        self.server.process.kill()
        self.server.process.wait()
        server = postgres.start(self.home, self.settings)
        assert server is not None
        self.server = server

    def stop_job(self) -> None:
        """Ask the job to end, and see that it does so in order."""
        assert self.job is not None
        self.job.terminate()
        code = self.job.wait(120)
        self.job = None
        assert code == 0, (self.home.logs / "stream.log").read_text()[-3000:]

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
        """Wait for what must come while the job runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.job is None or self.job.poll() is None, (self.home.logs / "stream.log").read_text()[-3000:]
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.1)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """An answer of the live state."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()

    def rows(self) -> int:
        """How many rows of all streams are counted."""
        ((rows,),) = self.ask("SELECT coalesce(sum(rows), 0)::bigint FROM live.state")
        assert isinstance(rows, int)
        return rows

    def ended(self, streams: int = 1) -> bool:
        """Whether so many streams are over."""
        return self.ask("SELECT count(*) FROM live.streams WHERE ended_at IS NOT NULL") == [(streams,)]


@dataclass
class Laggard:
    """A writer that holds some messages back for some writes, so that they come late.

    Attributes:
        held: what is held back; begun again after a kill, what the one before held.
    """

    writer: StreamWriter
    held: list[pl.DataFrame] = field(default_factory=list)

    @property
    def position(self) -> int:
        return self.writer.position

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        late = (pl.col("cik") % 7 == 0).fill_null(False)
        prompt = messages.filter(~late)
        # A file there must be: by its name it is known what has been written.
        if prompt.is_empty():
            prompt = messages
        else:
            self.held.append(messages.filter(late))
        due, self.held = self.held[:-3], self.held[-3:]
        self.writer.write(pl.concat([prompt, *due]), next_seq)

    def close(self) -> None:
        if self.held:
            self.writer.write(pl.concat(self.held), self.position)
        self.writer.close()


def played_day(home: Home) -> Played:
    """The day as silver has it."""
    played = logged(home, DAY, (0, 86_400), count_repeats=True)
    assert played is not None
    return played


def missing(source: Source, stream: str, played: Played, position: int) -> list[pl.DataFrame]:
    """Messages before a position that no file has, made anew."""
    written: set[int] = set()
    for name in {path.name for folder in (source.unread, source.read) for path in folder.rglob(f"{stream}.*.jsonl")}:
        try:
            text = (source.unread / name).read_text()
        except FileNotFoundError:
            # The job has read it.
            (path,) = source.read.rglob(name)
            text = path.read_text()
        written |= {int(json.loads(line)["seq"]) for line in text.splitlines()}
    lost = [seq for seq in range(1, min(position, played.requests.height + 1)) if seq not in written]
    if not lost:
        return []
    whole: list[pl.DataFrame] = []
    Replay(played, stream, Pace(None)).run(_Kept(whole))
    return [pl.concat(whole)[lost]]


@dataclass
class _Kept:
    """A writer that keeps messages, each at the place of its number."""

    messages: list[pl.DataFrame]
    position: int = 0

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        self.messages.append(messages)
        self.position = next_seq

    def close(self) -> None:
        """Nothing is held open."""


def play(
    home: Home, seconds: float, share: float = 1.0, stream: str = STREAM, hold: Callable[[int], object] = id
) -> bool:
    """Play on from where the last play ended, a day in so many seconds; whether the end is written.

    Args:
        share: of the day's requests, after which to stop.
        hold: called with the number of messages that are held back to the last, before those are written.
    """
    played, source = played_day(home), Source("files", home.landing / "stream")
    direct = writer_of(source, stream)
    writer = Laggard(direct, missing(source, stream, played, direct.position))
    last = share * played.requests.height

    def ending() -> bool:
        return share < 1 and writer.position > last

    try:
        done = Replay(played, stream, Pace(86_400 / seconds), ending=ending).run(writer)
        hold(sum(messages.height for messages in writer.held))
        return done
    finally:
        writer.close()


def assert_equal_to_batch(live: Live, stream: str = STREAM) -> None:
    """Every second, company and pair of them is counted as the batch counts it."""
    batch = delta.read(live.home, table("gold.visits_second")).filter(pl.col("log_date") == DAY)
    key = ["second_of_day", "cik"]
    history = delta.read(live.home, table("gold.visits_live")).filter(pl.col("stream") == stream)
    pairs = history.group_by(key).agg(pl.col("visits").sum().alias("visits_all")).sort(key)
    assert pairs.equals(batch.select(*key, "visits_all").sort(key))
    for name, column, text in (
        ("seconds", "second_of_day", "extract(epoch FROM clock - clock::date)::int"),
        ("totals", "cik", "cik"),
    ):
        counted = live.ask(f"SELECT {text}, visits FROM live.{name} WHERE stream = '{stream}' ORDER BY 1")
        assert counted == batch.group_by(column).agg(pl.col("visits_all").sum()).sort(column).rows()
    ((rows, late),) = live.ask(f"SELECT rows, late FROM live.state WHERE stream = '{stream}'")
    assert rows == batch["visits_all"].sum()
    assert late == history["late"].sum()
    assert live.ask("SELECT count(*) FROM live.refused") == [(0,)]
    assert live.ask("SELECT count(*) FROM live.outbox") == [(0,)]


def home_of(folder: Path) -> tuple[Home, Settings]:
    """The simulated home below a folder."""
    settings = load_settings(home=folder / "home", world="simulated", postgres_url=None)
    return Home.open(settings), settings


@contextmanager
def live_home(folder: Path, rows: int) -> Iterator[Live]:
    """A simulated home with a day's batch and a running PostgreSQL."""
    home, settings = home_of(folder)
    home.move_port("postgres")
    if not delta.exists(home, table("gold.visits_second")):
        log = folder / f"log{DAY:%Y%m%d}.zip"
        write_log(log, 7, 20, DAY, rows)
        with engine("sail", home.logs) as remote, connected(remote) as spark:
            run_day(spark, home, Day(log, DAY, "0" * 64, datetime.now(UTC)), "batch")
    with serving(home, settings) as live:
        yield live


@contextmanager
def serving(home: Home, settings: Settings) -> Iterator[Live]:
    """A home with a running PostgreSQL; its job ends with it."""
    server = postgres.start(home, settings)
    assert server is not None
    live = Live(home, settings, server)
    try:
        yield live
    finally:
        if live.job is not None:
            live.kill_job()
        live.server.stop()
