"""A file that is fetched in parts: what has come stays on disk, with a note of what it is of, until all of it is there.

A download that ended early, with its process or without, goes on at the byte that was reached, if the source still has
the same file (If-Range); else it starts again. A file counts as received when its length is right and, of a zip, the
directory and every member's checksum. Nothing is held in memory but a block.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scrapy.exceptions import DownloadFailedError

from scrapers.errors import Reason

# Beginnings are kept for the judge: a refusal is a short page.
HEAD = 64 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")


class FileRefused(DownloadFailedError):
    """A file that did not come whole, by the name of what was wrong."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class Note:
    """What the bytes on disk are of.

    Attributes:
        validator: the source's ETag, or where it gives none that is strong, when it last changed the file.
        total: bytes of the whole file.
    """

    url: str
    validator: str
    total: int


class Download:
    """A file on its way to a path; its note lies beside it.

    Args:
        path: where the bytes are put.
        magic: how the file begins; what begins otherwise is a page of the source's and is not written.
    """

    def __init__(self, path: Path, magic: bytes) -> None:
        self.path, self.magic = path, magic
        self.start = 0
        self.came = 0
        self._furthest = 0
        self._note: Note | None = None

    @property
    def note_path(self) -> Path:
        """Where the note is."""
        return self.path.with_name(f"{self.path.name}.json")

    def ask(self, url: str) -> dict[str, str]:
        """The headers that ask for what is lacking; none where nothing is there to go on from.

        Of a file that is all there the last byte is asked for, which tells whether the source has changed it.
        """
        self.start = self.came = 0
        self._note = self._read_note()
        size = self.path.stat().st_size if self.path.exists() else 0
        if self._note is None or self._note.url != url or not 0 < size <= self._note.total:
            self.drop()
            return {}
        self.start = min(size, self._note.total - 1)
        self._furthest = max(self._furthest, self.start)
        return {"Range": f"bytes={self.start}-", "If-Range": self._note.validator}

    def goes_on(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer is the rest of what is here.

        Raises:
            FileRefused: when it is a part of something else; what is here is let go.
        """
        if status == 416 and self.start:
            self.drop()
            raise FileRefused(Reason.FILE_CHANGED, "the source has fewer bytes than came before")
        if status != 206:
            return False
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        told = tuple(map(int, found.groups())) if found else ()
        if self._note is None or told[:1] != (self.start,) or told[2:] != (self._note.total,):
            self.drop()
            raise FileRefused(Reason.FILE_CHANGED, f"another part than was asked for: {headers.get('content-range')}")
        # What is gone on with is no leaving: leavings are told by the age of their files.
        self.note_path.touch()
        return True

    def start_over(self, url: str, headers: Mapping[str, str]) -> None:
        """Make room for a file from its first byte, and note what it is; the bytes that were here go first."""
        self.drop()
        self.start = 0
        self._note = _note_of(url, headers)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._note is not None:
            partial = self.note_path.with_suffix(f".{os.getpid()}.part")
            partial.write_text(json.dumps(asdict(self._note)))
            partial.replace(self.note_path)

    def check_length(self) -> None:
        """See whether all has come.

        Raises:
            FileRefused: when bytes are lacking; what came stays.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if self._note is not None and size != self._note.total:
            raise FileRefused(Reason.TRUNCATED_FILE, f"{size} of {self._note.total} bytes")

    @property
    def reached(self) -> str:
        """How far it is, in words."""
        of = f" of {self._note.total / 1e6:,.1f}" if self._note else ""
        return f"{(self.start + self.came) / 1e6:,.1f}{of} MB"

    def progress(self) -> int:
        """Bytes by which the last attempt came further than any before it."""
        reached = self.start + self.came
        further, self._furthest = max(0, reached - self._furthest), max(reached, self._furthest)
        return further

    def drop(self) -> None:
        """Let go of what is here: the bytes first, so that no note is ever beside another file's."""
        self.path.unlink(missing_ok=True)
        self.note_path.unlink(missing_ok=True)

    def _read_note(self) -> Note | None:
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            return Note(**json.loads(self.note_path.read_bytes()))
        return None


def _note_of(url: str, headers: Mapping[str, str]) -> Note | None:
    """None where the source does not tell the file's length, or nothing to know it again by."""
    tag, length = headers.get("etag", ""), headers.get("content-length", "")
    validator = tag if tag.startswith('"') else headers.get("last-modified", "")
    plain = headers.get("content-encoding", "identity") == "identity"
    return Note(url, validator, int(length)) if validator and length.isdigit() and plain else None
