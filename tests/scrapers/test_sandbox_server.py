"""The sandbox as a process: it starts, serves by the clock it was given, and says what setting is wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1)"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    return inherited | {"TIDEMARK_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)} | settings


def _start(tmp_path: Path, port: int, **settings: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scrapers.sandbox", "--port", str(port)]
    return subprocess.Popen(command, env=_environment(tmp_path, **settings), cwd=tmp_path, stderr=subprocess.PIPE)


def _health(process: subprocess.Popen[bytes], port: int) -> dict[str, object]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None
        try:
            found: dict[str, object] = httpx.get(f"http://127.0.0.1:{port}/healthz").json()
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return found
    pytest.fail("the sandbox did not answer within a minute")


def test_two_processes_serve_the_same_world_by_the_same_clock(tmp_path: Path) -> None:
    ports = [_free_port(), _free_port()]
    now = "2026-11-20T17:45:30+00:00"
    processes = [_start(tmp_path, port, TIDEMARK_NOW=f"{now}!", TIDEMARK_UNIVERSE_PER_SECTOR="15") for port in ports]
    try:
        for process, port in zip(processes, ports, strict=True):
            health = _health(process, port)
            assert health["now"] == now
            assert health["companies_per_sector"] == 15
        chart = "/query2/v8/finance/chart/AAPL?period1=1794000000&period2=1795300000&interval=1d"
        bodies = {httpx.get(f"http://127.0.0.1:{port}{chart}", headers={"user-agent": AGENT}).content for port in ports}
        assert len(bodies) == 1
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)
            if process.stderr:
                process.stderr.close()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrapers.sandbox", "--port", "1"],
        env=_environment(tmp_path, TIDEMARK_POSTS_PER_DAY="none"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "TIDEMARK_POSTS_PER_DAY='none'" in done.stderr
