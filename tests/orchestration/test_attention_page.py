"""What docs/attention.md says about loading days is what the code does."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.contracts.log_days import STATUSES
from orchestration.backfill_plan import make_plan
from orchestration.definitions import build_defs
from scrapers.errors import Reason

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "attention.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Loading days\n")[2].partition("\n## ")[0]
REASONS = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| [^|]+ \| ([^|]+) \|$", SECTION, re.MULTILINE)


def named(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


def test_its_reasons_are_asked_again_as_often_as_it_says() -> None:
    told = {name: again for cell, again in REASONS for name in named(cell)}
    assert {"not_found", "undeclared_agent", "rate_exceeded", "truncated_file", "damaged_zip", "file_changed"} <= set(
        told
    )
    for name, again in told.items():
        tries = Reason(name).tries
        said = re.match(r"up to (\d) times|(once)|(no)|(the same)", again)
        assert said is not None, name
        count = 1 if said[2] else 0 if said[3] else int(said[1] or tries)
        assert count == tries, name
    assert Reason.UNDECLARED_AGENT.block_seconds == Reason.RATE_EXCEEDED.block_seconds == 600


def test_its_statuses_are_the_contract_s() -> None:
    assert re.findall(r"^\| `([a-z]+)` \| [^|]+ \|$", SECTION, re.MULTILINE) == list(STATUSES)


@pytest.mark.parametrize("line", re.findall(r"tidemark (backfill .*)", SECTION))
def test_its_backfills_have_a_plan_of_weeks_or_from_sec_of_days(line: str) -> None:
    words = shlex.split(line)
    first, last = (date.fromisoformat(words[words.index(name) + 1]) for name in ("--from", "--to"))
    now, defs = datetime(2026, 11, 21, tzinfo=UTC), build_defs()
    weeks = make_plan(defs, words[1], first, last, now).chunks
    days = make_plan(defs, words[1], first, last, now, live=True).chunks
    assert {chunk.days for chunk in days} == {1}
    assert sum(chunk.days for chunk in weeks) == len(days) == (last - first).days + 1
    assert max(chunk.days for chunk in weeks) <= 7
