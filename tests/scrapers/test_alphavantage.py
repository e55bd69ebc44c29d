"""Crawls of Alpha Vantage: how it is asked, what ends a crawl, and that the key is nowhere afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lake.home import Home
from lake.settings import Settings, SettingsError, load_settings
from scrapers.crawl import CrawlFailed, run_crawl
from scrapers.errors import Reason, SourceSettingsError, coverage_of
from scrapers.fault_docs import OUTCOMES
from scrapers.hosts import HostLedger
from scrapers.job import CrawlReport
from scrapers.sandbox.faults import FAULTS
from scrapers.silver import series_rows
from scrapers.urls import SourceUrls, limits, source_urls
from tests.conftest import ROOT
from tests.scrapers.bodies import encode
from tests.scrapers.searched import files_with
from tests.scrapers.small_source import Asked, Reply, SmallSource, small_source
from tests.scrapers.test_faults import sandbox

KEY = "Q7TESTKEY0SECRET"
DAY = date(2026, 11, 20)
SYMBOLS = ["AAPL", "MSFT", "NVDA", "AVGO", "ORCL", "CRM"]
OF_SERIES = [name for name, fault in FAULTS.items() if "/alphavantage/" in fault.where]
META = {"2. Symbol": "", "4. Interval": "1min", "6. Time Zone": "US/Eastern"}
BAR = {"1. open": "10.0", "2. high": "11.0", "3. low": "9.0", "4. close": "10.5", "5. volume": "100"}
CAP = f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day."


def series(*symbols: str, month: str = "2026-11") -> dict[str, Any]:
    return {"session": DAY.isoformat(), "series": [{"symbol": symbol, "month": month} for symbol in symbols]}


def assert_key_is_nowhere(folder: Path, key: str = KEY) -> None:
    assert list(folder.rglob("*.parquet"))
    assert list(folder.rglob("crawl.log"))
    assert files_with(folder, key) == []


# --- the real sandbox ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceUrls]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        root = str(running.query1).removesuffix("/query1")
        yield replace(running, alphavantage=f"{root}/alphavantage")


def crawl(urls: SourceUrls, folder: Path, faults: dict[str, str], *symbols: str) -> CrawlReport:
    settings = load_settings(home=folder / "home", now="2026-11-21T09:00:00Z!", alphavantage_key=KEY)
    params = {**series(*(symbols or SYMBOLS)), "faults": faults}
    return run_crawl("alphavantage", params, folder / "spool", urls, settings, run_id="run")


def test_a_month_of_each_symbol(urls: SourceUrls, tmp_path: Path) -> None:
    report = crawl(urls, tmp_path, {}, "AAPL", "NOSUCH")
    assert report.missing == {"NOSUCH": "bad_request"}
    settled = series_rows(report.bodies(), DAY, DAY)
    assert settled.good.group_by("symbol", "session", "origin").len().rows() == [("AAPL", DAY, "alphavantage", 390)]
    assert settled.account.rows_in == 391, "the refused body counts, other days do not"
    assert settled.quarantined["rules"].to_list() == ["bad_request"]
    assert_key_is_nowhere(tmp_path)


@pytest.mark.parametrize("name", OF_SERIES)
def test_a_notice_s_row_of_the_table_of_faults(urls: SourceUrls, tmp_path: Path, name: str) -> None:
    reason = OUTCOMES[name].refused
    assert reason is not None
    with pytest.raises(CrawlFailed, match=f"no answer to 1 questions: {reason} 1") as failed:
        crawl(urls, tmp_path, {"*": name}, "AAPL")
    assert failed.value.report is not None
    bodies = failed.value.report.bodies()
    assert bodies.height == reason.tries + 1
    assert series_rows(bodies).quarantined["rules"].unique().to_list() == [str(reason)]
    assert_key_is_nowhere(tmp_path)


def test_a_burst_that_passes_costs_no_row(urls: SourceUrls, tmp_path: Path) -> None:
    report = crawl(urls, tmp_path, {"*": "throttled_note:1"}, "AAPL")
    assert (report.unanswered, report.refusals) == ({}, {"throttled": 1})
    assert series_rows(report.bodies(), DAY, DAY).good.height == 390


# --- live: a real home, its address played by a small server --------------------------------------------------------


def chosen(folder: Path, source: SmallSource, **more: object) -> Settings:
    root = str(source.urls.query1).removesuffix("/query1")
    usual: dict[str, object] = {
        "home": folder / "home",
        "world": "real",
        "source_alphavantage": "live",
        "accept_terms": "alphavantage",
        "alphavantage_url": f"{root}/alphavantage",
        "alphavantage_key": KEY,
        "alphavantage_requests_per_minute": 600,
        "contact": "Jo Doe jo@example.org",
    }
    return load_settings(**{**usual, **more})


def live(folder: Path, source: SmallSource, *symbols: str, **more: object) -> CrawlReport:
    settings = chosen(folder, source, **more)
    home = Home.open(settings)
    return run_crawl(
        "alphavantage",
        series(*symbols),
        home.landing / "spool",
        source_urls(settings, home),
        settings,
        hosts=home.run / "hosts",
        log_file=home.logs / "crawl.log",
    )


def told(*notices: str) -> Callable[[Asked, int], Reply]:
    """A series each time, and from some request on a notice."""

    def answer(asked: Asked, before: int) -> Reply:
        if before < len(notices) and notices[before]:
            return Reply(encode({"Information": notices[before]}))
        meta = {**META, "2. Symbol": asked.query["symbol"]}
        return Reply(encode({"Meta Data": meta, "Time Series (1min)": {"2026-11-20 09:30:00": BAR}}))

    return answer


def test_it_is_asked_honestly_one_after_the_other(tmp_path: Path) -> None:
    with small_source(told()) as source:
        report = live(tmp_path, source, *SYMBOLS)
        settings = chosen(tmp_path, source)
    assert report.good == len(SYMBOLS)
    asked = source.to("/alphavantage/query")
    assert {one.headers["user-agent"] for one in asked} == {"Tidemark/0.1 (Jo Doe jo@example.org)"}
    assert [one.query["symbol"] for one in asked] == SYMBOLS
    assert {(one.query["apikey"], one.query["adjusted"], one.query["extended_hours"]) for one in asked} == {
        (KEY, "false", "false")
    }
    assert report.seconds > 0.1 * (len(SYMBOLS) - 1)
    usual = load_settings(home=tmp_path / "home", world="real")
    assert limits(usual, source_urls(settings, Home.open(settings)))["alphavantage"]["delay"] == 12
    assert_key_is_nowhere(tmp_path)


@pytest.mark.parametrize(
    ("notice", "reason", "coverage"),
    [
        (CAP, Reason.DAILY_CAP, "throttled"),
        ("Thank you! This is a premium endpoint.", Reason.PREMIUM_FUNCTION, "refused"),
        ("the parameter apikey is invalid or missing.", Reason.UNAUTHORIZED, "refused"),
    ],
)
def test_a_notice_that_holds_for_all_ends_the_crawl(tmp_path: Path, notice: str, reason: Reason, coverage: str) -> None:
    with small_source(told("", "", *[notice] * 10)) as source:
        report = live(tmp_path, source, *SYMBOLS)
    assert len(source.to("/alphavantage/query")) == 3
    assert report.exit_code == 0
    assert report.missing == dict.fromkeys(SYMBOLS[2:], str(reason))
    assert coverage_of(reason) == coverage
    assert_key_is_nowhere(tmp_path)


def test_no_more_than_the_day_s_number_is_asked_by_all_crawls_together(tmp_path: Path) -> None:
    with small_source(told()) as source:
        first = live(tmp_path, source, *SYMBOLS[:2], alphavantage_requests_per_day=3)
        second = live(tmp_path, source, *SYMBOLS[2:], alphavantage_requests_per_day=3)
        assert len(source.to("/alphavantage/query")) == 3
        assert first.unanswered == {}
        assert second.missing == dict.fromkeys(SYMBOLS[3:], "daily_cap")
        with pytest.raises(CrawlFailed, match="daily_cap 1"):
            live(tmp_path, source, "AAPL", alphavantage_requests_per_day=3)
        assert live(tmp_path, source, "AAPL", alphavantage_requests_per_day=0).good == 1
        assert len(source.to("/alphavantage/query")) == 4


def test_another_day_has_a_number_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = HostLedger(tmp_path, {"alphavantage": "https://av.example"})
    now = [1_795_000_000.0]
    monkeypatch.setattr("scrapers.hosts.time.time", lambda: now[0])
    ledger.count_today("alphavantage")
    ledger.count_today("alphavantage")
    assert ledger.asked_today("alphavantage") == 2
    now[0] += 86_400
    assert ledger.asked_today("alphavantage") == 0
    ledger.count_today("alphavantage")
    assert ledger.asked_today("alphavantage") == 1


def test_what_is_lacking_for_live_is_named_and_nobody_is_asked(tmp_path: Path) -> None:
    with small_source(told()) as source:
        with pytest.raises(SourceSettingsError, match="TIDEMARK_ALPHAVANTAGE_KEY is not set"):
            live(tmp_path, source, "AAPL", alphavantage_key=None)
        with pytest.raises(SourceSettingsError, match=r"paid function.*TIDEMARK_ACCEPT_TERMS=alphavantage says"):
            live(tmp_path, source, "AAPL", accept_terms="")
        with pytest.raises(SourceSettingsError, match="TIDEMARK_SOURCE_ALPHAVANTAGE is not 'live'"):
            live(tmp_path, source, "AAPL", source_alphavantage="files")
        with pytest.raises(SourceSettingsError, match="TIDEMARK_CONTACT"):
            live(tmp_path, source, "AAPL", contact=None)
    assert source.asked == []


@pytest.mark.parametrize("key", ["short1", "12345678", "with space9", "Schlüssel1"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match=r"TIDEMARK_ALPHAVANTAGE_KEY=\(hidden\)") as refused:
        load_settings(home=tmp_path, alphavantage_key=key)
    assert key not in str(refused.value)


def test_an_error_s_text_is_written_without_the_key() -> None:
    program = (
        "import logging, sys\n"
        "from scrapers.hidden import hide_from_output\n"
        f"hide_from_output({KEY!r})\n"
        "logging.basicConfig(format='%(message)s')\n"
        f"logging.error('no <GET https://av.example/query?apikey=%s>', {KEY!r})\n"
        f"print('kept', {KEY!r})\n"
        f"raise ValueError('apikey={KEY}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "kept ...\n")
    assert KEY not in done.stderr
    assert "no <GET https://av.example/query?apikey=...>" in done.stderr
    assert "ValueError: apikey=..." in done.stderr
