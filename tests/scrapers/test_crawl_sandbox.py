"""Every spider against the sandbox itself, from the wire to settled rows and the market's gold tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.contracts import SECTORS, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.rows import Settled
from lake.settings import Settings, load_settings
from scrapers.crawl import run_crawl
from scrapers.gold import bars_gold, companies_scd2, coverage_gold, quotes_gold, sectors_gold
from scrapers.imports.read import Source
from scrapers.silver import bars_rows, posts_rows, profiles_rows, quotes_rows, sec_ticker_rows, universe_rows
from scrapers.urls import source_urls
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 20)
PER_SECTOR = 3


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a small simulated world whose sandbox runs."""
    port = free_port()
    world = {
        "HOME": str(tmp_path / "home"),
        "NOW": "2026-11-21T09:00:00Z",
        "UNIVERSE_PER_SECTOR": str(PER_SECTOR),
        "EDGAR_ROWS_PER_DAY": "300",
        "POSTS_PER_DAY": "200",
        "PORT_SANDBOX": str(port),
    }
    for name, value in world.items():
        monkeypatch.setenv(f"TIDEMARK_{name}", value)
    with sandbox_running(port, tmp_path / "sandbox.log"):
        yield load_settings()


def keeps_contract(table_id: str, rows: pl.DataFrame) -> pl.DataFrame:
    good, failure = table(table_id).schema.filter(rows, cast=True)
    assert good.height == rows.height, failure.counts()
    return rows


def all_good(settled: Settled) -> pl.DataFrame:
    assert settled.quarantined.height == 0, settled.quarantined["rules"].to_list()
    return settled.good


def test_every_spider_from_the_wire_to_gold(settings: Settings, tmp_path: Path) -> None:
    urls = source_urls(settings, Home.open(settings))

    def crawl(spider: str, **params: Any) -> Any:
        params = {"session": DAY.isoformat(), **params}
        return run_crawl(spider, params, tmp_path / "spool", urls, settings, log_file=tmp_path / "crawl.log")

    tick = xnys().ticks(DAY)[-1]
    members = all_good(universe_rows(crawl("universe", per_sector=PER_SECTOR).bodies(), PER_SECTOR))
    assert members.group_by("sector").len().sort("sector").rows() == [(sector, PER_SECTOR) for sector in SECTORS]
    symbols = members["symbol"].to_list()

    answer = crawl("quotes", symbols=[*symbols, "NOSUCH"], tick=tick.isoformat(), at=tick.isoformat())
    quotes = quotes_rows(answer.bodies(), DAY, tick)
    assert sorted(all_good(quotes)["symbol"]) == sorted(symbols)
    assert quotes.good["quoted_at"].max() <= tick

    profiles = all_good(profiles_rows(crawl("summary", symbols=symbols).bodies()))
    assert profiles["sector"].null_count() == 0

    charts = crawl("bars", symbols=symbols, start="2026-10-01", end=DAY.isoformat()).bodies()
    bars, actions = (all_good(settled) for settled in bars_rows(charts))
    sessions = xnys().sessions(date(2026, 10, 1), DAY)
    assert bars.group_by("symbol").len()["len"].unique().to_list() == [len(sessions)]

    window = {"start": "2026-11-19T18:30:00Z", "end": "2026-11-20T18:30:00Z"}
    posts = posts_rows(crawl("posts", tags=list(settings.tags), **window).bodies(), DAY, DAY, settings.tags)
    assert posts.good.height > 100

    files = crawl("edgar", days=["2026-11-19", "2016-05-03"], tickers=True).files
    assert {file.kind for file in files} == {"edgar_log_v1", "edgar_log_v2", "sec_tickers"}
    mapping = next(file for file in files if file.kind == "sec_tickers")
    tickers, refused, count = sec_ticker_rows(mapping.path, Source(mapping.sha256, mapping.ingested_at, "run"))
    assert (refused, count) == ([], tickers.height)

    companies = keeps_contract("gold.companies", companies_scd2(profiles, tickers))
    assert companies.height == len(symbols)
    assert companies["cik"].null_count() < companies.height
    gold = keeps_contract("gold.quotes", quotes_gold(quotes.good, profiles))
    assert keeps_contract("gold.sectors", sectors_gold(gold, members))["companies"].to_list() == [PER_SECTOR] * 11
    expected = pl.concat([members, members.head(1).with_columns(pl.lit("NOSUCH").alias("symbol"))])
    coverage = keeps_contract("gold.coverage", coverage_gold(expected, gold, _slice(quotes), DAY, tick, "run"))
    assert coverage.filter(~pl.col("received")).select("symbol", "detail").rows() == [("NOSUCH", "not_in_answer")]

    adjusted = keeps_contract("gold.bars_daily", bars_gold(bars, actions))
    both = adjusted.join(bars.select("symbol", "session", "source_adj_close"), on=["symbol", "session"])
    off = (both["adj_close"] / both["source_adj_close"] - 1).abs().max()
    assert isinstance(off, float)
    assert off < 1e-5
    # The close of the newest daily bar is the price at the closing tick: one world.
    last = adjusted.filter(pl.col("session") == DAY).join(gold, on="symbol")
    assert last["close"].to_list() == pytest.approx(last["price"].to_list(), abs=0.011)


def _slice(settled: Settled) -> pl.DataFrame:
    return settled.quarantined.with_columns(pl.lit("the tick").alias("slice"))
