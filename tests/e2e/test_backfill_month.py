"""A month of EDGAR's logs by `tidemark backfill`: a damaged day in its middle, kills on the way, and the same gold in the end."""

from __future__ import annotations

import json
import os
import re
import signal
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from lake import delta
from lake.contracts import of_layer, table
from lake.home import Home
from lake.settings import load_settings
from orchestration.assets.factory import asset_key
from orchestration.crash import SETTING
from orchestration.serving import served
from tests.e2e.command import PER_SECTOR, Command, read_until
from tests.e2e.test_backfill import told

pytestmark = pytest.mark.e2e
ROWS = 200
FIRST, BAD, LAST = date(2016, 2, 1), date(2016, 2, 10), date(2016, 2, 29)
MONTH = ("--from", str(FIRST), "--to", str(LAST))
# Where a step's work is on disk and the next one's is not: within a chunk, and in what is made once after the last.
IN_A_CHUNK = ("bronze.files", "bronze.unanswered_logs", "silver.edgar_requests", "gold.log_days")
AFTER_THE_LAST = ("gold.visits_day", "staged")
SMALL = {"TIDEMARK_EDGAR_ROWS_PER_DAY": str(ROWS)}


def made_by_the_sandbox(home: Path) -> Path:
    """Where the home's sandbox keeps the log of the bad day."""
    return home / "run" / "sandbox" / f"log{BAD:%Y%m%d}-7-{PER_SECTOR}-{ROWS}.zip"


def damaged(path: Path) -> None:
    """Put a zip with a wrong byte where the sandbox looks first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"log{BAD:%Y%m%d}.csv", "ip,date,time\n" * 1_000)
    whole = path.read_bytes()
    path.write_bytes(whole[:5_000] + b"?" + whole[5_001:])


def with_home(folder: Path) -> Command:
    """A command with an empty home whose services have ports of their own."""
    command = Command(folder / "home", SMALL)
    home = Home.open(load_settings(home=command.home, world="simulated"))
    for service in ("postgres", "sandbox", "sail"):
        home.move_port(service)
    return command


def home_of(command: Command) -> Home:
    return Home.open(load_settings(home=command.home, world=None), create=False)


def gold_of(command: Command) -> dict[str, pl.DataFrame]:
    """Gold's tables of attention without provenance."""
    known = [one for one in of_layer("gold") if one.group == "attention"]
    return {one.id: delta.read(home_of(command), one).drop(one.provenance).sort(one.key) for one in known}


def told_with(command: Command, code: int, *words: str) -> dict[str, Any]:
    done = command.run(*words, "--json")
    assert done.returncode == code, done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    return report


# Nobody plays a stream, and 29 days are too few for a company's bands.
WITHOUT_ROWS = ("gold.visits_live", "gold.visits_bands_cik")


def assert_equal(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> None:
    """The same rows in the same tables; a home's sandbox has a port of its own, which the address of a log tells."""
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        same = frame.drop("source_url") if name == "gold.log_days" else frame
        assert frame.height or name in WITHOUT_ROWS, name
        assert found[name].select(same.columns).equals(same), name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A home with the month from a source that always answers, in one go."""
    command = with_home(tmp_path_factory.mktemp("undisturbed"))
    report = told(command, "backfill", "attention", *MONTH)
    assert report["rows"]["silver.edgar_requests"] == ROWS * 29
    assert len(report["made"]) == 5
    return command


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """An empty home whose source has a damaged log of the bad day; the tests below go on in it, one after the other."""
    command = with_home(tmp_path_factory.mktemp("disturbed"))
    damaged(made_by_the_sandbox(command.home))
    return command


def killed(command: Command, boundary: str) -> None:
    done = command.run("backfill", "attention", *MONTH, extra={SETTING: boundary})
    assert done.returncode == -signal.SIGKILL, f"not killed after {boundary}:\n{done.stdout}"


def runs_of_silver(command: Command) -> dict[date, list[str]]:
    """By day, the runs that wrote its rows."""
    rows = delta.read(home_of(command), table("silver.edgar_requests"))
    return dict(rows.group_by("log_date").agg(pl.col("_run_id").unique()).iter_rows())


def test_killed_within_a_chunk_and_between_two_it_goes_on_and_a_damaged_day_costs_no_other(disturbed: Command) -> None:
    for boundary in IN_A_CHUNK:
        killed(disturbed, boundary)
    process = disturbed.start("backfill", "attention", *MONTH)
    # Newest first: the week of the damaged day is the fourth.
    seen = read_until(process, "4/5")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert re.search(r"\d/5 \(\d+%\) 2016-02-22 to 2016-02-28: .* rows, .* left", seen)
    report = told_with(disturbed, 1, "backfill", "attention", *MONTH)
    assert report["already"] == ["2016-02-29", "2016-02-22 to 2016-02-28", "2016-02-15 to 2016-02-21"]
    assert report["made"] == ["2016-02-08 to 2016-02-14", "2016-02-01 to 2016-02-07"]
    assert (report["unanswered"], report["failure"], report["complete"]) == (1, None, False)
    days = delta.read(home_of(disturbed), table("gold.log_days")).sort("log_date")
    assert days.filter(pl.col("status") != "loaded").select("log_date", "status", "reason").rows() == [
        (BAD, "unanswered", "damaged_zip")
    ]
    assert days["rows_in"].sum() == ROWS * 28


def test_when_it_is_mended_it_is_loaded_alone_and_killed_on_the_way_to_the_marts_all_is_as_undisturbed(
    undisturbed: Command, disturbed: Command
) -> None:
    before = runs_of_silver(disturbed)
    made_by_the_sandbox(disturbed.home).unlink()
    for boundary in AFTER_THE_LAST:
        killed(disturbed, boundary)
    report = told(disturbed, "backfill", "attention", *MONTH)
    assert (report["made"], report["complete"]) == ([], True)
    after = runs_of_silver(disturbed)
    assert {day: runs for day, runs in after.items() if before.get(day) != runs}.keys() == {BAD}
    assert_equal(gold_of(disturbed), gold_of(undisturbed))
    home = home_of(disturbed)
    assert delta.read(home, table("bronze.files"))["sha256"].is_duplicated().sum() == 0
    settings = load_settings(home=disturbed.home)
    with served(home, settings, ("postgres",)), dg.DagsterInstance.get() as instance:
        assert len(instance.get_materialized_partitions(asset_key("gold.log_days"))) == 29
    assert disturbed.alive() == []
