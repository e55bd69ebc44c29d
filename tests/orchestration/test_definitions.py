"""Definitions: every table an asset with what its contract says; nothing heavy, no network, no database to load them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import delta
from lake.contracts import TABLES, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.partitions import inventory
from lake.settings import load_settings
from orchestration.assets.factory import TICK_TAG, asset_key, check_name
from orchestration.definitions import build_defs
from orchestration.jobs import JOBS
from orchestration.partitions import sessions
from orchestration.sensors import decide, run_key

_LOAD = """
import json, socket, sys
def refuse(*_a, **_k): raise OSError("no network")
socket.socket.connect = refuse
from orchestration.definitions import build_defs
defs = build_defs({"home": sys.argv[1]})
defs.get_repository_def()
heavy = ("pyspark", "pandas", "mlflow", "great_expectations", "sklearn", "scrapy", "nicegui")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs()


def test_definitions_load_without_network_database_or_heavy_modules(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("table_id", sorted(TABLES))
def test_every_table_is_an_asset_that_says_what_its_contract_says(defs: dg.Definitions, table_id: str) -> None:
    known, key = table(table_id), asset_key(table_id)
    node = defs.resolve_asset_graph().get(key)
    assert node.is_executable
    assert node.group_name == known.group
    assert node.owners == ["team:tidemark"]
    assert node.kinds >= ({"dbt", "postgres"} if known.layer == "mart" else {"deltalake"})
    assert node.description
    columns = node.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(known.columns)


@pytest.mark.parametrize("table_id", sorted(TABLES))
def test_every_table_promises_how_fresh_it_is(defs: dg.Definitions, table_id: str) -> None:
    policy = defs.resolve_asset_graph().get(asset_key(table_id)).freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    # From a Thursday's close over a holiday and a weekend to the next tick: no table may be called late for that.
    assert table(table_id).group not in {"market", "forecasts"} or policy.fail_window.to_timedelta() > timedelta(days=4)
    assert policy.warn_window is not None
    assert policy.warn_window.to_timedelta() < policy.fail_window.to_timedelta()


@pytest.mark.parametrize("table_id", [t.id for t in TABLES.values() if t.layer in {"silver", "gold"}])
def test_silver_and_gold_have_blocking_checks(defs: dg.Definitions, table_id: str) -> None:
    key = dg.AssetCheckKey(asset_key(table_id), check_name(table(table_id)))
    assert defs.resolve_asset_graph().get(key).blocking


def test_gold_reaches_the_marts_by_lineage(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert asset_key("gold.quotes") in graph.get_ancestor_asset_keys(asset_key("mart.quotes"))
    assert asset_key("bronze.yahoo_quotes") in graph.get_ancestor_asset_keys(asset_key("mart.sectors"))


def test_every_raw_source_has_a_job_that_ends_in_the_marts(defs: dg.Definitions) -> None:
    raw = {t.id for t in TABLES.values() if t.layer == "bronze"}
    assert raw == {name for job in JOBS for name in job.tables if name.startswith("bronze.")}
    for job in JOBS:
        selected = defs.resolve_job_def(job.name).asset_layer.executable_asset_keys
        assert asset_key("mart.loads") in selected


def test_sessions_are_the_exchange_s() -> None:
    window = sessions()
    keys = window.get_partition_keys_in_range(dg.PartitionKeyRange("2026-11-20", "2026-12-01"))
    assert keys == ["2026-11-20", *[d.isoformat() for d in xnys().sessions(date(2026, 11, 23), date(2026, 12, 1))]]


def _home(folder: Path, *, first_load_done: bool = True) -> Home:
    home = Home.open(load_settings(home=folder / "home"))
    if first_load_done:
        known = table("gold.loads")
        delta.replace_slice(home, known, inventory(home, (table("gold.quotes"),)), delta.EVERYTHING)
    return home


def _put(home: Home, table_id: str, row: dict[str, object], where: delta.Slice) -> None:
    known = table(table_id)
    full = {"observed_at": datetime(2026, 11, 20, 22, tzinfo=UTC), "_run_id": "run", **row}
    schema = known.schema.create_empty().schema
    delta.replace_slice(home, known, pl.DataFrame([full], schema=schema), where)


def test_one_run_a_tick_with_a_key_of_its_own(tmp_path: Path) -> None:
    home = _home(tmp_path)
    first = decide(home, datetime(2026, 11, 20, 15, 31, tzinfo=UTC))
    again = decide(home, datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC))
    later = decide(home, datetime(2026, 11, 20, 16, 0, tzinfo=UTC))
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert isinstance(later, dg.RunRequest)
    assert first.run_key == again.run_key == "tick-20261120T1530Z" != later.run_key
    assert first.partition_key == "2026-11-20"
    assert first.tags[TICK_TAG] == "2026-11-20T15:30:00+00:00"


def test_outside_hours_the_newest_tick_is_asked_for_until_it_is_loaded(tmp_path: Path) -> None:
    home = _home(tmp_path)
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    asked = decide(home, sunday)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == "tick-20261120T2100Z"
    tick = datetime(2026, 11, 20, 21, tzinfo=UTC)
    row = {"tick": tick, "symbol": "A", "session": date(2026, 11, 20), "received": True}
    _put(home, "gold.coverage", row, delta.Slice({"session": date(2026, 11, 20), "tick": tick}))
    skipped = decide(home, sunday)
    assert isinstance(skipped, dg.SkipReason)
    assert "next tick is at 2026-11-23 14:30 UTC" in str(skipped.skip_message)


def test_before_the_first_load_there_is_no_tick_to_run(tmp_path: Path) -> None:
    assert isinstance(
        decide(_home(tmp_path, first_load_done=False), datetime(2026, 11, 20, 16, tzinfo=UTC)), dg.SkipReason
    )


@given(st.datetimes(datetime(2024, 1, 2), datetime(2030, 12, 1), timezones=st.just(UTC)))
@settings(deadline=None)
def test_run_keys_name_ticks_one_to_one(now: datetime) -> None:
    latest, coming = xnys().latest_tick(now), xnys().next_tick(now)
    assert run_key(latest) != run_key(coming)
    assert run_key(latest) == run_key(xnys().latest_tick(latest.tick))
