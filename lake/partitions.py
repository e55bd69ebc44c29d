"""A Delta table's partitions: which there are, how many rows, and a fingerprint that changes when one is rewritten."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.delta import EVERYTHING, Slice

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home

# The column that says when a table's rows speak of, the first that a table has.
_TIME_COLUMNS = ("tick", "minute", "hour", "log_date", "target_session", "session", "created_at", "date", "valid_from")


@dataclass(frozen=True)
class Partition:
    """One partition of a table.

    Attributes:
        where: the slice that it is.
        fingerprint: a hash of its files' names; equal exactly when the files are.
        rows: how many it has, by the table's log.
    """

    where: Slice
    fingerprint: str
    rows: int = 0


def partitions(home: Home, table: Table) -> dict[str, Partition]:
    """The partitions by their label; a table without partitions is one. Empty where there is no table yet."""
    if not delta.exists(home, table):
        return {}
    files = _files(home, table)
    columns = [f"partition.{name}" for name in table.partition_by]
    if not columns:
        return {EVERYTHING.label: _partition(EVERYTHING, files)}
    found = {}
    for values, group in files.group_by(columns, maintain_order=True):
        where = Slice(dict(zip(table.partition_by, values, strict=True)))
        found[where.label] = _partition(where, group)
    return found


def _partition(where: Slice, files: pl.DataFrame) -> Partition:
    return Partition(where, _fingerprint(files["path"].to_list()), int(files["num_records"].sum()))


def _files(home: Home, table: Table) -> pl.DataFrame:
    actions = home.lake.table(table).open().get_add_actions(flatten=True)
    return pl.DataFrame(actions)


def _fingerprint(paths: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


def hot_partitions(table: Table, found: dict[str, Partition], days: int | None = None) -> dict[str, Partition]:
    """The partitions in a table's hot period, counted back from the newest day of each series.

    Args:
        days: how long it is; None for the contract's `hot_days`, and where that is None for all.

    A series is what partitions share beside their day: an old log that a user brings in is what there is to ask about,
    however new the logs of another form are.
    """
    length = table.hot_days if days is None else days
    if length is None:
        return found
    newest: dict[tuple[object, ...], date] = {}
    for part in found.values():
        series, day = _series_and_day(part)
        newest[series] = max(newest.get(series, day), day)
    kept = {}
    for label, part in found.items():
        series, day = _series_and_day(part)
        if (newest[series] - day).days < length:
            kept[label] = part
    return kept


def _series_and_day(part: Partition) -> tuple[tuple[object, ...], date]:
    values = part.where.equals.values()
    days = [value for value in values if isinstance(value, date)]
    return tuple(value for value in values if not isinstance(value, date)), max(days, default=date.min)


def inventory(home: Home, tables: tuple[Table, ...]) -> pl.DataFrame:
    """How much of each table there is and how fresh: rows of the contract `Load`."""
    return pl.DataFrame([_load(home, table) for table in tables], schema=_load_schema(), orient="row")


def _load_schema() -> dict[str, pl.DataType]:
    from lake.contracts.marts import LOADS

    return dict(LOADS.schema.create_empty().schema)


def _load(home: Home, table: Table) -> tuple[object, ...]:
    refused = _refused_rows(home, table)
    if not delta.exists(home, table):
        return (table.id, table.layer, table.source, 0, refused, None, None, None, None)
    opened = home.lake.table(table).open()
    last = opened.history(1)[0]
    loaded_at = datetime.fromtimestamp(int(last["timestamp"]) / 1000, UTC) if opened.version() else None
    files = pl.DataFrame(opened.get_add_actions(flatten=True))
    first, newest = _time_range(home, table, files)
    return (table.id, table.layer, table.source, _rows(files), refused, opened.version(), loaded_at, first, newest)


def _rows(files: pl.DataFrame) -> int:
    """By the table's log, which grows by files and not by rows."""
    return int(files["num_records"].sum()) if files.height else 0


def _refused_rows(home: Home, table: Table) -> int:
    refused = home.lake.quarantine(table)
    return _rows(pl.DataFrame(refused.open().get_add_actions(flatten=True))) if refused.exists() else 0


def _time_range(home: Home, table: Table, files: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    """By the partitions or the log's statistics; only a log that has none for a file makes the rows be read."""
    column = next((name for name in _TIME_COLUMNS if name in table.columns), None)
    if column is None or files.is_empty():
        return None, None
    for low, high in ((f"partition.{column}", f"partition.{column}"), (f"min.{column}", f"max.{column}")):
        if low in files.columns and not files[low].has_nulls() and not files[high].has_nulls():
            return _instant(files[low].min()), _instant(files[high].max())
    ends = delta.scan(home, table).select(first=pl.col(column).min(), last=pl.col(column).max()).collect().row(0)
    return _instant(ends[0]), _instant(ends[1])


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), UTC) if isinstance(value, date) else None
