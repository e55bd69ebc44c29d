"""The live stream's state in PostgreSQL, schema `live`: the one transaction that adds a batch to the tables.

All of a micro-batch is one transaction that names the query and the batch, so a batch that comes again changes nothing.
`clock` is a stream's own time, a timestamp without zone: a replay's is the logged second. Why the state is here and not in
the engine: docs/decisions/0007-live-state-in-postgresql.md.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

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
        _announce(connection, batch, counts)
        late = _add(connection, batch, counts, rules) if counts.height else 0
        _mark(connection, batch)
        _end(connection, batch, counts)
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


def _announce(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame) -> None:
    """Rows of `live.streams`: for those that are seen first, and for what streams say of themselves."""
    first = counts.group_by("stream").agg(pl.col("first_at").min()).rows()
    for stream, at in (*first, *((end.stream, end.at) for end in batch.ends)):
        connection.execute(
            "INSERT INTO live.streams VALUES (%s, 'open', NULL, NULL, 1, false, 'messages', %s, %s) ON CONFLICT DO NOTHING",
            (stream, batch.simulated, at),
        )
    for start in batch.starts:
        connection.execute(
            """
            INSERT INTO live.streams VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (stream) DO UPDATE SET kind = excluded.kind, replay_of = excluded.replay_of,
                series = excluded.series, speed = excluded.speed, repeated = excluded.repeated,
                source = excluded.source, simulated = excluded.simulated, started_at = excluded.started_at
            """,
            (
                *(start.stream, start.kind, start.replay_of, start.series, start.speed, start.repeated),
                *(start.source, start.simulated, start.at),
            ),
        )


def _add(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame, rules: Rules) -> int:
    """Add the counts to seconds, visits, totals, state and outbox; how many rows were late."""
    streams = counts["stream"].unique().to_list()
    held = connection.execute(
        "SELECT stream, clock, watermark FROM live.state WHERE stream = ANY(%s) FOR UPDATE", (streams,)
    ).fetchall()
    before = pl.DataFrame(
        held,
        schema={"stream": pl.String, "newest": pl.Datetime("us"), "watermark": pl.Datetime("us")},
        orient="row",
    )
    newest = counts.group_by("stream").agg(pl.col("clock").max().alias("now"))
    limits = newest.join(before, on="stream", how="left").select(
        "stream", "watermark", pl.max_horizontal("now", "newest").alias("newest")
    )
    added = (
        counts.group_by("stream", "clock", "cik")
        .agg(pl.col("visits").sum(), pl.col("first_at").min(), pl.col("last_at").max())
        .join(limits, on="stream")
        .with_columns(
            late=pl.when(pl.col("clock") < pl.col("watermark")).then("visits").otherwise(0),
            hot=pl.col("clock") >= pl.col("newest") - rules.hot,
        )
        .select("stream", "clock", "cik", "visits", "late", "first_at", "last_at", "hot")
        .sort("stream", "clock", "cik")
    )
    _copy(connection, added)
    connection.execute(_ADD)
    connection.execute(_ADD_STATE, {"query": batch.query, "batch_id": batch.batch_id, "lateness": rules.lateness})
    history = io.BytesIO()
    added.drop("first_at", "hot").write_ipc(history, compression="zstd")
    connection.execute("INSERT INTO live.outbox VALUES (%s, %s, %s)", (batch.query, batch.batch_id, history.getvalue()))
    return int(added["late"].sum())


def _copy(connection: psycopg.Connection, added: pl.DataFrame) -> None:
    connection.execute(
        """
        CREATE TEMPORARY TABLE IF NOT EXISTS live_batch (stream text, clock timestamp, cik bigint, visits bigint,
            late bigint, first_at timestamptz, last_at timestamptz, hot boolean) ON COMMIT DELETE ROWS
        """
    )
    text = added.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f")
    # Instants are written in UTC without saying so.
    connection.execute("SET LOCAL timezone = 'UTC'")
    with connection.cursor().copy("COPY live_batch FROM STDIN (FORMAT csv)") as copy:
        copy.write(text)


# Rows of one order in every transaction, so that two writers would wait for each other in turn.
_ADD = """
INSERT INTO live.visits AS v SELECT stream, clock, cik, visits, late FROM live_batch WHERE hot ORDER BY 1, 2, 3
ON CONFLICT (stream, clock, cik) DO UPDATE SET visits = v.visits + excluded.visits, late = v.late + excluded.late;
INSERT INTO live.seconds AS s
SELECT stream, clock, sum(visits), sum(late), min(first_at), max(last_at) FROM live_batch GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (stream, clock) DO UPDATE SET visits = s.visits + excluded.visits, late = s.late + excluded.late,
    first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at);
INSERT INTO live.totals AS t SELECT stream, cik, sum(visits) FROM live_batch GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (stream, cik) DO UPDATE SET visits = t.visits + excluded.visits;
"""

_ADD_STATE = """
INSERT INTO live.state AS s
SELECT stream, %(query)s, %(batch_id)s, max(clock), max(clock) - %(lateness)s::interval, sum(visits), sum(late),
    clock_timestamp()
FROM live_batch GROUP BY stream ORDER BY stream
ON CONFLICT (stream) DO UPDATE SET query = excluded.query, batch_id = excluded.batch_id,
    clock = greatest(s.clock, excluded.clock), watermark = greatest(s.watermark, excluded.watermark),
    rows = s.rows + excluded.rows, late = s.late + excluded.late, at = excluded.at
"""


def _mark(connection: psycopg.Connection, batch: Batch) -> None:
    """Remember the highest number seen of each stream and partition."""
    numbered = batch.counts.filter(pl.col("seq").is_not_null()).group_by("stream", "partition").agg(pl.col("seq").max())
    highest: dict[tuple[str, str], int] = {(stream, part): seq for stream, part, seq in numbered.rows()}
    for message in batch.said:
        if message.seq is not None:
            place = (message.stream, message.partition)
            highest[place] = max(highest.get(place, message.seq), message.seq)
    connection.cursor().executemany(
        """
        INSERT INTO live.marks AS m VALUES (%s, %s, %s, %s, %s) ON CONFLICT (stream, partition) DO UPDATE SET
            seq = greatest(m.seq, excluded.seq), query = excluded.query, batch_id = excluded.batch_id
        """,
        [(*place, seq, batch.query, batch.batch_id) for place, seq in sorted(highest.items())],
    )


def _end(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame) -> None:
    for end in batch.ends:
        connection.execute("UPDATE live.streams SET expected_rows = %s WHERE stream = %s", (end.rows, end.stream))
    touched = [*counts["stream"].unique().to_list(), *(end.stream for end in batch.ends)]
    connection.execute(
        """
        UPDATE live.streams SET ended_at = clock_timestamp()
        WHERE stream = ANY(%s) AND ended_at IS NULL AND expected_rows IS NOT NULL AND expected_rows <= coalesce(
            (SELECT rows FROM live.state WHERE state.stream = streams.stream), 0)
        """,
        (touched,),
    )
