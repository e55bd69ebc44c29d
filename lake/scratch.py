"""Folders for what a process needs for a while, removed by the next comer where their owner was killed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A folder of one's own below a root, while it is needed; those whose owners are gone are removed before.

    An owner holds a lock on a file beside its folder, which the kernel lets go however the process ends. A pid would not
    tell: another process has it by and by, and one of another host that shares the home may have it now.

    Args:
        root: holds such folders and nothing else.
    """
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    folder, held = _made(root)
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder)
            _lock_of(folder).unlink()
        finally:
            os.close(held)


def _made(root: Path) -> tuple[Path, int]:
    """A new folder, whose lock was held before it was there, and the lock."""
    while True:
        folder = root / secrets.token_hex(8)
        held = _open(_lock_of(folder))
        flock(held, LOCK_EX)
        # Somebody who sweeps may have taken it and removed it in the moment before.
        if os.fstat(held).st_nlink:
            folder.mkdir()
            return folder, held
        os.close(held)


def _sweep(root: Path) -> None:
    """Remove folders and locks that nobody holds."""
    for name in {path.name.removesuffix(_LOCK) for path in root.iterdir()}:
        folder = root / name
        lock = _lock_of(folder)
        descriptor = _open(lock)
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
