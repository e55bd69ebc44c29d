"""The notes that loads and swaps keep beside the staging tables: which slices of which marts wait to be built.

Each is written in the transaction that it speaks of, so it survives a kill at any moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

STAGING = "staging"
MARTS = "marts"
PENDING = "_pending"
BUILT = "_built"
# The slice that is all of a mart, as the note writes it.
WHOLE = "TRUE"


def ensure_pending(connection: psycopg.Connection) -> None:
    """Make the note of marts and slices that wait to be built; the loads write it and the swaps clear it."""
    note, built = sql.Identifier(STAGING, PENDING), sql.Identifier(STAGING, BUILT)
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (mart text, slice text, PRIMARY KEY (mart, slice))").format(note)
    )
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (mart text PRIMARY KEY, definition text NOT NULL)").format(built)
    )
    columns = connection.execute(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (f"{STAGING}.{PENDING}",),
    ).fetchone()
    if columns == (1,):
        # A home whose notes are of whole marts.
        connection.execute(
            sql.SQL(
                "ALTER TABLE {0} ADD COLUMN slice text NOT NULL DEFAULT {1}, DROP CONSTRAINT {2}, "
                "ADD PRIMARY KEY (mart, slice)"
            ).format(note, sql.Literal(WHOLE), sql.Identifier(f"{PENDING}_pkey"))
        )


def pending_marts(dsn: str) -> tuple[str, ...]:
    """The marts whose staging tables were loaded since they were last swapped, in name order.

    Loads and swaps keep the note in their own transactions, so it survives a kill between the two: whoever comes next
    builds what was left.
    """
    with psycopg.connect(dsn, application_name="tidemark swap") as connection:
        ensure_pending(connection)
        rows = connection.execute(
            sql.SQL("SELECT DISTINCT mart FROM {} ORDER BY mart").format(sql.Identifier(STAGING, PENDING))
        ).fetchall()
    return tuple(row[0] for row in rows)


def pending_slices(dsn: str) -> dict[str, tuple[str, ...]]:
    """The slices that wait in each pending mart, as PostgreSQL predicates; `TRUE` where all of it does."""
    with psycopg.connect(dsn, application_name="tidemark swap") as connection:
        ensure_pending(connection)
        rows = connection.execute(
            sql.SQL("SELECT mart, array_agg(slice ORDER BY slice) FROM {} GROUP BY mart ORDER BY mart").format(
                sql.Identifier(STAGING, PENDING)
            )
        ).fetchall()
    return {mart: tuple(slices) for mart, slices in rows}


def built_by(dsn: str) -> dict[str, str]:
    """By what each mart that is there was last built whole, as its swap was told."""
    with psycopg.connect(dsn, application_name="tidemark swap") as connection:
        ensure_pending(connection)
        rows = connection.execute(
            sql.SQL(
                "SELECT b.mart, b.definition FROM {} b JOIN pg_tables t ON t.schemaname = %s AND t.tablename = b.mart"
            ).format(sql.Identifier(STAGING, BUILT)),
            (MARTS,),
        ).fetchall()
    return dict(rows)


def settle_notes(
    connection: psycopg.Connection, names: Sequence[str], slices: Mapping[str, Sequence[str]], definition: str
) -> None:
    """Clear the notes of what a swap shows, and keep by what its whole marts were built; in the swap's transaction."""
    note, built = sql.Identifier(STAGING, PENDING), sql.Identifier(STAGING, BUILT)
    for name in names:
        if name in slices:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE mart = %s AND slice = ANY(%s)").format(note), (name, list(slices[name]))
            )
            continue
        connection.execute(sql.SQL("DELETE FROM {} WHERE mart = %s").format(note), (name,))
        connection.execute(
            sql.SQL(
                "INSERT INTO {} VALUES (%s, %s) ON CONFLICT (mart) DO UPDATE SET definition = excluded.definition"
            ).format(built),
            (name, definition),
        )
