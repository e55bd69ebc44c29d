"""Days of logs from a source that has some, lacks some and damages some: what is told of each, and that all else is loaded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from orchestration.steps import attention
from orchestration.steps.files import RawFile, keep
from orchestration.steps.log_days import CHECK, gold_log_days, lacking_days, newest_logs, spans
from orchestration.work import Outcome, Work
from scrapers.crawl import CrawlFailed
from spark_jobs.edgar_days import DayReport
from tests.scrapers.small_source import Asked, Reply, small_source
from tests.spark_jobs.test_edgar_job import HEADER_V1

FIRST, LAST = date(2017, 6, 27), date(2017, 7, 2)
NOW = "2026-11-21T09:00:00Z"
Answer = Callable[[str], Reply]


def log_of(day: str, lines: int = 3) -> bytes:
    """A zip with a log of good lines and one that is none."""
    written = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    good = "1.2.3.abc,{},00:00:0{},0.0,320193.0,0000320193-17-000001,a.htm,200.0,10.0,0.0,0.0,0.0,9.0,0.0,"
    rows = [HEADER_V1, *(good.format(written, n) for n in range(lines)), "no log's line"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"log{day}.csv", "\n".join(rows))
    return out.getvalue()


@contextmanager
def live_home(tmp_path: Path, answer: Answer) -> Iterator[Work]:
    """The work of the days in a real home whose live SEC is a small server; `answer` is asked by the day, as in 20170630."""

    def reply(asked: Asked, _: int) -> Reply:
        if asked.path.endswith(".json"):
            return Reply(
                b'{"fields":["cik","name","ticker","exchange"],"data":[[320193,"Apple Inc.","AAPL","Nasdaq"]]}'
            )
        return answer(asked.path[-12:-4])

    with small_source(reply) as source:
        settings = load_settings(
            home=tmp_path / "home",
            world="real",
            now=NOW,
            source_sec="live",
            accept_terms="sec",
            contact="Jo Doe jo@example.org",
            sec_url=source.urls.sec,
            sec_requests_per_second=10,
        )
        home = Home.open(settings)
        yield Work(home, settings, "run", FIRST, LAST, clock=Clock.from_settings(settings))


def load(work: Work, sail: SparkSession, run: str) -> dict[str, Outcome]:
    """What a run over the days did, by table."""
    now = replace(work, run_id=run)
    done = [*attention.land_logs(now), *attention.settle_logs(now, sail)]
    return {outcome.table.id: outcome for outcome in done}


def log_days(work: Work) -> pl.DataFrame:
    return delta.read(work.home, table("gold.log_days")).sort("log_date")


def test_each_day_is_told_of_and_a_failed_one_is_asked_for_alone(sail: SparkSession, tmp_path: Path) -> None:
    whole = log_of("20170629")
    damaged = whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:]
    replies = {
        "20170627": Reply(log_of("20170627")),
        "20170628": Reply(b"<html>Not Found</html>", 404),
        "20170629": Reply(damaged),
        "20170630": Reply(log_of("20170630", lines=5)),
    }
    asked: list[str] = []

    def answer(day: str) -> Reply:
        asked.append(day)
        return replies[day]

    with live_home(tmp_path, answer) as work:
        first = load(work, sail, "one")
        before = log_days(work)
        # A zip is verified before it is kept.
        assert delta.count(work.home, table("bronze.files")) == 3
        assert lacking_days(work) == [date(2017, 6, 29)]
        asked.clear()
        replies["20170629"] = Reply(whole)
        alone = replace(work, first=date(2017, 6, 29), last=date(2017, 6, 29))
        second = load(alone, sail, "two")
        after = log_days(work)
        assert lacking_days(work) == []
        left = [path for path in (work.home.landing / "downloads").rglob("*") if path.is_file()]
    told = before.select("log_date", "series", "status", "reason", "rows_in", "rows_out", "duplicates", "quarantined")
    never = [(date(2017, 7, day), None, "absent", "never_published", None, None, None, None) for day in (1, 2)]
    assert told.rows() == [
        (date(2017, 6, 27), "v1", "loaded", None, 4, 3, 0, 1),
        (date(2017, 6, 28), "v1", "absent", "not_found", None, None, None, None),
        (date(2017, 6, 29), "v1", "unanswered", "damaged_zip", None, None, None, None),
        (date(2017, 6, 30), "v1", "loaded", None, 6, 5, 0, 1),
        *never,
    ]
    assert asked == ["20170629"]
    assert first["bronze.files"].facts["open"] == 1
    (finding,) = first["gold.log_days"].findings
    assert (finding.check, finding.passed, finding.bearable) == (CHECK, False, False)
    assert finding.facts == {"days": 6, "days_damaged_zip": 1, "days_never_published": 2, "days_not_found": 1}
    assert second["gold.log_days"].findings[0].passed
    mended = after.filter(pl.col("log_date") == date(2017, 6, 29))
    assert mended.select("status", "rows_in", "file_name", "bytes").row(0) == (
        "loaded",
        4,
        "log20170629.zip",
        len(whole),
    )
    assert after.filter(pl.col("log_date") != date(2017, 6, 29)).equals(
        before.filter(pl.col("log_date") != date(2017, 6, 29))
    )
    assert left == []


def test_a_file_that_cannot_be_read_is_told_of_with_what_was_found(sail: SparkSession, tmp_path: Path) -> None:
    two = io.BytesIO()
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a.csv", HEADER_V1)
        archive.writestr("b.csv", HEADER_V1)
    with live_home(tmp_path, lambda day: Reply(two.getvalue() if day == "20170628" else log_of(day))) as work:
        outcome = load(work, sail, "one")["gold.log_days"]
        days = log_days(work)
    assert outcome.facts["open"] == 1
    row = days.filter(pl.col("log_date") == date(2017, 6, 28)).row(0, named=True)
    assert (row["status"], row["reason"], row["file_name"]) == ("unreadable", "unreadable", "log20170628.zip")
    assert "holds one CSV, this one 2" in row["detail"]
    assert days.filter(pl.col("status") == "loaded").height == 3


def test_a_crawl_without_any_answer_is_told_of_by_the_day(sail: SparkSession, tmp_path: Path) -> None:
    page = Reply(b"<html><title>Request Rate Threshold Exceeded</title></html>")
    with live_home(tmp_path, lambda _: page) as work:
        outcomes = load(replace(work, first=date(2017, 6, 30), last=date(2017, 6, 30)), sail, "one")
        assert log_days(work).select("status", "reason").rows() == [("unanswered", "rate_exceeded")]
        outcomes |= load(work, sail, "two")
        reasons = log_days(work).filter(pl.col("status") == "unanswered")["reason"].unique().to_list()
    assert reasons == ["host_left_alone"]
    assert outcomes["bronze.unanswered_logs"].facts == {"unanswered_host_left_alone": 4}
    assert not outcomes["gold.log_days"].findings[0].passed


def test_a_crawl_that_dies_is_told_of_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise CrawlFailed("edgar: ended with exit code -9")

    monkeypatch.setattr(attention, "crawl", dies)
    with live_home(tmp_path, lambda _: Reply()) as work:
        with pytest.raises(CrawlFailed):
            list(attention.land_logs(work))
        vain = delta.read(work.home, table("bronze.unanswered_logs"))
    assert vain["reason"].to_list() == ["crawl_failed"] * 4


def test_lines_that_are_not_accounted_for_block(sail: SparkSession, tmp_path: Path) -> None:
    with live_home(tmp_path, lambda day: Reply(log_of(day))) as work:
        load(work, sail, "one")
        day = replace(work, first=date(2017, 6, 30), last=date(2017, 6, 30))
        report = DayReport("v1", date(2017, 6, 30), rows_in=5, rows_out=4, quarantined=1, seconds=0.1)
        before = log_days(work)
        outcome = gold_log_days(day, newest_logs(day), [report], {})
        assert outcome.problem == "rows break lines_accounted (1 rows)"
        assert log_days(work).equals(before)


def test_a_newer_file_of_a_day_is_to_be_read(sail: SparkSession, tmp_path: Path) -> None:
    with live_home(tmp_path, lambda day: Reply(log_of(day))) as work:
        load(work, sail, "one")
        assert lacking_days(work) == []
        brought = tmp_path / "log20170630.zip"
        brought.write_bytes(log_of("20170630", lines=7))
        later = replace(
            work, clock=Clock.from_settings(load_settings(home=work.home.root, now="2026-11-22T09:00:00Z!"))
        )
        keep(later, [RawFile(brought, "edgar_log_v1", "file:x", date(2017, 6, 30))])
        assert lacking_days(work) == [date(2017, 6, 30)]


def test_days_are_as_few_ranges_as_can_be() -> None:
    found = [date(2017, 6, day) for day in (1, 2, 3, 7, 9, 10)]
    assert [[day.day for day in stretch] for stretch in spans(found)] == [[1, 2, 3], [7], [9, 10]]
    assert spans([]) == []
