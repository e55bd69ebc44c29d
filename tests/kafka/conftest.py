"""A real day in a home with PostgreSQL, a Kafka broker and a Spark cluster, started as docs/scale-out.md says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.home import Home
from lake.settings import Settings, load_settings
from spark_jobs.edgar import Day, run_day
from spark_jobs.engine import connected, engine
from spark_jobs.kafka_topic import KafkaUnusable, Topic
from tests.kafka.scale_out import ROOT, Process, fetched_jars, free_ports, listens, run, system_java
from tests.live_stream import Live, serving

DAY = date(2017, 1, 1)
LOG = Path("data", "edgar_logs", "log20170101_subset_cs320.zip")


@pytest.fixture(scope="package")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page's names, with free ports and folders of the tests' own."""
    java = system_java()
    kafka, controller, login, master, worker, connect = free_ports(6)
    return {
        "JAVA_HOME": str(Path(java).resolve().parents[1]),
        "PATH": f"{Path(java).parent}:{os.environ['PATH']}",
        # Java's first compiler alone: these tests are over before the second one would pay for itself.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "VENV": sys.prefix,
        "PYTHONPATH": str(ROOT),
        "JARS": str(fetched_jars()),
        "WORK": str(tmp_path_factory.mktemp("scale-out")),
        "KAFKA_PORT": str(kafka),
        "CONTROLLER_PORT": str(controller),
        "LOGIN_PORT": str(login),
        "KAFKA_PASSWORD": "let-me-in-please",
        "MASTER_PORT": str(master),
        "WORKER_PORT": str(worker),
        "CONNECT_PORT": str(connect),
    }


@dataclass(frozen=True)
class Broker:
    """A Kafka broker on loopback, which can be killed and started again on the same data."""

    servers: str
    process: Process


@pytest.fixture(scope="package")
def broker(names: dict[str, str]) -> Iterator[Broker]:
    """A broker with nothing in it."""
    servers = f"127.0.0.1:{names['KAFKA_PORT']}"
    run("broker's storage", names)
    run("broker's logins", names)

    def answers() -> bool:
        if not listens(int(names["KAFKA_PORT"])):
            return False
        try:
            Topic(servers, "any").partitions()
        except KafkaUnusable:
            return False
        return True

    process = Process("broker", names, Path(names["WORK"], "broker.log"), answers).start()
    try:
        yield Broker(servers, process)
    finally:
        process.stop()


@pytest.fixture(scope="package")
def live(names: dict[str, str], shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real home whose lake has a real day, counted by Sail, and a running PostgreSQL."""
    home, settings = new_home(tmp_path_factory.mktemp("live") / "home")
    home.move_port("postgres")
    with engine("sail", home.logs) as remote, connected(remote) as spark:
        run_day(spark, home, Day(shared / LOG, DAY, "0" * 64, datetime.now(UTC)), "batch")
    with serving(home, settings) as live:
        yield live


def new_home(root: Path) -> tuple[Home, Settings]:
    """A home of real files."""
    settings = load_settings(home=root, world="real", postgres_url=None)
    return Home.open(settings), settings


@pytest.fixture(scope="package")
def cluster(names: dict[str, str], live: Live) -> Iterator[str]:
    """A standalone master with a worker, and a Connect server on them; its Spark Connect address."""
    started: list[Process] = []
    env = {**names, "POSTGRES": live.dsn}
    try:
        for name, port in (("master", "MASTER_PORT"), ("worker", "WORKER_PORT"), ("connect server", "CONNECT_PORT")):
            log = Path(names["WORK"], f"{name.replace(' ', '-')}.log")
            there = int(names[port])
            started.append(Process(name, env, log, lambda there=there: listens(there)))
            started[-1].start()
        yield f"sc://127.0.0.1:{names['CONNECT_PORT']}"
    finally:
        for process in reversed(started):
            process.stop()
