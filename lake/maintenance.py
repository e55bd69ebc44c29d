"""Keeping tables small and quick: old bodies given up, small files joined, what no version needs removed.

Nothing here changes a row that is kept. Each part may be killed at any moment: delta-rs commits at the end, and files
without a commit are removed by a later night.
"""

from __future__ import annotations

import shutil
import time
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from deltalake.exceptions import CommitFailedError

from lake import delta

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import DeltaTable

    from lake.contracts.base import Table
    from lake.home import Home
    from lake.storage import TableAddress

# For as long a reader may hold a version, and time travel reaches.
KEEP_DAYS = 7
_LEAVINGS_SECONDS = 86_400
_BODY = {"session", "_ingested_at"}


class Tidied(NamedTuple):
    """What was removed of a table's files: those that no version of the last days names, and leavings of kills."""

    files_vacuumed: int
    leavings: int


def size(address: TableAddress) -> tuple[int, int]:
    """How many files the newest version has, and their bytes."""
    sizes = address.open().get_add_actions(flatten=True)["size_bytes"].to_pylist()
    return len(sizes), sum(sizes)


def forget(home: Home, table: Table, today: date, now: datetime) -> int:
    """Delete the bodies beyond a table's retention; how many.

    A body goes when the day that it was asked for and the instant at which it was received are both that long ago: a
    range of ten years that was loaded yesterday is not old.
    """
    if table.retention_days is None or not delta.exists(home, table):
        return 0
    if not set(table.columns) >= _BODY:
        raise ValueError(f"{table.id} has retention_days, but not the columns {', '.join(sorted(_BODY))}")
    span = timedelta(days=table.retention_days)
    old = delta.Slice(between=("session", date.min, today - span))
    received = delta.Slice(between=("_ingested_at", datetime(1970, 1, 1, tzinfo=now.tzinfo), now - span))
    opened = home.lake.table(table).open()
    told = opened.delete(f"{old.sql} AND {received.sql}")
    return int(told.get("num_deleted_rows") or 0)


def compact(address: TableAddress) -> bool:
    """Join the small files of each partition, without a change to any row; False where a writer came between."""
    try:
        address.open().optimize.compact()
    except CommitFailedError:
        return False
    return True


def tidy(address: TableAddress) -> Tidied:
    """Write a checkpoint, and remove what no version needs. S3 keeps no half of an upload, so nothing is left there."""
    opened = address.open()
    if opened.version() > 0:
        opened.create_checkpoint()
    return Tidied(vacuum(opened), remove_leavings(address.folder, opened) if address.folder is not None else 0)


def vacuum(opened: DeltaTable, days: int = KEEP_DAYS) -> int:
    """Remove the files that no version of the last days names; how many.

    Raises:
        ValueError: when asked to keep less than a reader may need.
    """
    if days < KEEP_DAYS:
        raise ValueError(f"vacuum keeps {KEEP_DAYS} days at least, not {days}")
    return len(opened.vacuum(retention_hours=days * 24, dry_run=False, full=True))


def remove_leavings(root: Path, opened: DeltaTable) -> int:
    """Remove what killed writers left a day ago: `*.parquet#1` files and folders `load-*` that were never committed.

    Returns:
        How many files and folders.
    """
    removed = 0
    for path in root.rglob("*.parquet#*"):
        if _is_old(path):
            path.unlink()
            removed += 1
    folders = [path for path in root.glob("load-*") if path.is_dir() and _is_old(path)]
    if not folders:
        return removed
    named = {path.partition("/")[0] for path in [*_files(opened), *_tombstones(opened)]}
    for folder in folders:
        if folder.name not in named:
            shutil.rmtree(folder)
            removed += 1
    return removed


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _LEAVINGS_SECONDS


def _files(opened: DeltaTable) -> list[str]:
    return [str(path) for path in opened.get_add_actions(flatten=True)["path"].to_pylist()]


def _tombstones(opened: DeltaTable) -> list[str]:
    """Files that an earlier version names and this one does not."""
    return opened.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)
