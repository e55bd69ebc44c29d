"""Charts of indices and of single companies from the sandbox to gold, by the steps that the assets run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home
from lake.indices import INDICES
from lake.settings import load_settings
from orchestration.steps import indices, minutes
from orchestration.work import Outcome, Work
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """A run in a small simulated home whose sandbox is up."""
    folder = tmp_path_factory.mktemp("home")
    port = free_port()
    world = {
        "TIDEMARK_HOME": str(folder),
        "TIDEMARK_NOW": "2026-11-25T23:00:00Z",
        "TIDEMARK_UNIVERSE_PER_SECTOR": "2",
        "TIDEMARK_PORT_SANDBOX": str(port),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.items():
            patch.setenv(name, value)
        with sandbox_running(port, folder / "sandbox.log"):
            settings = load_settings()
            home, clock = Home.open(settings), Clock.from_settings(settings)
            yield Work(home, settings, "run-1", date(2026, 11, 2), date(2026, 11, 25), None, clock)


def _met(outcomes: list[Outcome]) -> list[Outcome]:
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    return outcomes


def test_indices_from_the_source_to_gold_and_again(work: Work) -> None:
    indices.land_indices(work)
    days, minutes = _met(list(indices.settle_indices(work)))
    assert days.account is not None
    assert days.account.quarantined == 0
    _met(list(indices.gold_indices(work)))
    gold = delta.read(work.home, table("gold.index_bars_daily"))
    for symbol, index in INDICES.items():
        held = sorted(gold.filter(pl.col("symbol") == symbol)["session"].to_list())
        assert held == index.calendar.sessions(work.first, work.last)
    minute = delta.read(work.home, table("gold.index_bars_minute"))
    counts = dict(minute.group_by("symbol").len().iter_rows())
    assert counts == {"^NSEI": 1125, "^BSESN": 1125, "^NSEBANK": 1125, "^GSPC": 1170}
    assert minutes.account is not None
    assert minutes.account.rows_out == sum(counts.values())

    indices.land_indices(work)
    list(indices.settle_indices(work))
    list(indices.gold_indices(work))
    kept = [c for c in gold.columns if c not in table("gold.index_bars_daily").provenance]
    again = delta.read(work.home, table("gold.index_bars_daily")).select(kept)
    assert again.sort("symbol", "session").equals(gold.select(kept).sort("symbol", "session"))
    assert delta.count(work.home, table("gold.index_bars_minute")) == minute.height


def test_minutes_of_the_watchlist_from_the_source_to_gold_and_again(work: Work) -> None:
    chosen = replace(
        work,
        settings=work.settings.model_copy(update={"minute_symbols": ("AAPL", "XOM")}),
        first=date(2026, 11, 24),
        last=date(2026, 11, 25),
    )
    for _ in range(2):
        list(minutes.land_minutes(chosen))
        settled = minutes.settle_minutes(chosen)
        assert settled.account is not None
        assert settled.account.rows_out == 2 * 2 * 390
        assert settled.facts == {"refused_closing_print": 4}
        assert minutes.gold_minutes(chosen).problem is None
    gold = delta.read(work.home, table("gold.bars_minute"))
    assert dict(gold.group_by("symbol").len().iter_rows()) == {"AAPL": 780, "XOM": 780}
    assert set(gold["origin"]) == {"yahoo_chart"}


def test_past_the_end_of_india_s_calendar_the_others_go_on_and_the_check_says_so(work: Work) -> None:
    end = indices.INDICES["^NSEI"].calendar.known_sessions(date(2026, 1, 1), date(2099, 1, 1))[-1]
    ahead = replace(
        work, first=end, last=date(end.year + 1, 1, 5), clock=Clock(datetime(2027, 1, 6, tzinfo=UTC), frozen=True)
    )
    asked = {(chart["symbol"], chart["interval"]) for chart in indices.wanted(ahead)}
    assert {symbol for symbol, _ in asked} == set(INDICES)
    after = replace(ahead, first=date(end.year + 1, 1, 4))
    assert {chart["symbol"] for chart in indices.wanted(after)} == {"^GSPC"}
    assert indices.trades(after.last)
    assert not indices.trades(date(end.year + 1, 1, 3)), "a Sunday"
    found = indices.calendars(after.last)
    assert (found.passed, found.bearable) == (False, False)
    assert found.facts["left_out"] == "^NSEI, ^BSESN, ^NSEBANK"
    assert indices.calendars(end).passed
