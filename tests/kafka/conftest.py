"""A Kafka broker and a Spark cluster, started once for the tests of this folder as docs/scale-out.md says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spark_jobs.live_kafka import KafkaUnusable, Topic
from tests.kafka.scale_out import Process, fetched_jars, free_ports, listens, run, system_java


@pytest.fixture(scope="session")
def page_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page's variables, with free ports and a folder of its own."""
    java = system_java()
    kafka, controller, master, worker, connect = free_ports(5)
    return {
        "JAVA_HOME": str(Path(java).resolve().parents[1]),
        "PATH": f"{Path(java).parent}:{os.environ['PATH']}",
        # Java's first compiler alone: these tests are over before the second one would pay for itself.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "VENV": sys.prefix,
        "JARS": str(fetched_jars()),
        "WORK": str(tmp_path_factory.mktemp("scale-out")),
        "KAFKA": str(kafka),
        "CONTROLLER": str(controller),
        "MASTER": str(master),
        "WORKER": str(worker),
        "CONNECT": str(connect),
    }


@dataclass(frozen=True)
class Broker:
    """A Kafka broker on loopback, which can be killed and started again on the same data."""

    servers: str
    process: Process


@pytest.fixture(scope="session")
def broker(page_env: dict[str, str]) -> Iterator[Broker]:
    """A broker with nothing in it."""
    servers = f"127.0.0.1:{page_env['KAFKA']}"
    run("broker's storage", page_env)

    def answers() -> bool:
        if not listens(int(page_env["KAFKA"])):
            return False
        try:
            Topic(servers, "any").partitions()
        except KafkaUnusable:
            return False
        return True

    process = Process("broker", page_env, Path(page_env["WORK"], "broker.log"), answers).start()
    try:
        yield Broker(servers, process)
    finally:
        process.stop()


@pytest.fixture(scope="session")
def cluster(page_env: dict[str, str]) -> Iterator[str]:
    """A standalone master with a worker, and a Connect server on them; its Spark Connect address."""
    started: list[Process] = []
    try:
        for name, port in (("master", "MASTER"), ("worker", "WORKER"), ("connect server", "CONNECT")):
            log = Path(page_env["WORK"], f"{name.replace(' ', '-')}.log")
            there = int(page_env[port])
            started.append(Process(name, page_env, log, lambda there=there: listens(there)).start())
        yield f"sc://127.0.0.1:{page_env['CONNECT']}"
    finally:
        for process in reversed(started):
            process.stop()
