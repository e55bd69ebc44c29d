"""The sandbox's charts: bars that agree with quotes and with each other, adjusted and refused as Yahoo's are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from lake.market_calendar import xnys
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox

AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRIDAY_OPEN, FRIDAY_CLOSE = 1_795_185_000, 1_795_208_400


def _sandbox(tmp_path: Path, per_sector: int = 100, seed: int = 7) -> Sandbox:
    return Sandbox(
        seed=seed,
        per_sector=per_sector,
        edgar_rows=1_000,
        posts_per_day=100,
        tags=("nifty50", "banknifty"),
        clock=Clock(start=NOW, frozen=True),
        files=tmp_path,
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(build_app(_sandbox(tmp_path)), headers={"user-agent": AGENT}) as made:
        yield made


def _crumb(client: TestClient) -> str:
    client.get("/fc/")
    return client.get("/query1/v1/test/getcrumb").text


def _quotes(client: TestClient, symbols: str, at: str | None = None) -> dict[str, dict[str, Any]]:
    headers = {"x-sandbox-at": at} if at else {}
    reply = client.get(
        "/query1/v7/finance/quote", params={"symbols": symbols, "crumb": _crumb(client)}, headers=headers
    )
    assert reply.status_code == 200
    return {row["symbol"]: row for row in reply.json()["quoteResponse"]["result"]}


def _chart(client: TestClient, symbol: str, at: str | None = None, **params: object) -> httpx.Response:
    headers = {"x-sandbox-at": at} if at else {}
    given = {name: str(value) for name, value in params.items()}
    return client.get(f"/query2/v8/finance/chart/{symbol}", params=given, headers=headers)


def test_quotes_of_the_close_are_the_daily_bar(client: TestClient) -> None:
    for symbol in ("AAPL", "NEE"):
        row = _quotes(client, symbol, "2026-11-20T21:00:00Z")[symbol]
        chart = _chart(client, symbol, period1=FRIDAY_OPEN, period2=FRIDAY_CLOSE, interval="1d").json()["chart"][
            "result"
        ][0]
        bar = chart["indicators"]["quote"][0]
        assert chart["timestamp"] == [FRIDAY_OPEN]
        for name, field in (("close", "Price"), ("open", "Open"), ("high", "DayHigh"), ("low", "DayLow")):
            assert bar[name][0] == pytest.approx(row[f"regularMarket{field}"], rel=1e-6)
        assert bar["volume"][0] == row["regularMarketVolume"]
        assert row["regularMarketTime"] == FRIDAY_CLOSE


def test_minute_bars_are_the_daily_bar_and_one_more_at_the_close(client: TestClient) -> None:
    result = _chart(client, "AAPL", period1=FRIDAY_OPEN, period2=FRIDAY_CLOSE + 60, interval="1m").json()["chart"][
        "result"
    ][0]
    stamps, bars = result["timestamp"], result["indicators"]["quote"][0]
    assert stamps == list(range(FRIDAY_OPEN, FRIDAY_CLOSE + 60, 60))
    assert bars["volume"][-1] == 0
    row = _quotes(client, "AAPL")["AAPL"]
    assert sum(bars["volume"]) == row["regularMarketVolume"]
    assert max(bars["high"]) == pytest.approx(row["regularMarketDayHigh"], rel=1e-6)
    assert min(bars["low"]) == pytest.approx(row["regularMarketDayLow"], rel=1e-6)


def test_the_bar_of_a_running_session_is_partial(client: TestClient) -> None:
    at, stamp = "2026-11-20T17:00:00Z", 1_795_194_000
    result = _chart(client, "AAPL", at, period1=FRIDAY_OPEN - 86_400, period2=FRIDAY_CLOSE, interval="1d").json()
    chart = result["chart"]["result"][0]
    row = _quotes(client, "AAPL", at)["AAPL"]
    assert chart["timestamp"][-1] == stamp == row["regularMarketTime"]
    assert chart["indicators"]["quote"][0]["volume"][-1] == row["regularMarketVolume"]
    assert row["regularMarketVolume"] < _quotes(client, "AAPL")["AAPL"]["regularMarketVolume"]
    minute = _chart(client, "AAPL", at, period1=FRIDAY_OPEN, period2=FRIDAY_CLOSE, interval="1m").json()
    stamps = minute["chart"]["result"][0]["timestamp"]
    assert stamps[-1] == stamp - 60
    assert sum(minute["chart"]["result"][0]["indicators"]["quote"][0]["volume"]) == row["regularMarketVolume"]


def test_adjusted_closes_follow_from_the_dividends(client: TestClient) -> None:
    params = {"period1": 1_700_000_000, "period2": 1_795_300_000, "interval": "1d"}
    result = _chart(client, "KO", events="div,splits", **params).json()["chart"]["result"][0]
    closes = result["indicators"]["quote"][0]["close"]
    adjusted = result["indicators"]["adjclose"][0]["adjclose"]
    dividends = {int(stamp): row["amount"] for stamp, row in result["events"]["dividends"].items()}
    assert len(dividends) == 12
    factor, expected = 1.0, []
    for at in range(len(closes) - 1, -1, -1):
        expected.append(closes[at] * factor)
        if (paid := dividends.get(result["timestamp"][at])) and at:
            factor *= 1 - paid / closes[at - 1]
    assert adjusted == pytest.approx(expected[::-1], rel=1e-5)
    assert adjusted[-1] == closes[-1]
    assert "events" not in _chart(client, "KO", **params).json()["chart"]["result"][0]


def test_charts_are_adjusted_for_splits(client: TestClient) -> None:
    window = {"period1": 1_717_000_000, "period2": 1_718_700_000, "interval": "1d", "events": "div|split"}
    result = _chart(client, "NVDA", **window).json()["chart"]["result"][0]
    (split,) = result["events"]["splits"].values()
    assert split["splitRatio"] == "10:1"
    closes = result["indicators"]["quote"][0]["close"]
    assert max(closes) / min(closes) < 2
    before = _chart(client, "NVDA", "2024-06-07T21:00:00Z", **window).json()["chart"]["result"][0]
    raw = before["indicators"]["quote"][0]["close"]
    assert raw[0] == pytest.approx(closes[0] * 10, rel=1e-5)
    assert "splits" not in before.get("events", {})


def test_an_empty_window_is_no_error(client: TestClient) -> None:
    reply = _chart(client, "AAPL", period1=1_795_230_000, period2=1_795_290_000, interval="1d")
    assert reply.status_code == 200
    assert "timestamp" not in reply.json()["chart"]["result"][0]


@pytest.mark.parametrize(
    ("symbol", "params", "status", "error"),
    [
        (
            "NOPE",
            {"period1": 1_795_000_000},
            404,
            ("Not Found", "No data found, symbol may be delisted"),
        ),
        (
            "AAPL",
            {"period1": 1, "period2": 2},
            400,
            ("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"),
        ),
        (
            "AAPL",
            {"period1": 1_794_000_000, "period2": 1_795_200_000, "interval": "1m"},
            422,
            ("Unprocessable Entity", "Only 8 days"),
        ),
        (
            "AAPL",
            {"period1": 1_790_000_000, "period2": 1_790_100_000, "interval": "1m"},
            422,
            ("Unprocessable Entity", "last 30 days"),
        ),
        (
            "AAPL",
            {"period1": "soon"},
            400,
            ("Bad Request", "period1"),
        ),
        (
            "AAPL",
            {"interval": "7m"},
            422,
            ("Unprocessable Entity", "7m"),
        ),
    ],
)
def test_charts_that_are_refused(
    client: TestClient, symbol: str, params: dict[str, Any], status: int, error: tuple[str, str]
) -> None:
    reply = _chart(client, symbol, **params)
    assert reply.status_code == status
    said = reply.json()["chart"]["error"]
    assert said["code"] == error[0]
    assert error[1] in said["description"]
    assert reply.json()["chart"]["result"] is None


@pytest.mark.parametrize("interval", ["1d", "1m"])
@pytest.mark.parametrize(
    ("start", "end"), [(-(10**12), 10**13), (10**13, 10**14), (1_795_300_000, 1_795_100_000), ("inf", 1)]
)
@pytest.mark.parametrize("symbol", ["AAPL", "%5ENSEI"])
def test_windows_without_sense_are_answered(
    client: TestClient, symbol: str, interval: str, start: object, end: object
) -> None:
    assert _chart(client, symbol, period1=start, period2=end, interval=interval).status_code in {200, 400, 422}


def test_all_of_a_history_comes_in_months(client: TestClient) -> None:
    result = _chart(client, "AAPL", range="max", interval="1d").json()["chart"]["result"][0]
    assert result["meta"]["dataGranularity"] == "1mo"
    assert 140 < len(result["timestamp"]) < 146


def test_the_same_answers_whatever_was_asked_before(tmp_path: Path) -> None:
    asked = [
        f"/query2/v8/finance/chart/{symbol}?period1=1760000000&period2=1795300000&interval=1d"
        for symbol in ("AAPL", "T", "V")
    ]

    def ask(order: list[str]) -> dict[str, bytes]:
        with TestClient(build_app(_sandbox(tmp_path)), headers={"user-agent": AGENT}) as client:
            return {path: client.get(path).content for path in order}

    assert ask(asked) == ask(asked[::-1])
    with TestClient(build_app(_sandbox(tmp_path, seed=8)), headers={"user-agent": AGENT}) as other:
        assert other.get(asked[0]).content != ask(asked)[asked[0]]


def test_an_index_of_india_has_daily_and_minute_bars(client: TestClient) -> None:
    start, end = 1_795_146_300, 1_795_168_800  # 2026-11-20 09:15 to 15:30 in India
    daily = _chart(client, "%5ENSEBANK", period1=start, period2=end, interval="1d").json()["chart"]["result"][0]
    minute = _chart(client, "%5ENSEBANK", period1=start, period2=end, interval="1m").json()["chart"]["result"][0]
    day, minutes = daily["indicators"]["quote"][0], minute["indicators"]["quote"][0]
    assert daily["timestamp"] == [start]
    assert len(minute["timestamp"]) == 375
    assert (day["open"][0], day["close"][0]) == (minutes["open"][0], minutes["close"][-1])
    assert (day["high"][0], day["low"][0]) == (max(minutes["high"]), min(minutes["low"]))
    months = _chart(client, "%5ENSEI", range="max", interval="1d").json()["chart"]["result"][0]
    assert months["meta"]["dataGranularity"] == "1mo"
    assert len(months["timestamp"]) > 130


def test_charts_have_the_recorded_form(client: TestClient, shared: Path) -> None:
    path = shared / "data/sources_samples/yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json"
    recorded = json.loads(path.read_text())["response"]["bodyJson"]["chart"]["result"][0]
    opened = int(xnys().open_at(datetime(2020, 8, 31, tzinfo=UTC).date()).timestamp())
    params = {"period1": opened - 3600, "period2": 1_604_700_000 + 86_400, "interval": "1d", "events": "div|split"}
    ours = _chart(client, "AAPL", **params).json()["chart"]["result"][0]
    assert ours.keys() == recorded.keys()
    assert ours["meta"].keys() == recorded["meta"].keys()
    assert ours["events"]["splits"] == recorded["events"]["splits"]
    assert ours["indicators"]["quote"][0].keys() == recorded["indicators"]["quote"][0].keys()
    # The same sessions, stamped alike.
    assert ours["timestamp"] == recorded["timestamp"]
