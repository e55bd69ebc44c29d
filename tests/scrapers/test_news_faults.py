"""Search and feed while the sandbox misbehaves once at each request: the rows are those of a quiet hour, none lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lake.contracts import table
from lake.rows import Settled
from lake.settings import load_settings
from scrapers.crawl import run_crawl
from scrapers.news import news_rows
from scrapers.urls import SourceUrls
from tests.scrapers.test_faults import OF_SYMBOL, sandbox

NOBODY = pl.DataFrame(schema={"url": pl.String, "symbol": pl.String})
# Search and feed have no crumb, and no bars or quotes to be damaged.
FAULTS = {symbol: fault for symbol, fault in OF_SYMBOL.items() if fault != "crumb_expired"}


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceUrls]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        root = str(running.query2).removesuffix("/query2")
        yield replace(running, search=running.query2, rss=f"{root}/rss")


def crawled(urls: SourceUrls, folder: Path, faults: dict[str, str]) -> tuple[Settled, int]:
    settings = load_settings(home=folder / "home", now="2026-11-21T09:00:00Z!", host_refusals=10_000)
    asked = {"session": "2026-11-20", "symbols": list(OF_SYMBOL), "faults": faults, "timeout": 4}
    reports = [
        run_crawl(spider, asked, folder / spider, urls, settings, run_id="run")
        for spider in ("news_search", "news_rss")
    ]
    assert [dict(report.unanswered) for report in reports] == [{}, {}]
    return news_rows(pl.concat([report.bodies() for report in reports]), NOBODY), sum(r.retries for r in reports)


def test_rows_are_those_of_a_quiet_hour(urls: SourceUrls, tmp_path: Path) -> None:
    quiet, none = crawled(urls, tmp_path / "quiet", {})
    loud, retries = crawled(urls, tmp_path / "loud", {symbol: f"{fault}:1" for symbol, fault in FAULTS.items()})
    assert (none, quiet.account.quarantined) == (0, 0)
    assert retries >= 2 * 10
    facts = [name for name in table("silver.news").columns if name not in table("silver.news").provenance]
    rows = [settled.good.select(facts).sort("url", "symbol") for settled in (quiet, loud)]
    assert rows[0].height > len(OF_SYMBOL)
    assert rows[1].equals(rows[0])
    # What came instead of an answer is in the quarantine by name, and an answer of the same words beside it.
    assert set(loud.quarantined["rules"]) >= {"throttled", "forbidden", "maintenance_page", "not_xml", "server_error"}
    account = loud.account
    assert account.rows_in == account.rows_out + account.duplicates + account.quarantined
