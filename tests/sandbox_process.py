"""The sandbox in a process of its own, for tests that ask it over a socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sandbox_running(port: int, log: Path, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """A sandbox that answers on a port while the block runs.

    Args:
        port: on loopback.
        log: what it writes.
        env: its environment; that of this process by default.
    """
    command = [sys.executable, "-m", "scrapers.sandbox", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ if env is None else env), stdout=output, stderr=output
        )
        try:
            _wait_until_up(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the sandbox is not up: {log.read_text()}")
