"""Crawls side by side: one rate, one wish for quiet, one circuit breaker and one crumb for all of a home."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lake.settings import Settings, load_settings
from scrapers.crawl import FAILED, LEFT_ALONE, CrawlFailed, run_crawl
from scrapers.job import CrawlReport
from scrapers.urls import SourceUrls
from tests.scrapers.bodies import chart, chart_body, error_body, quote, quotes_body
from tests.scrapers.small_source import Asked, Reply, small_source

DAY = "2026-11-20"
CRUMB = "/query1/v1/test/getcrumb"
BARS = {"session": DAY, "start": DAY, "end": DAY}
QUOTES = {"session": DAY, "tick": "2026-11-20T18:00:00+00:00"}

Crawl = Callable[..., CrawlReport]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        home=tmp_path / "home",
        host_refusals=3,
        contact="Jo Doe jo@example.org",
        yahoo_requests_per_second=4,
    )


@pytest.fixture
def crawl(tmp_path: Path, settings: Settings) -> Crawl:
    """Run a crawl; those of one test share what they know of the hosts."""

    def run(urls: SourceUrls, spider: str, name: str = "one", **params: Any) -> CrawlReport:
        return run_crawl(spider, params, tmp_path / "spools" / name, urls, settings, hosts=tmp_path / "hosts")

    return run


def good(asked: Asked, _: int) -> Reply:
    if asked.path == CRUMB:
        return Reply(f"crumb-of-{asked.headers['cookie'].partition('=')[2]}".encode())
    if "symbols" in asked.query:
        return Reply(quotes_body(*(quote(symbol) for symbol in asked.query["symbols"].split(","))))
    return Reply(chart_body(chart(asked.path.rpartition("/")[2])))


def side_by_side(crawl: Crawl, urls: SourceUrls, spider: str, **params: Any) -> list[CrawlReport]:
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda name: crawl(urls, spider, name, **params), ("a", "b", "c")))


def over(hosts: Path) -> None:
    """Let the pause of every host be over."""
    for path in hosts.glob("*@*.json"):
        if "open_until" in (known := json.loads(path.read_text())):
            path.write_text(json.dumps(known | {"open_until": 0.0}))


def test_an_expired_crumb_is_renewed_by_one_request_for_all_crawls(crawl: Crawl) -> None:
    def answer(asked: Asked, before: int) -> Reply:
        if asked.query.get("crumb") == "crumb-of-cookie0":
            return Reply(error_body("finance", "Unauthorized", "Invalid Crumb"), 401)
        return good(asked, before)

    symbols = [f"S{n}" for n in range(6)]
    with small_source(answer) as source:
        reports = side_by_side(crawl, source.urls, "quotes", **QUOTES, symbols=symbols, batch=1)
        assert (len(source.to("/fc/")), len(source.to(CRUMB))) == (2, 2)
        again = crawl(source.urls, "quotes", "later", **QUOTES, symbols=symbols, batch=1)
        assert len(source.to("/fc/")) == 2
    assert sum(report.renewals for report in reports) == 2
    assert {(report.good, len(report.unanswered)) for report in [*reports, again]} == {(6, 0)}
    assert (again.renewals, again.refusals) == (0, {})


def test_a_host_that_refuses_is_left_alone_for_a_while_by_later_crawls_too(crawl: Crawl, tmp_path: Path) -> None:
    broken = [True]

    def answer(asked: Asked, before: int) -> Reply:
        return Reply(b"", 503) if broken[0] else good(asked, before)

    with small_source(answer) as source:
        with pytest.raises(CrawlFailed, match="server_error") as first:
            crawl(source.urls, "bars", **BARS, symbols=["AAA"])
        asked = len(source.asked)
        with pytest.raises(CrawlFailed, match="host_left_alone 2") as second:
            crawl(source.urls, "bars", "two", **BARS, symbols=["AAA", "BBB"])
        assert (asked, len(source.asked)) == (3, 3)
        broken[0] = False
        # The other host is another matter.
        assert crawl(source.urls, "quotes", "three", **QUOTES, symbols=["AAA"]).good == 1
        over(tmp_path / "hosts")
        report = crawl(source.urls, "bars", "four", **BARS, symbols=["AAA", "BBB"])
    assert first.value.report is not None
    assert first.value.report.exit_code == FAILED
    assert second.value.report is not None
    assert (second.value.report.exit_code, second.value.report.requests) == (LEFT_ALONE, 0)
    assert second.value.report.missing == {"AAA": "host_left_alone", "BBB": "host_left_alone"}
    assert (report.good, report.unanswered) == (2, {})


def test_a_host_that_wants_long_quiet_is_given_up_at_once(crawl: Crawl) -> None:
    with small_source(lambda *_: Reply(b"Too Many Requests", 429, {"Retry-After": "7200"})) as source:
        with pytest.raises(CrawlFailed, match="throttled 1"):
            crawl(source.urls, "bars", **BARS, symbols=["AAA"])
        with pytest.raises(CrawlFailed, match="host_left_alone 1"):
            crawl(source.urls, "bars", **BARS, symbols=["AAA"])
        assert len(source.asked) == 1


def test_the_rate_to_a_live_host_is_that_of_all_crawls_together(crawl: Crawl, settings: Settings) -> None:
    times: list[float] = []

    def answer(asked: Asked, before: int) -> Reply:
        times.append(time.monotonic())
        return good(asked, before)

    with small_source(answer) as source:
        live = replace(source.urls, sandboxed=False)
        side_by_side(crawl, live, "bars", **BARS, symbols=["AAA", "BBB", "CCC", "DDD"])
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 12
    rate = settings.yahoo_requests_per_second
    assert times[-1] - times[0] >= 11 / rate * 0.95
    assert sum(gap < 0.5 / rate for gap in gaps) <= 2
