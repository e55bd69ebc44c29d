"""The stream in files: written whole, read by the job, kept by the hour in which they were written, followed.

A file is in `in` until its batch is over, then in `read/HOUR`, where HOUR is that of its time of change in UTC, such as
20261125T14: at five files a second a folder has at most some thousand files, however long they are kept.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from spark_jobs.live_source import StreamBusy

if TYPE_CHECKING:
    import polars as pl

    from spark_jobs.live_source import Source

_FOLLOW_SECONDS = 0.25
# Longer than file systems take for the same time of change.
_SETTLED_SECONDS = 2.0
_POSITION_BYTES = 12
_HOUR = "%Y%m%dT%H"
# stream, number of its first message, number after its last.
_NAME = re.compile(r"(?P<stream>[a-z0-9][a-z0-9_-]{0,63})\.(?P<first>\d{12})-(?P<next>\d{12})\.jsonl")


def read_folders(source: Source) -> list[Path]:
    """The folders of files that were read, the oldest first; in the one that holds them, too, a file may lie."""
    if not source.read.exists():
        return []
    return [source.read, *sorted(path for path in source.read.iterdir() if path.is_dir())]


def keep_read(source: Source, name: str) -> None:
    """Move a file that was read out of the job's way."""
    path = source.unread / name
    place = _place(source, path.stat())
    place.mkdir(parents=True, exist_ok=True)
    path.rename(place / name)


def remove_old(source: Source, keep: timedelta, under_way: tuple[str, ...]) -> None:
    """Remove read files beyond their time.

    Args:
        keep: how long they stay.
        under_way: beginnings of the names of those that stay longer.
    """
    limit = time.time() - keep.total_seconds()
    newest = datetime.fromtimestamp(limit, UTC).strftime(_HOUR)
    for folder in read_folders(source):
        if folder != source.read and folder.name > newest:
            continue
        for path in folder.glob("*.jsonl"):
            if path.stat().st_mtime < limit and not path.name.startswith(under_way):
                path.unlink()
        if folder.name < newest and folder != source.read and not any(folder.iterdir()):
            folder.rmdir()


def _names(folder: Path) -> list[str]:
    """What is in a folder that may be removed meanwhile."""
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def _place(source: Source, status: os.stat_result) -> Path:
    return source.read / datetime.fromtimestamp(status.st_mtime, UTC).strftime(_HOUR)


class FileWriter:
    """Writes files that are whole when they appear, named by the stream and the numbers of their messages.

    The file that holds the lock holds the position too, since files that were read are removed in time.
    """

    def __init__(self, source: Source, stream: str) -> None:
        """Hold the stream, and find where it goes on.

        Raises:
            StreamBusy: when another process writes it.
        """
        self._source, self._stream = source, stream
        for folder in (source.unread, source.read, source.folder / "writers"):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(source.folder / "writers" / stream, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StreamBusy(
                f"another process writes the stream {stream}: let it end, or name another stream"
            ) from None
        # A file is moved from the one folder to the other, so it is in the second where it is no longer in the first.
        names = _names(source.unread)
        for folder in read_folders(source):
            names += _names(folder)
        found = map(_NAME.fullmatch, names)
        written = max((int(name["next"]) for name in found if name and name["stream"] == stream), default=0)
        # A kill between a file and the note of it leaves the note behind.
        self.position = max(written, int(os.pread(self._lock, _POSITION_BYTES, 0) or 0))
        self._note()

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        """Write messages as one file; see `StreamWriter`."""
        if messages.is_empty():
            return
        target = self._source.unread / f"{self._stream}.{self.position:012d}-{next_seq:012d}.jsonl"
        # Engines leave names that begin with a dot unread.
        partial = target.with_name(f".{target.name}.part")
        messages.select("line").write_csv(partial, include_header=False, quote_style="never")
        partial.rename(target)
        self.position = next_seq
        self._note()

    def _note(self) -> None:
        os.pwrite(self._lock, f"{self.position:0{_POSITION_BYTES}d}".encode(), 0)

    def close(self) -> None:
        """Let others write the stream."""
        os.close(self._lock)


def follow(source: Source, from_beginning: bool) -> Iterator[str]:
    """The messages of files as they come, without end; see `live_source.follow`."""
    view = View(source)
    if not from_beginning:
        view.fresh()
    while True:
        fresh = view.fresh()
        for path in sorted(fresh, key=lambda path: (fresh[path].st_mtime_ns, path.name)):
            yield from _read(source, path, fresh[path]).splitlines()
        if not fresh:
            time.sleep(_FOLLOW_SECONDS)


def _read(source: Source, path: Path, status: os.stat_result) -> str:
    # It may be moved between the look and the read, and be removed when its time is over.
    for place in (path, _place(source, status) / path.name):
        try:
            return place.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    return ""


class View:
    """Which files somebody has seen; folders in which nothing changes are not looked through again."""

    def __init__(self, source: Source) -> None:
        """Nothing is seen yet."""
        self._source = source
        # Names seen in `in` and not yet where they go from there; then by folder, with its settled time of change.
        self._unread = set[str]()
        self._read = dict[Path, tuple[float | None, set[str]]]()

    def fresh(self) -> dict[Path, os.stat_result]:
        """The files that have come since the last look, whole ones alone."""
        # In this order a file that is moved meanwhile is in one of the two.
        found = {path.name: path for path in self._source.unread.glob("[!.]*.jsonl") if path.name not in self._unread}
        self._unread |= found.keys()
        folders = read_folders(self._source)
        for gone in self._read.keys() - set(folders):
            del self._read[gone]
        for folder in folders:
            for name in self._new_names(folder):
                if name in self._unread:
                    self._unread.discard(name)
                else:
                    found[name] = folder / name
        fresh = {}
        for name, path in found.items():
            try:
                fresh[path] = path.stat()
            except FileNotFoundError:
                fresh |= self._moved(name)
        return fresh

    def _new_names(self, folder: Path) -> set[str]:
        settled, known = self._read.get(folder, (None, set[str]()))
        began = time.time()
        try:
            changed = folder.stat().st_mtime
        except FileNotFoundError:
            return set()
        if changed == settled:
            return set()
        names = {name for name in _names(folder) if name.endswith(".jsonl")}
        # One that has just changed may change again within the same time of change.
        self._read[folder] = (changed if began - changed > _SETTLED_SECONDS else None, names)
        return names - known

    def _moved(self, name: str) -> dict[Path, os.stat_result]:
        """Where a file is that was in `in` a moment ago; nowhere if its time was over."""
        for folder in reversed(read_folders(self._source)):
            try:
                return {folder / name: (folder / name).stat()}
            except FileNotFoundError:
                continue
        return {}
