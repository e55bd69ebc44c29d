"""What is done with each micro-batch of the live stream: counted by the engine, added to PostgreSQL in one transaction.

It runs in a Python worker beside the engine's driver, which must be able to import this package and finds PostgreSQL by its
environment. A batch that comes again changes nothing, so a connection that is lost in the middle is made anew and the batch
added again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import DataFrame, SparkSession

    from lake.live_store import Applied, Batch, Rules

# Names the owner's URL of the state; it holds a password.
DSN = "TIDEMARK_STREAM_DSN"
# Spark sets it for its workers alone.
_WORKER = "SPARK_CONNECT_LOCAL_URL"
# PostgreSQL is back sooner after a crash; where it is not, the query ends and says so.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5

Answer = TypeVar("Answer")


@dataclass
class Sink:
    """Adds micro-batches; given to `foreachBatch`.

    Attributes:
        name: the streaming query's.
        numbered: whether a partition may bring a message twice, so that numbers are compared with the marks.
        simulated: what is said of streams that do not say it of themselves.
        lateness, hot: see `lake.live_store.Rules`.
    """

    name: str
    numbered: bool
    simulated: bool
    lateness: timedelta
    hot: timedelta
    _connection: psycopg.Connection | None = field(default=None, init=False, repr=False)
    _query: str | None = field(default=None, init=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """Without what belongs to a process and its query."""
        return {**vars(self), "_connection": None, "_query": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """As it was given; in a worker of an engine, this is the first of our own code that runs there."""
        vars(self).update(state)
        if _WORKER in os.environ:
            _say_nothing_of_each_batch()
            _end_with_the_engine()

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        """Count a batch of `read_messages` and add it.

        Raises:
            lake.postgres.PostgresError: when PostgreSQL is away, or answers with errors of its own, for longer than a minute.
            lake.live_store.CheckpointLost: when the checkpoint is an older copy of itself.
        """
        from lake.live_store import MarksMoved
        from spark_jobs.live_messages import batch_of, counted

        if self._query is None:
            self._query = _query_of(frame.sparkSession, self.name)
        while True:
            marks = self._marks() if self.numbered else None
            rows = counted(frame, marks).toArrow()
            try:
                self.add(replace(batch_of(self._query, batch_id, rows, self.simulated), marks=marks))
            except MarksMoved as error:
                sys.stderr.write(f"stream: batch {batch_id} is counted anew: {error}\n")
            else:
                return

    def add(self, batch: Batch) -> Applied:
        """Add a batch, through a crash of PostgreSQL."""
        from lake.live_store import apply_batch

        applied = self._through_a_crash(lambda connection: apply_batch(connection, batch, self._rules))
        if applied.rows:
            _crash_if_asked()
        return applied

    def _marks(self) -> dict[tuple[str, str], int]:
        from lake.live_store import marks

        return {(stream, part): mark for stream, part, mark in self._through_a_crash(marks).rows()}

    def _through_a_crash(self, ask: Callable[[psycopg.Connection], Answer]) -> Answer:
        """Ask until there is an answer: the errors of a lost connection are also those of a full disk, which may stay."""
        from lake.postgres import PostgresError

        first = None
        while True:
            try:
                return ask(self._connected())
            except _lost() as error:
                now = time.monotonic()
                first = now if first is None else first
                if now - first > PATIENCE_SECONDS:
                    raise PostgresError(f"PostgreSQL has not taken a batch for {now - first:.0f} s: {error}") from error
                self._lose(error)
                time.sleep(PAUSE_SECONDS)

    @property
    def _rules(self) -> Rules:
        from lake.live_store import Rules

        return Rules(self.lateness, self.hot)

    def _connected(self) -> psycopg.Connection:
        import psycopg

        from lake.postgres import wait_ready

        if self._connection is None or self._connection.closed:
            wait_ready(os.environ[DSN], seconds=PATIENCE_SECONDS)
            self._connection = psycopg.connect(
                os.environ[DSN], autocommit=True, application_name="tidemark stream", connect_timeout=5
            )
        return self._connection

    def _lose(self, error: Exception) -> None:
        sys.stderr.write(f"stream: PostgreSQL went away or refuses, asking again: {str(error).strip()}\n")
        sys.stderr.flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def life(name: str, query_id: str) -> str:
    """What a query's batches are added under: one life of its checkpoint, whose batch ids are its own.

    Args:
        query_id: Spark's own, which is in the checkpoint and new with a new one.
    """
    return f"{name}-{query_id.replace('-', '')[:12]}"


def _query_of(spark: SparkSession, name: str) -> str:
    (query,) = [query for query in spark.streams.active if query.name == name]
    return life(name, query.id)


@cache
def _say_nothing_of_each_batch() -> None:
    """Spark's worker prints two lines a batch, five times a second, into the engine's log; errors go another way."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


@cache
def _end_with_the_engine() -> None:
    """End this worker when its engine ends: Spark's client, also at its exit, asks a dead engine for ten minutes."""
    engine = os.getppid()

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _lost() -> tuple[type[Exception], ...]:
    """The errors of a server that went away, be it in the middle of a statement."""
    import psycopg

    return (psycopg.OperationalError, psycopg.InterfaceError)


def _crash_if_asked() -> None:
    """For the test of the moment between the state's commit and the checkpoint's: engine and worker are killed there."""
    if os.environ.get("TIDEMARK_TEST_KILL_AFTER") != "stream":
        return
    import signal

    import psutil

    for parent in psutil.Process().parents():
        if parent.name() == "java":
            parent.kill()
    os.kill(os.getpid(), signal.SIGKILL)
