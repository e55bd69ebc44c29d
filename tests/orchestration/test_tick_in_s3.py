"""A tick of a small universe with the lake in S3, from companies to the marts, killed on its way and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from lake import delta, postgres
from lake.clock import Clock
from lake.contracts import SECTORS, table
from lake.home import Home
from lake.settings import load_settings
from orchestration.load import LoadSummary, first_steps, run_steps
from tests.s3_server import Bucket
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).resolve().parents[2]
PER_SECTOR = 2
WORLD = {
    "TIDEMARK_NOW": "2026-11-20T20:15:00Z!",
    "TIDEMARK_UNIVERSE_PER_SECTOR": str(PER_SECTOR),
    "TIDEMARK_EDGAR_ROWS_PER_DAY": "300",
    "TIDEMARK_POSTS_PER_DAY": "60",
}
GOLD = ("gold.universe", "gold.companies", "gold.quotes", "gold.sectors", "gold.coverage")


def tick(*names: str) -> LoadSummary:
    """The steps of those names of the first load, in the home of the environment."""
    settings = load_settings()
    steps = [replace(step, tags=dict(step.tags)) for step in first_steps(settings, Clock.from_settings(settings))]
    for step in steps:
        step.tags.pop("tidemark/expectations", None)
    return run_steps(Home.open(settings), settings, [step for step in steps if step.name in names])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a small simulated world whose sandbox and PostgreSQL run."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for name, value in WORLD.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    monkeypatch.setenv("TIDEMARK_PORT_SANDBOX", str(port))
    settings = load_settings(home=tmp_path / "servers", lake=None, postgres_url=None)
    servers = Home.open(settings)
    servers.move_port("postgres")
    running = postgres.start(servers, settings)
    monkeypatch.setenv("TIDEMARK_POSTGRES_URL", postgres.owner_dsn(servers, settings))
    env = {**os.environ, "TIDEMARK_HOME": str(servers.root)}
    env.pop("TIDEMARK_LAKE", None)
    try:
        with sandbox_running(port, tmp_path / "sandbox.log", env):
            yield
    finally:
        if running is not None:
            running.stop()


def test_a_tick_in_s3_killed_and_run_again_is_the_tick_in_a_folder(
    bucket: Bucket, world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "victim"))
    script = "from tests.orchestration.test_tick_in_s3 import tick; tick('companies', 'quotes')"
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TIDEMARK_TEST_KILL_AFTER": "silver.quotes"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    victim = Home.open(load_settings())
    assert delta.count(victim, table("silver.quotes")) == PER_SECTOR * len(SECTORS)
    assert not delta.exists(victim, table("gold.quotes"))

    summary = tick("companies", "quotes", "marts")
    companies = PER_SECTOR * len(SECTORS)
    assert summary.rows["gold.quotes"] == summary.rows["gold.coverage"] == summary.rows["mart.quotes"] == companies
    assert summary.rows["mart.companies"] == companies
    with psycopg.connect(postgres.owner_dsn(victim, load_settings())) as connection:
        row = connection.execute("SELECT count(*), count(price) FROM marts.quotes").fetchone()
    assert row == (companies, companies)
    assert {key.split("/")[1] for key in bucket.objects("lake/")} >= {"bronze", "silver", "gold"}
    assert not (victim.root / "lake").exists()

    monkeypatch.delenv("TIDEMARK_LAKE")
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "undisturbed"))
    tick("companies", "quotes")
    undisturbed = Home.open(load_settings())
    for known in map(table, GOLD):
        columns = [name for name in known.columns if name not in known.provenance]
        expected, got = (delta.read(home, known).select(columns).sort(known.key) for home in (undisturbed, victim))
        assert expected.height
        assert got.equals(expected), known.id
