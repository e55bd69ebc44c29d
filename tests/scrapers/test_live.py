"""Live mode as it would be used: a real home, each source chosen alone, its addresses played by recordings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.home import Home
from lake.settings import Settings, load_settings
from scrapers.crawl import run_crawl
from scrapers.errors import SourceSettingsError
from scrapers.live import SOURCES
from scrapers.urls import limits, source_urls
from tests.conftest import ROOT
from tests.scrapers.recording_server import CRUMB, TICK, Outcomes, answer, lanes
from tests.scrapers.recordings import yahoo_zip
from tests.scrapers.small_source import Reply, SmallSource, small_source


def chosen(folder: Path, source: SmallSource, **more: object) -> Settings:
    return load_settings(
        home=folder / "home",
        world="real",
        source_yahoo="live",
        accept_terms="yahoo",
        yahoo_query1_url=source.urls.query1,
        yahoo_query2_url=source.urls.query2,
        yahoo_cookie_url=source.urls.cookie,
        yahoo_requests_per_second=20,
        **more,
    )


def test_a_real_home_asks_honestly_and_at_its_rate(shared: Path, tmp_path: Path) -> None:
    held = lanes(yahoo_zip(shared), Outcomes())
    with small_source(answer(held, Reply(CRUMB.encode(), headers={"Content-Type": "text/plain"}))) as source:
        settings = chosen(tmp_path, source, contact="Jo Doe jo@example.org")
        urls = source_urls(settings, Home.open(settings))
        assert not urls.sandboxed
        assert limits(settings, urls)["query1"] == {"concurrency": 4, "jitter": 0.0, "delay": 0.05}
        symbols = ["AAPL", "MSFT"]
        params = {"session": "2025-02-14", "tick": TICK.isoformat(), "symbols": symbols, "batch": 1, "at": "never sent"}
        report = run_crawl("quotes", params, tmp_path / "spool", urls, settings)
    assert report.good >= 1
    asked = [one for one in source.asked if "/v7/finance/quote" in one.path]
    assert {one.headers["user-agent"] for one in source.asked} == {
        "Mozilla/5.0 (compatible; Tidemark/0.1; Jo Doe jo@example.org)"
    }
    assert not any("x-sandbox-at" in one.headers for one in asked)


def test_without_a_contact_nobody_is_asked(tmp_path: Path) -> None:
    with small_source(lambda _asked, _before: Reply(b"{}")) as source:
        settings = chosen(tmp_path, source)
        urls = source_urls(settings, Home.open(settings))
        with pytest.raises(SourceSettingsError, match="TIDEMARK_CONTACT"):
            run_crawl("quotes", {"session": "2025-02-14", "symbols": ["AAPL"]}, tmp_path / "spool", urls, settings)
    assert source.asked == []


def test_the_page_on_live_sources_is_true() -> None:
    text = (ROOT / "docs" / "sources.md").read_text()
    for source in SOURCES:
        assert f"`TIDEMARK_SOURCE_{source.name.upper()}=live`" in text
    known = {f"TIDEMARK_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"TIDEMARK_[A-Z0-9_]+", text)) <= known
