"""Log files that processes write to for as long as they live, kept within bounds."""

from __future__ import annotations

import errno
import os
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import BinaryIO

LOG_BYTES = 32 << 20
_PIECE = 1 << 20


def bound(log: Path, limit: int = LOG_BYTES) -> bool:
    """Put the end of a log that has grown too large beside it as `NAME.1`, in place of the one there, and empty it.

    Whoever writes to it must have opened it for appending, and goes on. Lines that are written in that very moment are
    lost; on a full disk the whole is, since the log may be what fills it. A log that cannot be bounded stays as it is: that is
    no reason for who watches over it to end.

    Args:
        log: where processes write; it may be absent.
        limit: the most bytes that it and the one beside it may have.

    Returns:
        Whether it was emptied.
    """
    try:
        return log.stat().st_size > limit and _bounded(log, limit)
    except OSError:
        return False


def _bounded(log: Path, limit: int) -> bool:
    with log.open("r+b") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            # Another process is at it.
            return False
        size = os.fstat(file.fileno()).st_size
        if size <= limit:
            return False
        file.seek(size - limit)
        partial = log.with_name(f"{log.name}.1.part")
        try:
            _copy(file, partial, limit)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
        else:
            partial.replace(log.with_name(f"{log.name}.1"))
        file.truncate(0)
    return True


def last_lines(log: Path, lines: int, most: int = 1 << 20) -> list[str]:
    """The last lines of a log, and of what was put beside it where it has too few.

    Args:
        log: it may be absent.
        lines: how many.
        most: bytes that are looked at in each file.
    """
    found: list[str] = []
    for path in (log, log.with_name(f"{log.name}.1")):
        if len(found) >= lines or not path.exists():
            break
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - most))
            found = [*file.read().decode(errors="replace").splitlines(), *found]
    return found[-lines:] if lines else []


def _copy(source: BinaryIO, path: Path, left: int) -> None:
    with path.open("wb") as target:
        while left and (piece := source.read(min(left, _PIECE))):
            target.write(piece)
            left -= len(piece)
