"""Engines: on loopback alone, gone with their starter, and plain about a failure."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

from spark_jobs import engine as engines
from spark_jobs.engine import EngineError, connected, engine, free_port, sail_argv, spark_argv, start, stop


def test_sail_answers_while_the_block_runs_and_is_gone_after(tmp_path: Path) -> None:
    with engine("sail", tmp_path) as remote:
        port = int(remote.rsplit(":", 1)[1])
        with connected(remote) as spark:
            assert spark.range(3).count() == 3
        listening = [c.laddr.ip for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
    assert not [c for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN"]


def test_apache_spark_listens_on_loopback_alone(apache_remote: str, apache: SparkSession) -> None:
    port = int(apache_remote.rsplit(":", 1)[1])
    (listener,) = {c.pid for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN"}
    java = psutil.Process(listener)
    assert java.name() == "java"
    listening = {c.laddr.ip for c in java.net_connections("tcp") if c.status == "LISTEN"}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert apache.range(2).count() == 2


def test_an_engine_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from spark_jobs.engine import start, free_port\n"
        f"print(start('sail', free_port(), Path({str(tmp_path)!r})).process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    guard = psutil.Process(int(starter.stdout.readline()))
    everyone = [guard, *guard.children(recursive=True)]
    assert len(everyone) == 2
    starter.kill()
    starter.wait()
    _, alive = psutil.wait_procs(everyone, timeout=15)
    assert alive == []


def test_an_engine_started_in_a_thread_outlives_the_thread(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start, "sail", free_port(), tmp_path).result()
    try:
        time.sleep(0.2)
        with connected(running.remote) as spark:
            assert spark.range(1).count() == 1
    finally:
        stop(running)
    assert running.process.returncode is not None


def test_an_engine_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "sail_argv", lambda port: [sys.executable, "-c", "raise SystemExit('no luck today')"])
    with pytest.raises(EngineError, match="no luck today"):
        start("sail", free_port(), tmp_path)


def test_a_supervisor_gets_the_same_command_lines() -> None:
    assert sail_argv(15)[-2:] == ["--port", "15"]
    argv = spark_argv(15, "3g", {"spark.sql.ansi.enabled": "true"})
    assert {"-Xmx3g", "-Dspark.connect.grpc.binding.address=127.0.0.1", "-Dspark.ui.enabled=false"} <= set(argv)
    assert "-Dspark.sql.ansi.enabled=true" in argv
    assert argv[argv.index("-cp") + 1].count(":") == 0
