"""Minutes of a watchlist by the source that a setting names: from the sandbox to gold, by steps and as a run of assets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.delta import Slice
from lake.home import Home
from lake.settings import MinuteSource, load_settings
from orchestration.assets.factory import asset_key
from orchestration.backfill import fingerprint
from orchestration.backfill_plan import make_plan
from orchestration.definitions import build_defs
from orchestration.jobs import JOBS, slot_of
from orchestration.steps import minutes
from orchestration.work import Outcome, Work
from scrapers.crawl import CrawlFailed
from tests.sandbox_process import free_port, sandbox_running
from tests.scrapers.searched import files_with

ROOT = Path(__file__).parents[2]
KEY = "Q7TESTKEY0SECRET"
WATCHED = ("AAPL", "XOM")
FIRST, LAST = date(2026, 11, 24), date(2026, 11, 25)
SILVER, GOLD = table("silver.bars_minute"), table("gold.bars_minute")


@contextmanager
def world(folder: Path, monkeypatch: pytest.MonkeyPatch, faults: str = "") -> Iterator[Work]:
    """A small simulated home with a running sandbox that wants a key."""
    port = free_port()
    given = {
        "HOME": str(folder / "home"),
        "NOW": "2026-11-25T23:00:00Z!",
        "UNIVERSE_PER_SECTOR": "2",
        "PORT_SANDBOX": str(port),
        "ALPHAVANTAGE_KEY": KEY,
        "MINUTE_SOURCE": "alphavantage",
        "MINUTE_SYMBOLS": ",".join(WATCHED),
        "SANDBOX_FAULTS": faults,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"TIDEMARK_{name}", value)
    with sandbox_running(port, folder / "sandbox.log"):
        settings = load_settings()
        home, clock = Home.open(settings), Clock.from_settings(settings)
        yield Work(home, settings, "run-1", FIRST, LAST, None, clock)


def by(work: Work, source: MinuteSource) -> Work:
    return replace(work, settings=work.settings.model_copy(update={"minute_source": source}))


def landed(work: Work) -> dict[str, Outcome]:
    return {outcome.table.id: outcome for outcome in minutes.land_minutes(work)}


def origins(work: Work) -> dict[str, int]:
    return dict(delta.read(work.home, GOLD).group_by("origin").len().iter_rows())


def test_both_sources_tell_the_same_and_the_chosen_one_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch) as work:
        outcomes = landed(work)
        assert outcomes["bronze.alphavantage_minutes"].written.rows == len(WATCHED)
        assert outcomes["bronze.yahoo_minutes"].facts["unchanged"] == "TIDEMARK_MINUTE_SOURCE is alphavantage"
        settled = minutes.settle_minutes(work)
        assert settled.account is not None
        assert settled.account == (1560, 1560, 0, 0)
        again = landed(work)["bronze.alphavantage_minutes"]
        assert again.facts == {"unchanged": "nothing is lacking that can be had", "requests": 0}
        earlier = replace(work, first=date(2026, 11, 3), last=date(2026, 11, 3))
        assert landed(earlier)["bronze.alphavantage_minutes"].facts["requests"] == 0, "its month has been answered"
        assert minutes.settle_minutes(earlier).account == (780, 780, 0, 0)
        delta.replace_slice(work.home, SILVER, SILVER.schema.create_empty(), Slice({"session": earlier.last}))
        assert landed(replace(work, again=True, run_id="run-2"))["bronze.alphavantage_minutes"].written.rows == 2
        assert minutes.settle_minutes(work).account == (3120, 1560, 1560, 0), "the same bodies twice"
        landed(by(work, "yahoo"))
        minutes.settle_minutes(work)
        gold = minutes.gold_minutes(work)
        assert origins(work) == {"alphavantage": 1560}
        assert (gold.facts["superseded"], gold.facts["minutes_of_both_sources"], gold.facts["differ"]) == (
            1560,
            1560,
            0,
        )
        minutes.gold_minutes(by(work, "yahoo"))
        assert origins(work) == {"yahoo_chart": 1560}

    rows = delta.read(work.home, SILVER).sort("symbol", "minute")
    mine, other = (rows.filter(pl.col("origin") == origin) for origin in ("alphavantage", "yahoo_chart"))
    for name in ("symbol", "minute", "session", "volume_shares"):
        assert mine[name].to_list() == other[name].to_list()
    for name in ("open", "high", "low", "close"):
        assert mine[name].to_list() == pytest.approx(other[name].to_list(), rel=1e-6)
    assert files_with(tmp_path / "home", KEY) == []


def test_what_a_file_says_later_wins_over_the_chosen_source_and_always_over_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch) as work:
        landed(work)
        minutes.settle_minutes(work)
    rows = delta.read(work.home, SILVER).filter(pl.col("symbol") == "XOM").sort("minute")
    early, late = (rows[place : place + 1] for place in (0, 1))
    file = "f" * 64
    known = pl.col("observed_at")
    delta.append(work.home, SILVER, early.with_columns(pl.lit(file).alias("origin"), known + pl.duration(hours=1)))
    delta.append(work.home, SILVER, late.with_columns(pl.lit(file).alias("origin"), known - pl.duration(hours=1)))
    minutes.gold_minutes(work)
    assert origins(work) == {"alphavantage": 1559, file: 1}
    minutes.gold_minutes(by(work, "yahoo"))
    assert origins(work) == {"alphavantage": 1558, file: 2}


def test_a_cap_names_every_company_that_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, "daily_cap:1") as work:
        with pytest.raises(CrawlFailed, match="daily_cap 2"):
            landed(work)
        assert minutes.lacks(work)
        unanswered = delta.read(work.home, table("bronze.unanswered_minutes")).sort("symbol")
        assert unanswered.select("source", "symbol", "first_day", "last_day", "reason").rows() == [
            ("alphavantage_minutes", symbol, date(2026, 11, 1), date(2026, 11, 30), "daily_cap") for symbol in WATCHED
        ]
        bodies = delta.read(work.home, table("bronze.alphavantage_minutes"))
        assert 1 <= bodies.height <= len(WATCHED)
        assert all(b"API key as ... and" in body for body in bodies["body"])
        minutes.settle_minutes(work)
        outcome = minutes.gold_coverage(work)
        landed(by(work, "yahoo"))
        assert not minutes.lacks(by(work, "yahoo"))
        minutes.settle_minutes(by(work, "yahoo"))
        other = minutes.gold_coverage(by(work, "yahoo"))
    (finding,) = outcome.findings
    assert (finding.passed, finding.bearable) == (False, False)
    assert finding.facts == {"expected": 4, "received": 0, "received_pct": 0.0, "missing_daily_cap": 4}
    assert other.findings[0].passed
    assert delta.read_quarantine(work.home, SILVER).filter(pl.col("rules") == "daily_cap").height == bodies.height
    assert files_with(tmp_path / "home", KEY) == []


def test_another_source_is_another_backfill(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    work = Work(Home.open(settings), settings, "run", FIRST, LAST)
    plan = make_plan(build_defs(), "bars_minute", FIRST, LAST, datetime(2026, 11, 25, 23, tzinfo=UTC))
    assert set(plan.tables) >= {"bronze.alphavantage_minutes", "gold.minute_coverage"}
    assert fingerprint(by(work, "alphavantage"), plan) != fingerprint(work, plan)


def test_coverage_tells_what_a_good_answer_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch) as work:
        more = work.settings.model_copy(update={"minute_symbols": ("AAPL", "NOSUCH")})
        landed(replace(work, settings=more))
        minutes.settle_minutes(work)
        minutes.gold_coverage(replace(work, settings=more))
    coverage = delta.read(work.home, table("gold.minute_coverage")).sort("session", "symbol")
    shown = coverage.select("symbol", "source", "session_minutes", "received_minutes", "reason", "detail").rows()
    assert (
        shown
        == [
            ("AAPL", "alphavantage", 390, 390, None, None),
            ("NOSUCH", "alphavantage", 390, 0, "refused", "bad_request"),
        ]
        * 2
    )


def test_a_run_of_the_assets_with_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch) as work, dg.DagsterInstance.ephemeral() as instance:
        spec = next(spec for spec in JOBS if spec.name == "bars_minute")
        assert slot_of(spec, work.settings) == "alphavantage"
        assert slot_of(spec, by(work, "yahoo").settings) == "query2"
        defs = build_defs()
        graph = defs.resolve_asset_graph()
        chosen = [name for name in spec.tables if graph.get(asset_key(name)).partitions_def]
        for tables, day in ((chosen, LAST.isoformat()), (("gold.bars_minute",), None)):
            keys = [asset_key(name) for name in tables]
            run = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance, asset_selection=keys, partition_key=day
            )
            assert run.success
            checks = [check for check in run.get_asset_check_evaluations() if not check.passed]
            assert checks == []
        assert origins(work) == {"alphavantage": 780}
        assert sorted(delta.read(work.home, table("gold.minute_coverage")).select("symbol", "received").rows()) == [
            (symbol, True) for symbol in WATCHED
        ]
    assert files_with(tmp_path, KEY) == []
