"""Which services a home has, what each needs, and where they are found. How they are run is the supervisor's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from lake import postgres
from lake.home import DEFAULT_PORTS, HomeError, is_free
from orchestration import dagster_home
from orchestration.probes import answers, listens
from orchestration.supervisor import Service, ServiceError

if TYPE_CHECKING:
    from lake.clock import Clock
    from lake.home import Home
    from lake.settings import Settings

# What the first load works with; the rest may come up meanwhile.
LOAD_NEEDS = ("postgres", "sandbox", "sail", "mlflow")
IMPORT_NEEDS = ("postgres", "sail", "mlflow")
# The service behind each of the home's ports.
SERVICE_OF_PORT = {"spark": "sail", "code": "dagster-code", "dagster": "dagster-webserver"}
TITLES = {
    "chat": "questions, tables, charts",
    "dagster-webserver": "assets, runs, checks (Dagster)",
    "mlflow": "models and their runs (MLflow)",
    "sandbox": "replica of the sources",
    "postgres": "marts, for any SQL client",
    "sail": "Spark Connect",
}

# Pages of the chat's server that have an address of their own: path and what is there.
PAGES = {
    "attention": ("/attention", "visits to EDGAR, live and by day"),
    "data health": ("/data-health", "ticks, gaps, freshness, quarantine"),
    "data docs": ("/data-docs/", "staging tables held against their contracts"),
}


@dataclass(frozen=True)
class Place:
    """What a service is made from: its home, the settings, and the environment of all services."""

    home: Home
    settings: Settings
    env: Mapping[str, str]


def settle_ports(home: Home, names: tuple[str, ...]) -> list[str]:
    """Give each service a port that is free now; the home keeps it.

    Returns:
        A sentence for each port that differs from the usual one.

    Raises:
        HomeError: when a port given by `TIDEMARK_PORT_<NAME>` is taken.
    """
    notes = []
    for name in names:
        port = home.port(name)
        if not is_free(port):
            if os.environ.get(f"TIDEMARK_PORT_{name.upper()}"):
                raise HomeError(f"TIDEMARK_PORT_{name.upper()}={port}: the port is taken; name another, or none")
            moved = home.move_port(name)
            notes.append(f"{SERVICE_OF_PORT.get(name, name)}: port {port} is taken, using {moved}")
        elif port != DEFAULT_PORTS[name] and not os.environ.get(f"TIDEMARK_PORT_{name.upper()}"):
            service = SERVICE_OF_PORT.get(name, name)
            notes.append(f"{service}: this home has port {port} instead of {DEFAULT_PORTS[name]}")
    return notes


def environment(home: Home, settings: Settings, clock: Clock) -> dict[str, str]:
    """The environment of every service: the same home, the same clock, bytecode kept."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {
        "TIDEMARK_HOME": str(home.root),
        "PYTHONUNBUFFERED": "1",
        "PYSPARK_PYTHON": sys.executable,
        # Threads share two heaps: with one each, much of what is freed stays with the process.
        "MALLOC_ARENA_MAX": "2",
        "DAGSTER_HOME": str(home.dagster),
        # A year of sessions in one run is a thousand events: written together, not one by one.
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        dagster_home.DSN: postgres.owner_dsn(home, settings, "dagster"),
        "MLFLOW_TRACKING_URI": f"http://{reach(settings)}:{home.port('mlflow')}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    if home.lake.setting is not None:
        env["TIDEMARK_LAKE"] = home.lake.setting
    # One clock for all: it runs on from where it was when this start began.
    if now := clock.setting():
        env["TIDEMARK_NOW"] = now
    return env


def build(
    home: Home, settings: Settings, env: Mapping[str, str], names: tuple[str, ...] | None = None
) -> list[Service]:
    """The services of a home, or those named.

    The live stream's job is among them where `TIDEMARK_STREAM=on` says so, or where it is named. In a real home there is no sandbox; with `TIDEMARK_POSTGRES_URL` no bundled PostgreSQL; with a Spark cluster's
    address no embedded engine.
    """
    makers = {
        "postgres": _postgres,
        "sandbox": _sandbox,
        "sail": _sail,
        "mlflow": _mlflow,
        "chat": _chat,
        "stream": _stream,
        "dagster-code": _code_server,
        "dagster-webserver": _webserver,
        "dagster-daemon": _daemon,
    }
    absent = {
        "postgres": settings.postgres_url is not None,
        "sandbox": not home.simulated,
        "sail": settings.spark_remote is not None,
        "stream": names is None and settings.stream == "off",
    }
    wanted = [name for name in makers if (names is None or name in names) and not absent.get(name, False)]
    place = Place(home, settings, env)
    return [makers[name](place) for name in wanted]


def prepare_own_server(home: Home, settings: Settings) -> None:
    """Make databases, schemas and roles on the server that `TIDEMARK_POSTGRES_URL` names, if it names one.

    Raises:
        PostgresError: when it does not answer or refuses.
    """
    if settings.postgres_url is None:
        return
    try:
        postgres.ensure_roles(home, settings)
    except psycopg.Error as error:
        raise postgres.PostgresError(f"the server of TIDEMARK_POSTGRES_URL: {error}") from error


def ports_of(home: Home, settings: Settings) -> tuple[str, ...]:
    """The names of the ports that this home's services listen on."""
    absent = {
        "postgres": settings.postgres_url is not None,
        "sandbox": not home.simulated,
        "spark": settings.spark_remote is not None,
    }
    return tuple(name for name in DEFAULT_PORTS if not absent.get(name, False))


def reach(settings: Settings) -> str:
    """The address under which this machine reaches what binds to `TIDEMARK_HOST`."""
    return "127.0.0.1" if settings.host in ("0.0.0.0", "127.0.0.1") else settings.host  # noqa: S104 - compared only


def _python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _postgres(at: Place) -> Service:
    port = at.home.port("postgres")

    def ready() -> bool:
        try:
            psycopg.connect(postgres.owner_dsn(at.home, at.settings, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare_roles() -> None:
        try:
            postgres.ensure_roles(at.home, at.settings)
        except psycopg.Error as error:
            raise ServiceError(f"postgres: its roles cannot be made: {error}") from error

    return Service(
        name="postgres",
        command=postgres.Cluster.of(at.home).server_command(),
        env=at.env,
        ready=ready,
        before=lambda: postgres.prepare(at.home),
        after=prepare_roles,
        # Smart shutdown, by SIGTERM, would wait for every client.
        stop_signal=signal.SIGINT,
        grace=20,
        cwd=Path("/"),
        address=f"postgresql://{postgres.READER}@127.0.0.1:{port}/{postgres.DATABASE}",
    )


def _sandbox(at: Place) -> Service:
    port = at.home.port("sandbox")
    return Service(
        name="sandbox",
        command=_python("scrapers.sandbox", "--host", "127.0.0.1", "--port", str(port)),
        env=at.env,
        ready=answers(port, "/healthz"),
        address=f"http://127.0.0.1:{port}",
    )


def _sail(at: Place) -> Service:
    from spark_jobs.engine import sail_argv, sail_environment

    port = at.home.port("spark")
    return Service(
        name="sail",
        command=sail_argv(port),
        env=sail_environment(at.env),
        ready=listens(port),
        address=f"sc://127.0.0.1:{port}",
    )


def _mlflow(at: Place) -> Service:
    port = at.home.port("mlflow")
    own = {
        "MLFLOW_BACKEND_STORE_URI": postgres.owner_dsn(at.home, at.settings, "mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(at.home.mlflow),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Service(
        name="mlflow",
        command=_python("orchestration.mlflow_server", "--host", at.settings.host, "--port", str(port)),
        env={key: value for key, value in at.env.items() if key != "MLFLOW_TRACKING_URI"} | own,
        ready=answers(port, "/health", reach(at.settings)),
        needs=("postgres",),
        start_seconds=180,
        address=f"http://{reach(at.settings)}:{port}",
    )


def _chat(at: Place) -> Service:
    port = at.home.port("chat")
    return Service(
        name="chat",
        command=_python("chat_api", "--host", at.settings.host, "--port", str(port)),
        env=at.env,
        ready=answers(port, "/healthz", reach(at.settings)),
        needs=("postgres",),
        address=f"http://{reach(at.settings)}:{port}",
    )


def _stream(at: Place) -> Service:
    from spark_jobs.live_job import running_kind

    return Service(
        name="stream",
        command=_python("spark_jobs.live_job"),
        env=at.env,
        ready=lambda: running_kind(at.home) is not None,
        needs=("postgres",),
        # Its engine is a Java of its own, which takes long to come up on a busy machine.
        start_seconds=240,
        grace=30,
    )


def _code_server(at: Place) -> Service:
    port = at.home.port("code")
    where = ("--host", "127.0.0.1", "--port", str(port), "--location-name", "tidemark")
    return Service(
        name="dagster-code",
        command=_python("dagster", "api", "grpc", "-m", "orchestration.code_location", *where),
        env=at.env,
        ready=listens(port),
        needs=("postgres",),
        before=lambda: dagster_home.write(at.home, port),
        start_seconds=180,
    )


def _webserver(at: Place) -> Service:
    port = at.home.port("dagster")
    place = ("-h", at.settings.host, "-p", str(port), "-w", str(at.home.dagster / "workspace.yaml"))
    return Service(
        name="dagster-webserver",
        command=_python("dagster_webserver", *place, "--suppress-warnings"),
        env=at.env,
        ready=answers(port, "/server_info", reach(at.settings)),
        needs=("postgres", "dagster-code"),
        start_seconds=180,
        address=f"http://{reach(at.settings)}:{port}",
    )


def _daemon(at: Place) -> Service:
    began = time.time()
    dsn = postgres.owner_dsn(at.home, at.settings, "dagster")

    def beats() -> bool:
        try:
            with psycopg.connect(dsn, connect_timeout=5) as connection:
                row = connection.execute("SELECT extract(epoch FROM max(timestamp)) FROM daemon_heartbeats").fetchone()
        except psycopg.Error:
            return False
        return row is not None and row[0] is not None and float(row[0]) > began

    def settle() -> None:
        subprocess.run(_python("orchestration.orphans"), env=dict(at.env), check=True, capture_output=True, text=True)  # noqa: S603 - our own module

    return Service(
        name="dagster-daemon",
        command=_python("dagster._daemon", "run", "-w", str(at.home.dagster / "workspace.yaml")),
        env=at.env,
        ready=beats,
        needs=("postgres", "dagster-code"),
        before=settle,
        start_seconds=180,
    )
