"""A small HTTP server that plays a source as a test wants it: good answers, and every way of misbehaving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scrapers.urls import SourceUrls


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What is sent back. `promised` is a Content-Length that is not kept."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None


class SmallSource:
    """A running server: `asked` holds what came, `answer` decides what goes back."""

    def __init__(self, answer: Callable[[Asked, int], Reply]) -> None:
        self.asked: list[Asked] = []
        self._answer = answer
        self._lock = threading.Lock()
        self.port = 0

    def reply(self, asked: Asked) -> Reply:
        """The answer to a request; the second argument counts requests to the same path before it."""
        with self._lock:
            before = sum(one.path == asked.path for one in self.asked)
            self.asked.append(asked)
        if asked.path == "/fc/":
            return Reply(status=404, headers={"Set-Cookie": f"A3=cookie{before}; Path=/"})
        return self._answer(asked, before)

    def to(self, path: str) -> list[Asked]:
        """The requests to a path."""
        return [asked for asked in self.asked if asked.path == path]

    @property
    def urls(self) -> SourceUrls:
        """Its addresses."""
        root = f"http://127.0.0.1:{self.port}"
        yahoo = (f"{root}/query1", f"{root}/query2", f"{root}/fc/")
        return SourceUrls(*yahoo, f"{root}/x", f"{root}/sec", True, search=f"{root}/query2", rss=f"{root}/rss")


@contextmanager
def small_source(answer: Callable[[Asked, int], Reply]) -> Iterator[SmallSource]:
    """Run a server for the length of a block."""
    source = SmallSource(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = source.reply(Asked(self.command, parts.path, query, headers, self.rfile.read(length)))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(reply.promised or len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.promised:
                self.close_connection = True

        do_GET = do_POST = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as port:
        source.port = port
        yield source


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A server on a loopback port, which it gives; a thread a request."""

    class Server(ThreadingHTTPServer):
        # The library's five waiting connections are fewer than a crawl opens at once.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
