"""Days that were missed while the machine was off are found, between what is there, and asked for as one range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from orchestration.assets.factory import RANGE_END, RANGE_START
from orchestration.catch_up import REACH, missed_logs, missed_sessions, request, requests_alone
from orchestration.definitions import build_defs
from orchestration.resources import LakeResource

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home"))


def bars(home: Home, *sessions: date, origin: str = "yahoo_chart") -> None:
    known = table("silver.bars_daily")
    rows = [
        {
            "symbol": "ABC",
            "session": session,
            **dict.fromkeys(("open", "high", "low", "close"), 1.0),
            "basis": "raw",
            "year": session.year,
            "origin": origin,
            "observed_at": NOW,
            "_run_id": "run",
        }
        for session in sessions
    ]
    delta.append(home, known, pl.DataFrame(rows, schema=known.schema.create_empty().schema))


def logs(home: Home, *days: date) -> None:
    known = table("bronze.files")
    rows = [
        {
            "sha256": f"{day:%Y%m%d}".rjust(64, "0"),
            "kind": "edgar_log_v2",
            "file_name": "log",
            "stored_as": "log",
            "log_date": day,
            "bytes": 1,
            "_ingested_at": NOW,
            "_source_url": "file:log",
            "_run_id": "run",
        }
        for day in days
    ]
    delta.append(home, known, pl.DataFrame(rows, schema=known.schema.create_empty().schema))


def test_sessions_without_bars_are_missed_after_the_first_that_has_some(home: Home) -> None:
    bars(home, date(2026, 11, 10), date(2026, 11, 12), date(2026, 11, 19))
    bars(home, date(2026, 11, 16), origin="0" * 64)
    missing = [date(2026, 11, day) for day in (11, 13, 16, 17, 18, 20)]
    assert missed_sessions(home, NOW) == missing


def test_the_session_that_has_just_closed_is_left_to_its_schedule(home: Home) -> None:
    bars(home, date(2026, 11, 18), date(2026, 11, 19))
    assert missed_sessions(home, datetime(2026, 11, 20, 22, tzinfo=UTC)) == []
    assert missed_sessions(home, NOW) == [date(2026, 11, 20)]


def test_a_home_without_bars_has_missed_nothing_and_the_far_past_is_not_looked_at(home: Home) -> None:
    assert missed_sessions(home, NOW) == []
    bars(home, NOW.date() - REACH - timedelta(days=30))
    assert missed_sessions(home, NOW) == []


def test_days_without_a_log_are_missed_in_the_same_way(home: Home) -> None:
    assert missed_logs(home, NOW) == []
    logs(home, date(2026, 11, 14), date(2026, 11, 17))
    assert missed_logs(home, NOW) == [date(2026, 11, day) for day in (15, 16, 18, 19)]


def test_one_run_is_asked_for_from_the_first_to_the_last() -> None:
    assert isinstance(request("bars_daily", []), dg.SkipReason)
    one = request("bars_daily", [date(2026, 11, 18)])
    many = request("bars_daily", [date(2026, 11, 11), date(2026, 11, 18)])
    assert isinstance(one, dg.RunRequest)
    assert isinstance(many, dg.RunRequest)
    assert one.partition_key == "2026-11-18"
    assert many.partition_key is None
    assert many.tags == {RANGE_START: "2026-11-11", RANGE_END: "2026-11-18"}
    assert many.run_key == "bars_daily-missed-2026-11-11-2026-11-18"


def test_logs_that_did_not_come_are_asked_for_alone_and_again_on_another_day() -> None:
    days = [date(2026, 11, day) for day in (11, 12, 18)]
    first, again = (requests_alone("attention", days, date(2026, 11, today)) for today in (20, 21))
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [(one.partition_key, one.tags.get(RANGE_END)) for one in first] == [
        (None, "2026-11-12"),
        ("2026-11-18", None),
    ]
    assert {one.run_key for one in first}.isdisjoint({one.run_key for one in again})
    assert isinstance(requests_alone("attention", [], date(2026, 11, 20)), dg.SkipReason)


def test_the_sensor_asks_for_a_range_that_the_job_can_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from lake.partitions import inventory

    monkeypatch.setenv("TIDEMARK_NOW", "2026-11-21T02:00:00Z!")
    delta.replace_slice(home, table("gold.loads"), inventory(home, (table("gold.quotes"),)), delta.EVERYTHING)
    bars(home, date(2026, 11, 17))
    defs = build_defs({"home": str(home.root)})
    with dg.DagsterInstance.ephemeral() as instance:
        lake = LakeResource(overrides={"home": str(home.root)})
        context = dg.build_sensor_context(instance=instance, definitions=defs, resources={"lake": lake})
        told = defs.resolve_sensor_def("bars_daily_missed").evaluate_tick(context)
    assert told.run_requests is not None
    assert [asked.tags[RANGE_END] for asked in told.run_requests] == ["2026-11-20"]
