"""The swap: what dbt has built in `marts_next` becomes `marts`, for every reader at the same instant.

A reader holds its lock until its transaction ends, so a swap that has all the marts to itself changes them between two
transactions, never within one. The swap waits only while it holds nothing that a reader wants: neither a reader nor a
swap can be in a deadlock with the other, and a reader is never kept waiting behind a swap that waits for long.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import psycopg
from psycopg import errors, sql

from lake.contracts import table as contract
from lake.contracts.base import Table

STAGING = "staging"
NEXT = "marts_next"
MARTS = "marts"
READER = "tidemark_reader"
PENDING = "_pending"
PATIENCE = timedelta(seconds=60)
# While a swap stands in the queue for one mart, new readers of it stand behind: so it stands there only this long.
_QUEUED = timedelta(milliseconds=250)


class SwapError(RuntimeError):
    """The swap was not made and `marts` is as it was; the text says which mart and why."""


class SwapBlockedError(SwapError):
    """Readers held a mart for longer than the swap would wait; the text says who."""


def swap(dsn: str, names: Sequence[str], patience: timedelta = PATIENCE) -> tuple[str, ...]:
    """Move `marts_next.X` over `marts.X` for all names in one transaction, with comments and the reader's grants.

    Args:
        dsn: the owner's.
        names: marts, without schema; all of them have just been built.
        patience: how long to wait for readers that hold a mart in an open transaction.

    Returns:
        The names swapped.

    Raises:
        SwapBlockedError: when readers did not let go in time; it names their process ids.
        SwapError: when a mart was not built, or something depends on the old one.
    """
    if not names:
        return ()
    with psycopg.connect(dsn, autocommit=True, application_name="tidemark swap") as connection:
        absent = [name for name in names if not _exists(connection, NEXT, name)]
        if absent:
            raise SwapError(f"not built, so not swapped: {', '.join(f'{NEXT}.{name}' for name in absent)}")
        _prepare(connection, names)
        _swap(connection, sorted(names), time.monotonic() + patience.total_seconds())
    return tuple(names)


def ensure_pending(connection: psycopg.Connection) -> None:
    """Make the note of marts that wait to be built; the loads write it and the swaps clear it."""
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (mart text PRIMARY KEY)").format(sql.Identifier(STAGING, PENDING))
    )


def pending_marts(dsn: str) -> tuple[str, ...]:
    """The marts whose staging tables were loaded since they were last swapped, in name order.

    Loads and swaps keep the note in their own transactions, so it survives a kill between the two: whoever comes next
    builds what was left.
    """
    with psycopg.connect(dsn, application_name="tidemark swap") as connection:
        ensure_pending(connection)
        rows = connection.execute(
            sql.SQL("SELECT mart FROM {} ORDER BY mart").format(sql.Identifier(STAGING, PENDING))
        ).fetchall()
    return tuple(row[0] for row in rows)


def _exists(connection: psycopg.Connection, schema: str, name: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{schema}.{name}",)).fetchone()
    return bool(found and found[0])


def _prepare(connection: psycopg.Connection, names: Sequence[str]) -> None:
    """Comments and grants while nobody can see the new marts; they move along with them."""
    with connection.transaction():
        ensure_pending(connection)
        for name in names:
            connection.execute(comments(contract(f"mart.{name}"), NEXT))
            connection.execute(
                sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(NEXT, name), sql.Identifier(READER))
            )


def comments(table: Table, schema: str) -> sql.Composed:
    """The statements that describe a mart and its columns to any SQL client, units in brackets."""
    parts = [sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(schema, table.name), table.description)]
    for column in table.columns:
        name = sql.Identifier(schema, table.name, column)
        parts.append(sql.SQL("COMMENT ON COLUMN {} IS {}").format(name, column_text(table, column)))
    return sql.SQL("; ").join(parts)


def column_text(table: Table, column: str) -> str:
    """What a column says, with its unit: `last trade at or before the tick [USD]`."""
    unit = table.unit(column)
    return " ".join(part for part in (table.meaning(column), f"[{unit}]" if unit else None) if part)


def _swap(connection: psycopg.Connection, names: Sequence[str], deadline: float) -> None:
    busy: str | None = None
    while True:
        if busy is not None and time.monotonic() > deadline:
            raise SwapBlockedError(_blocked(connection, f"{MARTS}.{busy}"))
        with connection.transaction() as attempt:
            _take_new(connection, names)
            busy = _lock_all(connection, names, busy)
            if busy is not None:
                raise psycopg.Rollback(attempt)
            for name in names:
                _replace(connection, name)
        if busy is None:
            return


def _take_new(connection: psycopg.Connection, names: Sequence[str]) -> None:
    """Everything that may have to be waited for apart from readers, while no mart is held.

    No reader knows the new marts, but PostgreSQL's own upkeep may be at one; it gives way after a second.
    """
    _set_lock_timeout(connection, PATIENCE)
    for name in names:
        try:
            with connection.transaction():
                table = sql.Identifier(NEXT, name)
                connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        except errors.LockNotAvailable as error:
            raise SwapBlockedError(_blocked(connection, f"{NEXT}.{name}")) from error
    note = sql.Identifier(STAGING, PENDING)
    connection.execute(sql.SQL("DELETE FROM {} WHERE mart = ANY(%s)").format(note), (list(names),))


def _set_lock_timeout(connection: psycopg.Connection, span: timedelta) -> None:
    milliseconds = sql.Literal(f"{span / timedelta(milliseconds=1):.0f}ms")
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(milliseconds))


def _lock_all(connection: psycopg.Connection, names: Sequence[str], busy: str | None) -> str | None:
    """Take every mart for ourselves; the name of one that could not be had, else None.

    Only the first, which was busy the last time, is waited for: at that moment nothing is held that a reader wants.
    """
    ordered = [name for name in names if name == busy] + [name for name in names if name != busy]
    _set_lock_timeout(connection, _QUEUED)
    for name in ordered:
        wait = sql.SQL("") if name == busy else sql.SQL(" NOWAIT")
        mart = sql.Identifier(MARTS, name)
        try:
            with connection.transaction():
                connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE{}").format(mart, wait))
        except errors.LockNotAvailable:
            return name
        except errors.UndefinedTable:
            # The first time there is no old one, and nobody can hold it.
            continue
    return None


def _replace(connection: psycopg.Connection, name: str) -> None:
    old, new = sql.Identifier(MARTS, name), sql.Identifier(NEXT, name)
    try:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(old))
    except errors.DependentObjectsStillExist as error:
        raise SwapError(f"{MARTS}.{name} cannot be replaced: {error.diag.message_detail}") from error
    connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(new, sql.Identifier(MARTS)))


def _blocked(connection: psycopg.Connection, relation: str) -> str:
    holders = connection.execute(
        """
        SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), a.usename, a.xact_start
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.relation = to_regclass(%s) AND l.granted AND a.pid <> pg_backend_pid()
        ORDER BY a.xact_start
        """,
        (relation,),
    ).fetchall()
    who = "; ".join(
        f"process {pid} ({application}, {user}, since {since:%H:%M:%S})" for pid, application, user, since in holders
    )
    return f"{relation} is held by {who or 'readers that come and go'}: end that transaction and run again"
