"""The live stream's history: what PostgreSQL's outbox holds goes into gold.visits_live, each batch once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Commit

if TYPE_CHECKING:
    import psycopg

    from lake.home import Home

HISTORY = table("gold.visits_live")

# The same number for everybody who flushes: two at once would read the same batches.
_FLUSH_LOCK = 7_410_002
# Of the outbox in one commit: compressed, in memory some ten times as large. A batch that is larger goes alone.
FLUSH_BYTES = 16 << 20


def flush(home: Home, connection: psycopg.Connection) -> int:
    """Write what the outbox holds and take it out; how many rows were written.

    The table's own log remembers each query's last batch in the commit that wrote it, so a flush that was killed between
    that commit and the outbox is not repeated.

    Args:
        connection: the owner's, with no transaction open.
    """
    written = 0
    while (rows := _flush_some(home, connection)) is not None:
        written += rows
    return written


def _flush_some(home: Home, connection: psycopg.Connection) -> int | None:
    """Write the oldest batches of one query, as many as fit in memory; None where the outbox is empty."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_FLUSH_LOCK,))
        found = connection.execute(_OLDEST, (FLUSH_BYTES,)).fetchone()
        return None if found is None else _flush_query(home, connection, *found)


_OLDEST = """
SELECT query, max(batch_id) FROM (
    SELECT query, batch_id, sum(octet_length(counts)) OVER (ORDER BY batch_id) - octet_length(counts) AS before
    FROM live.outbox WHERE query = (SELECT min(query) FROM live.outbox)
) AS batches WHERE before < %s GROUP BY query
"""


def _flush_query(home: Home, connection: psycopg.Connection, query: str, last: int) -> int:
    done = delta.ensure(home, HISTORY).transaction_version(query)
    held = connection.execute(
        "SELECT counts FROM live.outbox WHERE query = %s AND batch_id > %s AND batch_id <= %s ORDER BY batch_id",
        (query, -1 if done is None else done, last),
    ).fetchall()
    written = 0
    if held:
        counts = pl.concat([pl.read_ipc(io.BytesIO(row[0])) for row in held])
        frame = _history(connection, counts, query, last)
        written = delta.append(home, HISTORY, frame, Commit(query, last)).rows
    connection.execute("DELETE FROM live.outbox WHERE query = %s AND batch_id <= %s", (query, last))
    return written


def _history(connection: psycopg.Connection, counts: pl.DataFrame, query: str, last: int) -> pl.DataFrame:
    streams = connection.execute("SELECT stream, replay_of, simulated FROM live.streams").fetchall()
    about = pl.DataFrame(
        streams, schema={"stream": pl.String, "replay_of": pl.Date, "simulated": pl.Boolean}, orient="row"
    )
    summed = counts.group_by("stream", "clock", "cik").agg(
        pl.col("visits").sum(), pl.col("late").sum(), pl.col("last_at").max().alias("observed_at")
    )
    clock = pl.col("clock")
    midnight = clock.dt.truncate("1d")
    return HISTORY.conform(
        summed.join(about, on="stream", how="left").with_columns(
            clock.dt.date().alias("log_date"),
            ((clock - midnight).dt.total_seconds()).alias("second_of_day"),
            pl.col("simulated").fill_null(True),
            query=pl.lit(query),
            batch_id=pl.lit(last),
            _run_id=pl.lit(query),
            _payload_sha256=pl.lit(None, pl.String),
        )
    ).sort(HISTORY.key)
