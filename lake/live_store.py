"""The live stream's state in PostgreSQL, schema `live`: a batch, and the one transaction that adds it to the tables.

All of a micro-batch is one transaction that names the query and the batch, so a batch that comes again changes nothing.
`clock` is a stream's own time, a timestamp without zone: a replay's is the logged second. Why the state is here and not in
the engine: docs/decisions/0007-live-state-in-postgresql.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lake import live_adding
from lake.live_tables import BATCH_LOCK

if TYPE_CHECKING:
    import psycopg

# NOTIFY after each batch, once for each stream that it has rows of; the payload is the stream's name.
CHANNEL = "live"

# The columns of a batch's counts; `seq` is the highest of the messages counted, null where they carry none.
_COUNTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "partition": pl.String,
    "stream": pl.String,
    "clock": pl.Datetime("us"),
    "cik": pl.Int64,
    "visits": pl.Int64,
    "repeats": pl.Int64,
    "first_at": pl.Datetime("us", "UTC"),
    "last_at": pl.Datetime("us", "UTC"),
    "seq": pl.Int64,
}
COUNTS = pl.Schema(_COUNTS)


class CheckpointLost(RuntimeError):
    """The query's batches begin again with an older one, as with a checkpoint that was put back from a copy."""


class MarksMoved(RuntimeError):
    """Another query has counted messages of the batch's streams and partitions since they were counted: count it anew."""


class Start(NamedTuple):
    """What a stream says of itself when it begins.

    Attributes:
        speed: logged seconds a second; None for as fast as possible.
    """

    stream: str
    partition: str
    seq: int | None
    at: datetime
    kind: str
    replay_of: date | None
    series: str | None
    speed: float | None
    repeated: bool
    source: str
    simulated: bool


class End(NamedTuple):
    """A stream's last message: it is over when `rows` rows of it are counted, in whatever order they come."""

    stream: str
    partition: str
    seq: int | None
    at: datetime
    rows: int


class Refused(NamedTuple):
    """A message that cannot be counted, and why."""

    partition: str
    line: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """A micro-batch, counted.

    Attributes:
        query: one life of a checkpoint; batch ids are its own.
        counts: of `COUNTS`, a row for each partition, stream, second and company.
        simulated: what is said of streams that did not say it of themselves.
        marks: (stream, partition) → the highest number counted before, which the counts leave out what is not above; None
            where a partition is in one batch whole.
    """

    query: str
    batch_id: int
    counts: pl.DataFrame
    starts: Sequence[Start] = ()
    ends: Sequence[End] = ()
    refused: Sequence[Refused] = ()
    simulated: bool = False
    marks: Mapping[tuple[str, str], int] | None = None

    @property
    def said(self) -> list[Start | End]:
        """What streams say of themselves in it."""
        return [*self.starts, *self.ends]


@dataclass(frozen=True)
class Rules:
    """How batches are added.

    Attributes:
        lateness: how far a row may lie behind the newest second and not be late.
        hot: how long `live.visits` holds a second, in the stream's own time.
    """

    lateness: timedelta = timedelta(seconds=10)
    hot: timedelta = timedelta(minutes=60)


@dataclass(frozen=True)
class Applied:
    """What a batch did; `again` where it had been added before and nothing was done."""

    again: bool = False
    rows: int = 0
    late: int = 0
    repeats: int = 0
    refused: int = 0
    streams: tuple[str, ...] = field(default=())


def apply_batch(connection: psycopg.Connection, batch: Batch, rules: Rules) -> Applied:
    """Add a batch to the state, once.

    Rows are dropped as repeats whose number is not above the mark of their stream and partition. A row older than its
    stream's watermark at the batch's start is counted into its second all the same, and flagged.

    Args:
        connection: the owner's, with no transaction open.

    Raises:
        CheckpointLost: when the query has added a newer batch. Of a checkpoint's life, Spark repeats the newest alone.
        MarksMoved: when a mark is above the one that the batch's messages were compared with; nothing is added.
    """
    with connection.transaction():
        # Two at once would both find the marks as they were before, and count the same messages twice.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (BATCH_LOCK,))
        _see_that_none_is_newer(connection, batch)
        # The server acknowledges other commits before they are on disk; this one must outlive its kill.
        connection.execute("SET LOCAL synchronous_commit = on")
        claimed = connection.execute(
            "INSERT INTO live.batches VALUES (%s, %s, 0, 0, 0, 0, now()) ON CONFLICT DO NOTHING RETURNING 1",
            (batch.query, batch.batch_id),
        ).fetchone()
        if claimed is None:
            return Applied(again=True)
        counts, repeats = _fresh(connection, batch)
        live_adding.announce(connection, batch, counts)
        late = live_adding.add(connection, batch, counts, rules) if counts.height else 0
        live_adding.mark(connection, batch)
        live_adding.end(connection, batch, counts)
        connection.cursor().executemany(
            "INSERT INTO live.refused (query, batch_id, partition, line, reason) VALUES (%s, %s, %s, %s, %s)",
            [
                (batch.query, batch.batch_id, part, line.replace("\0", "\N{REPLACEMENT CHARACTER}"), reason)
                for part, line, reason in batch.refused
            ],
        )
        rows = int(counts["visits"].sum())
        connection.execute(
            "UPDATE live.batches SET rows = %s, late = %s, repeats = %s, refused = %s WHERE query = %s AND batch_id = %s",
            (rows, late, repeats, len(batch.refused), batch.query, batch.batch_id),
        )
        said = {message.stream for message in batch.said}
        streams = tuple(sorted({*counts["stream"].to_list(), *said}))
        for stream in streams:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, stream))
    return Applied(False, rows, late, repeats, len(batch.refused), streams)


def _see_that_none_is_newer(connection: psycopg.Connection, batch: Batch) -> None:
    found = connection.execute(
        "SELECT max(batch_id) FROM live.batches WHERE query = %s AND batch_id > %s", (batch.query, batch.batch_id)
    ).fetchone()
    if found is not None and found[0] is not None:
        raise CheckpointLost(
            f"the query {batch.query} has counted batch {found[0]} and now comes to batch {batch.batch_id}: its checkpoint "
            "is an older copy of itself. Remove it, or name another place in TIDEMARK_STREAM_CHECKPOINT: numbered messages "
            "that are counted already are not counted again"
        )


def marks(connection: psycopg.Connection, partitions: Sequence[str] | None = None) -> pl.DataFrame:
    """The highest number counted of each stream and partition: `stream`, `partition`, `mark`."""
    query = "SELECT stream, partition, seq FROM live.marks"
    rows = (
        connection.execute(query).fetchall()
        if partitions is None
        else connection.execute(f"{query} WHERE partition = ANY(%s)", (list(partitions),)).fetchall()
    )
    return pl.DataFrame(rows, schema={"stream": pl.String, "partition": pl.String, "mark": pl.Int64}, orient="row")


def _see_that_none_moved(known: pl.DataFrame, before: Mapping[tuple[str, str], int], counts: pl.DataFrame) -> None:
    """A second, company and partition may have some messages that another query has counted meanwhile, and some not."""
    mine = known.join(counts, on=["stream", "partition"], how="semi")
    moved = [(stream, part) for stream, part, mark in mine.rows() if mark > before.get((stream, part), -1)]
    if moved:
        stream, part = moved[0]
        raise MarksMoved(f"another query has counted messages of the stream {stream} in {part}")


def _fresh(connection: psycopg.Connection, batch: Batch) -> tuple[pl.DataFrame, int]:
    """The counts without those that a mark says are counted already, and how many messages those were."""
    known = marks(connection, batch.counts["partition"].unique().to_list())
    counts = batch.counts
    if batch.marks is not None:
        _see_that_none_moved(known, batch.marks, counts)
    seen = counts.join(known, on=["stream", "partition"], how="left")
    old = (pl.col("seq") <= pl.col("mark")).fill_null(False) | (pl.col("visits") == 0)
    repeats = counts["repeats"].sum() + int(seen.filter(old)["visits"].sum())
    return seen.filter(~old).drop("mark"), int(repeats)
