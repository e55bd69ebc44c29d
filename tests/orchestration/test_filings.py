"""Indices of filings from the sandbox to gold: asked for once a week, replaced by quarter, kept beside a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from orchestration.steps import filings
from orchestration.work import Work
from tests.sandbox_process import free_port, sandbox_running

DAY = date(2026, 5, 20)


def test_indices_become_the_forms_of_filings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    world = {"HOME": str(tmp_path / "home"), "NOW": "2026-05-21T12:00:00Z!", "UNIVERSE_PER_SECTOR": "3"}
    for name, value in (world | {"PORT_SANDBOX": str(port)}).items():
        monkeypatch.setenv(f"TIDEMARK_{name}", value)
    with sandbox_running(port, tmp_path / "sandbox.log"):
        settings = load_settings()
        home = Home.open(settings)
        work = Work(home, settings, "run", DAY, DAY)
        assert filings.land_index(work).written.rows == 3
        first = filings.settle_index(work)
        assert first.account is not None
        assert first.account.rows_in == first.account.rows_out + first.account.duplicates > 40_000
        again = filings.land_index(replace(work, run_id="later", first=DAY, last=DAY + timedelta(days=6)))
        assert again.written.rows == 0
    index, gold = table("silver.filing_index"), table("gold.filings")
    assert sorted(delta.read(home, index)["quarter"].unique()) == ["2025Q4", "2026Q1", "2026Q2"]
    assert filings.gold_filings(work).problem is None
    rows = delta.read(home, gold)
    gold.schema.validate(rows)
    assert rows.height == delta.read(home, index)["accession"].n_unique() > 40_000
    bodies = table("bronze.edgar_index")
    # Read again for its own day, a quarter stays as the newest of its indices has it, whatever day that was asked for.
    renewed = (
        delta.read(home, bodies)
        .filter(pl.col("request") == "filings?quarter=2026Q2")
        .with_columns(
            pl.col("session") + timedelta(days=7),
            pl.col("_ingested_at") + timedelta(days=7),
            _payload_sha256=pl.lit("d" * 64),
        )
    )
    delta.append(home, bodies, renewed)
    filings.settle_index(work)
    by_quarter = delta.read(home, index).group_by("quarter").agg(pl.col("_payload_sha256").unique())
    assert dict(by_quarter.iter_rows())["2026Q2"] == ["d" * 64]
    half = (
        delta.read(home, bodies)
        .filter(pl.col("request") == "filings?quarter=2026Q1")
        .with_columns(
            pl.col("body").bin.slice(0, 4_000),
            pl.col("session") + timedelta(days=1),
            pl.col("_ingested_at") + timedelta(days=1),
            _payload_sha256=pl.lit("c" * 64),
        )
    )
    delta.append(home, bodies, half)
    refused = filings.settle_index(replace(work, first=DAY + timedelta(days=1), last=DAY + timedelta(days=1)))
    assert refused.account is not None
    assert refused.account.quarantined == 1
    assert delta.count(home, index) == first.account.rows_out
    assert delta.read_quarantine(home, index)["rules"].to_list() == ["unexpected_shape"]


def test_a_quarter_asked_for_before_it_ended_is_asked_for_once_more_after_it(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", world="simulated", now="2027-01-05T12:00:00Z!")
    home = Home.open(settings)
    known = table(filings.INDEX)

    def received(day: date, *quarters: str) -> None:
        rows = [
            {
                "session": day,
                "request": f"filings?quarter={quarter}",
                "body": b"",
                "_http_status": 200,
                "_ingested_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                "_payload_sha256": "a" * 64,
                "_run_id": "run",
            }
            for quarter in quarters
        ]
        delta.append(home, known, pl.DataFrame(rows, schema=known.schema.create_empty().schema))

    def wanted(day: date) -> list[str]:
        work = Work(home, settings, "run", day, day)
        return [quarter for quarter in filings._quarters(day) if not filings._held(work, quarter)]

    received(date(2026, 12, 28), "2025Q4", "2026Q1", "2026Q2", "2026Q3", "2026Q4")
    assert wanted(date(2026, 12, 31)) == []
    assert wanted(date(2027, 1, 4)) == ["2026Q4", "2027Q1"]
    received(date(2027, 1, 4), "2026Q4", "2027Q1")
    assert wanted(date(2027, 1, 5)) == []
