"""Crawls against a small server: what is asked, kept, asked again and given up."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from lake.contracts import SECTORS, table
from lake.settings import Settings, load_settings
from scrapers.crawl import CrawlFailed, run_crawl
from scrapers.errors import SourceSettingsError
from scrapers.job import SPIDER_NAMES, CrawlReport, Job
from scrapers.spool import asked_for
from tests.scrapers.bodies import (
    chart,
    chart_body,
    encode,
    error_body,
    post,
    posts_body,
    quote,
    quotes_body,
    screener_body,
    summary_body,
)
from tests.scrapers.small_source import Asked, Reply, SmallSource, small_source

DAY = "2026-11-20"
TICK = "2026-11-20T18:00:00+00:00"
CRUMB = "/query1/v1/test/getcrumb"
QUOTE = "/query1/v7/finance/quote"
TOKEN = "very-secret-token"


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # Nobody listens there: what goes by a proxy does not arrive.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    settings = load_settings(home=tmp_path / "home", x_bearer_token=TOKEN, now="2026-11-20T18:00:07Z!")

    def run(source: SmallSource, spider: str, **params: Any) -> CrawlReport:
        spool = tmp_path / "spool" / spider
        return run_crawl(
            spider,
            {"session": DAY, **params},
            spool,
            source.urls,
            settings,
            run_id="run-1",
            log_file=tmp_path / "crawl.log",
        )

    return run


def good_quotes(asked: Asked) -> Reply:
    return Reply(quotes_body(*(quote(symbol) for symbol in asked.query["symbols"].split(","))))


def with_crumb(answer: Any) -> Any:
    """Answers that need the newest crumb with the newest cookie; the first crumb is stale from the start if asked."""

    def reply(asked: Asked, before: int) -> Reply:
        if asked.path == CRUMB:
            cookie = asked.headers.get("cookie", "")
            return Reply(f"crumb/for.{cookie.partition('=')[2]}".encode(), headers={"Content-Type": "text/plain"})
        return answer(asked, before)

    return reply


def test_quotes_go_in_batches_with_cookie_crumb_and_an_honest_name(crawl: Any, tmp_path: Path) -> None:
    symbols = [f"S{n}" for n in range(5)]
    with small_source(with_crumb(lambda asked, _: good_quotes(asked))) as source:
        report = crawl(source, "quotes", tick=TICK, symbols=symbols, batch=2, at=TICK)
    asked = source.to(QUOTE)
    assert sorted(one.query["symbols"] for one in asked) == ["S0,S1", "S2,S3", "S4"]
    for one in asked:
        assert one.query["crumb"] == "crumb/for.cookie0"
        assert one.headers["cookie"] == "A3=cookie0"
        assert one.headers["user-agent"].startswith("Mozilla/5.0 (compatible; Tidemark/")
        assert one.headers["x-sandbox-at"] == TICK
    assert (report.received, report.good, report.rows, report.renewals) == (3, 3, 5, 1)
    bodies = report.bodies()
    assert bodies.schema == table("bronze.yahoo_quotes").schema.create_empty().schema
    assert table("bronze.yahoo_quotes").schema.filter(bodies)[0].height == 3
    assert sorted(asked_for(request)["symbols"] for request in bodies["request"]) == ["S0,S1", "S2,S3", "S4"]
    assert {str(at) for at in bodies["_ingested_at"]} == {"2026-11-20 18:00:07+00:00"}
    assert [hashlib.sha256(body).hexdigest() for body in bodies["body"]] == bodies["_payload_sha256"].to_list()
    assert not bodies["_source_url"].str.contains("crumb").any()
    holding = {path for path in tmp_path.rglob("*") if path.is_file() and b"for.cookie" in path.read_bytes()}
    assert [path.name.partition("-")[0] for path in holding] == ["crumb"]
    assert {(path.parent.name, stat.S_IMODE(path.stat().st_mode)) for path in holding} == {("hosts", 0o600)}


def test_a_refused_crumb_is_renewed_once_for_all(crawl: Any) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        if asked.query.get("crumb") == "crumb/for.cookie0":
            return Reply(error_body("finance", "Unauthorized", "Invalid Crumb"), 401)
        return good_quotes(asked)

    with small_source(with_crumb(answer)) as source:
        report = crawl(source, "quotes", tick=TICK, symbols=[f"S{n}" for n in range(12)], batch=1)
    assert (len(source.to("/fc/")), len(source.to(CRUMB)), report.renewals) == (2, 2, 2)
    assert (report.good, report.unanswered) == (12, {})
    refused = report.bodies().filter(pl.col("_http_status") == 401).height
    assert refused == report.refusals["crumb_invalid"] <= 12


def test_a_crumb_that_is_always_refused_is_given_up(crawl: Any) -> None:
    refusal = Reply(error_body("finance", "Unauthorized", "Invalid Crumb"), 401)
    with (
        small_source(with_crumb(lambda *_: refusal)) as source,
        pytest.raises(CrawlFailed, match="crumb_invalid") as info,
    ):
        crawl(source, "quotes", tick=TICK, symbols=["AAA"])
    report = info.value.report
    assert report is not None
    assert list(report.unanswered.values()) == ["crumb_invalid"]
    assert (report.exit_code, report.bodies().height) == (1, 2)


def test_a_crumb_that_cannot_be_had_is_named(crawl: Any) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        return Reply(b"<html><form action='/v2/collectConsent'></form></html>") if asked.path == CRUMB else Reply()

    with small_source(answer) as source, pytest.raises(CrawlFailed, match="consent_page"):
        crawl(source, "quotes", tick=TICK, symbols=["AAA"])
    assert source.to(QUOTE) == []


MISBEHAVIOURS = {
    "throttled": Reply(b"Edge: Too Many Requests", 429, {"Retry-After": "1"}),
    "server_error": Reply(b"", 503),
    "html_instead_of_json": Reply(b"<html>oops</html>"),
    "maintenance_page": Reply(b"<html>Will be right back</html>"),
    "empty_body": Reply(b""),
    "truncated_json": Reply(b'{"quoteResponse":{"resu', promised=4_000),
    "malformed_json": Reply(b'{"quoteResponse":]}'),
}


def test_what_may_pass_is_asked_again_and_every_body_is_kept(crawl: Any) -> None:
    names = list(MISBEHAVIOURS)

    def answer(asked: Asked, _: int) -> Reply:
        tries = sum(one.query.get("symbols") == asked.query["symbols"] for one in source.asked)
        return MISBEHAVIOURS[asked.query["symbols"].lower()] if tries == 1 else good_quotes(asked)

    with small_source(with_crumb(answer)) as source:
        report = crawl(source, "quotes", tick=TICK, symbols=[name.upper() for name in names], batch=1)
    assert report.refusals == dict.fromkeys(names, 1)
    assert (report.good, report.retries, report.unanswered) == (len(names), len(names), {})
    assert report.bodies().height == report.received == 2 * len(names)


def test_retry_after_is_honoured_by_the_whole_host(crawl: Any) -> None:
    times: list[float] = []

    def answer(asked: Asked, _: int) -> Reply:
        times.append(time.monotonic())
        first = len(times) == 1
        return (
            Reply(b"Too Many Requests", 429, {"Retry-After": "2"})
            if first
            else Reply(chart_body(chart(asked.path[-3:])))
        )

    with small_source(answer) as source:
        report = crawl(source, "bars", symbols=["AAA"], start=DAY, end=DAY)
    assert (report.good, report.retries) == (1, 1)
    assert times[1] - times[0] >= 2


def test_what_stays_refused_is_given_up_with_its_name(crawl: Any) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        if asked.path.endswith("/GONE"):
            return Reply(error_body("chart", "Not Found", "No data found, symbol may be delisted"), 404)
        return Reply(chart_body(chart("ABC")))

    with small_source(answer) as source:
        report = crawl(source, "bars", symbols=["ABC", "GONE", "B/D"], start="2026-11-18", end=DAY)
    asked = source.to("/query2/v8/finance/chart/ABC")
    window = {"period1": "1794960000", "period2": "1795219200", "interval": "1d"}
    assert [{name: one.query[name] for name in window} for one in asked] == [window]
    assert asked[0].query["events"] == "div,splits"
    assert "/query2/v8/finance/chart/B%2FD" in [one.path for one in source.asked]
    reasons = {asked_for(request)["symbol"]: reason for request, reason in report.unanswered.items()}
    assert reasons == {"GONE": "delisted", "B/D": "symbol_mismatch"}
    assert (report.exit_code, report.received, report.retries) == (0, 3, 0)


def test_no_answer_at_all_fails_and_keeps_what_came(crawl: Any) -> None:
    reply = Reply(error_body("chart", "Not Found", "No data found, symbol may be delisted"), 404)
    with small_source(lambda *_: reply) as source, pytest.raises(CrawlFailed, match="delisted 2") as info:
        crawl(source, "bars", symbols=["AAA", "BBB"], start=DAY, end=DAY)
    assert info.value.report is not None
    assert info.value.report.bodies().height == 2


def test_nobody_there_is_named(crawl: Any) -> None:
    with small_source(lambda *_: Reply()) as source:
        pass
    with pytest.raises(CrawlFailed, match="no_response"):
        crawl(source, "bars", symbols=["AAA"], start=DAY, end=DAY)


def test_universe_pages_through_every_sector(crawl: Any) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        body = json.loads(asked.body)
        total = 300 if body["query"]["operands"][2]["operands"][1] == "Energy" else 1
        quotes = [quote(f"S{body['offset'] + n}") for n in range(min(body["size"], total - body["offset"]))]
        return Reply(screener_body(*quotes, start=body["offset"], total=total))

    with small_source(with_crumb(answer)) as source:
        report = crawl(source, "universe", per_sector=400)
    bodies = [json.loads(one.body) for one in source.to("/query1/v1/finance/screener")]
    pages = sorted((b["query"]["operands"][2]["operands"][1], b["offset"], b["size"]) for b in bodies)
    assert pages == sorted([*((sector, 0, 250) for sector in SECTORS), ("Energy", 250, 150)])
    assert {(b["sortField"], b["sortType"]) for b in bodies} == {("intradaymarketcap", "DESC")}
    assert report.rows == 300 + 10


def test_summaries_are_asked_for_with_their_modules(crawl: Any) -> None:
    with small_source(with_crumb(lambda *_: Reply(summary_body("BRK-B")))) as source:
        report = crawl(source, "summary", symbols=["BRK-B"])
    (asked,) = source.to("/query2/v10/finance/quoteSummary/BRK-B")
    assert "assetProfile" in asked.query["modules"].split(",")
    assert (report.good, report.bodies()["request"].to_list()) == (1, ["summary?symbol=BRK-B"])


def test_posts_are_followed_page_by_page_with_the_token_in_no_file(crawl: Any, tmp_path: Path) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        number = int(asked.query.get("next_token", "t1")[1:])
        more = {"next_token": f"t{number + 1}"} if number < 3 else {}
        return Reply(posts_body(post(number), **more))

    with small_source(answer) as source:
        window = {"start": "2026-11-19T18:30:00Z", "end": "2026-11-20T18:30:00Z"}
        report = crawl(source, "posts", tags=["nifty50", "sensex"], **window)
    asked = source.to("/x/2/tweets/search/recent")
    assert len(asked) == 6
    assert {one.headers["authorization"] for one in asked} == {f"Bearer {TOKEN}"}
    assert {one.query["query"] for one in asked} == {"#nifty50", "#sensex"}
    # The clock stands at 18:00:07, and the source refuses a window that ends right before it is asked.
    assert {one.query["start_time"] for one in asked} == {window["start"]}
    assert {one.query["end_time"] for one in asked} == {"2026-11-20T17:58:37Z"}
    assert (report.good, report.rows) == (6, 6)
    assert report.bodies()["request"].n_unique() == 6
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TOKEN.encode() not in everything


def test_an_edgar_day_goes_to_disk_and_a_refusal_does_not(crawl: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("log20261120.csv", os.urandom(3_000_000))
    log = packed.getvalue()

    def answer(asked: Asked, before: int) -> Reply:
        if asked.path.endswith("log20261119.zip"):
            return Reply(b"<html>not there</html>", 404)
        if asked.path.endswith(".json"):
            return Reply(encode({"fields": ["cik", "ticker"], "data": []}))
        return Reply(b"<html>Too Many Requests</html>", 429) if before == 0 else Reply(log)

    with small_source(answer) as source:
        report = crawl(source, "edgar", days=["2026-11-20", "2026-11-19"], tickers=True)
    assert {one.headers["user-agent"] for one in source.asked} == {"Tidemark simulated@example.org"}
    by_kind = {file.kind: file for file in report.files}
    found = by_kind["edgar_log_v2"]
    assert found.path.name == "log20261120.zip"
    assert (found.path.read_bytes(), found.bytes) == (log, len(log))
    assert found.sha256 == hashlib.sha256(log).hexdigest()
    assert str(found.log_date) == "2026-11-20"
    assert by_kind["sec_tickers"].path.name == "company_tickers_exchange.json"
    assert (list(report.unanswered.values()), report.refusals) == (["not_found"], {"throttled": 1, "not_found": 1})


def test_a_crawl_ends_with_its_parent(tmp_path: Path) -> None:
    with small_source(lambda *_: Reply(b"Too Many Requests", 429, {"Retry-After": "600"})) as source:
        code = (
            "import sys\nfrom pathlib import Path\nfrom lake.settings import load_settings\n"
            "from scrapers.crawl import run_crawl\nfrom scrapers.urls import SourceUrls\n"
            f"urls = SourceUrls(**{source.urls.as_dict()!r})\n"
            f"params = dict(session='{DAY}', symbols=['AAA'], start='{DAY}', end='{DAY}')\n"
            f"run_crawl('bars', params, Path({str(tmp_path / 'spool')!r}), urls, load_settings(home={str(tmp_path)!r}))\n"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
        children: list[psutil.Process] = []
        while not source.asked:
            assert parent.poll() is None
            time.sleep(0.05)
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) == 1
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        gone, alive = psutil.wait_procs(children, timeout=20)
    assert (len(gone), alive) == (1, [])


def test_a_crawl_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    reply = Reply(b"Too Many Requests", 429, {"Retry-After": "600"})
    params = {"session": DAY, "symbols": ["AAA"], "start": DAY, "end": DAY}
    with small_source(lambda *_: reply) as source, pytest.raises(CrawlFailed, match="not done after"):
        run_crawl("bars", params, tmp_path / "spool", source.urls, load_settings(home=tmp_path), timeout=3)
    # Of a process that has ended, whoever its parent is, the command line is gone (None).
    mine = psutil.process_iter(["cmdline"])
    assert [child for child in mine if str(tmp_path) in " ".join(child.info["cmdline"] or ())] == []


def test_wrong_use_has_its_own_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scrapers.crawl_process", str(tmp_path / "absent.json")]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert (done.returncode, b"usage" in done.stderr) == (2, True)
    with small_source(lambda *_: Reply()) as source:
        settings, live = load_settings(home=tmp_path), replace(source.urls, sandboxed=False)
        with pytest.raises(SourceSettingsError, match="no spider 'nobody'"):
            run_crawl("nobody", {}, tmp_path / "spool", source.urls, settings)
        with pytest.raises(SourceSettingsError, match="TIDEMARK_X_BEARER_TOKEN"):
            run_crawl("posts", {}, tmp_path / "spool", live, settings)


def test_the_names_of_spiders_are_those_that_there_are() -> None:
    from scrapers.spiders import SPIDERS

    assert tuple(SPIDERS) == SPIDER_NAMES


def test_a_job_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    with small_source(lambda *_: Reply()) as source:
        job = Job("bars", {"session": DAY}, str(tmp_path), "run-1", source.urls, {}, {}, "2026-11-20T18:00:00+00:00!")
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job
    assert isinstance(load_settings(home=tmp_path), Settings)
