"""Training against an MLflow server that serves the artifacts itself, as a running system has it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from polars.testing import assert_frame_equal

from ml.predict import predict
from ml.train import train


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}", "--serve-artifacts"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = tmp_path / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def test_the_champion_forecasts_from_the_servers_copy(market, as_of, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bars = market(8, 200)
    report = train(bars, tracking_uri=server, dataset_version=3, as_of=as_of, run_id="run-1")
    assert (report.model_version, report.role) == ("1", "champion")
    assert list((tmp_path / "artifacts").rglob("actual_against_predicted.png"))
    assert list((tmp_path / "artifacts").rglob("MLmodel"))
    again = train(bars, tracking_uri=server, dataset_version=4, as_of=as_of, run_id="run-1")
    assert again.reused
    made = predict(bars, tracking_uri=server, as_of=as_of, run_id="run-1")
    assert_frame_equal(made, report.forecasts)
