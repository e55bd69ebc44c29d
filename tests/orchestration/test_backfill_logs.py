"""A backfill of logs: which days of a week are made again, and that it ends where the source turns us away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING
from lake.home import Home
from lake.settings import Settings, load_settings
from orchestration import backfill
from orchestration.backfill_plan import Plan, make_plan
from orchestration.definitions import build_defs
from orchestration.load import Ran, Step
from orchestration.steps import attention
from orchestration.work import Work
from tests.orchestration.test_catch_up import logs

FIRST, LAST = date(2026, 10, 5), date(2026, 10, 18)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
Answer = Callable[[Step], Ran]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", world="simulated", now="2026-11-21T02:00:00Z!")


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home.open(settings)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(build_defs(), "attention", FIRST, LAST, NOW)


def told(home: Home, **status: str) -> None:
    """What gold tells of the days of the two weeks: all loaded but for those given, as in `d7="unanswered"`."""
    days = [FIRST + timedelta(days=n) for n in range(14)]
    logs(home, *(day for day in days if f"d{day.day}" not in status))
    shas = dict(delta.read(home, table("bronze.files")).select("log_date", "sha256").iter_rows())
    known = table("gold.log_days")
    rows = []
    for day in days:
        said = status.get(f"d{day.day}", "loaded")
        counts = dict.fromkeys(("rows_in", "rows_out"), 3) | dict.fromkeys(("duplicates", "quarantined"), 0)
        rows.append(
            {
                "log_date": day,
                "series": "v2",
                "status": said,
                "reason": None if said == "loaded" else "not_found" if said == "absent" else "damaged_zip",
                "observed_at": NOW,
                "_run_id": "run",
                "_payload_sha256": shas.get(day),
                **(counts if said == "loaded" else {}),
            }
        )
    frame = pl.DataFrame(rows, schema=known.schema.create_empty().schema)
    assert known.schema.is_valid(frame)
    delta.replace_slice(home, known, frame, EVERYTHING)


def run(
    monkeypatch: pytest.MonkeyPatch, home: Home, settings: Settings, plan: Plan, answer: Answer, **how: bool
) -> tuple[backfill.Report, list[str]]:
    """A backfill whose runs are answered without Dagster; what was run, by name."""
    names: list[str] = []

    def one(step: Step) -> Ran:
        names.append(step.name)
        return answer(step)

    @contextmanager
    def runner(_: Home) -> Iterator[Answer]:
        yield one

    monkeypatch.setattr(backfill, "runner", runner)
    return backfill.backfill(home, settings, plan, lambda _: None, **how), names


def quiet(_: Step) -> Ran:
    return Ran({}, {}, {})


def test_days_that_failed_are_made_alone_and_those_that_are_lost_are_not(
    home: Home, settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = ["2026-10-12 to 2026-10-18", "2026-10-05 to 2026-10-11"]
    assert run(monkeypatch, home, settings, plan, quiet)[1] == [*weeks, "gold", "marts"]
    told(home, d6="unanswered", d8="unreadable", d9="unreadable", d14="absent")
    # A log that is not there may be late for ninety days; the day is no older than that.
    report, names = run(monkeypatch, home, settings, plan, quiet)
    alone = ["2026-10-14", "2026-10-06", "2026-10-08 to 2026-10-09"]
    assert names == [*alone, "gold", "marts"]
    assert report.made == alone
    told(home)
    report, names = run(monkeypatch, home, settings, plan, quiet)
    assert (names, report.already) == ([], weeks)
    assert run(monkeypatch, home, settings, plan, quiet, again=True)[1] == [*weeks, "gold", "marts"]


def test_a_log_that_cannot_be_read_is_asked_for_again(home: Home, settings: Settings) -> None:
    logs(home, date(2026, 10, 8), date(2026, 10, 9))
    told(home, d8="unreadable", d9="unreadable", d14="absent")
    work = Work(home, settings, "run", FIRST, LAST)
    assert attention._wanted(work) == [date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 14)]
    # One that came since is read first.
    known = table("bronze.files")
    newer = (
        delta.read(home, known)
        .filter(pl.col("log_date") == date(2026, 10, 8))
        .with_columns(pl.col("_ingested_at") + timedelta(days=1), sha256=pl.lit("f" * 64))
    )
    delta.append(home, known, newer)
    assert attention._wanted(work) == [date(2026, 10, 9), date(2026, 10, 14)]


def test_it_ends_where_the_source_turns_us_away_and_goes_on_from_there(
    home: Home, settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Step) -> Ran:
        return Ran({}, {"bronze.unanswered_logs": {"unanswered_host_left_alone": 6, "unanswered_rate_exceeded": 1}}, {})

    report, names = run(monkeypatch, home, settings, plan, refused)
    assert names == ["2026-10-12 to 2026-10-18"]
    assert report.failure == "2026-10-12 to 2026-10-18: the source turns us away and is left alone for a while"
    report, names = run(monkeypatch, home, settings, plan, quiet)
    assert names == ["2026-10-12 to 2026-10-18", "2026-10-05 to 2026-10-11", "gold", "marts"]
    assert report.failure == ""
