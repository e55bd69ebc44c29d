"""`tidemark backfill` and `tidemark reparse` as they are typed, in a home whose services do not run."""

from __future__ import annotations

import json
import os
import signal
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from lake import delta
from lake.contracts import SECTORS, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.assets.factory import asset_key
from orchestration.serving import served
from tests.e2e.command import PER_SECTOR, Command, read_until

pytestmark = pytest.mark.e2e
COMPANIES = PER_SECTOR * len(SECTORS)
DAYS = (date(2024, 1, 2), date(2026, 11, 20))
YEARS = ("--from", "2024-01-02", "--to", "2026-11-20")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A simulated home with the universe of a session and nothing else."""
    command = Command(tmp_path_factory.mktemp("backfill") / "home")
    Home.open(load_settings(home=command.home, world="simulated"))
    done = command.run("backfill", "companies", "--from", "2026-11-20", "--to", "2026-11-20")
    assert done.returncode == 0, done.stdout
    return command


def home_of(command: Command) -> Home:
    return Home.open(load_settings(home=command.home, world=None), create=False)


def facts(command: Command, name: str) -> pl.DataFrame:
    known = table(name)
    return delta.read(home_of(command), known).drop(known.provenance).sort(known.key)


def told(command: Command, *words: str) -> dict[str, Any]:
    done = command.run(*words, "--json")
    assert done.returncode == 0, done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_killed_backfill_goes_on_where_it_was_and_then_has_nothing_to_do(command: Command) -> None:
    process = command.start("backfill", "bars_daily", *YEARS)
    read_until(process, "2025-01-02 to 2025-12-31")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    report = told(command, "backfill", "bars_daily", *YEARS)
    assert report["complete"]
    assert report["already"] == ["2026-01-02 to 2026-11-20"]
    assert report["made"] == ["2025-01-02 to 2025-12-31", "2024-01-02 to 2024-12-31"]
    assert facts(command, "gold.bars_daily").height == COMPANIES * len(xnys().sessions(*DAYS))
    bodies = delta.read(home_of(command), table("bronze.yahoo_chart"))
    assert bodies["request"].is_duplicated().sum() == 0
    again = told(command, "backfill", "bars_daily", *YEARS)
    assert (again["made"], len(again["already"]), again["rows"]) == ([], 3, {})
    assert delta.count(home_of(command), table("bronze.yahoo_chart")) == bodies.height


def test_its_days_are_partitions_that_dagster_shows_as_made(command: Command) -> None:
    home, settings = home_of(command), load_settings(home=command.home)
    with served(home, settings, ("postgres",)), dg.DagsterInstance.get() as instance:
        made = instance.get_materialized_partitions(asset_key("silver.bars_daily"))
        open_runs = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    assert made == {str(session) for session in xnys().sessions(*DAYS)}
    assert open_runs == [], "the run that was killed is told as failed"


def test_every_missing_tick_of_a_session_is_replayed(command: Command) -> None:
    session = ("--from", "2026-11-27", "--to", "2026-11-27")
    assert command.run("backfill", "quotes", *session).returncode == 2, "it is to come"
    half = ("--from", "2025-11-28", "--to", "2025-11-28")
    report = told(command, "backfill", "quotes", *half)
    assert len(report["made"]) == 8
    coverage = facts(command, "gold.coverage")
    assert coverage.height == 8 * COMPANIES
    assert coverage["received"].all()
    assert told(command, "backfill", "quotes", *half)["made"] == []


def test_reparse_leaves_equal_rows_where_nothing_was_mended(command: Command) -> None:
    names = ("silver.quotes", "gold.quotes", "gold.sectors", "silver.bars_daily", "silver.corporate_actions")
    before = {name: facts(command, name) for name in names}
    ticks = told(command, "reparse", "yahoo_quotes", "--from", "2025-11-28", "--to", "2025-11-28")
    years = told(command, "reparse", "yahoo_chart", "--from", "2024-06-03", "--to", "2026-11-20")
    assert ticks["rows"]["silver.quotes"] == 8 * COMPANIES
    assert years["rows"]["silver.bars_daily"] == COMPANIES * len(xnys().sessions(date(2024, 6, 3), DAYS[1]))
    for name, rows in before.items():
        assert facts(command, name).equals(rows), name


def test_wrong_use_names_what_is_allowed(command: Command) -> None:
    day = ("--from", "2026-11-20", "--to", "2026-11-20")
    unknown = command.run("backfill", "prices", *day)
    outside = command.run("backfill", "bars_daily", "--from", "1980-01-02", "--to", "2026-11-20")
    turned = command.run("backfill", "bars_daily", "--from", "2026-11-20", "--to", "2026-11-19")
    absent = command.run("reparse", "yahoo_quotes", *day)
    source = command.run("reparse", "prices", *day)
    assert [done.returncode for done in (unknown, outside, turned, absent, source)] == [2] * 5
    assert "companies, quotes, bars_daily" in unknown.stdout
    assert "from 1990-01-02 to 2026-11-20" in outside.stdout
    assert "it has days from 2025-11-28 to 2025-11-28" in absent.stdout
    assert "yahoo_quotes" in source.stdout


def test_a_live_source_cannot_give_the_past(tmp_path: Path) -> None:
    live = Command(
        tmp_path / "home", {"TIDEMARK_YAHOO_QUERY1_URL": "https://one.example", "TIDEMARK_CONTACT": "A a@b.c"}
    )
    Home.open(load_settings(home=live.home, world="real"))
    before = sorted(live.home.rglob("*"))
    done = live.run("backfill", "quotes", "--from", "2026-11-19", "--to", "2026-11-19")
    assert done.returncode == 2
    assert "a live source tells what is, not what was" in done.stdout
    assert [path for path in sorted(live.home.rglob("*")) if path not in before and path.name != "backfill.log"] == []
