"""The table of faults, row by row: what a crawl of the real sandbox records, repeats, gives up and finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from lake.settings import load_settings
from scrapers.crawl import run_crawl
from scrapers.errors import Reason
from scrapers.fault_docs import CHANGES, OUTCOMES, PAGE, page
from scrapers.job import CrawlReport
from scrapers.sandbox.faults import FAULTS, FaultError, Plan
from scrapers.sandbox.world import companies
from scrapers.sandbox.world.changes import FORMS, Changes
from scrapers.silver import bars_rows, quotes_rows
from scrapers.spool import asked_for
from scrapers.urls import SourceUrls
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).parents[2]
DAY, TICK = date(2026, 11, 20), datetime(2026, 11, 20, 18, tzinfo=UTC)
_YAHOO = ("/v7/finance/quote", "/v8/finance/chart")
# Those of Alpha Vantage and SEC alone have test files of their own.
OF_YAHOO = [name for name, fault in FAULTS.items() if any(map(fault.befalls, _YAHOO))]
SYMBOLS = [company.symbol for company in companies.of_sector(7, "Technology", 3)[: len(OF_YAHOO)]]
OF_SYMBOL = dict(zip(SYMBOLS, OF_YAHOO, strict=True))
PROVENANCE = ("observed_at", "_run_id", "_payload_sha256")

Crawl = Callable[..., CrawlReport]


@contextmanager
def sandbox(folder: Path, faults: str = "") -> Iterator[SourceUrls]:
    """A running sandbox of a small world."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    world = {
        "HOME": str(folder / "home"),
        "NOW": "2026-11-21T09:00:00Z",
        "UNIVERSE_PER_SECTOR": "3",
        "EDGAR_ROWS_PER_DAY": "300",
    }
    given = {f"TIDEMARK_{name}": value for name, value in {**world, "SANDBOX_FAULTS": faults}.items()}
    folder.mkdir(exist_ok=True)
    with sandbox_running(port, folder / "sandbox.log", {**inherited, **given}):
        root = f"http://127.0.0.1:{port}"
        yield SourceUrls(f"{root}/query1", f"{root}/query2", f"{root}/fc/", f"{root}/x", f"{root}/sec", True)
    # Faults are meant: nothing of them may look like the sandbox's own failure.
    assert "Traceback" not in (folder / "sandbox.log").read_text()


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceUrls]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def crawl(tmp_path: Path) -> Crawl:
    settings = load_settings(home=tmp_path / "home", now="2026-11-21T09:00:00Z!", host_refusals=10_000)

    def run(
        urls: SourceUrls, spider: str, name: str, faults: dict[str, str] | None = None, **params: Any
    ) -> CrawlReport:
        asked = {"session": DAY.isoformat(), "symbols": SYMBOLS, "faults": faults or {}, "timeout": 4, **params}
        if spider == "quotes":
            asked |= {"tick": TICK.isoformat(), "at": TICK.isoformat(), "batch": 1}
        else:
            asked |= {"start": "2026-11-02", "end": DAY.isoformat()}
        return run_crawl(spider, asked, tmp_path / "spools" / name, urls, settings, run_id="run")

    return run


def quotes_of(report: CrawlReport) -> pl.DataFrame:
    return quotes_rows(report.bodies(), DAY, TICK).good.drop(PROVENANCE).sort("symbol")


def refused_bodies(report: CrawlReport, symbol: str) -> int:
    """Bodies in the spool that were asked for a symbol, its answer apart."""
    asked = [asked_for(request) for request in report.bodies()["request"]]
    mine = sum(symbol in (one.get("symbols"), one.get("symbol")) for one in asked)
    return mine - (symbol not in report.missing)


def test_a_fault_that_passes_costs_no_row(urls: SourceUrls, crawl: Crawl) -> None:
    quiet = crawl(urls, "quotes", "quiet")
    faulty = crawl(urls, "quotes", "faulty", {symbol: f"{name}:1" for symbol, name in OF_SYMBOL.items()})
    assert (faulty.exit_code, faulty.unanswered) == (0, {})
    assert quotes_of(faulty).equals(quotes_of(quiet))
    assert quotes_of(faulty).height == len(SYMBOLS)
    for symbol, name in OF_SYMBOL.items():
        outcome = OUTCOMES[name]
        assert refused_bodies(faulty, symbol) == int(outcome.refused is not None and outcome.body), name
    assert (quiet.renewals, faulty.renewals) == (1, 1)
    assert (quiet.retries, quiet.refusals) == (0, {})


def test_a_fault_that_stays_is_named_and_no_other_row_is_touched(urls: SourceUrls, crawl: Crawl) -> None:
    quiet = crawl(urls, "quotes", "quiet")
    faulty = crawl(urls, "quotes", "faulty", OF_SYMBOL)
    refusing = {symbol: OUTCOMES[name].refused for symbol, name in OF_SYMBOL.items() if OUTCOMES[name].refused}
    assert faulty.missing == {symbol: str(reason) for symbol, reason in refusing.items()}
    assert faulty.exit_code == 0
    assert quotes_of(faulty).equals(quotes_of(quiet).filter(~pl.col("symbol").is_in(list(refusing))))
    for symbol, name in OF_SYMBOL.items():
        outcome = OUTCOMES[name]
        tries = 0 if outcome.refused is None else outcome.refused.tries + 1
        if outcome.refused is Reason.CRUMB_INVALID:
            tries = 2
        assert refused_bodies(faulty, symbol) == (tries if outcome.body else 0), name


def test_noise_in_bars_is_told_row_by_row(urls: SourceUrls, crawl: Crawl) -> None:
    quiet, _ = bars_rows(crawl(urls, "bars", "quiet").bodies())
    faulty, _ = bars_rows(crawl(urls, "bars", "faulty", OF_SYMBOL).bodies())
    for symbol, name in OF_SYMBOL.items():
        outcome, own = OUTCOMES[name], pl.col("symbol") == symbol
        before, after = (settled.good.filter(own).drop(PROVENANCE).sort("session") for settled in (quiet, faulty))
        if not FAULTS[name].befalls("/v8/finance/chart") or (outcome.refused is None and outcome.row is None):
            assert after.equals(before), name
        elif outcome.refused is not None:
            assert after.is_empty(), name
        else:
            named = faulty.quarantined.filter(pl.col("row").str.contains(f'"symbol":"{symbol}"', literal=True))
            assert named["rules"].to_list() == [str(outcome.row)]
            lost = 1 if name == "nulls" else 0
            assert after.height == before.height - lost
            assert after.join(before, on=after.columns, how="inner", nulls_equal=True).height == after.height


def test_all_faults_at_once_leave_what_came_as_it_was(urls: SourceUrls, crawl: Crawl, tmp_path: Path) -> None:
    symbols = [company.symbol for company in companies.everyone(7, 3)[:150]]
    quiet = {name: crawl(urls, name, f"quiet-{name}", symbols=symbols) for name in ("quotes", "bars")}
    with sandbox(tmp_path / "faulty", "all:0.1") as faulty_urls:
        faulty = {name: crawl(faulty_urls, name, f"faulty-{name}", symbols=symbols) for name in ("quotes", "bars")}
    for name, report in faulty.items():
        assert sum(report.refusals.values()) > 3, name
        assert len(report.missing) <= len(symbols) * 0.01, report.missing
    before, after = quotes_of(quiet["quotes"]), quotes_of(faulty["quotes"])
    assert after.equals(before.filter(~pl.col("symbol").is_in(list(faulty["quotes"].missing))))
    (before, _), (got, _) = (bars_rows(reports["bars"].bodies()) for reports in (quiet, faulty))
    before, after = (settled.good.drop(PROVENANCE) for settled in (before, got))
    lacking = before.join(after, on=before.columns, how="anti", nulls_equal=True)
    assert after.height + lacking.height == before.height
    lost = lacking.filter(~pl.col("symbol").is_in(list(faulty["bars"].missing))).height
    assert lost == got.quarantined.filter(pl.col("rules") == "null_bar").height


def test_a_crawl_can_name_changes_of_its_own(urls: SourceUrls, crawl: Crawl) -> None:
    asked = {"symbols": ["AAPL", "AAPX", "NVDA"], "changes": f"rename:AAPL>AAPX@{DAY}"}
    quiet, changed = quotes_of(crawl(urls, "quotes", "quiet")), quotes_of(crawl(urls, "quotes", "changed", **asked))
    assert changed["symbol"].to_list() == ["AAPX", "NVDA"]
    nvidia = pl.col("symbol") == "NVDA"
    assert changed.filter(nvidia).equals(quiet.filter(nvidia))


def test_who_is_hit_can_be_told_beforehand() -> None:
    def scope(query: bytes, attempt: int = 0, **headers: str) -> dict[str, Any]:
        named = {"x-sandbox-attempt": str(attempt), **{name.replace("_", "-"): text for name, text in headers.items()}}
        pairs = [(name.encode(), text.encode()) for name, text in named.items()]
        return {"type": "http", "path": "/query2/v8/finance/chart/A", "query_string": query, "headers": pairs}

    plan = Plan.read("throttled:0.2, reset:0.2:1")
    first = [plan.hits(7, scope(f"n={n}".encode()), b"") for n in range(1_000)]
    assert first == [plan.hits(7, scope(f"n={n}&crumb=c{n}".encode()), b"") for n in range(1_000)]
    assert 150 < sum(hit is FAULTS["throttled"] for hit in first) < 250
    assert 150 < sum(hit is FAULTS["reset"] for hit in first) < 250
    second = [plan.hits(7, scope(f"n={n}".encode(), 1), b"") for n in range(1_000)]
    assert {hit.name for hit in second if hit} == {"throttled"}
    assert sum(hit is not None and again is not None for hit, again in zip(first, second, strict=True)) < 150
    everything = Plan.read("all:1")
    names = {hit.name for n in range(1_000) if (hit := everything.hits(7, scope(f"n={n}".encode()), b""))}
    assert names == set(OF_YAHOO) - {"crumb_expired"}
    assert Plan().hits(7, scope(b""), b"") is None
    assert Plan().hits(7, scope(b"", x_sandbox_fault="html:1"), b"") is FAULTS["html"]
    assert Plan().hits(7, scope(b"", 1, x_sandbox_fault="html:1"), b"") is None


@pytest.mark.parametrize("text", ["nobody:0.1", "html", "html:x", "html:2", "html:0.1:-1", "html:0.6,reset:0.6"])
def test_faults_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(FaultError, match=text.partition(":")[0]):
        Plan.read(text)


def test_a_wish_that_cannot_be_read_is_refused(urls: SourceUrls) -> None:
    reply = httpx.get(f"{urls.query2}/v8/finance/chart/AAPL", headers={"X-Sandbox-Fault": "nobody"})
    assert (reply.status_code, "nobody" in reply.text) == (400, True)


@pytest.mark.parametrize("name", FORMS)
def test_every_change_s_example_is_one(name: str) -> None:
    assert Changes.read(FORMS[name].example) != Changes()
    held = (ROOT / "tests" / "orchestration" / "test_changes.py").read_text(encoding="utf-8")
    assert f"def test_{name}_" in held


def test_the_page_is_the_code_s() -> None:
    assert list(OUTCOMES) == list(FAULTS)
    assert list(CHANGES) == list(FORMS)
    assert PAGE.read_text(encoding="utf-8") == page()
