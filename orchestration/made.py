"""What parts of a table were made from, so that only those are made again whose input has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from orchestration.processes import write_json

if TYPE_CHECKING:
    from lake.contracts import Table
    from lake.home import Home


def digest(parts: Iterable[object]) -> str:
    """A short hash of what something was made from."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:24]


class Made:
    """A file of the home beside a table: by part, what it was made from and what files it became.

    A part counts as made only while both are as they were noted: who writes the table otherwise, or reads another lake
    with the same home, makes it stale. Lost, the file costs the work of making the table again, and no row.
    """

    def __init__(self, home: Home, table: Table) -> None:
        """Read the notes on a table."""
        self._path = home.landing / "made" / f"{table.id}.json"
        self._notes: dict[str, dict[str, str]] = {}
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            self._notes = json.loads(self._path.read_text())

    def of(self, part: str, files: str, what: str = "made_from") -> str | None:
        """What a part was made from; None where its files are not those that it became.

        Args:
            files: the fingerprint of its files as they are.
            what: which of the things it was made from.
        """
        note = self._notes.get(part)
        return note.get(what) if note and note["files"] == files else None

    def note(self, parts: Mapping[str, Mapping[str, str]]) -> None:
        """Parts have just been made: what from, by names, `files` among them."""
        self._notes |= {part: dict(what) for part, what in parts.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, self._notes)

    def forget(self, parts: Iterable[str]) -> None:
        """Parts are no more."""
        gone = [part for part in parts if self._notes.pop(part, None)]
        if gone:
            self.note({})
