"""The swap: what dbt has built in `marts_next` becomes `marts`, for every reader at the same instant.

A reader holds its lock until its transaction ends, so a swap that has all the marts to itself changes them between two
transactions, never within one. A mart that is renewed by slices keeps its other rows: the new ones are put in place of
the old while readers go on reading those, and only the end of the transaction is waited for. The swap waits only while it holds nothing that a reader wants: neither a reader nor a
swap can be in a deadlock with the other, and a reader is never kept waiting behind a swap that waits for long.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import psycopg
from psycopg import errors, sql

from lake.contracts import table as contract
from lake.contracts.base import Table
from lake.pending import MARTS, ensure_pending, settle_notes

NEXT = "marts_next"
READER = "tidemark_reader"
PATIENCE = timedelta(seconds=60)
# While a swap stands in the queue for one mart, new readers of it stand behind: so it stands there only this long.
_QUEUED = timedelta(milliseconds=250)


class SwapError(RuntimeError):
    """The swap was not made and `marts` is as it was; the text says which mart and why."""


class SwapBlockedError(SwapError):
    """Readers held a mart for longer than the swap would wait; the text says who."""


def swap(
    dsn: str,
    names: Sequence[str],
    patience: timedelta = PATIENCE,
    slices: Mapping[str, Sequence[str]] | None = None,
    definition: str = "",
) -> tuple[str, ...]:
    """Move `marts_next.X` over `marts.X` for all names in one transaction, with comments and the reader's grants.

    Args:
        dsn: the owner's.
        names: marts, without schema; all of them have just been built.
        patience: how long to wait for readers that hold a mart in an open transaction.
        slices: mart → predicates, for marts of which only these slices were built: their rows take the place of the
            old ones in `marts.X`, which stays as it is otherwise.
        definition: what the marts were built by; kept beside them, see `built_by`.

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
        parts = dict(slices or {})
        absent = [name for name in parts if not _exists(connection, MARTS, name)]
        if absent:
            raise SwapError(
                f"a slice was built for what is not there: {', '.join(f'{MARTS}.{name}' for name in absent)}"
            )
        whole = [name for name in names if name not in parts]
        _prepare(connection, whole)
        _swap(connection, sorted(names), parts, time.monotonic() + patience.total_seconds(), definition)
        _upkeep(connection, sorted(parts))
    return tuple(names)


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


def _swap(
    connection: psycopg.Connection,
    names: Sequence[str],
    slices: Mapping[str, Sequence[str]],
    deadline: float,
    definition: str,
) -> None:
    busy: str | None = None
    with connection.transaction():
        _take_new(connection, names)
        for name, predicates in sorted(slices.items()):
            _replace_slices(connection, name, predicates)
        while True:
            if busy is not None and time.monotonic() > deadline:
                raise SwapBlockedError(_blocked(connection, f"{MARTS}.{busy}"))
            # Rolled back to here, every lock that a reader feels is let go; the new slices stay, unseen.
            with connection.transaction() as attempt:
                busy = _lock_all(connection, names, busy)
                if busy is not None:
                    raise psycopg.Rollback(attempt)
                for name in names:
                    if name not in slices:
                        _replace(connection, name)
                settle_notes(connection, names, slices, definition)
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


def _replace_slices(connection: psycopg.Connection, name: str, predicates: Sequence[str]) -> None:
    """The rows of the new mart in place of the old one's slices; readers see the old ones until the transaction ends."""
    old, new = sql.Identifier(MARTS, name), sql.Identifier(NEXT, name)
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in contract(f"mart.{name}").columns)
    for predicate in predicates:
        # Written by `Slice.postgres`, which quotes its values.
        connection.execute(sql.SQL("DELETE FROM {} WHERE ").format(old) + sql.SQL(predicate))
    try:
        connection.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(old, columns, columns, new))
    except errors.UniqueViolation as error:
        raise SwapError(f"{MARTS}.{name}: a row of another slice has the key: {error.diag.message_detail}") from error
    connection.execute(sql.SQL("DROP TABLE {}").format(new))


def _upkeep(connection: psycopg.Connection, names: Sequence[str]) -> None:
    """Vacuum the marts that stay, between two swaps: left to PostgreSQL it would run while one waits for the mart.

    Pages that have not changed since the last time are passed over, so it costs what the slice cost. Statistics are
    renewed when a tenth of the rows has changed, PostgreSQL's own measure.
    """
    for name in names:
        changed = connection.execute(
            "SELECT n_mod_since_analyze > 0.1 * n_live_tup FROM pg_stat_user_tables WHERE schemaname = %s AND relname = %s",
            (MARTS, name),
        ).fetchone()
        analyze = ", ANALYZE" if changed and changed[0] else ""
        table = sql.Identifier(MARTS, name)
        connection.execute(sql.SQL("VACUUM (TRUNCATE false{}) {}").format(sql.SQL(analyze), table))


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
