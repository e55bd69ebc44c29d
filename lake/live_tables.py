"""The tables of the live stream's state: how they are made, who may see them, and what is removed from them in time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

    from lake.live_store import Rules

SCHEMA = "live"
# What the read-only role may see; the rest is the job's own.
SHOWN = ("streams", "state", "seconds", "visits", "totals")
# The same number for everybody who adds a batch or removes a stream: one after the other.
BATCH_LOCK = 7_410_003
# A query may repeat its last batch; that many are remembered.
BATCHES_KEPT = 1000

_TABLES = """
CREATE SCHEMA IF NOT EXISTS live;
CREATE TABLE IF NOT EXISTS live.streams (
    stream text PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('replay', 'open')), replay_of date, series text,
    speed double precision, repeated boolean NOT NULL, source text NOT NULL, simulated boolean NOT NULL,
    started_at timestamptz NOT NULL, ended_at timestamptz, expected_rows bigint);
CREATE TABLE IF NOT EXISTS live.state (
    stream text PRIMARY KEY, query text NOT NULL, batch_id bigint NOT NULL, clock timestamp NOT NULL,
    watermark timestamp NOT NULL, rows bigint NOT NULL, late bigint NOT NULL, at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS live.seconds (
    stream text, clock timestamp, visits bigint NOT NULL, late bigint NOT NULL, first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL, PRIMARY KEY (stream, clock));
CREATE TABLE IF NOT EXISTS live.visits (
    stream text, clock timestamp, cik bigint, visits bigint NOT NULL, late bigint NOT NULL,
    PRIMARY KEY (stream, clock, cik));
CREATE TABLE IF NOT EXISTS live.totals (
    stream text, cik bigint, visits bigint NOT NULL, PRIMARY KEY (stream, cik));
CREATE TABLE IF NOT EXISTS live.marks (
    stream text, partition text, seq bigint NOT NULL, query text NOT NULL, batch_id bigint NOT NULL,
    PRIMARY KEY (stream, partition));
CREATE TABLE IF NOT EXISTS live.batches (
    query text, batch_id bigint, rows bigint NOT NULL, late bigint NOT NULL, repeats bigint NOT NULL,
    refused bigint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (query, batch_id));
CREATE TABLE IF NOT EXISTS live.refused (
    query text, batch_id bigint, partition text, line text, reason text NOT NULL);
ALTER TABLE live.refused ADD COLUMN IF NOT EXISTS at timestamptz NOT NULL DEFAULT now();
CREATE TABLE IF NOT EXISTS live.outbox (
    query text, batch_id bigint, counts bytea NOT NULL, PRIMARY KEY (query, batch_id));
"""


def ensure(connection: psycopg.Connection, reader: str) -> None:
    """Make the schema and its tables where they are absent, and let the read-only role see what is shown.

    Args:
        reader: the role's name.
    """
    from psycopg import sql

    connection.execute(_TABLES)
    role = sql.Identifier(reader)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA live TO {}").format(role))
    for name in SHOWN:
        connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(SCHEMA, name), role))


def prune(connection: psycopg.Connection, rules: Rules, keep: timedelta, under_way: Collection[str] = ()) -> None:
    """Remove seconds of companies beyond the hot period, streams that are long over, batches and refused lines long past.

    A second that is gone does not come back: what is late for it is in seconds, totals and history alone. With a stream
    its marks go.

    Args:
        keep: how long the state of a stream stays after its end, that of an open one after its last batch; and how long
            a refused line is kept.
        under_way: streams that stay, because they may go on.
    """
    with connection.transaction():
        connection.execute(
            "DELETE FROM live.visits v USING live.state s WHERE v.stream = s.stream AND v.clock < s.clock - %s::interval",
            (rules.hot,),
        )
        connection.execute(
            """
            DELETE FROM live.batches b USING (SELECT query, max(batch_id) AS newest FROM live.batches GROUP BY query) n
            WHERE b.query = n.query AND b.batch_id < n.newest - %s
            """,
            (BATCHES_KEPT,),
        )
        connection.execute("DELETE FROM live.refused WHERE at < clock_timestamp() - %s::interval", (keep,))
    with connection.transaction():
        # A batch amid the removal would leave half a stream behind.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (BATCH_LOCK,))
        gone = [row[0] for row in connection.execute(_GONE, ([*under_way], keep))]
        if gone:
            for name in ("visits", "seconds", "totals", "marks", "state", "streams"):
                connection.execute(f"DELETE FROM live.{name} WHERE stream = ANY(%s)", (gone,))  # noqa: S608 - our names


# A stream that has only begun has no state; when it began is its own word.
_GONE = """
SELECT stream FROM live.streams s LEFT JOIN live.state t USING (stream)
WHERE s.stream <> ALL(%s) AND coalesce(greatest(s.ended_at, t.at), s.started_at) < clock_timestamp() - %s::interval
"""
