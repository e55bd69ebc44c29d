"""Parquet files that an engine wrote become a table's partitions, in one commit.

Sail, Apache Spark and a cluster alike can write Parquet, but only some can commit to Delta, and each in its own
way. So the engine writes files into a folder of their own inside the table's, and delta-rs, the only writer of the
table's log, commits them as they are: nothing is copied, and a reader sees the old partitions or the new ones.
Where the lake is in S3 the folder is on this machine, and the files are brought there just before the commit.
A load that is killed before its commit leaves files that no version names; vacuum removes them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties
from deltalake.transaction import AddAction

from lake.delta import Written, arrow_schema, ensure

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home


class SchemaMismatch(ValueError):
    """An engine's file is not of the table's contract."""


@dataclass(frozen=True)
class StagedFile:
    """A Parquet file for a table that no version names yet.

    Attributes:
        path: where it is on this machine.
        key: its place inside the table.
        partition: partition column → value, as in the folder's name.
        rows: how many rows its footer says it has.
        stats: Delta's statistics as JSON.
    """

    path: Path
    key: str
    partition: Mapping[str, str]
    rows: int
    stats: str


def new_folder(home: Home, table: Table, scratch: Path) -> Path:
    """A path, not there yet, for one load's files: inside the table's folder, or in `scratch` for a lake in S3.

    Args:
        home: where the table is.
        table: that the files are for.
        scratch: a folder of this load, removed by the caller after the commit.
    """
    ensure(home, table)
    return home.lake.staging(table, scratch) / f"load-{secrets.token_hex(8)}"


def files_of(table: Table, folder: Path) -> list[StagedFile]:
    """The Parquet files below a load's folder, read by their footers alone; files without rows are left out.

    Raises:
        SchemaMismatch: when a file's columns are not the contract's.
    """
    wanted = arrow_schema(table)
    for column in table.partition_by:
        wanted = wanted.remove(wanted.get_field_index(column))
    found = []
    for path in sorted(folder.rglob("*.parquet")):
        inside = path.relative_to(folder)
        if any(part.startswith(("_", ".")) for part in inside.parts):
            continue
        with pq.ParquetFile(path) as file:
            _check_schema(table, wanted, file.schema_arrow, path)
            if file.metadata.num_rows:
                values = dict(part.split("=", 1) for part in inside.parts[:-1])
                partition = {column: unquote(values[column]) for column in table.partition_by}
                key = path.relative_to(folder.parent).as_posix()
                found.append(StagedFile(path, key, partition, file.metadata.num_rows, _stats(file.metadata)))
    return found


def _check_schema(table: Table, wanted: pa.Schema, got: pa.Schema, path: Path) -> None:
    plain = {pa.large_string(): pa.string(), pa.string_view(): pa.string()}
    types = {field.name: plain.get(field.type, field.type) for field in got}
    if types != {field.name: field.type for field in wanted}:
        differing = [
            f"{name} is {types.get(name, 'absent')}, not {kind}"
            for name, kind in ((field.name, field.type) for field in wanted)
            if types.get(name) != kind
        ]
        more = sorted(set(types) - set(wanted.names))
        raise SchemaMismatch(f"{table.id}: {path.name}: {'; '.join(differing)}{f'; not in it: {more}' if more else ''}")


def _stats(metadata: pq.FileMetaData) -> str:
    """Row count, and the least and greatest value of each whole-number column (what slices are looked up by)."""
    lows: dict[str, int] = {}
    highs: dict[str, int] = {}
    for index in range(metadata.num_columns):
        chunks = [metadata.row_group(group).column(index) for group in range(metadata.num_row_groups)]
        column = metadata.schema.column(index)
        known = [c.statistics for c in chunks if c.statistics is not None and c.statistics.has_min_max]
        whole = column.physical_type in {"INT32", "INT64"} and column.logical_type.type in {"NONE", "INT"}
        if whole and len(known) == len(chunks) and known:
            lows[column.name] = min(s.min for s in known)
            highs[column.name] = max(s.max for s in known)
    return json.dumps({"numRecords": metadata.num_rows, "minValues": lows, "maxValues": highs, "nullCount": {}})


def commit(home: Home, table: Table, files: Sequence[StagedFile], partitions: Iterable[Mapping[str, str]]) -> Written:
    """Put files in place of whole partitions, in one commit for each leading partition value.

    Args:
        home: where the table is.
        table: partitioned by one or two columns.
        files: the new content.
        partitions: the partitions to replace; one without files ends empty.

    Raises:
        ValueError: when a file belongs to none of the partitions.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for partition in partitions:
        *lead, last = (partition[column] for column in table.partition_by)
        groups.setdefault(tuple(lead), []).append(last)
    for file in files:
        *lead, last = (file.partition[column] for column in table.partition_by)
        if last not in groups.get(tuple(lead), []):
            raise ValueError(f"{table.id}: {file.path.name} is of {dict(file.partition)}, which is not being replaced")
    for file in files:
        home.lake.take(table, file.path, file.key)
    delta = ensure(home, table)
    *lead_columns, last_column = table.partition_by
    for lead_values, last_values in groups.items():
        same: list[tuple[str, str, str | list[str]]] = [
            (column, "=", value) for column, value in zip(lead_columns, lead_values, strict=True)
        ]
        mine = [f for f in files if tuple(f.partition[c] for c in lead_columns) == lead_values]
        delta.create_write_transaction(
            [_add(f) for f in mine],
            mode="overwrite",
            schema=arrow_schema(table),
            partition_by=list(table.partition_by),
            partition_filters=[*same, (last_column, "in", sorted(set(last_values)))],
            commit_properties=CommitProperties(),
        )
        delta.update_incremental()
    return Written(delta.version(), sum(f.rows for f in files))


def _add(file: StagedFile) -> AddAction:
    status = file.path.stat()
    return AddAction(
        path=file.key,
        size=status.st_size,
        partition_values=dict(file.partition),
        modification_time=int(status.st_mtime * 1000),
        data_change=True,
        stats=file.stats,
    )
