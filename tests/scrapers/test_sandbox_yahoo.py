"""The sandbox's Yahoo: cookie and crumb, paging, units, limits and forms of the recordings."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox

AGENT = "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCREENER = "/query1/v1/finance/screener"
MODULES = "price,summaryDetail,defaultKeyStatistics,assetProfile,calendarEvents,financialData"


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


def _screen(
    client: TestClient, sector: str, offset: int = 0, size: int = 100, crumb: str | None = None
) -> httpx.Response:
    query = {
        "operator": "AND",
        "operands": [
            {"operator": "EQ", "operands": ["region", "us"]},
            {
                "operator": "OR",
                "operands": [
                    {"operator": "EQ", "operands": ["exchange", "NMS"]},
                    {"operator": "EQ", "operands": ["exchange", "NYQ"]},
                ],
            },
            {"operator": "EQ", "operands": ["sector", sector]},
        ],
    }
    body = {"offset": offset, "size": size, "sortField": "intradaymarketcap", "sortType": "DESC", "query": query}
    return client.post(SCREENER, params={"crumb": crumb or _crumb(client)}, json=body)


def _quotes(client: TestClient, symbols: str, at: str | None = None) -> dict[str, dict[str, Any]]:
    headers = {"x-sandbox-at": at} if at else {}
    reply = client.get(
        "/query1/v7/finance/quote", params={"symbols": symbols, "crumb": _crumb(client)}, headers=headers
    )
    assert reply.status_code == 200
    return {row["symbol"]: row for row in reply.json()["quoteResponse"]["result"]}


def _summary(client: TestClient, symbol: str) -> dict[str, dict[str, Any]]:
    params = {"modules": MODULES, "crumb": _crumb(client), "formatted": "false"}
    reply = client.get(f"/query2/v10/finance/quoteSummary/{symbol}", params=params)
    assert reply.status_code == 200
    modules: dict[str, dict[str, Any]] = reply.json()["quoteSummary"]["result"][0]
    return modules


def test_everything_is_marked_as_simulated(client: TestClient) -> None:
    for path in ("/healthz", "/fc/", "/query1/v1/test/getcrumb", "/nowhere", "/query2/v8/finance/chart/NOPE"):
        assert client.get(path).headers["x-tidemark-simulated"] == "true"
    assert client.get("/healthz").json()["world"] == "simulated"


def test_the_cookie_comes_with_an_error_and_the_crumb_needs_it(client: TestClient) -> None:
    refused = client.get("/query1/v1/test/getcrumb")
    assert refused.status_code == 401
    assert refused.json()["finance"]["error"]["code"] == "Unauthorized"
    cookie = client.get("/fc/")
    assert cookie.status_code >= 400
    assert "A3" in cookie.cookies
    crumb = client.get("/query1/v1/test/getcrumb").text
    assert len(crumb) == 11
    assert crumb.isalnum()


@pytest.mark.parametrize(
    "path", ["/query1/v7/finance/quote?symbols=AAPL", "/query2/v10/finance/quoteSummary/AAPL?modules=price"]
)
def test_a_wrong_crumb_is_refused_under_the_root_finance(client: TestClient, path: str) -> None:
    good = _crumb(client)
    wrong = client.get(path + "&crumb=wrongcrumbx")
    assert wrong.status_code == 401
    assert wrong.json() == {
        "finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}
    }
    assert client.get(f"{path}&crumb={good}").status_code == 200
    # Another's crumb, and a cookie of one's own making.
    client.cookies.clear()
    assert client.get(f"{path}&crumb={good}").status_code == 401
    client.cookies.set("A3", "d=0011223344556677&S=forged")
    assert client.get("/query1/v1/test/getcrumb").status_code == 401


def test_a_library_s_default_name_is_turned_away(client: TestClient) -> None:
    reply = client.get("/query2/v8/finance/chart/AAPL", headers={"user-agent": "python-httpx/0.28"})
    assert reply.status_code == 429
    assert reply.text == "Edge: Too Many Requests"


def test_the_screener_pages_through_a_sector_once(client: TestClient) -> None:
    crumb = _crumb(client)
    whole = _screen(client, "Financial Services", size=250, crumb=crumb).json()["finance"]["result"][0]
    pages: list[dict[str, Any]] = []
    for offset in range(0, whole["total"] + 60, 60):
        page = _screen(client, "Financial Services", offset, 60, crumb).json()["finance"]["result"][0]
        assert (page["start"], page["count"], page["total"]) == (offset, len(page["quotes"]), whole["total"])
        pages += page["quotes"]
    assert pages == whole["quotes"]
    caps = [row["marketCap"] for row in pages]
    assert caps == sorted(caps, reverse=True)
    assert len({row["symbol"] for row in pages}) == whole["total"] > 100
    assert "JPM" in {row["symbol"] for row in pages[:5]}
    assert "AAPL" not in {row["symbol"] for row in pages}


def test_the_screener_s_rows_are_the_quotes(client: TestClient) -> None:
    first = _screen(client, "Energy", size=10).json()["finance"]["result"][0]["quotes"]
    again = _quotes(client, ",".join(row["symbol"] for row in first))
    assert [again[row["symbol"]] for row in first] == first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 251}, "size"),
        ({"offset": -1}, "offset"),
        ({"sortField": "shoesize"}, "sortField"),
        ({"query": {"operator": "EQ", "operands": ["colour", "red"]}}, "colour"),
        ({"query": {}}, "query"),
    ],
)
def test_the_screener_refuses_what_it_cannot_read(client: TestClient, change: dict[str, Any], reason: str) -> None:
    body = {"size": 10, "query": {"operator": "EQ", "operands": ["sector", "Energy"]}} | change
    reply = client.post(SCREENER, params={"crumb": _crumb(client)}, json=body)
    assert reply.status_code == 400
    assert reason in reply.json()["finance"]["error"]["description"]


def test_the_screener_compares_numbers(client: TestClient) -> None:
    operands = [
        {"operator": "EQ", "operands": ["sector", "Technology"]},
        {"operator": "GT", "operands": ["intradaymarketcap", 2e11]},
        {"operator": "BTWN", "operands": ["intradayprice", 100, 400]},
    ]
    body = {"size": 250, "query": {"operator": "AND", "operands": operands}}
    reply = client.post(SCREENER, params={"crumb": _crumb(client)}, json=body)
    rows = reply.json()["finance"]["result"][0]["quotes"]
    assert rows
    assert all(row["marketCap"] > 2e11 and 100 <= row["regularMarketPrice"] <= 400 for row in rows)


def test_unknown_symbols_are_absent_from_quotes(client: TestClient) -> None:
    assert list(_quotes(client, "AAPL,NOPE,MSFT,AAPL")) == ["AAPL", "MSFT"]


def test_v7_speaks_in_percent_and_the_summary_in_fractions(client: TestClient) -> None:
    for symbol in ("KO", "XOM", "JPM"):
        row, modules = _quotes(client, symbol)[symbol], _summary(client, symbol)
        assert row["dividendYield"] == pytest.approx(row["dividendRate"] / row["regularMarketPrice"] * 100, abs=0.006)
        assert modules["summaryDetail"]["dividendYield"] == pytest.approx(row["dividendYield"] / 100, abs=1e-4)
        assert row["trailingAnnualDividendYield"] < 0.2
        assert modules["price"]["regularMarketChangePercent"] * 100 == pytest.approx(
            row["regularMarketChangePercent"], rel=1e-5
        )
        assert modules["defaultKeyStatistics"]["52WeekChange"] * 100 == pytest.approx(
            row["fiftyTwoWeekChangePercent"], rel=1e-5
        )
        assert row["regularMarketChange"] == pytest.approx(
            row["regularMarketPrice"] - row["regularMarketPreviousClose"], abs=1e-4
        )
        assert row["marketCap"] == pytest.approx(row["sharesOutstanding"] * row["regularMarketPrice"], rel=1e-9)
        assert "beta" not in row
        assert modules["summaryDetail"]["beta"] == modules["defaultKeyStatistics"]["beta"]
        assert modules["assetProfile"]["country"] == "United States"


def test_no_pe_without_earnings(client: TestClient) -> None:
    rows = _screen(client, "Healthcare", size=250).json()["finance"]["result"][0]["quotes"]
    losing = [row for row in rows if row["epsTrailingTwelveMonths"] <= 0]
    assert losing
    assert all("trailingPE" not in row for row in losing)
    assert all("trailingPE" in row for row in rows if row["epsTrailingTwelveMonths"] > 0)


def test_summaries_that_are_refused(client: TestClient) -> None:
    crumb = _crumb(client)
    unknown = client.get("/query2/v10/finance/quoteSummary/NOPE", params={"modules": "price", "crumb": crumb})
    assert unknown.status_code == 404
    assert unknown.json()["quoteSummary"]["error"]["description"] == "Quote not found for ticker symbol: NOPE"
    nothing = client.get("/query2/v10/finance/quoteSummary/AAPL", params={"modules": "shoes", "crumb": crumb})
    assert nothing.status_code == 404
    assert "summaryTypes=shoes" in nothing.json()["quoteSummary"]["error"]["description"]


@pytest.mark.parametrize("at", ["2026-11-22T00:00:00Z", "yesterday", "2026-11-20T21:00:00", "1999-01-04T15:00:00Z"])
def test_only_the_past_of_the_world_is_served(client: TestClient, at: str) -> None:
    assert client.get("/healthz", headers={"x-sandbox-at": at}).status_code == 400


def _recorded(shared: Path, wanted: Callable[[str], bool]) -> list[Any]:
    bodies = []
    with zipfile.ZipFile(shared / "data/yahoo/yf2_http_dev.zip") as archive:
        for name in filter(lambda path: wanted(Path(path).name), archive.namelist()):
            response = json.loads(archive.read(name))["response"]
            body = response.get("bodyJson") or json.loads(response.get("body") or response.get("bodyText") or "null")
            if response.get("status", 200) == 200 and body:
                bodies.append(body)
    assert bodies
    return bodies


def _kind(value: object) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_v7_rows_have_only_recorded_fields(client: TestClient, shared: Path) -> None:
    kinds: dict[str, set[str]] = {}
    for body in _recorded(shared, lambda name: name.startswith(("quote-", "screener", "daily"))):
        root = body.get("quoteResponse") or body.get("finance") or {}
        for found in root.get("result") or []:
            for row in found.get("quotes", [found]):
                for name, value in row.items():
                    kinds.setdefault(name, set()).add(_kind(value))
    for row in _quotes(client, "AAPL,RIVN,AMZN").values():
        for name, value in row.items():
            assert _kind(value) in kinds.get(name, set()), name


def test_summaries_have_only_recorded_fields(client: TestClient, shared: Path) -> None:
    kinds: dict[tuple[str, str], set[str]] = {}
    for body in _recorded(shared, lambda name: name.startswith("quoteSummary-")):
        for found in (body.get("quoteSummary") or {}).get("result") or []:
            for module, fields in found.items():
                for name, value in (fields or {}).items() if isinstance(fields, dict) else ():
                    kinds.setdefault((module, name), set()).add(_kind(value))
    for module, fields in _summary(client, "AAPL").items():
        for name, value in fields.items():
            assert _kind(value) in kinds.get((module, name), set()), (module, name)
