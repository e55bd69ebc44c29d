"""The sandbox's Alpha Vantage: the same minutes as the chart's, in the source's forms, and what it says with HTTP 200."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from scrapers.errors import Reason
from scrapers.pages.alphavantage import parse_series
from scrapers.sandbox.app import build_app
from scrapers.sandbox.world import actions, companies
from tests.scrapers.test_sandbox_chart import FRIDAY_CLOSE, FRIDAY_OPEN, _chart, _sandbox

AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(build_app(_sandbox(tmp_path)), headers={"user-agent": AGENT}) as made:
        yield made


def ask(client: TestClient, **params: str) -> httpx.Response:
    usual = {"function": "TIME_SERIES_INTRADAY", "interval": "1min", "symbol": "AAPL", "apikey": "k"}
    reply = client.get("/alphavantage/query", params={**usual, **params})
    assert reply.status_code == 200
    return reply


def test_minutes_are_the_chart_s(client: TestClient) -> None:
    body = ask(client, month="2026-11", outputsize="full", adjusted="false", extended_hours="false")
    page = parse_series(body.content, "TIME_SERIES_INTRADAY", "AAPL", 200)
    assert (page.refused, page.refusals) == (None, [])
    friday = page.rows.filter(page.rows["session"] == date(2026, 11, 20)).sort("minute")
    chart = _chart(client, "AAPL", period1=FRIDAY_OPEN, period2=FRIDAY_CLOSE, interval="1m").json()["chart"]["result"][
        0
    ]
    assert [int(at.timestamp()) for at in friday["minute"]] == chart["timestamp"]
    bars = chart["indicators"]["quote"][0]
    assert friday["volume_shares"].to_list() == bars["volume"]
    for name in ("open", "high", "low", "close"):
        assert friday[name].to_list() == pytest.approx(bars[name], rel=1e-6)
    about = body.json()["Meta Data"]
    assert (about["3. Last Refreshed"], about["6. Time Zone"]) == ("2026-11-20 15:59:00", "US/Eastern")
    assert next(iter(body.json()["Time Series (1min)"])) == "2026-11-20 15:59:00"


def test_the_newest_hundred_and_the_same_as_csv(client: TestClient) -> None:
    series = ask(client).json()["Time Series (1min)"]
    assert len(series) == 100
    lines = ask(client, datatype="csv").text.splitlines()
    assert lines[0] == "timestamp,open,high,low,close,volume"
    assert lines[1:] == [",".join([stamp, *values.values()]) for stamp, values in series.items()]
    trailing = ask(client, outputsize="full").json()["Time Series (1min)"]
    assert min(trailing) == "2026-10-22 09:30:00"
    assert ask(client, month="2027-01", outputsize="full").json()["Time Series (1min)"] == {}


def test_prices_as_traded_and_adjusted_for_a_split_and_dividends(client: TestClient) -> None:
    company = companies.find(7, "NVDA", 100)
    assert company is not None
    when, ratio = next((day, ratio) for day, ratio in actions.splits(7, company) if day == date(2024, 6, 10))
    wish = {"symbol": "NVDA", "month": "2024-06", "outputsize": "full"}
    traded = ask(client, **wish, adjusted="false").json()["Time Series (1min)"]
    adjusted = ask(client, **wish).json()["Time Series (1min)"]
    for stamp, split in (("2024-06-07 15:59:00", float(ratio)), (f"{when} 09:30:00", 1.0)):
        factor = float(traded[stamp]["4. close"]) / float(adjusted[stamp]["4. close"])
        assert 1.0 <= factor / split < 1.01, "what is beyond the split are two years' dividends"
        assert float(adjusted[stamp]["5. volume"]) == pytest.approx(float(traded[stamp]["5. volume"]) * split, abs=1)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"symbol": "NOSUCH"}, Reason.BAD_REQUEST),
        ({"interval": "5min"}, Reason.BAD_REQUEST),
        ({"month": "2026-13"}, Reason.BAD_REQUEST),
        ({"apikey": ""}, Reason.UNAUTHORIZED),
        ({"function": "TIME_SERIES_DAILY"}, Reason.SOURCE_ERROR),
    ],
)
def test_what_is_wrong_is_told_with_http_200(client: TestClient, wish: dict[str, str], reason: Reason) -> None:
    reply = ask(client, **wish)
    assert list(reply.json()) == ["Error Message"]
    assert parse_series(reply.content, "TIME_SERIES_INTRADAY", "AAPL", 200).refused is reason


def test_a_key_of_its_own(tmp_path: Path) -> None:
    with TestClient(build_app(replace(_sandbox(tmp_path), key="RIGHTKEY1"))) as client:
        assert "Error Message" in ask(client, apikey="other").json()
        assert "Meta Data" in ask(client, apikey="RIGHTKEY1").json()
