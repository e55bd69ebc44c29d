"""Minute bars in gold: a session that has changed is written anew, the others' files stay."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lake import delta
from lake.contracts import table
from lake.delta import Slice
from lake.home import Home
from lake.partitions import partitions
from lake.settings import load_settings
from orchestration.steps import minutes
from orchestration.work import Work
from tests.dbt_project.staged import frame

SILVER, GOLD = table("silver.bars_minute"), table("gold.bars_minute")
DAYS = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    settings = load_settings(home=tmp_path / "home", world="simulated")
    home = Home.open(settings)
    for day in DAYS:
        put(home, day, close=10.0)
    return Work(home, settings, "run", DAYS[-1], DAYS[-1])


def put(home: Home, day: date, close: float, origin: str = "yahoo_chart", observed_hour: int = 21) -> None:
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    observed = datetime(day.year, day.month, day.day, observed_hour, tzinfo=UTC)
    known: dict[str, Any] = {"symbol": "AAA", "session": day, "origin": origin, "observed_at": observed, **prices}
    rows = [{**known, "minute": datetime(day.year, day.month, day.day, 15, n, tzinfo=UTC)} for n in range(3)]
    delta.replace_slice(home, SILVER, frame(SILVER.id, rows), Slice({"session": day, "origin": origin}))


def files(work: Work) -> dict[object, str]:
    return {part.where.equals["session"]: part.fingerprint for part in partitions(work.home, GOLD).values()}


def closes(work: Work) -> list[tuple[date, float]]:
    return sorted(set(delta.read(work.home, GOLD).select("session", "close").rows()))


def test_only_the_sessions_that_changed_are_written(work: Work) -> None:
    minutes.gold_minutes(work)
    before = files(work)
    assert set(before) == set(DAYS)
    version = delta.version(work.home, GOLD)
    assert minutes.gold_minutes(work).problem is None
    assert delta.version(work.home, GOLD) == version, "as it was"

    put(work.home, DAYS[1], close=12.0, origin="a file", observed_hour=22)
    minutes.gold_minutes(work)
    now = files(work)
    assert [day for day in DAYS if now[day] != before[day]] == [DAYS[1]]
    assert closes(work) == [(DAYS[0], 10.0), (DAYS[1], 12.0), (DAYS[2], 10.0)]

    delta.replace_slice(work.home, SILVER, SILVER.schema.create_empty(), Slice({"session": DAYS[0]}))
    minutes.gold_minutes(work)
    assert closes(work) == [(DAYS[1], 12.0), (DAYS[2], 10.0)]
    assert files(work)[DAYS[2]] == before[DAYS[2]]


def test_a_session_that_breaks_a_rule_leaves_gold_as_it_was(work: Work) -> None:
    minutes.gold_minutes(work)
    before = closes(work)
    put(work.home, DAYS[2], close=-1.0)
    assert minutes.gold_minutes(work).problem is not None
    assert closes(work) == before
