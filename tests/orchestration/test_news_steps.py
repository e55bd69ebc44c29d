"""News from the sandbox to gold over two days, by the steps that the assets run: each story once, and again the same."""

from __future__ import annotations

import time
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
from lake.settings import load_settings
from orchestration.steps import market, news
from orchestration.work import Outcome, Work
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).parents[2]
DAYS = (date(2026, 11, 17), date(2026, 11, 18))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """A run in a small simulated home whose sandbox is up and whose universe has been taken."""
    folder = tmp_path_factory.mktemp("home")
    port = free_port()
    world = {
        "TIDEMARK_HOME": str(folder),
        "TIDEMARK_NOW": f"2026-11-25T23:00:00Z@{time.time():.3f}",
        "TIDEMARK_UNIVERSE_PER_SECTOR": "3",
        "TIDEMARK_NEWS_PER_SECTOR": "2",
        "TIDEMARK_PORT_SANDBOX": str(port),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.items():
            patch.setenv(name, value)
        with sandbox_running(port, folder / "sandbox.log"):
            settings = load_settings()
            work = Work(Home.open(settings), settings, "run-1", *DAYS, None, Clock.from_settings(settings))
            first = of_day(work, DAYS[0], "run-1")
            market.land_universe(first)
            market.settle_universe(first)
            market.gold_universe(first)
            yield work


def of_day(work: Work, day: date, run: str) -> Work:
    return replace(work, first=day, last=day, run_id=run)


def make(work: Work) -> Outcome:
    news.land_search(work)
    news.land_feeds(work)
    settled = news.settle_news(work)
    assert news.gold_news(work).problem is None
    assert settled.account is not None
    assert settled.account.quarantined == 0
    return settled


def facts(work: Work) -> pl.DataFrame:
    gold = table("gold.news")
    kept = [name for name in gold.columns if name not in gold.provenance]
    return delta.read(work.home, gold).select(kept).sort("url", "symbol")


def test_each_story_is_in_the_day_that_saw_it_first_and_a_repeat_changes_nothing(work: Work) -> None:
    for day in DAYS:
        make(of_day(work, day, f"run-{day}"))
    gold = facts(work)
    assert gold.height == gold.unique(["url", "symbol"]).height
    assert set(gold["session"]) == set(DAYS)
    second = gold.filter(pl.col("session") == DAYS[1])
    # What was published before the first crawl belongs to it.
    assert second["published_at"].min() > datetime(2026, 11, 18, 5, tzinfo=UTC)
    planted = second.filter(
        (pl.col("symbol") == "NVDA") & (pl.col("published_at") < datetime(2026, 11, 18, 16, tzinfo=UTC))
    )
    assert planted.height == 8
    assert set(gold["publisher"].str.slice(0, 9)) == {"Simulated"}
    assert gold["summary"].null_count() == 0
    assert not gold["url"].str.contains("tsrc").any()

    for day in DAYS:
        again = make(of_day(work, day, f"again-{day}")).account
        assert again is not None
        assert again.rows_in == again.rows_out + again.duplicates
    assert facts(work).equals(gold)


def test_made_anew_as_one_range_it_is_what_the_days_made(work: Work) -> None:
    before = facts(work)
    news.settle_news(work)
    news.gold_news(work)
    assert facts(work).equals(before)


def test_only_the_largest_of_each_sector_are_asked_about(work: Work) -> None:
    assert len(news.watched(work)) == 2 * 11
    asked = delta.read(work.home, table("bronze.yahoo_search"))["request"].unique()
    assert asked.len() == 2 * 11
