"""The state of the data: as values over the API, as a page in a browser, and Data Docs that run nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from selenium.webdriver.common.by import By

from chat_api.api import build_api
from chat_api.app import build_service
from chat_api.data_docs import DataDocs
from lake.market_calendar import xnys
from tests.chat_api import small_marts
from tests.chat_api.browser import chromium, served, wait_for
from tests.chat_api.conftest import SmallHome

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>")


@pytest.fixture(scope="module")
def client(small_home: SmallHome) -> Iterator[TestClient]:
    service = build_service(small_home.settings, small_home.home)
    service.open()
    yield TestClient(build_api(service), base_url="http://127.0.0.1:8080")
    service.close()


def test_ticks_gaps_and_reasons_are_told(client: TestClient) -> None:
    seen = client.get("/api/data-health").json()
    ticks = xnys().ticks(small_marts.NEWEST)
    assert seen["newest_tick"] == seen["due_tick"] == "2026-11-20T21:00:00Z"
    assert [line["received"] for line in seen["ticks"]][-3] == 0
    assert seen["gaps"] == [ticks[2].isoformat().replace("+00:00", "Z")]
    assert seen["missing"] == [{"reason": "throttled", "companies": 1, "examples": ["PFE"]}]
    assert [(line["table"], line["rule"], line["rows"]) for line in seen["refused"]] == [
        ("silver.posts", "no_tag", 12),
        ("silver.quotes", "price_missing", 3),
    ]


def test_a_table_is_late_by_its_own_schedule(client: TestClient) -> None:
    states = {line["table"]: line["state"] for line in client.get("/api/data-health").json()["tables"]}
    assert states["gold.quotes"] == states["gold.bars_daily"] == "fresh"
    assert states["gold.companies"] == "unscheduled"


@pytest.mark.browser
def test_the_page_shows_what_a_source_wrote_as_text(small_home: SmallHome, tmp_path: Path) -> None:
    small_marts.fill(small_home.owner_dsn, HOSTILE)
    try:
        port = small_home.home.move_port("chat")
        with served(small_home.settings, port, tmp_path / "chat.log") as address, chromium(tmp_path / "p") as browser:
            browser.get(f"{address}/data-health")
            wait_for(lambda: len(browser.find_elements(By.CSS_SELECTOR, "main h2")) == 5)
            text = browser.find_element(By.TAG_NAME, "main").text
            assert "Simulated data" in text
            assert "throttled" in text
            assert HOSTILE[0] in text
            assert browser.find_elements(By.CSS_SELECTOR, "main td img, main td script") == []
            browser.save_screenshot(str(tmp_path / "health.png"))
            docs = httpx.get(f"{address}/data-docs/")
            assert "There are no Data Docs yet" in docs.text
    finally:
        small_marts.fill(small_home.owner_dsn)


def test_data_docs_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<script>alert(1)</script>")
    reply = TestClient(DataDocs(tmp_path)).get("/")
    assert reply.status_code == 200
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
