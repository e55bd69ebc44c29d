"""The spool: bodies on their way to bronze, as Parquet files of the bronze contract."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import polars as pl

from lake.contracts import table

_SECRET = re.compile(r"^(crumb|apikey|api_key|token|access_token|bearer|key)$", re.IGNORECASE)
_FLUSH_BYTES = 32 * 2**20
_SCHEMA = table("bronze.yahoo_quotes").schema


def without_secrets(url: str) -> str:
    """An address without the crumbs and keys in its query."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _SECRET.match(name)]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(kept, safe=",:|")))


def request_text(name: str, asked: dict[str, str]) -> str:
    """What was asked, the same for the same question: `chart?interval=1d&symbol=AAPL`."""
    return f"{name}?{urlencode(sorted(asked.items()), safe=',:|')}"


def asked_for(request: str) -> dict[str, str]:
    """The question in a `request_text`."""
    return dict(parse_qsl(request.partition("?")[2], keep_blank_values=True))


class Spool:
    """Writes bodies to numbered Parquet files, so that memory holds a few of them at most."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id
        self._rows: list[dict[str, object]] = []
        self._held = 0
        self._parts = 0

    def add(  # noqa: PLR0913 - a body's columns
        self,
        *,
        source: str,
        request: str,
        session: date,
        tick: datetime | None,
        url: str,
        status: int,
        content_type: str | None,
        body: bytes,
        at: datetime,
    ) -> None:
        """Take a body; now and then a file is written."""
        self._rows.append(
            {
                "source": source,
                "request": request,
                "tick": tick,
                "session": session,
                "content_type": content_type,
                "body": body,
                "_ingested_at": at,
                "_source_url": without_secrets(url),
                "_http_status": status,
                "_payload_sha256": hashlib.sha256(body).hexdigest(),
                "_run_id": self._run_id,
            }
        )
        self._held += len(body)
        if self._held >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if not self._rows:
            return
        frame = pl.DataFrame(self._rows, schema=_SCHEMA.create_empty().schema)
        self._parts += 1
        path = self._folder / f"part-{self._parts:04d}.parquet"
        partial = path.with_suffix(".part")
        frame.write_parquet(partial, compression="zstd", compression_level=1)
        partial.replace(path)
        self._rows, self._held = [], 0
