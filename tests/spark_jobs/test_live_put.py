"""Lines that others put in: JSON and both forms of logs; what is neither is refused with its reason."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from lake import delta
from lake.contracts import table
from spark_jobs.edgar import run_day
from spark_jobs.live_put import NotAMessage, Put, Visit, read_line
from spark_jobs.live_source import Source, writer_of
from tests.spark_jobs.test_edgar_job import LINES_V1, NewHome, day_of
from tests.spark_jobs.test_live_replay import messages

NOW = datetime.fromisoformat("2026-11-25T14:00:00.5Z").timestamp()


@pytest.mark.parametrize(
    ("line", "visit"),
    [
        ('{"cik": 5}', Visit(datetime(2026, 11, 25, 9), 5, None)),
        (
            '{"cik": 5, "at": "2026-11-25T14:00:03+00:00", "accession": "0000320193-16-000070"}',
            Visit(datetime(2026, 11, 25, 9, 0, 3), 5, "0000320193-16-000070", "2026-11-25T14:00:03.000000Z"),
        ),
        ('{"stream": "s", "cik": 5, "clock": "2017-01-01T00:00:01.9"}', Visit(datetime(2017, 1, 1, 0, 0, 1), 5, None)),
        (LINES_V1[0][0], Visit(datetime(2017, 3, 12, 0, 0, 1), 320193, "0000320193-17-000001")),
        (
            "2020-11-01T00:30:00.000-0400,/Archives/edgar/data/320193/000032019320000001/a10k.htm",
            Visit(datetime(2020, 11, 1, 0, 30), 320193, "0000320193-20-000001"),
        ),
        ("2020-11-01 04:00:00,/Archives/edgar/data/789019/", Visit(datetime(2020, 11, 1, 4), 789019, None)),
    ],
)
def test_each_form_is_read(line: str, visit: Visit) -> None:
    assert read_line(line, "s", NOW) == visit


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("hello", "neither JSON"),
        ('{"cik": 5', "not JSON"),
        ('{"cik": "5"}', "cik is the number of a filer, not '5'"),
        ('{"cik": 5, "stream": "other"}', "of the stream 'other'"),
        ('{"cik": 5, "at": "2026-11-25 14:00"}', "an instant with a zone"),
        ('{"cik": 5, "clock": "yesterday"}', "at and clock are times"),
        ('{"cik": 5, "accession": "x"}', "'x' is not an accession number"),
        ('{"cik": ' + "9" * 5000 + "}", "not"),
        ('{"cik": ' + "[" * 100_000 + "]" * 100_000 + "}", "not a message"),
        ('{"cik": ' + "[" * 900 + "]" * 900 + "}", "cik is the number"),
        ('{"cik": 5, "at": "0001-01-01T00:00:00+14:00"}', "not a message"),
        ('{"cik": 5, "at": "0001-01-01T00:00:00+14:00", "clock": "2017-01-01T00:00:00"}', "not a message"),
        ('{"cik": 5, "at": "9999-12-31T23:59:59Z"}', "from 1990 to before 2200"),
        ('{"cik": 5, "clock": "1989-12-31T23:59:59"}', "from 1990 to before 2200"),
        ("2200-01-01 00:00:00,/Archives/edgar/data/789019/", "from 1990 to before 2200"),
        ("1.2.3.abc,2017-03-12,24:00:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "no time of any day"),
        ("1.2.3.abc,2017-03-12,04:00:00,0.0,-5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "'-5.0' is not the number"),
        ("2020-11-01 04:00:00,/cgi-bin/browse-edgar", "a path below /Archives/edgar/data/"),
    ],
)
def test_what_is_neither_is_refused_by_name(line: str, why: str) -> None:
    with pytest.raises(NotAMessage, match=why):
        read_line(line, "s", NOW)


def test_lines_become_messages_in_order_and_refused_ones_are_counted(tmp_path: Path) -> None:
    source, refused = Source("files", tmp_path), list[tuple[str, str]]()
    writer = writer_of(source, "s")
    put = Put(writer, "s", True, lambda line, why: refused.append((line, why)), now=lambda: NOW)
    put.begin()
    put.take(["ip,date,time,zone,cik,accession", "", '{"cik": 5}\r\n', "nonsense", '{"cik": 6}'])
    put.flush()
    put.end()
    writer.close()
    start, first, second, end = messages(source)
    assert start["start"]["simulated"] is True
    assert [first["cik"], second["cik"], end["rows"]] == [5, 6, 2]
    assert [m["seq"] for m in (start, first, second, end)] == [0, 1, 2, 3]
    assert (put.put, put.refusals) == (2, 1)
    assert refused[0][0] == "nonsense"
    again = writer_of(source, "s")
    assert again.position == 4
    again.close()


@pytest.mark.parametrize("name", ["log20170611_32.csv", "log20060326_792.csv", "insight_test1_log.csv"])
def test_a_real_log_put_in_is_what_the_batch_counts(
    name: str, shared: Path, sail: SparkSession, new_home: NewHome
) -> None:
    path, home = shared / "data" / "edgar_logs" / name, new_home("home")
    day = day_of(path)
    run_day(sail, home, day, "batch")
    batch = delta.read(home, table("gold.visits_second"))
    visits = []
    for line in path.read_text().splitlines()[1:]:
        try:
            visits.append(read_line(line, "s", NOW))
        except NotAMessage:
            continue
    mine = pl.DataFrame({"clock": [v.clock for v in visits], "cik": [v.cik for v in visits]})
    counted = mine.filter(pl.col("clock").dt.date() == day.log_date).group_by("clock", "cik").len()
    assert counted["len"].sum() == batch["visits_all"].sum()
    assert counted.group_by("cik").agg(pl.col("len").sum()).sort("cik").rows() == (
        batch.group_by("cik").agg(pl.col("visits_all").sum()).sort("cik").rows()
    )


def test_json_is_written_as_it_is_read(tmp_path: Path) -> None:
    source = Source("files", tmp_path)
    writer = writer_of(source, "s")
    put = Put(writer, "s", False, now=lambda: NOW)
    put.take([json.dumps({"cik": n + 1}) for n in range(3)])
    put.flush()
    writer.close()
    assert [m["cik"] for m in messages(source)] == [1, 2, 3]
