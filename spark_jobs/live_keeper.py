"""What is done beside the live stream's query: read files moved, history written, what is past removed, checkpoints chosen."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from deltalake.exceptions import DeltaError

from lake import live_history, live_store, live_tables, postgres
from spark_jobs import live_files

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings
    from spark_jobs.live_source import Source

FLUSH_SECONDS = 30.0
# At the end of the job; what PostgreSQL holds then is done by the next one.
PATIENCE_SECONDS = 20.0
_TIDY_SECONDS = 2.0
# The log of a folder's files is written anew whole every ten batches, so it must not grow for ever.
FILES_A_CHECKPOINT = 20_000

# Of a server that went away, be it in the middle of a statement.
_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


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
        """Where the checkpoint is, and its query's name.

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
        # The log of the one that is left may not yet name all that was moved, and it would be taken up again for ever.
        if lives and not self.checkpoint_is_large() and _entries(lives[-1]) < FILES_A_CHECKPOINT:
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
        except _LOST as error:
            # The sink waits for it as well, and ends the query where it does not come back.
            self._say_away(error)

    def _tidy(self, now: float) -> None:
        connection = self._connected()
        if self.source.kind == "files":
            self._move_read_files(connection)
        ended = _count(connection, "SELECT count(*) FROM live.streams WHERE ended_at IS NOT NULL")
        if now - self._flushed >= FLUSH_SECONDS or ended != self._ended:
            self._flushed, self._ended = now, ended
            self._write_history(connection)
        if now - self._pruned >= FLUSH_SECONDS:
            self._pruned = now
            keep = timedelta(days=self.settings.stream_keep_days)
            rules = live_store.Rules(hot=timedelta(minutes=self.settings.stream_hot_minutes))
            # A replay's note is there until all of it is counted, or it is begun anew.
            under_way = tuple(note.stem for note in (self.source.folder / "replays").glob("*.json"))
            live_tables.prune(connection, rules, keep, under_way)
            # By its files a replay knows where it is.
            live_files.remove_old(self.source, keep, tuple(f"{stream}." for stream in under_way))

    def flush(self) -> None:
        """Write the history that is not yet written, and move the files that were read.

        A connection that was lost since the last look is made anew. Where PostgreSQL stays away, it holds what is left to do.
        """
        try:
            self._finish()
        except _LOST as error:
            self._say_away(error)
            try:
                postgres.wait_ready(self._dsn, seconds=PATIENCE_SECONDS)
                self._finish()
            except (*_LOST, postgres.PostgresError) as again:
                self._say_away(again)
        self._close()

    def _finish(self) -> None:
        self._write_history(self._connected())
        if self.source.kind == "files":
            self._move_read_files(self._connected())

    def _say_away(self, error: Exception) -> None:
        sys.stderr.write(f"stream: PostgreSQL is away: {str(error).strip()}\n")
        sys.stderr.flush()
        self._close()

    def _write_history(self, connection: psycopg.Connection) -> None:
        """Write what the outbox holds; where the lake is away the outbox keeps it, and counting goes on."""
        try:
            live_history.flush(self.home, connection)
        except (OSError, DeltaError) as error:
            sys.stderr.write(
                f"stream: the history could not be written, it stays in live.outbox: {str(error).strip()}\n"
            )
            sys.stderr.flush()

    def _move_read_files(self, connection: psycopg.Connection) -> None:
        """Move files whose batch is over, for the query too: a later one of its own has been added.

        What another query read, this one reads again: its batch may be under way, and knows by the mark what is counted.
        """
        marks = connection.execute(
            """
            SELECT partition, bool_and(query = %s AND batch_id < (SELECT max(batch_id) FROM live.batches WHERE query = %s))
            FROM live.marks WHERE partition LIKE '%%.jsonl' GROUP BY partition
            """,
            (self.query, self.query),
        ).fetchall()
        there = {path.name for path in self.source.unread.glob("[!.]*")}
        for name, over in marks:
            if over and name in there:
                live_files.keep_read(self.source, name)
                there.remove(name)
                self._moved += 1
        # A file that is moved is not read again, and its mark has done its work.
        gone = [name for name, _ in marks if name not in there]
        connection.execute("DELETE FROM live.marks WHERE partition = ANY(%s)", (gone,))

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
