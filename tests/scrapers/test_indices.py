"""Indices: levels of the sandbox and of recordings as rows, each on its own exchange's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from lake.contracts import table
from lake.indices import INDICES
from lake.market_calendar import xbom, xnys
from lake.rows import Settled
from scrapers.indices import index_days_gold, index_minutes_gold, index_rows
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox
from scrapers.spool import request_text
from scrapers.windows import minute_windows
from tests.scrapers.bodies import bronze, encode

AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # New York trades, India has closed


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    sandbox = Sandbox(
        seed=7,
        per_sector=100,
        edgar_rows=1_000,
        posts_per_day=100,
        tags=("nifty50",),
        clock=Clock(start=NOW, frozen=True),
        files=tmp_path_factory.mktemp("sandbox"),
    )
    return TestClient(build_app(sandbox), headers={"user-agent": AGENT})


def settled(client: TestClient, symbol: str, interval: str, first: date, last: date) -> Settled:
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    end = int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()) + 86_400
    window = {"period1": str(start), "period2": str(end), "interval": interval}
    reply = client.get(f"/query2/v8/finance/chart/{symbol}", params=window)
    bodies = bronze((request_text("charts", {**window, "symbol": symbol}), reply.content), source="yahoo_chart", at=NOW)
    return index_rows(bodies, "1d" if interval == "1d" else "1m", first, last)


@pytest.mark.parametrize("symbol", sorted(INDICES))
def test_levels_of_each_index_are_on_its_own_calendar(client: TestClient, symbol: str) -> None:
    index, first, last = INDICES[symbol], date(2025, 1, 2), date(2026, 11, 25)
    daily = settled(client, symbol, "1d", first, last)
    expected = index.calendar.sessions(first, last)
    if index.exchange == "XNYS":
        expected = expected[:-1]  # the running session is no bar yet
        assert daily.quarantined["rules"].to_list() == ["partial_bar"]
    assert daily.good["session"].to_list() == expected
    assert daily.account.rows_in == daily.account.rows_out + daily.account.quarantined
    gold = index_days_gold(daily.good)
    assert table("gold.index_bars_daily").schema.is_valid(gold)
    assert set(gold["name"]) == {index.name}
    assert set(gold["currency"]) == {index.currency}


@pytest.mark.parametrize(("symbol", "count"), [("^NSEI", 375), ("^GSPC", 390)])
def test_minutes_make_up_the_day(client: TestClient, symbol: str, count: int) -> None:
    day = date(2026, 11, 23)
    minutes = index_minutes_gold(settled(client, symbol, "1m", day, day).good)
    assert table("gold.index_bars_minute").schema.is_valid(minutes)
    calendar = INDICES[symbol].calendar
    assert minutes.height == count
    assert minutes["minute"].min() == calendar.open_at(day)
    bar = settled(client, symbol, "1d", day, day).good.row(0, named=True)
    assert minutes["close"][-1] == pytest.approx(bar["close"])
    assert minutes["high"].max() == pytest.approx(bar["high"])
    assert minutes["low"].min() == pytest.approx(bar["low"])


def test_the_s_and_p_moves_with_the_companies(client: TestClient) -> None:
    first, last = date(2026, 1, 2), date(2026, 11, 20)
    closes = index_days_gold(settled(client, "^GSPC", "1d", first, last).good).select("session", "return_pct")
    window = {"period1": "1767312000", "period2": "1795392000", "interval": "1d"}
    moves = []
    for symbol in ("AAPL", "MSFT", "XOM", "JPM", "JNJ", "WMT", "CAT", "NEE", "LIN", "META", "HD", "PLD"):
        result = client.get(f"/query2/v8/finance/chart/{symbol}", params=window).json()["chart"]["result"][0]
        moves.append(pl.Series(symbol, result["indicators"]["quote"][0]["close"]).pct_change())
    basket = pl.DataFrame(moves).mean_horizontal().tail(closes.height - 1)
    together = pl.DataFrame({"basket": basket, "index": closes["return_pct"].tail(closes.height - 1)})
    assert together.select(pl.corr("basket", "index")).item() > 0.8


def test_a_bar_of_another_exchange_s_day_is_refused_by_name() -> None:
    holiday = int(xbom().open_at(date(2026, 11, 23)).timestamp()) + 86_400  # 24 November, closed in India
    assert not xbom().is_session(date(2026, 11, 24))
    quote = {name: [100.0] for name in ("open", "high", "low", "close")} | {"volume": [0]}
    meta = {"symbol": "^NSEI", "currency": "INR", "dataGranularity": "1d", "exchangeTimezoneName": "Asia/Kolkata"}
    body = {"chart": {"result": [{"meta": meta, "timestamp": [holiday], "indicators": {"quote": [quote]}}]}}
    asked = request_text("charts", {"interval": "1d", "symbol": "^NSEI"})
    later = datetime(2026, 11, 25, tzinfo=UTC)
    found = index_rows(bronze((asked, encode(body)), source="yahoo_chart", at=later), "1d")
    assert found.good.is_empty()
    assert found.quarantined["rules"].to_list() == ["not_a_session"]
    dollars = {"chart": {"result": [{"meta": {**meta, "currency": "USD"}}]}}
    refused = index_rows(bronze((asked, encode(dollars)), source="yahoo_chart"), "1d")
    assert refused.quarantined["rules"].to_list() == ["currency_other"]


def test_minutes_are_asked_for_in_windows_of_eight_days_within_thirty() -> None:
    windows = list(minute_windows(xnys(), date(2026, 1, 2), date(2026, 11, 25), NOW))
    asked = [day for start, end in windows for day in xnys().sessions(start, end)]
    assert asked == xnys().sessions(date(2026, 10, 27), date(2026, 11, 25))
    assert all((end - start).days < 8 for start, end in windows)
    assert list(minute_windows(xnys(), date(2025, 1, 2), date(2025, 2, 1), NOW)) == []
