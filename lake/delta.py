"""Delta tables by delta-rs: read, append, replace a slice, commit once.

Every write is the contract's columns in the contract's order. A slice is replaced, never merged, so a run that is
repeated leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake import Field as DeltaField
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home

# Opening a table reads its log since the last checkpoint: with delta-rs's own hundred commits four times as long.
_CONFIGURATION: dict[str, str | None] = {"delta.checkpointInterval": "10"}

Value = date | datetime | str | int


class Written(NamedTuple):
    """A commit: the table's version after it, and the rows it wrote."""

    version: int
    rows: int


class Commit(NamedTuple):
    """Names a write so that it happens once: an application's own, growing version."""

    app_id: str
    version: int


@dataclass(frozen=True)
class Slice:
    """The rows a load is responsible for: equal values, and at most one half-open range.

    Attributes:
        equals: column → value.
        between: (column, start, end) with start ≤ column < end.
    """

    equals: Mapping[str, Value] = field(default_factory=dict)
    between: tuple[str, Value, Value] | None = None

    @property
    def sql(self) -> str:
        """The predicate as delta-rs reads it."""
        return self._predicate(_delta_literal)

    @property
    def postgres(self) -> str:
        """The predicate as PostgreSQL reads it."""
        return self._predicate(_literal)

    def _predicate(self, literal: Callable[[Value], str]) -> str:
        parts = [f"{column} = {literal(value)}" for column, value in self.equals.items()]
        if self.between:
            column, start, end = self.between
            parts += [f"{column} >= {literal(start)}", f"{column} < {literal(end)}"]
        return " AND ".join(parts) or "TRUE"

    @property
    def expr(self) -> pl.Expr:
        """The predicate as Polars reads it."""
        result = pl.lit(True)
        for column, value in self.equals.items():
            result = result & (pl.col(column) == _typed(value))
        if self.between:
            column, start, end = self.between
            result = result & (pl.col(column) >= _typed(start)) & (pl.col(column) < _typed(end))
        return result

    @property
    def label(self) -> str:
        """The slice in a phrase, the same for the same slice."""
        parts = [f"{column}={value}" for column, value in sorted(self.equals.items())]
        if self.between:
            parts.append(f"{self.between[1]}<={self.between[0]}<{self.between[2]}")
        return ",".join(parts) or "all"


EVERYTHING = Slice()


def _typed(value: Value) -> pl.Expr:
    if isinstance(value, datetime):
        return pl.lit(value).cast(pl.Datetime("us", "UTC"))
    return pl.lit(value)


def _delta_literal(value: Value) -> str:
    if isinstance(value, datetime):
        # A plain timestamp literal is read in nanoseconds, which delta-rs will not compare with its microseconds.
        return f"arrow_cast('{value.isoformat(timespec='microseconds')}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
    return _literal(value)


def _literal(value: Value) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ', timespec='microseconds')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def arrow_schema(table: Table) -> pa.Schema:
    """The contract as Arrow types that Delta knows (strings and binaries in their plain form)."""
    plain = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    fields = []
    for entry in table.schema.create_empty().to_arrow().schema:
        kind = entry.type
        if pa.types.is_dictionary(kind):
            kind = pa.string()
        elif pa.types.is_large_list(kind) or pa.types.is_list(kind):
            kind = pa.list_(plain.get(kind.value_type, kind.value_type))
        fields.append(pa.field(entry.name, plain.get(kind, kind)))
    return pa.schema(fields)


def to_arrow(table: Table, frame: pl.DataFrame) -> pa.Table:
    """A frame of the contract as an Arrow table; enums become strings."""
    ordered = frame.select(table.columns).with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))
    return ordered.to_arrow().cast(arrow_schema(table))


def ensure(home: Home, table: Table) -> DeltaTable:
    """Open a table, made empty from its contract where it does not exist.

    A table of an earlier version is given the columns that its contract has gained; they are empty in its rows.
    """
    schema = arrow_schema(table)
    delta = home.lake.table(table).ensure(schema, table.partition_by, _CONFIGURATION)
    while gained := [DeltaField.from_arrow(schema.field(name)) for name in _lacking(delta, table)]:
        try:
            delta.alter.add_columns(gained)
        except CommitFailedError:
            # Somebody else wrote meanwhile, and may have added them.
            delta.update_incremental()
    return delta


def _lacking(delta: DeltaTable, table: Table) -> list[str]:
    there = {entry.name for entry in delta.schema().fields}
    return [name for name in table.columns if name not in there]


def exists(home: Home, table: Table) -> bool:
    """Whether a table has been made."""
    return home.lake.table(table).exists()


def version(home: Home, table: Table) -> int | None:
    """A table's version, or None where there is none yet."""
    return home.lake.table(table).open().version() if exists(home, table) else None


def partition_days(home: Home, table: Table) -> set[date]:
    """The days of a table that is partitioned by one date column."""
    (column,) = table.partition_by
    return {date.fromisoformat(part[column]) for part in home.lake.table(table).open().partitions()}


def scan(home: Home, table: Table, where: Slice = EVERYTHING, at_version: int | None = None) -> pl.LazyFrame:
    """A lazy frame of a table's slice in the contract's types; empty where the table does not exist."""
    empty = table.schema.create_empty()
    try:
        delta = home.lake.table(table).open(at_version)
    except TableNotFoundError:
        return empty.lazy()
    lacking = [pl.lit(None).alias(name) for name in _lacking(delta, table)]
    frame = pl.scan_delta(delta).with_columns(lacking).filter(where.expr)
    return frame.select([pl.col(name).cast(kind) for name, kind in empty.schema.items()])


def read(home: Home, table: Table, where: Slice = EVERYTHING, at_version: int | None = None) -> pl.DataFrame:
    """A table's slice as a frame; see `scan`."""
    return scan(home, table, where, at_version).collect()


def count(home: Home, table: Table) -> int:
    """How many rows a table has."""
    return int(scan(home, table).select(pl.len()).collect().item())


def append(home: Home, table: Table, frame: pl.DataFrame, commit: Commit | None = None) -> Written:
    """Add rows. With a commit name the same rows are added once, however often the write is repeated."""
    delta = ensure(home, table)
    return _commit(delta, to_arrow(table, frame), commit)


def _commit(delta: DeltaTable, data: pa.Table, commit: Commit | None) -> Written:
    while True:
        if commit is not None:
            done = delta.transaction_version(commit.app_id)
            if done is not None and done >= commit.version:
                return Written(delta.version(), 0)
        if data.num_rows == 0:
            return Written(delta.version(), 0)
        marks = [Transaction(app_id=commit.app_id, version=commit.version)] if commit else None
        try:
            write_deltalake(delta, data, mode="append", commit_properties=CommitProperties(app_transactions=marks))
        except CommitFailedError:
            # Somebody else committed between our check and our write: look again with what they left.
            delta.update_incremental()
            continue
        return Written(delta.version(), data.num_rows)


def replace_slice(home: Home, table: Table, frame: pl.DataFrame, where: Slice) -> Written:
    """Put rows in place of a slice, in one commit; no row may lie outside the slice.

    Raises:
        ValueError: when a row lies outside the slice.
    """
    return _replace(ensure(home, table), to_arrow(table, frame), frame, where, table.id)


def _replace(delta: DeltaTable, data: pa.Table, frame: pl.DataFrame, where: Slice, name: str) -> Written:
    outside = frame.filter(~where.expr.fill_null(False)).height
    if outside:
        raise ValueError(f"{name}: {outside} of {frame.height} rows lie outside the slice {where.label}")
    if data.num_rows == 0:
        if delta.version() > 0:
            delta.delete(where.sql)
        return Written(delta.version(), 0)
    predicate = None if where.sql == "TRUE" else where.sql
    write_deltalake(delta, data, mode="overwrite", predicate=predicate)
    return Written(delta.version(), data.num_rows)


def replace_all(home: Home, table: Table, frames: Iterator[pl.DataFrame], where: Slice = EVERYTHING) -> Written:
    """Put rows that come in parts in place of a whole table or of a slice, in one commit; memory holds one part.

    An error that the parts raise ends the write, and the table is as it was.
    """
    rows, problems = 0, list[Exception]()

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        try:
            for frame in frames:
                rows += frame.height
                yield from to_arrow(table, frame).to_batches()
        except Exception as problem:
            problems.append(problem)
            raise

    delta = ensure(home, table)
    reader = pa.RecordBatchReader.from_batches(arrow_schema(table), batches())
    try:
        write_deltalake(delta, reader, mode="overwrite", predicate=None if where.sql == "TRUE" else where.sql)
    except DeltaError as error:
        # The writer tells what the parts raised as an error of its own.
        raise (problems[0] if problems else error) from None
    return Written(delta.version(), rows)


def read_quarantine(home: Home, table: Table, where: Slice | None = None) -> pl.DataFrame:
    """The rows a table refused, with their reasons; those of the load of one slice where one is given."""
    from lake.contracts.quarantine import Quarantined

    empty = Quarantined.create_empty()
    refused = home.lake.quarantine(table)
    if not refused.exists():
        return empty
    frame = pl.scan_delta(refused.open())
    if where is not None:
        # The log knows each file's slices, so only those that hold this one are read.
        frame = frame.filter(pl.col("slice") == where.label)
    return frame.select([pl.col(n).cast(k) for n, k in empty.schema.items()]).collect()


def quarantine_version(home: Home, table: Table) -> int | None:
    """The version of a table's quarantine, or None where it has refused nothing yet."""
    refused = home.lake.quarantine(table)
    return refused.open().version() if refused.exists() else None


def replace_quarantine(home: Home, table: Table, frame: pl.DataFrame, where: Slice) -> Written:
    """Put a slice's refused rows in place of those of its last load."""
    from lake.contracts.quarantine import Quarantined

    beside = type(table)("quarantine", table.layer, Quarantined, table.group, table.id)
    address = home.lake.quarantine(table)
    if frame.is_empty() and not address.exists():
        return Written(0, 0)
    delta = address.ensure(arrow_schema(beside), configuration=_CONFIGURATION)
    mine = Slice({"slice": where.label})
    return _replace(delta, to_arrow(beside, frame), frame, mine, f"quarantine of {table.id}")
