"""The live stream's job: one Structured Streaming query on Apache Spark, kept going, and what belongs around it.

`python -m spark_jobs.live_job` is the service `stream`. It ends with code 1 where the query or its engine has ended; begun
again it goes on where it was. Only one works in a home at a time; another waits to take over.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from lake import live_tables
from lake.log_files import bound
from lake.postgres import READER, owner_dsn, wait_ready
from spark_jobs.engine import Engine, connected, free_port, start, stop
from spark_jobs.live_keeper import Keeper
from spark_jobs.live_messages import read_messages
from spark_jobs.live_sink import DSN, Sink, life
from spark_jobs.live_source import Source, lines

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery
    from pyspark.sql.streaming.readwriter import DataStreamWriter

    from lake.home import Home
    from lake.settings import Settings

# A batch begins at most that often; one that takes longer is followed at once by the next.
TRIGGER = "200 milliseconds"
WORKER_ATTEMPTS = 6
_LOOK_SECONDS = 0.25
_TAKE_SECONDS = 0.5
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


def _take(home: Home) -> int | None:
    """Take the home's stream; the kernel lets it go however the process ends. None while another holds it."""
    home.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.run / "stream.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def running_kind(home: Home) -> str | None:
    """What the job that runs in a home reads, files or kafka; None where no query runs."""
    try:
        _, kind = ready_mark(home).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    # A killed job leaves its mark, and its pid may be another process's by now; the lock is free at once.
    return kind if _is_taken(home) else None


def _is_taken(home: Home) -> bool:
    try:
        descriptor = os.open(home.run / "stream.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def ready_mark(home: Home) -> Path:
    """The file that is there while the query of a home runs: the job's pid, and what it reads."""
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
    _engine_log: Path | None = field(default=None, init=False)

    def run(self) -> None:
        """Work until asked to end; while another process works, wait to take over from it.

        Raises:
            StreamEnded: when the query ended by itself.
            lake.postgres.PostgresError: when PostgreSQL is away for longer than a minute.
            spark_jobs.engine.EngineError: when the engine does not come up.
        """
        dsn = owner_dsn(self.home, self.settings)
        while (held := _take(self.home)) is None:
            if self.ending.wait(_TAKE_SECONDS):
                return
        try:
            ready_mark(self.home).unlink(missing_ok=True)
            wait_ready(dsn)
            with psycopg.connect(dsn) as connection:
                live_tables.ensure(connection, READER)
            with self._engine(dsn) as remote, connected(remote) as spark:
                self._work(spark, Keeper(self.home, self.settings, self.source, dsn))
        finally:
            ready_mark(self.home).unlink(missing_ok=True)
            os.close(held)

    @contextmanager
    def _engine(self, dsn: str) -> Iterator[str]:
        if self.settings.stream_remote is not None:
            yield self.settings.stream_remote
            return
        memory = "1g"
        jars = self.settings.stream_jars
        conf = _CONF if jars is None else {**_CONF, "spark.driver.extraClassPath": f"{jars.resolve()}/*"}
        own = start("spark", free_port(), self.home.logs / "stream", memory, conf, {DSN: dsn})
        self._engine_log = own.log
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
        ready_mark(self.home).write_text(f"{os.getpid()} {self.source.kind}")
        try:
            while not self.ending.wait(_LOOK_SECONDS):
                if not query.isActive:
                    raise StreamEnded(f"the query ended: {query.exception() or 'nobody asked it to'}")
                keeper.look()
                if self._engine_log is not None:
                    bound(self._engine_log)
                if keeper.checkpoint_is_large():
                    query.stop()
                    query = self._start(spark, keeper)
        finally:
            query.stop()
        keeper.flush()

    def _start(self, spark: SparkSession, keeper: Keeper) -> StreamingQuery:
        place, name = keeper.checkpoint()
        sink = Sink(
            name,
            numbered=self.source.kind == "kafka",
            simulated=self.home.simulated,
            lateness=timedelta(seconds=self.settings.stream_lateness_seconds),
            hot=timedelta(minutes=self.settings.stream_hot_minutes),
        )
        messages = read_messages(lines(spark, self.source))
        writer = messages.writeStream.queryName(name).foreachBatch(sink).option("checkpointLocation", place)
        query = _begin(writer.trigger(processingTime=TRIGGER), name)
        keeper.query = life(name, query.id)
        return query


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
    except (StreamEnded, PostgresError, EngineError) as error:
        sys.stderr.write(f"stream: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
