"""Ticks taken by processes of their own, which may be killed, in a home whose sandbox and PostgreSQL go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import psycopg

from lake import delta, postgres
from lake.contracts import of_layer
from orchestration.work import Work
from tests.sessions import NOW, ROOT, session_at_work, take_universe

PER_SECTOR = 1


@dataclass(frozen=True)
class Ticks:
    """A home in which ticks can be taken."""

    work: Work

    def start(self, *ticks: datetime, kill_after: str | None = None) -> subprocess.Popen[str]:
        """Begin to take ticks in a process; see `tests.tick_worker`."""
        foreign = ("TIDEMARK_", "DAGSTER", "MLFLOW", "SPARK_REMOTE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        settings = self.work.settings
        env |= {
            "TIDEMARK_HOME": str(self.work.home.root),
            "TIDEMARK_NOW": NOW,
            "TIDEMARK_UNIVERSE_PER_SECTOR": str(settings.universe_per_sector),
            "TIDEMARK_SHARDS_PER_SECTOR": "1",
            "DAGSTER_DISABLE_TELEMETRY": "true",
        }
        wish = ["--kill-after", kill_after] if kill_after else []
        return subprocess.Popen(
            [sys.executable, "-m", "tests.tick_worker", *wish, *(tick.isoformat() for tick in ticks)],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def take(self, *ticks: datetime) -> None:
        """Take ticks to their end."""
        process = self.start(*ticks)
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0, out


@contextmanager
def ticks_at_work(folder: Path, per_sector: int = PER_SECTOR) -> Iterator[Ticks]:
    """A home with a session's universe, its sandbox and its PostgreSQL."""
    with session_at_work(folder, per_sector) as work:
        work.home.move_port("postgres")
        running = postgres.start(work.home, work.settings)
        try:
            take_universe(work)
            yield Ticks(work)
        finally:
            if running is not None:
                running.stop()


def content_of(ticks: Ticks) -> dict[str, pl.DataFrame]:
    """Every table of gold and every mart, sorted by key, without what two equal runs may differ in.

    The inventory is left out: it counts bronze too, which keeps what a killed run had received.
    """
    home, found = ticks.work.home, {}
    with psycopg.connect(postgres.owner_dsn(home, ticks.work.settings)) as connection:
        for known in (*of_layer("gold"), *of_layer("mart")):
            if known.name == "loads":
                continue
            columns = [name for name in known.columns if name not in known.provenance]
            if known.layer == "gold":
                frame = delta.read(home, known)
            else:
                query = f"SELECT * FROM marts.{known.name}"
                frame = pl.read_database(query, connection, infer_schema_length=None)
            found[f"{known.layer}.{known.name}"] = frame.select(columns).sort(known.key)
    return found
