"""What the clock starts has something to do: never during the first load, never without a source to ask."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.partitions import inventory
from lake.settings import World, load_settings
from orchestration.jobs import not_now
from orchestration.resources import LakeResource


def lake_of(folder: Path, world: World, *, loaded: bool) -> LakeResource:
    home = Home.open(load_settings(home=folder / world, world=world))
    if loaded:
        delta.replace_slice(home, table("gold.loads"), inventory(home, (table("gold.quotes"),)), delta.EVERYTHING)
    return LakeResource(overrides={"home": str(home.root)})


def test_a_loaded_simulated_home_has_every_source(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, "simulated", loaded=True)
    assert [not_now(lake, slot) for slot in ("query1", "query2", "x", "sec")] == [None] * 4


def test_nothing_is_started_beside_the_first_load(tmp_path: Path) -> None:
    reason = not_now(lake_of(tmp_path, "simulated", loaded=False), "query1")
    assert isinstance(reason, dg.SkipReason)
    assert "first load" in str(reason.skip_message)


def test_a_real_home_begins_without_a_first_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_SOURCE_YAHOO", "live")
    monkeypatch.setenv("TIDEMARK_ACCEPT_TERMS", "yahoo")
    assert not_now(lake_of(tmp_path, "real", loaded=False), "query1") is None


def test_a_real_home_is_asked_only_for_the_sources_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lake_of(tmp_path, "real", loaded=True)
    assert isinstance(not_now(lake, "query1"), dg.SkipReason)
    monkeypatch.setenv("TIDEMARK_SOURCE_YAHOO", "live")
    monkeypatch.setenv("TIDEMARK_ACCEPT_TERMS", "yahoo")
    assert not_now(lake, "query1") is None
    assert isinstance(not_now(lake, "x"), dg.SkipReason)
