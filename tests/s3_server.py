"""An S3 server on loopback in a process of its own (moto): `python -m tests.s3_server PORT`.

In this process it would never answer delta-rs, which keeps the interpreter's lock while it waits. Requests are taken
one at a time, so that a conditional write is one step, as it is in S3.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
USER = {
    "AWS_ACCESS_KEY_ID": "test-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of a running server.

    Attributes:
        endpoint: the server's base URL.
        name: of the bucket.
        client: boto3's, to look with.
    """

    endpoint: str
    name: str
    client: Any

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to put its lake there."""
        return {**USER, "TIDEMARK_S3_ENDPOINT": self.endpoint, "TIDEMARK_LAKE": f"s3://{self.name}/lake"}

    def objects(self, prefix: str = "") -> list[str]:
        """The objects' keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@contextmanager
def running(log: Path, *more: str) -> Iterator[str]:
    """A server for the length of a `with`; its base URL."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.s3_server", str(port), *more],
            stdout=words,
            stderr=words,
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, **USER},
        )
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "no S3 server within 60 s"
            time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def main(port: int, flaw: str = "") -> None:
    """Serve.

    Args:
        port: on loopback.
        flaw: `unconditional` for a server that ignores If-None-Match, `forbidding` for one that refuses everybody.
    """
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    one_at_a_time = threading.Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if flaw == "forbidding":
            start_response("403 Forbidden", [("Content-Length", "0")])
            return []
        if flaw == "unconditional":
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with one_at_a_time:
            return list(moto(environ, start_response))

    run_simple(HOST, port, app, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
