"""What a backfill has done, for the next one of the same asset: chunks with what they were made from."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from orchestration.processes import write_json

if TYPE_CHECKING:
    from lake.home import Home


class WrongBackfill(ValueError):
    """A backfill that cannot be made; the text says why and what can."""


class BackfillBusy(RuntimeError):
    """Another backfill is at work in the home."""


class Journal:
    """A file of the home. Lost, it costs the work of making silver again, and no row."""

    def __init__(self, home: Home, asset: str) -> None:
        """Read the journal of an asset."""
        self._path = home.landing / "backfills" / f"{asset}.json"
        self._chunks: dict[str, str] = {}
        self.pending = False
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            kept = json.loads(self._path.read_text())
            self._chunks, self.pending = kept["chunks"], kept["pending"]

    def noted(self, label: str) -> str | None:
        """What a chunk was made from; None where it has not been made."""
        return self._chunks.get(label)

    def begin(self) -> None:
        """A chunk is about to change what gold and the marts rest on."""
        if not self.pending:
            self.pending = True
            self._write()

    def note(self, label: str, fingerprint: str) -> None:
        """A chunk has been made."""
        self._chunks[label] = fingerprint
        self._write()

    def finish(self) -> None:
        """Gold and the marts are made, too."""
        self.pending = False
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, {"pending": self.pending, "chunks": self._chunks})
