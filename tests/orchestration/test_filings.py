"""Indices of filings from the sandbox to gold: asked for once a week, replaced by quarter, kept beside a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
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
        assert filings.land_index(work).written.rows == 2
        first = filings.settle_index(work)
        assert first.account is not None
        assert first.account.rows_in == first.account.rows_out > 40_000
        again = filings.land_index(replace(work, run_id="later", first=DAY, last=DAY + timedelta(days=6)))
        assert again.written.rows == 0
    index, gold = table("silver.filing_index"), table("gold.filings")
    assert sorted(delta.read(home, index)["quarter"].unique()) == ["2026Q1", "2026Q2"]
    assert filings.gold_filings(work).problem is None
    rows = delta.read(home, gold)
    gold.schema.validate(rows)
    assert rows.height == delta.read(home, index)["accession"].n_unique() > 40_000
    bodies = table("bronze.edgar_index")
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
