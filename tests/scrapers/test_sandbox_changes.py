"""What the sandbox serves of a company to which something happens: until then as if nothing would, from then on changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from scrapers.sandbox import __main__ as command
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world.changes import ChangeError, Changes
from scrapers.sandbox.world.market import Market

YAHOO = {"user-agent": "Mozilla/5.0 (compatible; Tidemark/0.1; +http://127.0.0.1)"}
SEC = {"user-agent": "Tidemark test@example.org"}
DAY = date(2026, 11, 24)
EVENING = "2026-11-23T22:00:00Z"
BEFORE_THE_OPEN, NOON, LATE = "2026-11-24T13:00:00Z", "2026-11-24T17:00:00Z", "2026-11-24T22:00:00Z"
RENAME, SPLIT, LEAVE = f"rename:AAPL>AAPX@{DAY}", f"split:MSFT:4@{DAY}", f"leave:XOM>Utilities@{DAY}"
MODULES = "price,summaryDetail,defaultKeyStatistics,assetProfile,calendarEvents,financialData"


class Source:
    """A running sandbox, asked with the changes that each request names."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        client.get("/fc/", headers=YAHOO)
        self.crumb = client.get("/query1/v1/test/getcrumb", headers=YAHOO).text

    def get(self, path: str, at: str, changes: str = "", **query: Any) -> Any:
        """A body as it is served at an instant."""
        headers = {**(SEC if path.startswith("/sec") else YAHOO), "x-sandbox-at": at, "x-sandbox-changes": changes}
        return self.client.get(path, params={**query, "crumb": self.crumb}, headers=headers).json()

    def quote(self, symbol: str, at: str, changes: str = "") -> dict[str, Any]:
        """A symbol's quote; empty where there is none."""
        rows = self.get("/query1/v7/finance/quote", at, changes, symbols=symbol)["quoteResponse"]["result"]
        return rows[0] if rows else {}

    def chart(self, symbol: str, at: str, changes: str = "", **query: Any) -> dict[str, Any]:
        """A chart's only result."""
        asked = {"range": "5d", "interval": "1d", "events": "div|split", **query}
        body = self.get(f"/query2/v8/finance/chart/{symbol}", at, changes, **asked)
        result: dict[str, Any] = body["chart"]["result"][0]
        return result

    def summary(self, symbol: str, at: str, changes: str = "") -> dict[str, Any]:
        """A company's modules."""
        body = self.get(f"/query2/v10/finance/quoteSummary/{symbol}", at, changes, modules=MODULES)
        result: dict[str, Any] = body["quoteSummary"]["result"][0]
        return result

    def members(self, sector: str, at: str, changes: str = "") -> list[str]:
        """A sector's companies by size."""
        query = {"operator": "EQ", "operands": ["sector", sector]}
        headers = {**YAHOO, "x-sandbox-at": at, "x-sandbox-changes": changes}
        body = {"size": 250, "offset": 0, "sortField": "intradaymarketcap", "query": query}
        reply = self.client.post(
            "/query1/v1/finance/screener", params={"crumb": self.crumb}, json=body, headers=headers
        )
        return [row["symbol"] for row in reply.json()["finance"]["result"][0]["quotes"]]


def sandbox(files: Path, changes: str = "") -> Sandbox:
    clock = Clock(start=datetime(2026, 11, 25, 12, tzinfo=UTC), frozen=True)
    return Sandbox(
        seed=7, per_sector=3, edgar_rows=200, posts_per_day=50, tags=("nifty50",), clock=clock, files=files,
        changes=changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with TestClient(build_app(sandbox(tmp_path_factory.mktemp("sandbox")))) as client:
        yield Source(client)


def as_text(value: Any) -> str:
    return orjson.dumps(value).decode()


@pytest.mark.parametrize("changes", [RENAME, SPLIT, LEAVE])
@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "XOM", "NEE"])
def test_until_its_day_a_change_is_not_to_be_seen(source: Source, changes: str, symbol: str) -> None:
    assert source.quote(symbol, EVENING, changes) == source.quote(symbol, EVENING) != {}
    assert source.chart(symbol, EVENING, changes) == source.chart(symbol, EVENING)
    assert source.summary(symbol, EVENING, changes) == source.summary(symbol, EVENING)


@pytest.mark.parametrize("at", [BEFORE_THE_OPEN, NOON, LATE])
def test_a_renamed_company_is_the_same_under_another_symbol(source: Source, at: str) -> None:
    minutes = {"interval": "1m", "range": "1d"}
    for ask, more in (
        (source.quote, {}),
        (source.summary, {}),
        (source.chart, {"range": "1y"}),
        (source.chart, minutes),
    ):
        old = as_text(ask("AAPL", at, **more))  # type: ignore[operator]  # what a client asks
        assert as_text(ask("AAPX", at, RENAME, **more)) == old.replace('"AAPL"', '"AAPX"')  # type: ignore[operator]
        assert "AAPX" in as_text(ask("AAPX", at, RENAME, **more))  # type: ignore[operator]
    assert source.quote("AAPL", at, RENAME) == source.quote("AAPX", at) == {}
    gone = source.get("/query2/v8/finance/chart/AAPL", at, RENAME)["chart"]["error"]
    assert gone == {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    assert source.members("Technology", at, RENAME) == [
        "AAPX" if symbol == "AAPL" else symbol for symbol in source.members("Technology", at)
    ]


@pytest.mark.parametrize("path", ["/sec/files/company_tickers.json", "/sec/files/company_tickers_exchange.json"])
def test_sec_names_a_renamed_filer_anew(source: Source, path: str) -> None:
    before, after = as_text(source.get(path, EVENING, RENAME)), as_text(source.get(path, LATE, RENAME))
    assert before == as_text(source.get(path, LATE))
    assert after == before.replace('"AAPL"', '"AAPX"') != before


def test_a_split_is_there_overnight_and_divides_what_was_before(source: Source) -> None:
    old, new = (source.quote("MSFT", BEFORE_THE_OPEN, changes) for changes in ("", SPLIT))
    for name in ("regularMarketPrice", "regularMarketPreviousClose", "fiftyTwoWeekHigh", "regularMarketOpen"):
        assert new[name] == pytest.approx(old[name] / 4, rel=1e-6), name
    assert new["regularMarketChangePercent"] == pytest.approx(old["regularMarketChangePercent"], abs=1e-5)
    assert (new["sharesOutstanding"], new["marketCap"]) == (old["sharesOutstanding"] * 4, old["marketCap"])

    old, new = (source.chart("MSFT", LATE, changes) for changes in ("", SPLIT))
    assert "events" not in old
    assert [event["splitRatio"] for event in new["events"]["splits"].values()] == ["4:1"]
    assert new["timestamp"] == old["timestamp"]
    before, after = (found["indicators"]["quote"][0] for found in (old, new))
    for name in ("open", "high", "low", "close"):
        assert after[name] == pytest.approx([price / 4 for price in before[name]], abs=0.0051), name
        assert after[name][:-1] == pytest.approx([price / 4 for price in before[name][:-1]], rel=1e-6), name
    assert after["volume"] == [shares * 4 for shares in before["volume"]]
    facts = source.summary("MSFT", LATE, SPLIT)["defaultKeyStatistics"]
    assert facts["lastSplitFactor"] == "4:1"


def test_a_company_that_leaves_is_in_one_sector_at_a_time(source: Source) -> None:
    energy, utilities = source.members("Energy", EVENING, LEAVE), source.members("Utilities", EVENING, LEAVE)
    assert "XOM" in energy
    assert "XOM" not in utilities
    for at in (BEFORE_THE_OPEN, LATE):
        assert source.members("Energy", at, LEAVE) == [s for s in source.members("Energy", at) if s != "XOM"]
        assert source.members("Utilities", at, LEAVE)[0] == "XOM"
        assert source.members("Utilities", at, LEAVE)[1:] == source.members("Utilities", at)
        assert source.quote("XOM", at, LEAVE) == source.quote("XOM", at)
        assert source.summary("XOM", at, LEAVE)["assetProfile"]["sectorKey"] == "utilities"


@pytest.mark.parametrize("at", ["2026-11-24T20:59:00Z", LATE])
def test_a_clock_that_is_ahead_changes_times_alone(source: Source, at: str) -> None:
    old, new = source.quote("AAPL", at), source.quote("AAPL", at, "clock:+90s")
    assert new.pop("regularMarketTime") == old.pop("regularMarketTime") + 90
    assert new == old
    for symbol in ("AAPL", "^GSPC", "^NSEI"):
        old, new = source.chart(symbol, at), source.chart(symbol, at, "clock:+90s")
        assert new["meta"].pop("regularMarketTime") == old["meta"].pop("regularMarketTime") + 90
        running = at != LATE and symbol != "^NSEI"
        assert new["timestamp"][-1] == old["timestamp"][-1] + (90 if running else 0)
        assert new["indicators"] == old["indicators"]
        assert len(new["timestamp"]) == len(old["timestamp"])


def test_there_is_one_object_for_a_company_and_its_changes() -> None:
    market = Market.read(7, 3, f"{RENAME},{SPLIT}")
    assert market is Market.read(7, 3, f"{RENAME},{SPLIT}")
    noon, late = (datetime.fromisoformat(at) for at in (NOON, LATE))
    found = market.find("AAPX", noon)
    assert found is market.find("AAPX", late) is not None
    assert found in market.of_sector("Technology", late)
    quiet = Market.read(7, 3, "")
    assert market.find("NVDA", noon) is quiet.find("NVDA", noon)
    assert len(market.everyone(late)) == len(quiet.everyone(late))


def test_changes_add_up() -> None:
    market = Market.read(7, 3, f"{RENAME},leave:AAPL>Utilities@2026-11-25,split:AAPL:3/2@2026-11-25,split:AAPL:2@{DAY}")
    noon = datetime.fromisoformat(NOON)
    company = market.find("AAPX", noon)
    assert company is not None
    assert (company.symbol, company.sector, len(company.later_splits)) == ("AAPX", "Technology", 2)
    later = market.find("AAPX", datetime(2026, 11, 25, 17, tzinfo=UTC))
    assert later is not None
    assert (later.sector, later.born.sector, later.born.symbol) == ("Utilities", "Technology", "AAPL")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("merge:AAPL", "no change 'merge'; there are rename, split, leave, clock"),
        ("rename:AAPL", "is not rename:OLD>NEW@DAY, such as rename:AAPL>AAPX@2026-11-24"),
        ("rename:AAPL>aapx@2026-11-24", "'aapx' is no symbol"),
        ("rename:AAPL>AAPX@2026-11-26", "New York does not trade on 2026-11-26"),
        ("rename:AAPL>AAPX@2026-02-30", "2026-02-30 is no day"),
        ("rename:AAPL>AAPX@2226-02-03", "2226-02-03 is no day"),
        ("rename:AAPL>AAPX@2026-11-24,rename:AAPX>AAPY@2026-11-25", "AAPX is in more than one renaming"),
        ("rename:AAPL>MSFT@2026-11-24", "there is a company of that symbol"),
        ("rename:NOBODY>AAPX@2026-11-24", "no company 'NOBODY' in a world of 3"),
        ("split:MSFT@2026-11-24", "is not split:SYMBOL:RATIO@DAY"),
        ("split:MSFT:1@2026-11-24", "new shares per old, such as 4, 3/2 or 1/10"),
        ("split:MSFT:0@2026-11-24", "new shares per old"),
        ("split:MSFT:4@2026-11-24,split:MSFT:2@2026-11-24", "more than one split of MSFT@2026-11-24"),
        ("split:AAPL:4@2020-08-31", "AAPL splits on 2020-08-31 anyhow"),
        ("leave:XOM>Oil@2026-11-24", "no sector 'Oil'; there are Basic Materials"),
        ("clock:-90s", "is not clock:+TIME, such as clock:+90s"),
        ("clock:+0s", "at least +1s and at most +7d"),
        ("clock:+8d", "at least +1s and at most +7d"),
        ("clock:+1s,clock:+2s", "there is one clock"),
    ],
)
def test_changes_that_cannot_be_are_named(
    text: str, told: str, source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ChangeError) as problem:
        Market.read(7, 3, text)
    assert told in str(problem.value)
    assert source.get("/query2/v8/finance/chart/AAPL", NOON, text)["sandbox"]["error"] == (
        f"X-Sandbox-Changes: {problem.value}"
    )
    monkeypatch.setenv("TIDEMARK_SANDBOX_CHANGES", text)
    monkeypatch.setenv("TIDEMARK_UNIVERSE_PER_SECTOR", "3")
    assert command.main(["--port", "0"]) == 2
    assert capsys.readouterr().err == f"TIDEMARK_SANDBOX_CHANGES: {problem.value}\n"


def test_spaces_and_nothing_are_read() -> None:
    assert Changes.read("") == Changes.read(" , ") == Changes()
    assert Changes.read(f" {RENAME} , {SPLIT} ") == Changes.read(f"{RENAME},{SPLIT}")
    assert Changes.read("clock:+2h").ahead == 7_200


def test_the_setting_holds_where_a_request_names_no_changes(tmp_path: Path) -> None:
    with TestClient(build_app(sandbox(tmp_path, RENAME))) as client:
        about = {**YAHOO, "x-sandbox-at": NOON}
        path = "/query2/v8/finance/chart/{}"
        assert client.get(path.format("AAPX"), headers=about).status_code == 200
        assert client.get(path.format("AAPL"), headers=about).status_code == 404
        assert client.get(path.format("AAPL"), headers={**about, "x-sandbox-changes": ""}).status_code == 200
