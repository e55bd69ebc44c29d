"""What a batch of the live stream adds to each table of its state; see `live_store`, whose transaction it is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import psycopg

    from lake.live_store import Batch, Rules


def announce(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame) -> None:
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


def add(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame, rules: Rules) -> int:
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


def mark(connection: psycopg.Connection, batch: Batch) -> None:
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


def end(connection: psycopg.Connection, batch: Batch, counts: pl.DataFrame) -> None:
    """Note how many rows a stream has, where it says so, and end those of which so many are counted."""
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
