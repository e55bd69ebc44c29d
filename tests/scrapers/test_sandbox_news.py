"""The sandbox's stories: told by what happened in the world, the same whenever they are asked for, in the recorded forms."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from lake.market_calendar import NEW_YORK, xnys
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world import actions, bars, companies
from scrapers.sandbox.world.news import PLANTED_DAY, PLANTED_STORIES, of_day

AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SEARCH, FEED = "/query2/v1/finance/search", "/rss/rss/2.0/headline"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    sandbox = Sandbox(
        seed=7,
        per_sector=100,
        edgar_rows=1_000,
        posts_per_day=100,
        tags=("nifty50",),
        clock=Clock(start=NOW, frozen=True),
        files=tmp_path_factory.mktemp("sandbox"),
    )
    with TestClient(build_app(sandbox), headers={"user-agent": AGENT}) as made:
        yield made


def searched(client: TestClient, words: str, at: datetime | None = None, count: int = 20) -> dict[str, Any]:
    headers = {"x-sandbox-at": at.isoformat()} if at else {}
    reply = client.get(SEARCH, params={"q": words, "newsCount": str(count), "quotesCount": "3"}, headers=headers)
    assert reply.status_code == 200
    found: dict[str, Any] = reply.json()
    return found


def test_the_search_has_the_recorded_form(client: TestClient, shared: Path) -> None:
    with zipfile.ZipFile(shared / "data/yahoo/yf2_http_dev.zip") as archive:
        recorded = orjson.loads(archive.read("fixtures/http/search-AAPL.json"))["response"]["bodyJson"]
        refused = orjson.loads(archive.read("http/4-7-2021/search-noOpts.json"))["response"]
    ours = searched(client, "AAPL")
    assert set(ours) <= set(recorded)
    assert set(ours["news"][0]) <= set(recorded["news"][0])
    assert {type(value) for value in ours["news"][0].values()} == {str, int, list}
    assert set(ours["quotes"][0]) <= {key for quote in recorded["quotes"] for key in quote}
    nothing = client.get(SEARCH)
    assert (nothing.status_code, nothing.json()) == (refused["status"], refused["bodyJson"])


def test_the_past_is_the_same_whenever_it_is_asked_for(client: TestClient) -> None:
    then = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)
    before = searched(client, "NVDA", then)["news"]
    assert all(story["providerPublishTime"] <= then.timestamp() for story in before)
    now = searched(client, "NVDA", count=100)["news"]
    assert [story for story in now if story["providerPublishTime"] <= then.timestamp()][: len(before)] == before
    assert len({story["link"] for story in now}) == len(now)
    assert all(story["publisher"].startswith("Simulated") for story in now)


def test_search_and_feed_tell_the_same_stories(client: TestClient) -> None:
    items = ET.fromstring(client.get(FEED, params={"s": "NVDA"}).content).findall("./channel/item")
    stories = searched(client, "NVDA")["news"]
    assert [item.findtext("title") for item in items] == [story["title"] for story in stories]
    assert [str(item.findtext("link")).removesuffix("?.tsrc=rss") for item in items] == [s["link"] for s in stories]
    when = [parsedate_to_datetime(str(item.findtext("pubDate"))).timestamp() for item in items]
    assert when == [story["providerPublishTime"] for story in stories]
    assert ET.fromstring(client.get(FEED, params={"s": "NOBODY"}).content).findall("./channel/item") == []


def test_a_company_is_found_by_part_of_its_name_and_nobody_by_nonsense(client: TestClient) -> None:
    assert [hit["symbol"] for hit in searched(client, "micros")["quotes"]] == ["MSFT"]
    nobody = searched(client, "no such company")
    assert (nobody["quotes"], nobody["news"]) == ([], [])


def test_stories_are_told_by_what_happened() -> None:
    seed, kinds = 7, set()
    for company in (c for known in companies.listed(seed).values() for c in known[:6]):
        history = bars.history(seed, company, date(2026, 8, 3), date(2026, 11, 20))
        for n in range(1, len(history)):
            day = date.fromordinal(int(history.days[n]))
            own = [story for story in of_day(seed, company, day) if story.symbols == (company.symbol,)]
            dividends = [story for story in own if "without their dividend" in story.title]
            assert len(dividends) == (1 if history.dividend[n] else 0) == (day in actions.ex_days(seed, company, 2026))
            for story in own:
                assert story.published.astimezone(NEW_YORK).date() == day
                if moved := re.search(r"shares (jump|tumble) ([\d.]+)% to \$([\d,.]+)", story.title):
                    change = history.close[n] / history.close[n - 1] - 1
                    assert (change > 0) == (moved[1] == "jump")
                    assert float(moved[2]) == pytest.approx(abs(change) * 100, abs=0.05)
                    assert float(moved[3].replace(",", "")) == pytest.approx(history.close[n])
                    assert story.published >= xnys().close_at(day)
                    kinds.add(moved[1])
    assert kinds == {"jump", "tumble"}


def test_only_the_planted_day_has_the_filing_s_stories() -> None:
    company = companies.find(7, "NVDA", 3)
    assert company is not None
    counts = {
        PLANTED_DAY + timedelta(days=n): len(of_day(7, company, PLANTED_DAY + timedelta(days=n))) for n in (-1, 0, 1)
    }
    assert counts[PLANTED_DAY] >= PLANTED_STORIES
    assert max(count for day, count in counts.items() if day != PLANTED_DAY) <= 3


def test_a_quarter_s_report_says_the_earnings_that_the_summary_has(client: TestClient) -> None:
    client.get("/fc/")
    crumb = client.get("/query1/v1/test/getcrumb").text
    params = {"modules": "calendarEvents,defaultKeyStatistics", "crumb": crumb, "formatted": "false"}
    found = client.get("/query2/v10/finance/quoteSummary/AAPL", params=params).json()["quoteSummary"]["result"][0]
    told = [story for story in searched(client, "AAPL", count=100)["news"] if "reports" in story["title"]]
    assert len(told) == 1
    eps = re.search(r"\$([\d.]+) a share", told[0]["title"])
    assert eps is not None
    assert float(eps[1]) == found["defaultKeyStatistics"]["trailingEps"]
