"""The live stream's job: one Structured Streaming query on Apache Spark, kept going, and what belongs around it.

`python -m spark_jobs.live_job` is the service `stream`. It ends with code 1 where the query or its engine has ended; begun
again it goes on where it was. Only one works in a home at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from lake import live_history, live_store
from lake.postgres import READER, owner_dsn, wait_ready
from spark_jobs.engine import Engine, connected, free_port, start, stop
from spark_jobs.live_messages import read_messages
from spark_jobs.live_sink import DSN, Sink
from spark_jobs.live_source import Source, lines

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.streaming import DataStreamWriter, StreamingQuery

    from lake.home import Home
    from lake.settings import Settings

# A batch begins at most that often; one that takes longer is followed at once by the next.
TRIGGER = "200 milliseconds"
FLUSH_SECONDS = 30.0
WORKER_ATTEMPTS = 6
_LOOK_SECONDS = 0.25
_TIDY_SECONDS = 2.0
# The log of a folder's files is written anew whole every ten batches, so it must not grow for ever.
FILES_A_CHECKPOINT = 20_000
_CONF = {
    # A batch is some thousand rows: what Spark plans for large ones would only take time.
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.streaming.minBatchesToRetain": "5",
    "spark.sql.streaming.numRecentProgressUpdates": "10",
    # Few files are one task: by default each counts as four megabytes.
    "spark.sql.files.maxPartitionBytes": "16m",
    "spark.sql.files.openCostInBytes": "64k",
    # Files are looked at one after the other, not by a job of a task a file.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.log.level": "WARN",
}


class StreamEnded(RuntimeError):
    """The query has ended by itself; the text says why."""


class AnotherJob(RuntimeError):
    """Another process runs the stream's job of this home."""


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home's stream; the kernel lets it go however the process ends.

    Raises:
        AnotherJob: when another process holds it.
    """
    descriptor = _take(home)
    if descriptor is None:
        raise AnotherJob(f"another process runs the stream's job of {home.root}")
    try:
        yield
    finally:
        os.close(descriptor)


def is_running(home: Home) -> bool:
    """Whether a process runs the stream's job of a home."""
    descriptor = _take(home)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _take(home: Home) -> int | None:
    home.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.run / "stream.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def ready_mark(home: Home) -> Path:
    """The file that is there while the query of a home runs; it holds the job's pid."""
    return home.run / "stream.ready"


@dataclass
class Job:
    """A home's stream job.

    Attributes:
        source: where the messages come from.
        ending: set to end it.
    """

    home: Home
    settings: Settings
    source: Source
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until asked to end.

        Raises:
            AnotherJob: when the home's stream is held by another process.
            StreamEnded: when the query ended by itself.
            lake.postgres.PostgresError: when PostgreSQL is away for longer than a minute.
            spark_jobs.engine.EngineError: when the engine does not come up.
        """
        dsn = owner_dsn(self.home, self.settings)
        with only_one(self.home):
            ready_mark(self.home).unlink(missing_ok=True)
            wait_ready(dsn)
            with psycopg.connect(dsn) as connection:
                live_store.ensure(connection, READER)
            try:
                with self._engine(dsn) as remote, connected(remote) as spark:
                    self._work(spark, Keeper(self.home, self.settings, self.source, dsn))
            finally:
                ready_mark(self.home).unlink(missing_ok=True)

    @contextmanager
    def _engine(self, dsn: str) -> Iterator[str]:
        if self.settings.stream_remote is not None:
            yield self.settings.stream_remote
            return
        memory = "1g"
        own = start("spark", free_port(), self.home.logs / "stream", memory, _CONF, {DSN: dsn})
        threading.Thread(target=self._end_with, args=(own,), daemon=True).start()
        try:
            yield own.remote
        finally:
            self.ending.set()
            stop(own)

    def _end_with(self, engine: Engine) -> None:
        """End at once when the engine ends: Spark's client would ask a dead one for ten minutes whether it lives."""
        engine.process.wait()
        if not self.ending.is_set():
            ready_mark(self.home).unlink(missing_ok=True)
            sys.stderr.write(f"stream: the engine ended ({engine.log})\n")
            sys.stderr.flush()
            os._exit(1)

    def _work(self, spark: SparkSession, keeper: Keeper) -> None:
        query = self._start(spark, keeper)
        ready_mark(self.home).write_text(str(os.getpid()))
        try:
            while not self.ending.wait(_LOOK_SECONDS):
                if not query.isActive:
                    raise StreamEnded(f"the query ended: {query.exception() or 'nobody asked it to'}")
                keeper.look()
                if keeper.checkpoint_is_large():
                    query.stop()
                    query = self._start(spark, keeper)
        finally:
            query.stop()
        keeper.flush()

    def _start(self, spark: SparkSession, keeper: Keeper) -> StreamingQuery:
        place, name = keeper.checkpoint()
        keeper.query = name
        sink = Sink(
            name,
            numbered=self.source.kind == "kafka",
            simulated=self.home.simulated,
            lateness=timedelta(seconds=self.settings.stream_lateness_seconds),
            hot=timedelta(minutes=self.settings.stream_hot_minutes),
        )
        messages = read_messages(lines(spark, self.source))
        writer = messages.writeStream.queryName(name).foreachBatch(sink).option("checkpointLocation", place)
        return _begin(writer.trigger(processingTime=TRIGGER), name)


def _begin(writer: DataStreamWriter, name: str) -> StreamingQuery:
    """Start the query. Spark gives its Python worker ten seconds to come up, which a busy machine may not keep."""
    from pyspark.errors import PySparkException

    for attempt in range(1, WORKER_ATTEMPTS + 1):
        try:
            query = writer.start()
        except PySparkException as error:
            if attempt == WORKER_ATTEMPTS or "Python worker failed to connect back" not in str(error):
                raise
            sys.stderr.write(f"stream: the engine's Python worker was not up after ten seconds (attempt {attempt})\n")
        else:
            sys.stderr.write(f"stream: the query {name} begins\n")
            return query
    raise AssertionError("unreachable")


class Keeper:
    """What is done beside the query: files that were read moved, history written, what is past removed."""

    def __init__(self, home: Home, settings: Settings, source: Source, dsn: str) -> None:
        """Nothing is done yet."""
        self.home, self.settings, self.source, self.query = home, settings, source, ""
        self._dsn = dsn
        self._connection: psycopg.Connection | None = None
        self._moved = 0
        self._flushed = self._tidied = self._pruned = time.monotonic()
        self._ended = -1

    def checkpoint(self) -> tuple[str, str]:
        """Where the checkpoint is and its query's name, a new one for each life of a checkpoint.

        What was counted is known to the state, file by file, so a checkpoint may be lost or left at any time.
        """
        if self.settings.stream_remote is not None:
            place = str(self.settings.stream_checkpoint)
            return place, f"{self.source.kind}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
        root = self.source.folder / "checkpoint" / self.source.kind
        root.mkdir(parents=True, exist_ok=True)
        lives = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in lives[:-1]:
            shutil.rmtree(old)
        if lives and _entries(lives[-1]) < FILES_A_CHECKPOINT:
            return str(lives[-1]), lives[-1].name
        fresh = root / f"{self.source.kind}-{secrets.token_hex(6)}"
        fresh.mkdir()
        self._moved = 0
        return str(fresh), fresh.name

    def checkpoint_is_large(self) -> bool:
        """Whether it is time for a new one."""
        return self.source.kind == "files" and self.settings.stream_remote is None and self._moved >= FILES_A_CHECKPOINT

    def look(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if now - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = now
        try:
            self._tidy(now)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # The sink waits for it as well, and ends the query where it does not come back.
            sys.stderr.write(f"stream: PostgreSQL is away: {str(error).strip()}\n")
            self._close()

    def _tidy(self, now: float) -> None:
        connection = self._connected()
        if self.source.kind == "files":
            self._move_read_files(connection)
        ended = _count(connection, "SELECT count(*) FROM live.streams WHERE ended_at IS NOT NULL")
        if now - self._flushed >= FLUSH_SECONDS or ended != self._ended:
            live_history.flush(self.home, connection)
            self._flushed, self._ended = now, ended
        if now - self._pruned >= FLUSH_SECONDS:
            self._pruned = now
            keep = timedelta(days=self.settings.stream_keep_days)
            rules = live_store.Rules(hot=timedelta(minutes=self.settings.stream_hot_minutes))
            live_store.prune(connection, rules, keep)
            self._remove_old_files(connection, keep)

    def flush(self) -> None:
        """Write the history that is not yet written, and move the files that were read."""
        live_history.flush(self.home, self._connected())
        if self.source.kind == "files":
            self._move_read_files(self._connected())
        self._close()

    def _move_read_files(self, connection: psycopg.Connection) -> None:
        """Move files whose batch is over, for the query too: a later one has been added, or it was another query's."""
        read = connection.execute(
            """
            SELECT DISTINCT partition FROM live.marks WHERE query <> %s
                OR batch_id < (SELECT max(batch_id) FROM live.batches WHERE query = %s)
            """,
            (self.query, self.query),
        ).fetchall()
        there = {path.name for path in self.source.unread.glob("[!.]*")}
        self.source.read.mkdir(parents=True, exist_ok=True)
        for (name,) in read:
            if name in there:
                (self.source.unread / name).rename(self.source.read / name)
                self._moved += 1
        # A file that is moved is not read again, and its mark has done its work.
        gone = [name for (name,) in read if not (self.source.unread / name).exists()]
        connection.execute(
            "DELETE FROM live.marks WHERE partition = ANY(%s) AND partition LIKE '%%.jsonl'", (gone,)
        )

    def _remove_old_files(self, connection: psycopg.Connection, keep: timedelta) -> None:
        """Remove read files beyond their time, but those of a replay under way: by them it knows where it is."""
        rows = connection.execute("SELECT stream FROM live.streams WHERE kind = 'replay' AND ended_at IS NULL").fetchall()
        under_way = tuple(f"{stream}." for (stream,) in rows)
        limit = time.time() - keep.total_seconds()
        for path in self.source.read.glob("*.jsonl"):
            if path.stat().st_mtime < limit and not path.name.startswith(under_way):
                path.unlink()

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._dsn, autocommit=True, application_name="tidemark stream keeper", connect_timeout=5
            )
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _count(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _entries(checkpoint: Path) -> int:
    """How many files the source's log of a checkpoint names."""
    log = checkpoint / "sources" / "0"
    compacts = sorted(log.glob("*.compact"), key=lambda path: int(path.stem))
    if not compacts:
        return 0
    with compacts[-1].open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def main() -> int:
    """Run the job of the settings' home until asked to end; 1 where it ended by itself."""
    from lake.home import Home
    from lake.postgres import PostgresError
    from lake.settings import load_settings
    from spark_jobs.engine import EngineError

    settings = load_settings()
    home = Home.open(settings, create=False)
    job = Job(home, settings, Source.of(home, settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: job.ending.set())
    try:
        job.run()
    except (AnotherJob, StreamEnded, PostgresError, EngineError) as error:
        sys.stderr.write(f"stream: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
