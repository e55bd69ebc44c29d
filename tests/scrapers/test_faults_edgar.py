"""Faults of the sandbox's SEC, each against a crawl of logs: what passes costs nothing, what stays has its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.settings import load_settings
from scrapers.crawl import CrawlFailed, run_crawl
from scrapers.errors import Reason
from scrapers.fault_docs import OF_ZIPS, OUTCOMES
from scrapers.job import CrawlReport
from scrapers.sandbox.faults import FAULTS
from scrapers.spiders.edgar import log_path, log_request
from scrapers.urls import SourceUrls
from tests.scrapers.test_faults import sandbox

NEWEST = date(2026, 11, 19)
PATH = f"/sec{log_path(NEWEST)}"
BLOCKING = [name for name, outcome in OUTCOMES.items() if outcome.refused and outcome.refused.block_seconds]
OF_LOGS = [name for name, fault in FAULTS.items() if fault.befalls(PATH) and name not in BLOCKING]
DAYS = [NEWEST - timedelta(days=n) for n in range(len(OF_LOGS))]
FAULTY = {log_path(day): name for day, name in zip(DAYS, OF_LOGS, strict=True)}

Crawl = Callable[..., CrawlReport]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceUrls]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def crawl(tmp_path: Path, urls: SourceUrls) -> Crawl:
    settings = load_settings(home=tmp_path / "home", now="2026-11-21T09:00:00Z!", host_refusals=10_000)

    def run(name: str, faults: dict[str, str], days: list[date] | None = None) -> CrawlReport:
        asked = {
            "session": NEWEST.isoformat(),
            "days": [day.isoformat() for day in days or DAYS],
            "downloads": str(tmp_path / name / "downloads"),
            "faults": faults,
            "timeout": 4,
        }
        return run_crawl("edgar", asked, tmp_path / name / "spool", urls, settings, hosts=tmp_path / name / "hosts")

    return run


def outcome_of(name: str) -> Reason | None:
    return OF_ZIPS.get(name, OUTCOMES[name].refused)


def shas(report: CrawlReport) -> dict[date | None, str]:
    return {file.log_date: file.sha256 for file in report.files}


def test_faults_that_pass_leave_the_same_files_and_those_that_stay_are_named(crawl: Crawl) -> None:
    quiet = crawl("quiet", {})
    passing = crawl("passing", {path: f"{name}:1" for path, name in FAULTY.items()})
    staying = crawl("staying", FAULTY)
    assert len(shas(quiet)) == len(DAYS)
    assert shas(passing) == shas(quiet)
    assert passing.unanswered == {}
    assert passing.retries == sum(outcome_of(name) is not None for name in OF_LOGS)
    named = {log_request(day): outcome_of(name) for day, name in zip(DAYS, OF_LOGS, strict=True)}
    assert staying.unanswered == {request: str(reason) for request, reason in named.items() if reason}
    came = {day: sha for day, sha in shas(quiet).items() if day and named[log_request(day)] is None}
    assert shas(staying) == came
    assert {FAULTY[log_path(day)] for day in came if day} == {"slow", "wrong_type"}


@pytest.mark.parametrize("name", BLOCKING)
def test_after_sec_s_own_pages_nothing_more_is_asked(name: str, crawl: Crawl) -> None:
    with pytest.raises(CrawlFailed, match=f"{OUTCOMES[name].refused} 1"):
        crawl("blocked", {"*": name}, DAYS[:1])
    with pytest.raises(CrawlFailed, match="host_left_alone 2") as second:
        crawl("blocked", {}, DAYS[:2])
    assert second.value.report is not None
    assert second.value.report.requests == 0
