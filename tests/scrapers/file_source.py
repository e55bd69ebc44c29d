"""A small HTTP server of one file that can be had in parts, and that may end, wait or change in the middle of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from scrapers.urls import SourceUrls
from tests.scrapers.small_source import serving

PIECE = 64 * 1024


@dataclass
class FileSource:
    """What it serves and how; `asked` holds the range and the condition of each request, `sent` the bytes that went out.

    Attributes:
        content: of every file.
        tag: the file's ETag.
        pause: seconds between two pieces.
        ends_after: bytes after which a connection is ended; 0 for never.
        ranges: whether parts are given.
    """

    content: bytes
    tag: str = '"one"'
    pause: float = 0.0
    ends_after: int = 0
    ranges: bool = True
    port: int = 0
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    sent: int = 0

    @property
    def urls(self) -> SourceUrls:
        """Its address, for SEC."""
        return SourceUrls(None, None, None, None, f"http://127.0.0.1:{self.port}/sec", True)


@contextmanager
def file_source(source: FileSource) -> Iterator[FileSource]:
    """Run a server for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            part, condition = self.headers.get("Range"), self.headers.get("If-Range")
            source.asked.append((part, condition))
            content, start = source.content, 0
            if source.ranges and part and condition == source.tag:
                start = int(part.removeprefix("bytes=").partition("-")[0])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("ETag", source.tag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self._send(content[start:])

        def _send(self, body: bytes) -> None:
            gone = 0
            for place in range(0, len(body), PIECE):
                if source.ends_after and gone >= source.ends_after:
                    self.close_connection = True
                    return
                try:
                    self.wfile.write(body[place : place + PIECE])
                except OSError:
                    self.close_connection = True
                    return
                gone += len(body[place : place + PIECE])
                source.sent += len(body[place : place + PIECE])
                time.sleep(source.pause)

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as port:
        source.port = port
        yield source
