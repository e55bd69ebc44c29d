"""docs/backfill.md is true: its commands are understood, and its tables and assets are those that there are."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.contracts import table
from lake.maintenance import KEEP_DAYS
from lake.market_calendar import xnys
from orchestration.backfill_plan import backfillable, make_plan
from orchestration.catch_up import INTERVAL_SECONDS, REACH
from orchestration.definitions import build_defs
from orchestration.jobs import JOBS
from orchestration.reparse import sources

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "backfill.md").read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
COMMANDS = [shlex.split(line.split("tidemark ", 1)[1]) for line in SHELL]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def days(words: list[str]) -> tuple[date, date]:
    first, last = words[words.index("--from") + 1], words[words.index("--to") + 1]
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "backfill"], ids=" ".join)
def test_backfills_have_a_plan(words: list[str]) -> None:
    plan = make_plan(build_defs(), words[1], *days(words), NOW)
    assert plan.chunks
    assert set(words[2:]) - {"--from", "--to", "--json"} == {str(day) for day in days(words)}


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "reparse"], ids=" ".join)
def test_reparses_name_a_source(words: list[str]) -> None:
    assert words[1] in sources()
    assert days(words)


def test_every_command_of_the_page_is_looked_at() -> None:
    assert {words[0] for words in COMMANDS} == {"backfill", "reparse"}
    assert all(f"`{name}`" in PAGE for name in (*backfillable(build_defs()), *sources()))


def test_its_chunks_and_numbers_are_those_of_the_code() -> None:
    assert {spec.name: spec.chunk for spec in JOBS if spec.slot} == {
        "bars_daily": "year",
        "quotes": "tick",
        "attention": "week",
        "posts": "week",
        "companies": "day",
        "index_bars": "year",
        "bars_minute": "week",
        "news": "day",
        "filings": "day",
    }
    assert f"({table('bronze.yahoo_chart').retention_days} days)" in PAGE
    assert f"last {KEEP_DAYS} days" in PAGE
    assert f"last {REACH.days} without" in PAGE
    assert INTERVAL_SECONDS == 600


def test_a_plan_has_years_of_sessions_newest_first() -> None:
    plan = make_plan(build_defs(), "bars_daily", date(2016, 1, 4), date(2026, 11, 20), NOW)
    assert [chunk.first.year for chunk in plan.chunks] == list(range(2026, 2015, -1))
    assert sum(chunk.days for chunk in plan.chunks) == len(xnys().sessions(date(2016, 1, 4), date(2026, 11, 20)))
    assert plan.tables == ("bronze.yahoo_chart", "silver.bars_daily", "silver.corporate_actions")
    assert plan.finals == ("gold.bars_daily", "gold.corporate_actions")
