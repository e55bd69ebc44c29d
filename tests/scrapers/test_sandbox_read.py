"""What the sandbox serves is read by the page objects without a refusal, and says what the world says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from lake.contracts import SECTORS
from scrapers.pages.chart_rows import parse_chart
from scrapers.pages.posts import parse_posts
from scrapers.pages.quotes import parse_quotes
from scrapers.pages.screener import parse_screener
from scrapers.pages.summary import parse_summary
from scrapers.pages.tickers import parse_tickers
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world import actions, bars, companies, snapshot

SESSION = date(2026, 11, 20)
TICK = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
AT = {"x-sandbox-at": TICK.isoformat()}
MODULES = "price,summaryDetail,defaultKeyStatistics,assetProfile,calendarEvents,financialData"
PER_SECTOR = 40


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    sandbox = Sandbox(
        seed=7,
        per_sector=PER_SECTOR,
        edgar_rows=1_000,
        posts_per_day=600,
        tags=("nifty50", "sensex", "intraday", "banknifty"),
        clock=Clock(start=datetime(2026, 11, 21, 12, tzinfo=UTC), frozen=True),
        files=tmp_path_factory.mktemp("logs"),
    )
    with TestClient(build_app(sandbox), headers={"user-agent": "Mozilla/5.0 (compatible; Tidemark/0.1)"}) as made:
        made.get("/fc/")
        made.headers["x-crumb"] = made.get("/query1/v1/test/getcrumb").text
        yield made


def _screened(client: TestClient, sector: str) -> bytes:
    body = {"size": PER_SECTOR, "query": {"operator": "EQ", "operands": ["sector", sector]}}
    crumb = {"crumb": client.headers["x-crumb"]}
    return client.post("/query1/v1/finance/screener", params=crumb, json=body, headers=AT).content


@pytest.fixture(scope="module")
def universe(client: TestClient) -> pl.DataFrame:
    pages = [parse_screener(_screened(client, sector), SESSION, sector, 200) for sector in SECTORS]
    assert not any(page.refusals for page in pages)
    return pl.concat(page.rows for page in pages)


def test_the_universe_is_read_whole(universe: pl.DataFrame) -> None:
    assert universe.height == PER_SECTOR * len(SECTORS)
    assert universe["symbol"].n_unique() == universe.height
    assert universe.group_by("sector").agg(pl.col("rank").max())["rank"].unique().to_list() == [PER_SECTOR]


def test_quotes_are_read_whole(client: TestClient, universe: pl.DataFrame) -> None:
    params = {"symbols": ",".join(universe["symbol"]), "crumb": client.headers["x-crumb"]}
    body = client.get("/query1/v7/finance/quote", params=params, headers=AT).content
    read = parse_quotes(body, SESSION, TICK, 200)
    assert not read.refusals
    assert set(read.rows["symbol"]) == set(universe["symbol"])
    rows = {row["symbol"]: row for row in read.rows.iter_rows(named=True)}
    for symbol in universe["symbol"].to_list()[::17]:
        company = companies.find(7, symbol, PER_SECTOR)
        seen = snapshot.snapshot(7, company, TICK) if company else None
        assert seen is not None
        assert rows[symbol]["price"] == seen.price
        assert rows[symbol]["volume_shares"] == seen.volume
        assert rows[symbol]["change_pct"] == pytest.approx(seen.change_fraction * 100, rel=1e-5)
        assert rows[symbol]["quoted_at"] == TICK
    assert (read.rows["day_low"] <= read.rows["price"]).all()
    assert (read.rows["price"] <= read.rows["day_high"]).all()


def test_profiles_are_read_whole(client: TestClient, universe: pl.DataFrame) -> None:
    for row in universe.sort("symbol").rows(named=True)[::12]:
        params = {"modules": MODULES, "crumb": client.headers["x-crumb"]}
        body = client.get(f"/query2/v10/finance/quoteSummary/{row['symbol']}", params=params, headers=AT).content
        read = parse_summary(body, SESSION, row["symbol"], 200)
        assert not read.refusals
        (profile,) = read.rows.rows(named=True)
        assert profile["sector"] == row["sector"]
        assert profile["name"] == row["name"]
        assert profile["earnings_at"] > TICK
        assert profile["country"]
        assert 0.05 < profile["beta"] < 4


def test_daily_bars_are_read_whole(client: TestClient, universe: pl.DataFrame) -> None:
    split = [
        company.symbol
        for company in companies.everyone(7, PER_SECTOR)
        if any(date(2025, 11, 24) < day < SESSION for day, _ in actions.splits(7, company))
    ]
    assert split
    params = {"period1": "1763640000", "period2": "1795400000", "interval": "1d", "events": "div,splits"}
    for symbol in [*split, *universe["symbol"].to_list()[::40]]:
        read = parse_chart(client.get(f"/query2/v8/finance/chart/{symbol}", params=params).content, "1d", symbol)
        assert not read.bars.refusals
        assert not read.actions.refusals
        company = companies.find(7, symbol, PER_SECTOR)
        assert company is not None
        world = bars.history(7, company, date(2025, 11, 20), SESSION)
        assert read.bars.rows["session"].to_list() == [date.fromordinal(int(day)) for day in world.days]
        per_anchor_share = (world.close / world.factor * world.factor[-1]).tolist()
        assert read.bars.rows["close"].to_list() == pytest.approx(per_anchor_share, rel=1e-6)
        kinds = read.actions.rows["kind"].cast(pl.String)
        assert (kinds == "dividend").sum() == (world.dividend > 0).sum()
        assert (kinds == "split").sum() == (1 if symbol in split else 0)


def test_the_bar_of_a_running_session_is_refused_as_partial(client: TestClient) -> None:
    params = {"period1": "1794000000", "period2": "1795400000", "interval": "1d", "events": "div,splits"}
    body = client.get("/query2/v8/finance/chart/AAPL", params=params, headers=AT).content
    read = parse_chart(body, "1d", "AAPL", TICK)
    assert [refusal.reason for refusal in read.bars.refusals] == ["partial_bar"]
    assert read.bars.rows["session"].max() == date(2026, 11, 19)


def test_minute_bars_are_read(client: TestClient) -> None:
    params = {"period1": "1795185000", "period2": "1795208400", "interval": "1m"}
    read = parse_chart(client.get("/query2/v8/finance/chart/AAPL", params=params).content, "1m", "AAPL")
    assert not read.bars.refusals
    assert read.bars.rows.height == 390


def test_posts_are_read(client: TestClient) -> None:
    params = {
        "query": "#nifty50 OR #sensex OR #intraday OR #banknifty",
        "max_results": "100",
        "tweet.fields": "author_id,created_at,entities,lang,public_metrics,referenced_tweets",
    }
    read, refused, token = 0, 0, None
    for _ in range(6):
        page = params | ({"next_token": token} if token else {})
        reply = client.get("/x/2/tweets/search/recent", params=page, headers={"authorization": "Bearer any"})
        posts = parse_posts(reply.content, 200)
        read, refused = read + posts.rows.height, refused + len(posts.refusals)
        assert {refusal.reason for refusal in posts.refusals} <= {"no_tag"}
        token = reply.json()["meta"]["next_token"]
    assert read + refused == 600
    # Reposts whose tags were cut off with their end.
    assert refused < 12


@pytest.mark.parametrize("name", ["company_tickers.json", "company_tickers_exchange.json"])
def test_ticker_files_are_read_whole(client: TestClient, name: str) -> None:
    body = client.get(f"/sec/files/{name}", headers={"user-agent": "Tidemark Tests tests@example.com"}).content
    read = parse_tickers(body, 200)
    assert not read.refusals
    known = {company.symbol: company.cik for company in companies.everyone(7, PER_SECTOR) if company.cik}
    assert dict(read.rows.select("symbol", "cik").iter_rows()) == known
