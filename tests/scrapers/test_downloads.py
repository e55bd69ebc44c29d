"""Logs that are fetched in parts: gone on with after a kill, started again after a change, checked before they count."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lake.raw_files import damage_of
from lake.settings import load_settings
from scrapers.crawl import LEFT_ALONE, CrawlFailed, run_crawl
from scrapers.errors import Reason, SourceSettingsError
from scrapers.hosts import HostLedger
from scrapers.job import CrawlReport
from scrapers.urls import SourceUrls
from tests.scrapers.file_source import PIECE, FileSource, file_source
from tests.scrapers.small_source import Asked, Reply, small_source

DAY, LATER = "2026-11-20", "2026-11-19"
ROOT = Path(__file__).parents[2]

Crawl = Callable[..., CrawlReport]


def packed(size: int, seed: int = 1) -> bytes:
    """A zip of a log and a README that packs badly."""
    log = random.Random(seed).randbytes(size)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("log20261120.csv"), b"time,uri_path\n" + log)
        archive.writestr(zipfile.ZipInfo("README.txt"), b"simulated")
    return out.getvalue()


@pytest.fixture
def crawl(tmp_path: Path) -> Crawl:
    """Run a crawl; those of one test share their downloads and what they know of the hosts."""
    settings = load_settings(
        home=tmp_path / "home", contact="Jo Doe jo@example.org", sec_requests_per_second=5, host_refusals=1_000
    )

    def run(urls: SourceUrls, name: str = "one", **params: Any) -> CrawlReport:
        asked = {"session": DAY, "days": [DAY], "downloads": str(tmp_path / "downloads"), **params}
        return run_crawl("edgar", asked, tmp_path / "spools" / name, urls, settings, hosts=tmp_path / "hosts")

    return run


def in_a_process(tmp_path: Path, urls: SourceUrls) -> subprocess.Popen[bytes]:
    """The crawl of a day in a process that can be killed."""
    params = {"session": DAY, "days": [DAY], "downloads": str(tmp_path / "downloads")}
    code = (
        "from pathlib import Path\nfrom lake.settings import load_settings\n"
        "from scrapers.crawl import run_crawl\nfrom scrapers.urls import SourceUrls\n"
        f"run_crawl('edgar', {params!r}, Path({str(tmp_path / 'killed')!r}), SourceUrls(**{urls.as_dict()!r}), "
        f"load_settings(home={str(tmp_path / 'home')!r}))\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)


def test_a_download_that_was_killed_goes_on_at_the_byte_it_had_reached(crawl: Crawl, tmp_path: Path) -> None:
    content = packed(6_000_000)
    into = tmp_path / "downloads" / "log20261120.zip"
    with file_source(FileSource(content, pause=0.02)) as source:
        process = in_a_process(tmp_path, source.urls)
        while not into.exists() or into.stat().st_size < 10 * PIECE:
            assert process.poll() is None
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        for one in [*children, psutil.Process(process.pid)]:
            os.kill(one.pid, signal.SIGKILL)
        process.wait()
        psutil.wait_procs(children, 20)
        reached = into.stat().st_size
        source.pause, source.sent = 0.0, 0
        report = crawl(source.urls)
        asked_again = crawl(source.urls, "two")
    assert 10 * PIECE <= reached < len(content)
    assert source.asked == [
        (None, None),
        (f"bytes={reached}-", '"one"'),
        (f"bytes={len(content) - 1}-", '"one"'),
    ]
    assert source.sent == len(content) - reached + 1
    for one in (report, asked_again):
        (file,) = one.files
        assert file.path.read_bytes() == content
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (file.kind, str(file.log_date)) == ("edgar_log_v2", DAY)


_PEAKS = """
import json, resource, sys
from pathlib import Path
from lake.settings import load_settings
from scrapers.crawl import run_crawl
from scrapers.urls import SourceUrls

root, urls = Path(sys.argv[1]), [SourceUrls(**json.loads(text)) for text in sys.argv[2:]]
settings, peaks = load_settings(home=root / "home"), []
for number, one in enumerate(urls):
    params = {"session": "2026-11-20", "days": ["2026-11-20"], "downloads": str(root / str(number))}
    run_crawl("edgar", params, root / "spool", one, settings)
    peaks.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
print(json.dumps(peaks))
"""


def test_a_large_download_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    large = packed(150_000_000)
    with file_source(FileSource(packed(1_000))) as small, file_source(FileSource(large)) as source:
        urls = [json.dumps(one.urls.as_dict()) for one in (small, source)]
        done = subprocess.run(
            [sys.executable, "-c", _PEAKS, str(tmp_path), *urls], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert (tmp_path / "1" / "log20261120.zip").stat().st_size == len(large)
    assert after - before < 40_000_000


def test_a_connection_that_ends_often_costs_no_byte_twice(crawl: Crawl) -> None:
    content = packed(2_000_000)
    with file_source(FileSource(content, ends_after=4 * PIECE)) as source:
        report = crawl(source.urls)
    assert report.files[0].path.read_bytes() == content
    assert source.sent == len(content)
    assert report.retries == len(source.asked) - 1 == len(content) // (4 * PIECE)
    assert report.retries > Reason.TRUNCATED_FILE.tries
    assert report.unanswered == {}


def test_a_source_that_never_comes_to_the_end_is_given_up(crawl: Crawl) -> None:
    with file_source(FileSource(packed(2_000_000), ends_after=4 * PIECE, ranges=False)) as source:
        with pytest.raises(CrawlFailed, match="truncated_file 1"):
            crawl(source.urls)
        # The first attempt came further than any before it; no other did.
        assert len(source.asked) == 1 + Reason.TRUNCATED_FILE.tries


def test_a_log_that_changed_meanwhile_starts_again(crawl: Crawl, tmp_path: Path) -> None:
    old, new = packed(2_000_000), packed(1_500_000, seed=2)
    into = tmp_path / "downloads" / "log20261120.zip"
    with file_source(FileSource(old)) as source:
        crawl(source.urls)
        into.write_bytes(old[:1_000_000])
        source.content, source.tag = new, '"two"'
        report = crawl(source.urls, "two")
    assert source.asked[1:] == [("bytes=1000000-", '"one"')]
    assert report.files[0].path.read_bytes() == new
    assert json.loads(into.with_name("log20261120.zip.json").read_text())["validator"] == '"two"'


def test_a_part_without_a_note_of_what_it_is_of_is_not_gone_on_with(crawl: Crawl, tmp_path: Path) -> None:
    content, into = packed(300_000), tmp_path / "downloads" / "log20261120.zip"
    into.parent.mkdir()
    into.write_bytes(b"PK of something else")
    with file_source(FileSource(content)) as source:
        report = crawl(source.urls)
    assert source.asked == [(None, None)]
    assert report.files[0].path.read_bytes() == content


def test_a_zip_with_a_wrong_byte_is_no_log_and_is_asked_for_once_more(crawl: Crawl, tmp_path: Path) -> None:
    content = packed(300_000)
    middle = len(content) // 2
    with file_source(FileSource(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])) as source:
        with pytest.raises(CrawlFailed, match="damaged_zip 1") as failed:
            crawl(source.urls)
        assert source.asked == [(None, None)] * 2
        assert not list((tmp_path / "downloads").iterdir())
        source.content = content
        report = crawl(source.urls, "two")
    assert failed.value.report is not None
    assert (failed.value.report.files, failed.value.report.refusals) == ((), {"damaged_zip": 2})
    assert report.files[0].path.read_bytes() == content


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: whole[:-30], "not a zip"),
        (lambda whole: whole[: len(whole) // 2], "not a zip"),
        (lambda whole: whole[:5_000] + b"\0" * 100 + whole[5_100:], ""),
    ],
)
def test_what_is_wrong_with_a_zip_is_said(damage: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    whole, path = packed(100_000), tmp_path / "log.zip"
    path.write_bytes(whole)
    assert damage_of(path) is None
    path.write_bytes(damage(whole))
    told = damage_of(path)
    assert told is not None
    assert said in told


SEC_PAGE = "<!DOCTYPE html><html><head><title>SEC.gov | {}</title></head><body></body></html>"
PAGES = {
    "undeclared_agent": "Your Request Originates from an Undeclared Automated Tool",
    "rate_exceeded": "Request Rate Threshold Exceeded",
}


@pytest.mark.parametrize(("reason", "status"), [("undeclared_agent", 403), ("rate_exceeded", 200)])
def test_after_sec_s_own_pages_it_is_left_alone_for_ten_minutes(
    reason: str, status: int, crawl: Crawl, tmp_path: Path
) -> None:
    reply = Reply(SEC_PAGE.format(PAGES[reason]).encode(), status, {"Content-Type": "text/html"})
    with small_source(lambda *_: reply) as source:
        with pytest.raises(CrawlFailed, match=f"{reason} 1"):
            crawl(source.urls)
        with pytest.raises(CrawlFailed, match="host_left_alone 2") as second:
            crawl(source.urls, "two", days=[DAY, LATER])
        assert len(source.asked) == 1
        ledger = HostLedger(tmp_path / "hosts", {"sec": source.urls.sec or ""})
        assert 400 < ledger.left_alone("sec") <= 600
    assert second.value.report is not None
    assert second.value.report.exit_code == LEFT_ALONE


def test_days_that_are_not_there_and_other_pages_have_their_names(crawl: Crawl) -> None:
    content = packed(1_000)
    replies = {
        "20261120": Reply(content),
        "20261119": Reply(b"<html>Not Found</html>", 404),
        "20261118": Reply(b"<html>403 Forbidden</html>", 403),
        "20261117": Reply(b"<html>Something else</html>"),
        "20261116": Reply(b"ip,date,time"),
        "20261115": Reply(b""),
        "20261114": Reply(b"moved", 301),
    }

    def answer(asked: Asked, _: int) -> Reply:
        return replies[asked.path[-12:-4]]

    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in replies]
    with small_source(answer) as source:
        report = crawl(source.urls, days=days)
    assert [str(file.log_date) for file in report.files] == [DAY]
    reasons = {request[-12:-4]: reason for request, reason in report.unanswered.items()}
    assert reasons == {
        "20261119": "not_found",
        "20261118": "forbidden",
        "20261117": "html_instead_of_file",
        "20261116": "not_a_zip",
        "20261115": "empty_body",
        "20261114": "redirected",
    }


_TURNS = """
import sys
from pathlib import Path
from scrapers.hosts import HostLedger

ledger = HostLedger(Path(sys.argv[1]), {"sec": sys.argv[2]})
for _ in range(200):
    ledger.turn("sec", 0.1)
"""


def test_places_in_sec_s_line_are_given_once_to_all_processes_and_hosts(tmp_path: Path) -> None:
    began = time.time()
    both = [
        subprocess.Popen([sys.executable, "-c", _TURNS, str(tmp_path), f"https://{host}.sec.gov"], cwd=ROOT)
        for host in ("www", "data")
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    # However fast they were taken: ten a second of both together.
    assert HostLedger(tmp_path, {"sec": "https://www.sec.gov"}).state("sec").next_at >= began + 2 * 200 * 0.1


def test_crawls_of_live_logs_take_their_places_in_one_line(crawl: Crawl) -> None:
    times: list[float] = []
    content = packed(1_000)

    def answer(*_: object) -> Reply:
        times.append(time.monotonic())
        return Reply(content)

    days = [f"2026-11-{day}" for day in range(10, 18)]
    with small_source(answer) as source, ThreadPoolExecutor(2) as pool:
        live = replace(source.urls, sandboxed=False)
        halves = {"a": days[:4], "b": days[4:]}
        reports = list(pool.map(lambda name: crawl(live, name, days=halves[name]), halves))
    assert [len(report.files) for report in reports] == [4, 4]
    assert times[-1] - times[0] >= 7 / 5 * 0.9


def test_sec_s_hosts_share_one_note(tmp_path: Path) -> None:
    addresses = {
        "sec": "https://www.sec.gov",
        "other": "https://data.sec.gov/",
        "query1": "https://query1.finance.example",
    }
    ledger = HostLedger(tmp_path, addresses)
    assert ledger.turn("sec", 5.0) == 0
    assert 4 < ledger.turn("other", 5.0) <= 5
    assert ledger.turn("query1", 5.0) == 0
    ledger.leave_alone("other", 600)
    assert ledger.left_alone("sec") > 590


@pytest.mark.parametrize("contact", ["jo@example.org", "Jo Doe", "Mozilla/5.0 (+https://example.org)"])
def test_live_sec_is_not_asked_without_a_name_and_an_address(contact: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, contact=contact)
    with small_source(lambda *_: Reply()) as source:
        live = replace(source.urls, sandboxed=False)
        with pytest.raises(SourceSettingsError, match="NAME EMAIL"):
            run_crawl("edgar", {"session": DAY, "days": [DAY]}, tmp_path / "spool", live, settings)
        assert source.asked == []
