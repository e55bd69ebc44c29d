"""A key that a source wants within the address: where a crawl finds it, and how it stays out of what is written."""

from __future__ import annotations

import io
import sys
from typing import BinaryIO

ALPHAVANTAGE_KEY = "TIDEMARK_ALPHAVANTAGE_KEY"
SHOWN = "..."


class _Hiding(io.TextIOWrapper):
    """A stream that writes no secret, whatever writes to it: a log's line, or the text of an error with its address."""

    def __init__(self, buffer: BinaryIO, secret: str) -> None:
        super().__init__(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._secret = secret

    def write(self, text: str, /) -> int:
        """Write what is no secret."""
        return super().write(text.replace(self._secret, SHOWN))


def hide_from_output(secret: str | None) -> None:
    """Keep a secret out of all that this process says from now on; before any log's handler takes its stream."""
    if secret:
        sys.stdout = _Hiding(sys.stdout.buffer, secret)
        sys.stderr = _Hiding(sys.stderr.buffer, secret)
