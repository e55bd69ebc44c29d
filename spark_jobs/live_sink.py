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
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import DataFrame

    from lake.live_store import Applied, Batch, Rules

# Names the owner's URL of the state; it holds a password.
DSN = "TIDEMARK_STREAM_DSN"
# PostgreSQL is back sooner after a crash; where it is not, the query ends and says so.
PATIENCE_SECONDS = 60.0


@dataclass
class Sink:
    """Adds micro-batches; given to `foreachBatch`.

    Attributes:
        query: one life of a checkpoint.
        numbered: whether a partition may bring a message twice, so that numbers are compared with the marks.
        simulated: what is said of streams that do not say it of themselves.
        lateness, hot: see `lake.live_store.Rules`.
    """

    query: str
    numbered: bool
    simulated: bool
    lateness: timedelta
    hot: timedelta
    _connection: psycopg.Connection | None = field(default=None, init=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """Without the connection, which belongs to a process."""
        return {**vars(self), "_connection": None}

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        """Count a batch of `read_messages` and add it.

        Raises:
            lake.postgres.PostgresError: when PostgreSQL is away for longer than a minute.
        """
        from spark_jobs.live_messages import batch_of, counted

        _end_with_the_engine()
        marks = self._marks() if self.numbered else None
        rows = counted(frame, marks).toArrow()
        self.add(batch_of(self.query, batch_id, rows, self.simulated))

    def add(self, batch: Batch) -> Applied:
        """Add a batch, through a crash of PostgreSQL."""
        from lake.live_store import apply_batch

        while True:
            try:
                applied = apply_batch(self._connected(), batch, self._rules)
            except _lost() as error:
                self._lose(error)
            else:
                if applied.rows:
                    _crash_if_asked()
                return applied

    def _marks(self) -> dict[tuple[str, str], int]:
        from lake.live_store import marks

        while True:
            try:
                known = marks(self._connected())
            except _lost() as error:
                self._lose(error)
            else:
                return {(stream, part): mark for stream, part, mark in known.rows()}

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
        sys.stderr.write(f"stream: PostgreSQL went away, waiting for it: {str(error).strip()}\n")
        sys.stderr.flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@cache
def _end_with_the_engine() -> None:
    """End this worker when its engine ends: amid a question to a dead engine it would ask again for ten minutes."""
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
