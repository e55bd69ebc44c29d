"""The home: the one folder that holds all state, which world it is, its ports and its secrets."""

from __future__ import annotations

import json
import os
import secrets
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.s3_connection import Connection
    from lake.settings import Settings, World
    from lake.storage import Lake

# Wished for first; a home keeps what it got. Below 32768, where systems begin to give ports to outgoing connections.
DEFAULT_PORTS = {
    "postgres": 15432,
    "sandbox": 8480,
    "spark": 15020,
    "mlflow": 5080,
    "code": 4080,
    "dagster": 3080,
    "chat": 8080,
}


class HomeError(RuntimeError):
    """The home cannot be used as asked; the text says what to do."""


@dataclass(frozen=True)
class Home:
    """A home that exists, with its world and the place of its lake decided."""

    root: Path
    world: World
    lake: Lake

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        make_world: World = "simulated",
        create: bool = True,
        connection: Connection | None = None,
    ) -> Home:
        """Open the home of the settings; an empty folder becomes a home of `settings.world` or `make_world`.

        A lake in S3 is asked when the home is made, not when it is opened again: see `Lake.claim`.

        Args:
            settings: where it is, which world, where its lake is.
            make_world: of a home that is made.
            create: whether it may be made.
            connection: how S3 is reached; by default as the settings say.

        Raises:
            HomeError: when it does not exist and may not be made, is of the other world, or has its lake elsewhere.
            lake.storage.LakeError: when it is made and its lake cannot be used; nothing is made then.
        """
        from lake.storage import lake_of

        root = settings.home.expanduser().resolve()
        mark = root / "home.json"
        if not mark.exists():
            if not create:
                raise HomeError(f"no home at {root}: `tidemark up` makes a simulated one, `tidemark import` a real one")
            home = cls(root, settings.world or make_world, lake_of(root, settings.lake, settings, connection))
            home.lake.claim(home.world)
            for folder in ("logs", "landing", "mlflow", "dagster", "run"):
                (root / folder).mkdir(parents=True, exist_ok=True)
            # A home of which nothing is said has its lake in its own folder.
            elsewhere = {"lake": home.lake.setting} if home.lake.setting is not None else {}
            _write(mark, {"world": home.world, "format": 1, **elsewhere})
            return home
        kept = json.loads(mark.read_text())
        world: World = kept["world"]
        if settings.world is not None and settings.world != world:
            raise HomeError(
                f"the home at {root} is {world}, and TIDEMARK_WORLD={settings.world} was asked for: "
                f"one home holds one world; set TIDEMARK_HOME to another folder"
            )
        address: str | None = kept.get("lake")
        if settings.lake is not None and settings.lake != address:
            raise HomeError(
                f"the lake of the home at {root} is {address or root / 'lake'}, and TIDEMARK_LAKE={settings.lake} was "
                f"asked for: set TIDEMARK_HOME to another folder, or move the lake as docs/s3.md says"
            )
        return cls(root, world, lake_of(root, address, settings, connection))

    @property
    def simulated(self) -> bool:
        """Whether everything in it comes from the sandbox."""
        return self.world == "simulated"

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.root / "logs"

    @property
    def pg(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "pg"

    @property
    def landing(self) -> Path:
        """Where crawls and imports put down what is not yet in bronze."""
        return self.root / "landing"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages on the staging tables."""
        return self.root / "data_docs"

    @property
    def mlflow(self) -> Path:
        """MLflow's artifacts."""
        return self.root / "mlflow"

    @property
    def dagster(self) -> Path:
        """Dagster's instance folder."""
        return self.root / "dagster"

    @property
    def run(self) -> Path:
        """Who is running: pids and the lock."""
        return self.root / "run"

    def port(self, name: str) -> int:
        """The port of a service: `TIDEMARK_PORT_<NAME>`, else the one this home got, else a free one, then kept."""
        if given := os.environ.get(f"TIDEMARK_PORT_{name.upper()}"):
            return _given_port(name, given)
        with self._locked("ports.json") as ports:
            if name not in ports:
                ports[name] = _free_port(DEFAULT_PORTS.get(name, 0), set(ports.values()))
            return int(ports[name])

    def move_port(self, name: str) -> int:
        """Choose another port for a service whose port somebody else has taken."""
        with self._locked("ports.json") as ports:
            ports[name] = _free_port(0, set(ports.values()))
            return int(ports[name])

    def secret(self, name: str) -> str:
        """A random secret of this home, made once and kept readable by its owner alone."""
        with self._locked("secrets.json") as kept:
            if name not in kept:
                kept[name] = secrets.token_urlsafe(24)
            return str(kept[name])

    @contextmanager
    def _locked(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.root / name
        fd = os.open(self.root / f".{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            flock(fd, LOCK_EX)
            before = json.loads(path.read_text()) if path.exists() else {}
            after = dict(before)
            yield after
            if after != before:
                _write(path, after, mode=0o600)
        finally:
            os.close(fd)


def _write(path: Path, value: object, mode: int = 0o644) -> None:
    """Write a small JSON file so that a kill leaves the old one or the new one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    fd = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    with os.fdopen(fd, "w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _given_port(name: str, text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise HomeError(f"TIDEMARK_PORT_{name.upper()}={text!r}: a port is a number from 1 to 65535")
    return int(text)


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port(wish: int, taken: set[int]) -> int:
    for port in range(wish, wish + 20) if wish else ():
        if port not in taken and is_free(port):
            return port
    for _ in range(1000):
        port = 20_000 + secrets.randbelow(12_000)
        if port not in taken and is_free(port):
            return port
    raise HomeError("no free port between 20000 and 32000")
