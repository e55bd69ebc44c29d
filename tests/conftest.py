"""What every floor's tests share: the material's folder, a fresh home, and the closing line on skips."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings
    from tests.s3_server import Bucket

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TIDEMARK_SHARED", ROOT.parent / "shared")).resolve()


def pytest_sessionstart() -> None:
    """Thousands of modules and tests are about to be collected; see `lake.imports`."""
    gc.disable()
    # What a shell starts in the background ignores Ctrl-C; Dagster makes SIGTERM the same as that, and every command
    # that a test starts and asks to end would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """They stay: the garbage collector need not walk them again and again."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Native libraries tell of what is left at the process's end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and questions; a test that needs it skips where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no material at {SHARED}: set TIDEMARK_SHARED")
    return SHARED


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL in a home of its own, with the schemas and roles of a real one and no tables."""

    home: Home
    settings: Settings
    owner_dsn: str = field(repr=False)
    reader_dsn: str = field(repr=False)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded PostgreSQL for the session; tests that change its tables clean up or use tables of their own."""
    from lake import postgres as server
    from lake.home import Home
    from lake.settings import load_settings

    settings = load_settings(home=tmp_path_factory.mktemp("postgres") / "home", postgres_url=None)
    home = Home.open(settings)
    home.move_port("postgres")
    running = server.start(home, settings)
    try:
        yield Server(home, settings, server.owner_dsn(home, settings), server.reader_dsn(home, settings))
    finally:
        if running is not None:
            running.stop()


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One S3 server for the session."""
    from tests import s3_server

    with s3_server.running(tmp_path_factory.mktemp("s3") / "server.log") as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket of its own, and the settings of the environment that put a new home's lake there."""
    import boto3

    from tests import s3_server

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.USER.items():
        monkeypatch.setenv(name, value)
    name = f"test-{uuid.uuid4().hex}"
    client = boto3.session.Session().client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=name)
    found = s3_server.Bucket(s3_endpoint, name, client)
    for setting, value in found.env.items():
        monkeypatch.setenv(setting, value)
    return found


# Each of these starts what there should be one of on a machine: the whole system on its usual ports, a cluster.
TOGETHER = ("e2e", "kafka")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes run the tests, a file's tests stay together, and so do those of some folders."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return ByFile(config, log)


def scope_of(nodeid: str) -> str:
    """What of a test is run by one process: its file, or the folder that it is in."""
    path = PurePosixPath(nodeid.split("::", 1)[0])
    return path.parent.name if path.parent.name in TOGETHER else str(path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One closing line says how many tests skipped for want of the material."""
    skipped = terminalreporter.stats.get("skipped", [])
    absent = sum("TIDEMARK_SHARED" in str(report.longrepr) for report in skipped)
    terminalreporter.write_line(f"skipped: {len(skipped)} in all, {absent} because the shared material is absent")
