"""The EDGAR job, on Sail and on Apache Spark: damaged logs of both forms, real logs, and DuckDB's count beside them."""

from __future__ import annotations

import hashlib
import random
import string
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from pyspark.sql import SparkSession

from lake import delta, staged
from lake.home import Home
from lake.rows import RowsLost
from lake.settings import load_settings
from spark_jobs import edgar_files, edgar_reading, edgar_repeats
from spark_jobs.edgar import Day, DaysFailed, run_day, run_days
from spark_jobs.edgar_files import NotALog, read_head
from spark_jobs.edgar_gold import GOLD, MINUTES, USUAL, VISITS
from spark_jobs.edgar_recount import counted_otherwise
from spark_jobs.edgar_requests import REQUESTS

SEEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
NewHome = Callable[[str], Home]

HEADER_V1 = "ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser"

# A line of the first form, and the rules it breaks.
LINES_V1 = [
    ("1.2.3.abc,2017-03-12,00:00:01,0.0,320193.0,0000320193-17-000001,.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,win", ""),
    ("1.2.3.abc,2017-03-12,00:00:01,0.0,320193.0,0000320193-17-000001,.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,win", ""),
    ("1.2.3.abc,2017-03-12,00:00:01,0.0,320193,0000320193-17-000001,a10k.htm,200,,0.0,0.0,0.0,9.0,1.0,", ""),
    ("1.2.3.abc,2017-03-12,02:30:00,500.0,320193.0,0000320193-17-000001,-index.htm,200.0,10.0,1.0,0,0,9,0.0,", ""),
    ("1.2.3.abc,2017-03-12,03:00:00,0.0,789019.0,0000789019-17-000002,x/é.xml,304.0,,0.0,0.0,0.0,9.0,0.0,", ""),
    ("1.2.3.abc,2017-03-12,23:59:59,0.0,789019.0,,,0.0,9.0,0.0,0.0,0.0,9.0,0.0,", ""),
    ('"1.2.3.abc","2017-03-12","04:00:00","0.0","5.0","","a,b.htm","200.0","1.0","0.0","0","0","9","0.0",""', ""),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,1.2e+24,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "cik_is_positive"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,-5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "cik_is_positive"),
    ("1.2.3.abc,2017-03-12,24:00:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "second_is_within_the_day"),
    ("1.2.3.abc,2017-03-12,04:61:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "second_is_within_the_day"),
    (
        "1.2.3.abc,3/12/2017,4:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,",
        "second_is_within_the_day,logged_on_the_file_s_day",
    ),
    ("1.2.3.abc,2017-03-13,04:00:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "logged_on_the_file_s_day"),
    ("1.2.3.abc,2017-02-30,04:00:00,0.0,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "logged_on_the_file_s_day"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,,x.htm,700.0,1.0,0.0,0.0,0.0,9.0,0.0,", "status_is_http_or_zero"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,,x.htm,OK,1.0,0.0,0.0,0.0,9.0,0.0,", "status_is_read"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,,x.htm,200.0,big,0.0,0.0,0.0,9.0,0.0,", "size_is_read"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,,x.htm,200.0,1.0,yes,0.0,0.0,9.0,0.0,", "flags_are_read"),
    ("1.2.3.abc,2017-03-12,04:00:00,12f,5.0,,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "zone_is_read"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,3.20193E+17,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", "accession_is_read"),
    ("1.2.3.abc,2017-03-12,04:00:00,0.0,5.0,,x,y.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,", None),
    ("1.2.3.abc,2017-03-12,04:00:0", None),
]
DAMAGE = [
    b"1.2.3.abc\0,2017-03-12",
    b"1.2.3.a\xffc,2017-03-12",
    b'"1.2.3.abc,2017-03-12,04:00:00',
    b"1.2\r.3,2017-03-12",
]

# A line of the second form: the rules it breaks, its accession and its document.
PATH = "/Archives/edgar/data"
LINES_V2 = [
    (f"2020-11-01T00:30:00.000-0400,{PATH}/320193/000032019320000001/a10k.htm", "", "0000320193-20-000001", "a10k.htm"),
    (f"2020-11-01 01:30:00,{PATH}/320193/000032019320000001/a10k.htm", "", "0000320193-20-000001", "a10k.htm"),
    (f"2020-11-01T02:30:00Z,{PATH}/789019/000078901920000002/0000789019-20-000002-index.htm", "", "0000789019-20-000002", "0000789019-20-000002-index.htm"),
    (f"2020-11-01T03:30:00+05:30,{PATH}/789019/0000789019-20-000002.txt", "", "0000789019-20-000002", "0000789019-20-000002.txt"),
    (f"2020-11-01 04:00:00,{PATH}/789019/000078901920000002/", "", "0000789019-20-000002", None),
    (f'"2020-11-01 04:00:00","{PATH}/789019/000078901920000002/a,b.htm"', "", "0000789019-20-000002", "a,b.htm"),
    (f"2020-11-01 04:00:00,{PATH}/789019/000078901920000002/a,b.htm", "", "0000789019-20-000002", "a,b.htm"),
    ("2020-11-01 04:00:00,/cgi-bin/browse-edgar", "path_is_of_a_filer,cik_is_positive", None, None),
    ("2020-11-01 04:00:00", "line_has_every_field,path_is_of_a_filer,cik_is_positive", None, None),
    (f"2020-11-01 04:00:00 PM,{PATH}/789019/000078901920000002/a.htm", "second_is_within_the_day", None, None),
    (f"2020-11-02 04:00:00,{PATH}/789019/000078901920000002/a.htm", "logged_on_the_file_s_day", None, None),
]  # fmt: skip


def mutated_logs(folder: Path, lines: int = 4000) -> list[Day]:
    """A log of each form whose lines had a character or two exchanged, doubled or dropped: what nobody thought of."""
    folder.mkdir()
    chance = random.Random(20170314)
    letters = string.printable.strip() + " \t\v\f\u00a0\u0663é+-.eE,:%_'"
    logs = {
        "log20170314.csv": (HEADER_V1, "2017-03-12", [line for line, rules in LINES_V1 if rules == ""]),
        "log20201102.csv": ("time,uri_path", "2020-11-01", [row[0] for row in LINES_V2 if row[1] == ""]),
    }
    days = []
    for name, (header, day, good) in logs.items():
        path = folder / name
        shifted = [line.replace(day, f"{name[3:7]}-{name[7:9]}-{name[9:11]}") for line in good]
        made = [_mutated(chance.choice(shifted), chance, letters) for _ in range(lines)]
        path.write_bytes("\n".join([header, *made]).encode())
        days.append(day_of(path))
    return days


def _mutated(line: str, chance: random.Random, letters: str) -> str:
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(line))
        line = line[:at] + chance.choice(["", line[at] * 2, chance.choice(letters)]) + line[at + 1 :]
    return line


def damaged_logs(folder: Path) -> list[Day]:
    """A log of each form with every kind of damage, on days when New York's clocks change."""
    folder.mkdir()
    v1, v2 = folder / "log20170312.csv", folder / "log20201101.csv"
    v1.write_bytes(b"\r\n".join([HEADER_V1.encode(), *(line.encode() for line, _ in LINES_V1), *DAMAGE, b"", b" "]))
    v2.write_bytes("\n".join(["_time,uri_path", *(row[0] for row in LINES_V2)]).encode())
    return [day_of(v1), day_of(v2)]


def day_of(path: Path, log_date: date | None = None) -> Day:
    known = log_date or read_head(path).log_date
    assert known is not None
    return Day(path, known, hashlib.sha256(path.read_bytes()).hexdigest(), SEEN)


def facts(home: Home, table: str) -> pl.DataFrame:
    """A table's rows without provenance, in the order of its key."""
    contract = {t.id: t for t in (REQUESTS, *GOLD)}[table]
    return delta.read(home, contract).drop(contract.provenance).sort(contract.key)


@pytest.fixture(scope="module")
def loaded(sail: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The damaged logs, loaded by Sail."""
    folder = tmp_path_factory.mktemp("loaded")
    return _load(sail, folder / "home", damaged_logs(folder / "logs"))


def _load(spark: SparkSession, root: Path, days: list[Day]) -> Home:
    home = Home.open(load_settings(home=root, world="real"))
    run_days(spark, home, days, "run")
    return home


def test_both_engines_make_the_same_tables(sail: SparkSession, apache: SparkSession, tmp_path: Path) -> None:
    days = [*damaged_logs(tmp_path / "damaged"), *mutated_logs(tmp_path / "mutated")]
    one, two = (_load(spark, tmp_path / name, days) for name, spark in (("sail", sail), ("spark", apache)))
    for table in (REQUESTS, *GOLD):
        ours = facts(one, table.id)
        assert ours["log_date"].n_unique() == (2 if table is MINUTES else 4)
        assert ours.equals(facts(two, table.id))
    refused = [delta.read_quarantine(home, REQUESTS).sort("slice", "rules", "row") for home in (one, two)]
    assert refused[0].height > 1000
    assert refused[0].equals(refused[1])


def test_plain_lines_are_read_as_lines_that_are_looked_at_in_full(
    sail: SparkSession, apache: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log20170312.csv"
    mutated_logs(tmp_path / "mutated")
    odd = (tmp_path / "mutated" / "log20170314.csv").read_text().replace("2017-03-14", "2017-03-12").splitlines()[1:]
    shapes = [
        f"1.2.3.abc,2017-03-12,{time},{zone},{cik},{accession},{document},{status},{size},{idx},0.0,0.0,9.0,{crawler},"
        for time, zone, cik, size in (
            ("00:00:00", "0.0", "1.0", ""),
            ("01:59:59", "500.0", "99999999.0", "0.0"),
            ("03:00:00", "0.0", "320193.0", "12345678.0"),
            ("23:59:59", "0.0", "320193.0", "5.0"),
        )
        for accession, document in (("", ""), ("", ".txt"), ("0000320193-17-000001", "-index.htm"), ("", "x/é.xml"))
        for status, idx, crawler in (("200.0", "0.0", "1.0"), ("0.0", "1.0", "0.0"), ("599.0", "1.0", "1.0"))
    ]
    path.write_text("\n".join([HEADER_V1, *shapes * 200, *odd[:1200]]))
    in_full, plain, on_spark = (Home.open(load_settings(home=tmp_path / name, world="real")) for name in "abc")
    monkeypatch.setattr(edgar_repeats, "UNUSUAL_ONE_IN", 10**9)
    report = run_day(sail, in_full, day_of(path), "run")
    monkeypatch.setattr(edgar_repeats, "UNUSUAL_ONE_IN", 2)
    assert edgar_files.clean(path, tmp_path / "text", day=date(2017, 3, 12)).plain
    for spark, home in ((sail, plain), (apache, on_spark)):
        again = run_day(spark, home, day_of(path), "run")
        assert (again.rows_out, again.broken) == (report.rows_out, report.broken)
        assert again.quarantined > 100
        for table in (REQUESTS, *GOLD):
            assert facts(home, table.id).equals(facts(in_full, table.id)), table.id
        refused = [
            delta.read_quarantine(one, REQUESTS).sort("rules", "row").drop("observed_at") for one in (in_full, home)
        ]
        assert refused[0].equals(refused[1])


def test_each_line_of_the_first_form_is_typed_or_refused_for_its_rule(loaded: Home) -> None:
    good = facts(loaded, REQUESTS.id).filter(pl.col("series") == "v1")
    kept = [line for line, rules in LINES_V1 if rules == ""]
    assert good.height == len(kept)
    refused = delta.read_quarantine(loaded, REQUESTS).filter(pl.col("slice").str.contains("v1"))
    rules = dict(refused.select("row", "rules").iter_rows())
    for line, broken in LINES_V1:
        if broken:
            assert rules[line] == broken
        elif broken is None:
            assert "line_has_every_field" in rules[line].split(",")
    assert refused.height == len(LINES_V1) - len(kept) + len(DAMAGE)


def test_the_typed_values_of_the_first_form(loaded: Home) -> None:
    good = facts(loaded, REQUESTS.id).filter(pl.col("series") == "v1").sort("second_of_day", "document", "repeat_no")
    assert good["second_of_day"].to_list() == [1, 1, 1, 9000, 10800, 14400, 86399]
    assert good["repeat_no"].to_list() == [1, 2, 1, 1, 1, 1, 1]
    assert good["document"].to_list() == [
        "0000320193-17-000001.txt",
        "0000320193-17-000001.txt",
        "a10k.htm",
        "0000320193-17-000001-index.htm",
        "x/é.xml",
        "a,b.htm",
        "",
    ]
    # New York's clocks went from 02:00 to 03:00 that day: the skipped 02:30 is read by the offset before.
    assert [at.strftime("%d %H:%M:%S") for at in good["requested_at"].to_list()] == [
        "12 05:00:01",
        "12 05:00:01",
        "12 05:00:01",
        "12 07:30:00",
        "12 07:00:00",
        "12 08:00:00",
        "13 03:59:59",
    ]
    assert good["zone"].to_list() == [0.0, 0.0, 0.0, 500.0, 0.0, 0.0, 0.0]
    assert good["size_bytes"].to_list() == [10, 10, None, 10, None, 1, 9]
    assert good["is_crawler"].to_list() == [False, False, True, False, False, False, False]


def test_the_typed_values_of_the_second_form(loaded: Home) -> None:
    good = facts(loaded, REQUESTS.id).filter(pl.col("series") == "v2")
    wanted = sorted((row[2], row[3] or "") for row in LINES_V2 if row[1] == "")
    assert sorted(good.select("accession", pl.col("document").fill_null("")).iter_rows()) == wanted
    assert good.select("ip", "status", "size_bytes", "is_crawler", "zone").null_count().row(0) == (good.height,) * 5
    instants = dict(good.select("second_of_day", "requested_at").iter_rows())
    assert instants[1800] == datetime(2020, 11, 1, 4, 30, tzinfo=UTC)  # its own offset
    assert instants[5400] == datetime(2020, 11, 1, 5, 30, tzinfo=UTC)  # shown twice: the first
    assert instants[9000] == datetime(2020, 11, 1, 2, 30, tzinfo=UTC)  # Z
    assert instants[12600] == datetime(2020, 10, 31, 22, 0, tzinfo=UTC)  # +05:30
    assert instants[14400] == datetime(2020, 11, 1, 9, 0, tzinfo=UTC)  # after the change
    refused = dict(
        delta.read_quarantine(loaded, REQUESTS)
        .filter(pl.col("slice").str.contains("v2"))
        .select("row", "rules")
        .iter_rows()
    )
    assert refused == {row[0]: row[1] for row in LINES_V2 if row[1]}


def test_visits_are_counted_with_and_without_crawlers_and_index_pages(loaded: Home) -> None:
    visits = facts(loaded, VISITS.id)
    counts = {
        row[:4]: row[4:]
        for row in visits.select("series", "second_of_day", "cik", "log_date", "visits_all", "visits_human").iter_rows()
    }
    day, later = date(2017, 3, 12), date(2020, 11, 1)
    assert counts["v1", 1, 320193, day] == (3, 2)  # one of them a crawler's
    assert counts["v1", 9000, 320193, day] == (1, 0)  # an index page
    assert counts["v1", 10800, 789019, day] == (1, 0)  # status 304
    assert counts["v2", 14400, 789019, later] == (3, None)
    requests = facts(loaded, REQUESTS.id)
    assert visits["visits_all"].sum() == requests.height


def test_rows_keep_their_contract_and_say_where_they_come_from(loaded: Home) -> None:
    for table in (REQUESTS, *GOLD):
        rows = delta.read(loaded, table)
        table.schema.validate(rows)
        assert rows["_run_id"].unique().to_list() == ["run"]
        assert rows["observed_at"].unique().to_list() == [SEEN]
        assert rows["_payload_sha256"].n_unique() == rows["series"].n_unique()


def test_a_day_loaded_again_is_replaced_and_others_stay(sail: SparkSession, new_home: NewHome, tmp_path: Path) -> None:
    home = new_home("again")
    first, second = damaged_logs(tmp_path / "logs")
    run_days(sail, home, [first, second], "one")
    before = facts(home, REQUESTS.id)
    report = run_day(sail, home, second, "two")
    assert facts(home, REQUESTS.id).equals(before)
    runs = delta.read(home, REQUESTS).group_by("series", "_run_id").len().sort("series").rows()
    assert runs == [("v1", "one", before.filter(pl.col("series") == "v1").height), ("v2", "two", report.rows_out)]
    second.raw_path.write_text("_time,uri_path\n2020-11-01 04:00:00,/about\n")
    assert run_day(sail, home, second, "three").rows_out == 0
    assert delta.read(home, REQUESTS)["series"].unique().to_list() == ["v1"]
    assert delta.read(home, VISITS)["series"].unique().to_list() == ["v1"]
    assert not list((home.landing / "edgar").iterdir())


def test_a_log_that_cannot_be_read_does_not_hold_up_the_others(
    sail: SparkSession, new_home: NewHome, tmp_path: Path
) -> None:
    good, _ = damaged_logs(tmp_path / "logs")
    bad = tmp_path / "log20170313.zip"
    bad.write_bytes(b"PK\x03\x04 and no more")
    home = new_home("partly")
    with pytest.raises(DaysFailed, match=r"2017-03-13: log20170313\.zip: a zip without its directory") as failed:
        run_days(sail, home, [day_of(bad, date(2017, 3, 13)), good], "run")
    assert list(failed.value.failures) == [date(2017, 3, 13)]
    assert [report.log_date for report in failed.value.reports] == [date(2017, 3, 12)]
    assert facts(home, REQUESTS.id).height == failed.value.reports[0].rows_out


def test_a_refused_line_costs_only_its_own_day(sail: SparkSession, new_home: NewHome, tmp_path: Path) -> None:
    line = LINES_V1[0][0]
    whole, lacking = tmp_path / "log20170312.csv", tmp_path / "log20170313.csv"
    whole.write_text("\n".join([HEADER_V1, line, line]))
    later = line.replace("2017-03-12", "2017-03-13")
    lacking.write_text("\n".join([HEADER_V1, later, later.replace(",320193.0,", ",-5.0,"), later]))
    reports = run_days(sail, new_home("one"), [day_of(whole), day_of(lacking)], "run")
    assert [(report.rows_in, report.rows_out, report.quarantined) for report in reports] == [(2, 2, 0), (3, 2, 1)]


def test_a_line_lost_by_the_engine_stops_the_load(
    sail: SparkSession, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, _ = damaged_logs(tmp_path / "logs")
    home = new_home("lost")
    whole = edgar_reading.good_requests
    monkeypatch.setattr(edgar_reading, "good_requests", lambda typed: whole(typed).where("repeat_no = 1"))
    with pytest.raises(RowsLost, match=r"log20170312\.csv"):
        run_day(sail, home, good, "run")
    assert delta.count(home, REQUESTS) == 0
    assert list(Path(home.lake.table(REQUESTS).uri).glob("load-*")) == []


def test_repeats_are_found_in_parts_as_at_once(
    sail: SparkSession, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log20170312.csv"
    good = [line for line, rules in LINES_V1 if rules == ""]
    path.write_bytes("\n".join([HEADER_V1, *(good * 3)]).encode())
    monkeypatch.setattr(edgar_repeats, "COMPARED_LINES", 4)
    home = new_home("parts")
    assert run_day(sail, home, day_of(path), "run").rows_out == len(good) * 3
    repeats = facts(home, REQUESTS.id).group_by("second_of_day", "document", "is_crawler").agg("repeat_no")
    assert sorted(sorted(numbers) for numbers in repeats["repeat_no"].to_list()) == [
        *([1, 2, 3] for _ in range(len(good) - 2)),
        [1, 2, 3, 4, 5, 6],  # a line that comes twice in each third
    ]


def test_a_load_that_stops_between_its_tables_is_made_whole_by_the_next(
    sail: SparkSession, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = damaged_logs(tmp_path / "logs")
    whole = _load(sail, tmp_path / "whole", days)
    home = new_home("stopped")
    commit = staged.commit

    def stops_at_gold(*args: Any) -> delta.Written:
        if args[1] is VISITS:
            raise OSError("no space left on device")
        return commit(*args)

    monkeypatch.setattr(staged, "commit", stops_at_gold)
    with pytest.raises(OSError, match="no space"):
        run_days(sail, home, days, "run")
    monkeypatch.undo()
    assert delta.count(home, VISITS) == 0
    run_days(sail, home, days, "run")
    for table in (REQUESTS, *GOLD):
        assert facts(home, table.id).equals(facts(whole, table.id))
    assert delta.read_quarantine(home, REQUESTS).height == delta.read_quarantine(whole, REQUESTS).height


def test_a_day_whose_new_load_stops_is_told_as_not_counted(
    sail: SparkSession, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home("reload")
    one, _ = damaged_logs(tmp_path / "logs")
    run_day(sail, home, one, "one")
    assert counted_otherwise(home, USUAL) == []
    commit = staged.commit

    def stops_at_gold(*args: Any) -> delta.Written:
        if args[1] is VISITS and args[2]:
            raise OSError("no space left on device")
        return commit(*args)

    monkeypatch.setattr(staged, "commit", stops_at_gold)
    with pytest.raises(OSError, match="no space"):
        run_day(sail, home, one, "two")
    monkeypatch.undo()
    assert [day.log_date for day in counted_otherwise(home, USUAL)] == [one.log_date]
    run_day(sail, home, one, "two")
    assert counted_otherwise(home, USUAL) == []


def test_a_file_of_the_other_form_takes_the_place_of_a_day_s_first(
    sail: SparkSession, new_home: NewHome, tmp_path: Path
) -> None:
    home = new_home("forms")
    first, stays = damaged_logs(tmp_path / "logs")
    run_days(sail, home, [first, stays], "one")
    other = tmp_path / "log20170312.csv"
    other.write_text(f"time,uri_path\n2017-03-12 04:00:00,{PATH}/320193/000032019320000001/a10k.htm\n")
    assert run_day(sail, home, day_of(other), "two").rows_out == 1
    for table in (REQUESTS, *GOLD):
        forms = delta.read(home, table).select("series", "log_date").unique().rows()
        days = [] if table is MINUTES else [first.log_date, stays.log_date]
        assert sorted(forms) == [("v2", day) for day in days], table.id
    assert delta.read_quarantine(home, REQUESTS)["slice"].unique().to_list() == ["log_date=2020-11-01,series=v2"]


def test_the_same_day_twice_is_wrong_use(sail: SparkSession, new_home: NewHome, tmp_path: Path) -> None:
    good, _ = damaged_logs(tmp_path / "logs")
    with pytest.raises(ValueError, match="more than one log for 2017-03-12"):
        run_days(sail, new_home("twice"), [good, good], "run")


def test_a_real_day_leaves_out_the_lines_that_name_no_company(
    sail: SparkSession, shared: Path, new_home: NewHome, tmp_path: Path
) -> None:
    packed = shared / "data" / "edgar_logs" / "log20170101_subset_cs320.zip"
    home = new_home("real")
    report = run_day(sail, home, day_of(packed), "run")
    assert report.rows_in == 174_856
    assert report.rows_in == report.rows_out + report.duplicates + report.quarantined
    with zipfile.ZipFile(packed) as archive:
        plain = archive.extract("jan1.csv", tmp_path)
    unreadable = duckdb.execute(
        "SELECT count(*) FROM read_csv(?, all_varchar = true, header = true) "
        "WHERE NOT coalesce(TRY_CAST(cik AS DOUBLE) BETWEEN 1 AND 1e12, false)",
        [plain],
    ).fetchone()
    assert unreadable == (report.quarantined,)
    assert report.broken == {"cik_is_positive": report.quarantined}


def test_every_real_log_goes_through_with_every_line_accounted_for(
    sail: SparkSession, shared: Path, new_home: NewHome
) -> None:
    home = new_home("all")
    logs = sorted((shared / "data" / "edgar_logs").glob("*log*.csv"))
    assert len(logs) == 5
    reports = run_days(sail, home, [day_of(log) for log in logs], "run")
    lines = {read_head(log).log_date: len([x for x in log.read_bytes().split(b"\n") if x.strip()]) - 1 for log in logs}
    for report in reports:
        assert report.rows_in == lines[report.log_date]
        assert report.rows_in == report.rows_out + report.quarantined
        assert report.quarantined == sum(Counter(report.broken).values())
    assert sum(report.quarantined for report in reports) == 0
    repeats = delta.read(home, REQUESTS).filter(pl.col("repeat_no") > 1)
    assert repeats.height == 16


def test_files_that_are_no_logs_are_named(shared: Path) -> None:
    for name in ("IP2LOCATION-LITE-DB1.CSV.ZIP", "edgar_filing_docs_cs320.zip", "SEC_log_README_2006.txt"):
        with pytest.raises(NotALog, match=name.split(".")[0]):
            read_head(shared / "data" / "edgar_logs" / name)
