"""PostgreSQL as the place where people ask: gold goes into `staging`, dbt builds `marts_next`, a swap makes it `marts`.

Here belongs what moves rows between those schemas. What the marts say is dbt's; starting the server and its roles is
`lake.postgres`. Only the owner's DSN is used here. All loads are one transaction each: a kill at any moment leaves the
slice as it was or as it is meant to be, and a repeated load leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import psycopg
from psycopg import sql

from lake.contracts import TABLES, of_layer
from lake.contracts.base import Table
from lake.delta import Slice, to_arrow
from lake.pending import PENDING, STAGING, WHOLE, built_by, ensure_pending, pending_marts, pending_slices
from lake.swap import SwapBlockedError, SwapError, swap

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_postgresql.dbapi import Connection, Cursor

__all__ = [
    "STAGING",
    "Column",
    "LoadError",
    "Loading",
    "SwapBlockedError",
    "SwapError",
    "built_by",
    "drop_slice",
    "ensure_staging",
    "load_slice",
    "pending_marts",
    "pending_slices",
    "postgres_columns",
    "staged_tables",
    "swap",
]

LOCK_PATIENCE = timedelta(seconds=30)
# The same number for everybody who makes staging tables, so that two starts do not make them at once.
_ENSURE_LOCK = 7_410_001
# What the marts look single rows up by, beside the slices.
_LOOKUPS: dict[str, tuple[str, ...]] = {"quotes": ("symbol", "tick")}


class LoadError(RuntimeError):
    """Rows could not be put into the staging schema; the text names the table and what PostgreSQL said."""


class Column(NamedTuple):
    """A column as PostgreSQL declares it; `kind` is spelt as `format_type` spells it."""

    name: str
    kind: str
    nullable: bool


def postgres_columns(table: Table) -> tuple[Column, ...]:
    """A contract's columns as PostgreSQL types, in storage order: text without length, instants with time zone."""
    from sqlalchemy import make_url, types

    dialect = make_url("postgresql+psycopg://").get_dialect()()

    def spelt(kind: types.TypeEngine[object]) -> str:
        if isinstance(kind, types.ARRAY):
            return f"{spelt(kind.item_type)}[]"
        if isinstance(kind, types.String):
            # Lengths that follow from a pattern would only repeat the contract's rule, and fail a load mid-way.
            return "text"
        if isinstance(kind, types.Float):
            return "double precision"
        return str(kind.compile(dialect=dialect)).lower()

    declared = table.schema.to_sqlalchemy_columns(dialect)
    return tuple(
        Column(str(c.name), table.postgres_type(str(c.name)) or spelt(c.type), bool(c.nullable)) for c in declared
    )


def staged_tables() -> tuple[Table, ...]:
    """The gold tables that some mart is made from, in the order of the contracts."""
    named = {source for mart in of_layer("mart") for source in _sources(mart)}
    return tuple(table for name, table in TABLES.items() if name in named)


def _sources(mart: Table) -> tuple[str, ...]:
    return tuple(source.strip() for source in mart.source.split(","))


def ensure_staging(dsn: str, tables: Sequence[Table] | None = None) -> tuple[str, ...]:
    """Make the staging tables that are absent or differ from their contract, with an index on what locates a slice.

    Returns:
        The ids of the tables that were made and hence are empty: they must be loaded whole, not by slice.
    """
    made = []
    with psycopg.connect(dsn, application_name="tidemark load") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ENSURE_LOCK,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(STAGING)))
        ensure_pending(connection)
        existing = _declared(connection)
        for table in tables or staged_tables():
            if existing.get(table.name) != postgres_columns(table):
                _create(connection, table)
                made.append(table.id)
            if table.name in _LOOKUPS:
                looked_up = sql.SQL(", ").join(sql.Identifier(column) for column in _LOOKUPS[table.name])
                connection.execute(
                    sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                        sql.Identifier(f"{table.name}_lookup"), sql.Identifier(STAGING, table.name), looked_up
                    )
                )
    return tuple(made)


def _declared(connection: psycopg.Connection) -> dict[str, tuple[Column, ...]]:
    rows = connection.execute(
        """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum
        """,
        (STAGING,),
    ).fetchall()
    found: dict[str, list[Column]] = {}
    for relation, *column in rows:
        found.setdefault(relation, []).append(Column(*column))
    return {relation: tuple(columns) for relation, columns in found.items()}


def _create(connection: psycopg.Connection, table: Table) -> None:
    name = sql.Identifier(STAGING, table.name)
    columns = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name), sql.SQL(column.kind), sql.SQL("" if column.nullable else " NOT NULL")
        )
        for column in postgres_columns(table)
    ]
    # The views that read it go with it; dbt makes them anew with every build.
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(name))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(columns)))
    if table.partition_by:
        located = sql.SQL(", ").join(sql.Identifier(column) for column in table.partition_by)
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, located))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, table.description))


class Loading:
    """One connection for many loads, made with the first: PostgreSQL's driver reads its types with each, for 50 ms."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._open: Connection | None = None

    def connection(self) -> Connection:
        """The connection itself."""
        # Its package loads pandas where that is installed, and whoever only declares tables need not.
        from adbc_driver_postgresql import dbapi

        if self._open is None:
            self._open = dbapi.connect(self.dsn, autocommit=False)
        return self._open

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A transaction that is committed at the block's end; where the block fails, nothing of it stays for the next."""
        try:
            with self.connection().cursor() as cursor:
                yield cursor
            self.connection().commit()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it; what was not committed is not there. A later load makes it anew."""
        if self._open is not None:
            self._open.close()
            self._open = None


def load_slice(to: str | Loading, table: Table, frame: pl.DataFrame, where: Slice | None = None) -> int:
    """Put rows in place of a slice of a staging table, or of all of it, in one transaction.

    The same transaction notes the marts that rest on the table, until a swap has shown them: see `pending_slices`.

    Args:
        to: the owner's libpq URL, or a connection that loads share.
        frame: the contract's columns; more are left out.
        where: the slice that the rows replace; None for the whole table.

    Returns:
        How many rows were put in.

    Raises:
        ValueError: when a row lies outside the slice.
        LoadError: when PostgreSQL refuses, a lock cannot be had in time, or the table is not there.
    """
    if where is not None:
        outside = frame.filter(~where.expr.fill_null(False)).height
        if outside:
            raise ValueError(f"{table.id}: {outside} of {frame.height} rows lie outside the slice {where.label}")
    return _put(to, table, to_arrow(table, _without_nul(frame)), WHOLE if where is None else where.postgres)


def drop_slice(to: str | Loading, table: Table, predicate: str) -> None:
    """Take a slice out of a staging table, and note it for its marts, in one transaction.

    Args:
        to: see `load_slice`.
        predicate: the slice as `Slice.postgres` wrote it.

    Raises:
        LoadError: see `load_slice`.
    """
    _put(to, table, to_arrow(table, table.schema.create_empty()), predicate)


def _put(to: str | Loading, table: Table, data: pa.Table, predicate: str) -> int:
    import adbc_driver_manager

    target = f"{STAGING}.{table.name}"
    # In one order everywhere, so that two loads that note the same marts wait for each other in turn.
    marts = ", ".join(
        f"('{mart.name}', {_quoted(predicate if mart.slices_of == table.id else WHOLE)})"
        for mart in of_layer("mart")
        if table.id in _sources(mart)
    )
    clear = f"TRUNCATE {target}" if predicate == WHOLE else f"DELETE FROM {target} WHERE {predicate}"  # noqa: S608 - names from contracts, values quoted by Slice
    shared = closing(Loading(to)) if isinstance(to, str) else nullcontext(to)
    try:
        with shared as loads, loads.transaction() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {int(LOCK_PATIENCE.total_seconds() * 1000)}")
            cursor.execute(clear)
            if data.num_rows:
                cursor.adbc_ingest(table.name, data, mode="append", db_schema_name=STAGING)
            if marts:
                cursor.execute(f"INSERT INTO {STAGING}.{PENDING} VALUES {marts} ON CONFLICT DO NOTHING")  # noqa: S608
    except adbc_driver_manager.Error as error:
        raise LoadError(f"{target}: {error}") from error
    return int(data.num_rows)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _without_nul(frame: pl.DataFrame) -> pl.DataFrame:
    """PostgreSQL's text holds every character but NUL, which the web may write: it becomes U+FFFD."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    if not texts or not frame.select(pl.any_horizontal(pl.col(texts).str.contains("\0", literal=True).any())).item():
        return frame
    return frame.with_columns(pl.col(texts).str.replace_all("\0", "\N{REPLACEMENT CHARACTER}", literal=True))
