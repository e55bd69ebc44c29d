"""Definitions: every table an asset with what its contract says; nothing heavy, no network, no database to load them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from lake import delta
from lake.contracts import TABLES, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.partitions import inventory
from lake.s3 import S3Lake
from lake.settings import load_settings
from orchestration.assets.factory import asset_key, check_name
from orchestration.definitions import build_defs
from orchestration.jobs import JOBS
from orchestration.partitions import sessions
from orchestration.sensors import run_key
from tests.s3_server import Bucket

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


def test_a_lake_in_s3_is_reached_as_dagster_s_resource_says(bucket: Bucket, tmp_path: Path) -> None:
    made = Home.open(load_settings(home=tmp_path / "home"))
    resources = build_defs({"home": str(made.root)}).resources or {}
    assert resources["s3"].endpoint_url == bucket.endpoint
    work = resources["lake"].work("run", date(2026, 11, 20), date(2026, 11, 20))
    assert isinstance(work.home.lake, S3Lake)
    assert work.home.lake.connection.url == bucket.endpoint
    delta.replace_slice(work.home, table("gold.loads"), inventory(work.home, ()), delta.EVERYTHING)
    assert delta.exists(made, table("gold.loads"))
    assert resources["s3"].get_client().list_objects_v2(Bucket=bucket.name)["KeyCount"] == len(bucket.objects())


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


@given(st.datetimes(datetime(2024, 1, 2), datetime(2030, 12, 1), timezones=st.just(UTC)))
@settings(deadline=None)
def test_run_keys_name_ticks_one_to_one(now: datetime) -> None:
    latest, coming = xnys().latest_tick(now), xnys().next_tick(now)
    assert run_key(latest) != run_key(coming)
    assert run_key(latest) == run_key(xnys().latest_tick(latest.tick))
