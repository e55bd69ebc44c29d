"""Staging is not loaded anew for files that were only joined, and is for rows that changed meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest

from lake import delta, postgres
from lake.contracts import table
from lake.delta import Slice
from orchestration.steps import maintenance, publish
from orchestration.work import Work
from tests.conftest import Server

SECTORS = table("gold.sectors")
DAY = date(2026, 11, 20)


@pytest.fixture
def work(postgres: Server) -> Work:
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS staging CASCADE")
    return Work(postgres.home, postgres.settings, "run", DAY, DAY)


def put(work: Work, hour: int, change: float) -> None:
    tick = datetime(2026, 11, 20, hour, tzinfo=UTC)
    row = {
        "tick": tick,
        "session": DAY,
        "sector": "Energy",
        "companies": 1,
        "advancers": 1,
        "decliners": 0,
        "change_avg_pct": change,
        "observed_at": tick,
        "_run_id": "run",
    }
    kinds = SECTORS.schema.create_empty().schema
    frame = pl.DataFrame([{name: row.get(name) for name in kinds}], schema=kinds)
    delta.replace_slice(work.home, SECTORS, frame, Slice({"session": DAY, "tick": tick}))


def staged(work: Work) -> dict[str, int]:
    return publish.stage(work, postgres.owner_dsn(work.home, work.settings)).loaded


def test_joined_files_are_not_loaded_again_and_changed_ones_are(work: Work) -> None:
    for hour in (15, 16, 17, 18):
        put(work, hour, 1.0)
    assert staged(work)["gold.sectors"] == 4
    night = maintenance.maintain(replace(work, run_id="night"), [SECTORS])[0]
    assert (night.files_before, night.files_after) == (4, 1)
    assert staged(work) == {}
    put(work, 19, 2.0)
    maintenance.maintain(replace(work, run_id="night"), [SECTORS])
    assert staged(work) == {"gold.sectors": 5}, "what staging never had is loaded, joined or not"


def test_raw_files_outlive_every_night(work: Work, tmp_path: Path) -> None:
    known, old = table("bronze.files"), time.time() - 30 * 86_400
    delta.ensure(work.home, known)
    brought = tmp_path / "brought.zip"
    brought.write_bytes(b"as it came")
    work.home.lake.keep(brought, "edgar_log_v1/abc.zip")
    for kept in Path(work.home.lake.uri).rglob("*.zip"):
        os.utime(kept, (old, old))
    (night,) = maintenance.maintain(replace(work, run_id="night"), [known])
    assert night.table == known.id
    with work.home.lake.local("edgar_log_v1/abc.zip") as path:
        assert path.read_bytes() == b"as it came"
