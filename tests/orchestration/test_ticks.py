"""A tick's steps in a scratch home against a small source: only what lacks is crawled, gaps are told, nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.delta import EVERYTHING, Slice
from lake.home import Home
from lake.settings import World, load_settings
from orchestration.steps import ticks
from orchestration.work import Work
from scrapers.crawl import CrawlFailed
from tests.scrapers.bodies import quote, quotes_body
from tests.scrapers.small_source import Asked, Reply, small_source

SESSION = date(2026, 11, 20)
TICK = datetime(2026, 11, 20, 18, tzinfo=UTC)
MEMBERS = {"AAA": "Energy", "BBB": "Energy", "CCC": "Utilities", "DDD": "Utilities"}
TABLES = ("bronze.yahoo_quotes", "silver.quotes", "gold.quotes", "gold.sectors", "gold.coverage")


class Source:
    """What the small source leaves out, and what it was asked for."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, asked: Asked, _: int) -> Reply:
        if asked.path.endswith("getcrumb"):
            return Reply(b"crumb/for.me", headers={"Content-Type": "text/plain"})
        symbols = asked.query["symbols"].split(",")
        self.asked += symbols
        if self.refused & set(symbols):
            return Reply(b"<html>no</html>", 403)
        return Reply(quotes_body(*(quote(symbol) for symbol in symbols if symbol not in self.silent)))


@contextmanager
def at_work(folder: Path, source: Source, world: World = "simulated") -> Iterator[Work]:
    """A run's work in a home whose universe is `MEMBERS`."""
    with small_source(source) as server:
        urls = server.urls
        settings = load_settings(
            home=folder / "home",
            world=world,
            now="2026-11-20T18:00:07Z!",
            contact="Test test@example.org",
            source_yahoo="live",
            accept_terms="yahoo",
            yahoo_query1_url=urls.query1,
            yahoo_query2_url=urls.query2,
            yahoo_cookie_url=urls.cookie,
            yahoo_requests_per_second=50,
            shards_per_sector=1,
        )
        home = Home.open(settings)
        known = table("gold.universe")
        rows = [
            {"session": SESSION, "symbol": s, "sector": MEMBERS[s], "rank": n + 1, "observed_at": TICK, "_run_id": "u"}
            for n, s in enumerate(MEMBERS)
        ]
        frame = pl.DataFrame(rows, schema=known.schema.create_empty().schema)
        delta.replace_slice(home, known, frame, Slice({"session": SESSION}))
        yield Work(home, settings, "run-1", SESSION, SESSION, TICK, Clock.from_settings(settings))


def run(work: Work) -> dict[str, object]:
    """One run of the tick's steps; what the coverage check found."""
    list(ticks.land_quotes(work))
    ticks.settle_quotes(work)
    (*_, last) = ticks.gold_quotes(work)
    (finding,) = last.findings
    return {"passed": finding.passed, "bearable": finding.bearable, **finding.facts}


def versions(work: Work) -> dict[str, int | None]:
    return {name: delta.version(work.home, table(name)) for name in TABLES}


def coverage(work: Work, at: datetime = TICK) -> list[tuple[object, ...]]:
    where = Slice({"session": at.date(), "tick": at})
    frame = delta.read(work.home, table("gold.coverage"), where).sort("symbol")
    return frame.select("symbol", "received", "reason", "detail").rows()


def test_a_second_run_of_a_complete_tick_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    source = Source()
    with at_work(tmp_path, source) as work:
        found = run(work)
        assert (found["passed"], found["received"], found["expected"]) == (True, 4, 4)
        before, asked = versions(work), len(source.asked)
        assert run(replace(work, run_id="run-2"))["passed"] is True
        assert (versions(work), len(source.asked)) == (before, asked)


def test_a_repeated_run_crawls_only_what_is_missing(tmp_path: Path) -> None:
    source = Source()
    source.silent = {"BBB"}
    with at_work(tmp_path, source) as work:
        found = run(work)
        assert (found["passed"], found["bearable"], found["missing_not_found"]) == (False, False, 1)
        assert coverage(work)[1] == ("BBB", False, "not_found", "not_in_answer")
        source.silent, source.asked = set(), []
        assert run(replace(work, run_id="run-2"))["passed"] is True
        assert source.asked == ["BBB"]
        assert delta.count(work.home, table("gold.quotes")) == 4


def test_a_run_killed_before_gold_finds_its_bodies_in_bronze(tmp_path: Path) -> None:
    source = Source()
    with at_work(tmp_path, source) as work:
        list(ticks.land_quotes(work))
        source.asked = []
        assert run(replace(work, run_id="run-2"))["received"] == 4
        assert source.asked == []


def test_a_refused_shard_is_missing_with_its_reason_and_the_others_are_there(tmp_path: Path) -> None:
    source = Source()
    source.refused = {"CCC"}
    with at_work(tmp_path, source) as work:
        assert run(work)["received"] == 2
        assert ("CCC", False, "refused", "forbidden") in coverage(work)
        assert delta.count(work.home, table("bronze.unanswered")) == 1
        run(replace(work, run_id="run-2"))
        assert sorted(source.asked[-2:]) == ["CCC", "DDD"], "a repeat that gets nothing new is no failure"


def test_no_answer_at_all_fails_and_leaves_why_for_the_gap(tmp_path: Path) -> None:
    source = Source()
    with at_work(tmp_path, source) as work:
        run(replace(work, tick=TICK - timedelta(minutes=30)))
        source.refused = set(MEMBERS)
        with pytest.raises(CrawlFailed, match="forbidden"):
            run(work)
        assert coverage(work) == []
        source.refused = set()
        run(replace(work, tick=TICK + timedelta(minutes=30), run_id="run-3"))
        assert {row[1:] for row in coverage(work)} == {(False, "refused", "forbidden")}


def test_downtime_is_a_gap_with_its_reason_until_it_is_filled(tmp_path: Path) -> None:
    source = Source()
    with at_work(tmp_path, source) as work:
        later = TICK + timedelta(minutes=90)
        run(work)
        assert delta.read(work.home, table("gold.coverage"))["tick"].n_unique() == 1, "the home's first has none before"
        run(replace(work, tick=later, run_id="run-2"))
        for missed in (TICK + timedelta(minutes=30), TICK + timedelta(minutes=60)):
            assert {row[1:3] for row in coverage(work, missed)} == {(False, "downtime")}
            assert len(coverage(work, missed)) == len(MEMBERS)
        before = versions(work)
        run(replace(work, tick=later, run_id="run-3"))
        assert versions(work) == before, "a gap is told once"
        run(replace(work, tick=TICK + timedelta(minutes=30), run_id="run-4"))
        assert {row[1] for row in coverage(work, TICK + timedelta(minutes=30))} == {True}
        assert {row[1] for row in coverage(work, TICK + timedelta(minutes=60))} == {False}
        assert delta.count(work.home, table("gold.quotes")) == 3 * len(MEMBERS), "no quote is made up"


def test_gaps_reach_over_sessions_and_only_over_sessions(tmp_path: Path) -> None:
    with at_work(tmp_path, Source()) as work:
        run(replace(work, tick=datetime(2026, 11, 20, 20, 30, tzinfo=UTC)))
        monday = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
        run(replace(work, first=monday.date(), last=monday.date(), tick=monday, run_id="run-2"))
        gaps = delta.read(work.home, table("gold.coverage"), EVERYTHING).filter(pl.col("reason") == "downtime")
        assert gaps["tick"].unique().sort().to_list() == [
            datetime(2026, 11, 20, 21, tzinfo=UTC),
            datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
        ]


def test_a_live_source_is_never_asked_for_a_tick_that_is_over(tmp_path: Path) -> None:
    source = Source()
    with at_work(tmp_path, source, "real") as work:
        with pytest.raises(ticks.TickPassed, match="17:30"):
            run(replace(work, tick=TICK - timedelta(minutes=30)))
        assert source.asked == []
        assert run(work)["received"] == 4
