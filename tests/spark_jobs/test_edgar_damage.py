"""Every kind of damage through the whole job, on both engines: typed, or quarantined with its rule, and accounted for."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from lake import delta
from lake.home import Home
from spark_jobs import edgar_staging
from spark_jobs.edgar import run_day, run_days
from spark_jobs.edgar_files import NotALog, read_head
from spark_jobs.edgar_gold import GOLD
from spark_jobs.edgar_requests import REQUESTS
from tests.spark_jobs.test_edgar_job import HEADER_V1, damaged_logs, day_of, facts, mutated_logs

NewHome = Callable[[str], Home]
Rules = Counter[tuple[str, str]]

V1 = b"1.2.3.abc,2017-03-14,04:00:00,0.0,320193.0,0000320193-17-000001,x.htm,200.0,1.0,0.0,0.0,0.0,9.0,0.0,"
V2 = b"2020-11-02 04:00:00,/Archives/edgar/data/320193/000032019320000001/x.htm"


def v1(old: bytes, new: bytes) -> bytes:
    assert old in V1
    return V1.replace(old, new, 1)


# Lines of the first form, and the rule that each breaks; none where it is read.
DAMAGED_V1 = [
    (V1, ""),
    (V1, ""),
    (V1 + b"\r", ""),
    (v1(b"320193.0", b"320193"), ""),
    (v1(b"200.0,1.0", b"200,1"), ""),
    (v1(b"x.htm", b"-index.htm"), ""),
    (v1(b"x.htm", b"#NAME?"), ""),
    (v1(b"x.htm", "é.htm".encode()), ""),
    (v1(b"x.htm", b'"a,b.htm"'), ""),
    (v1(b"x.htm", b'"a""b.htm"'), ""),
    (b",".join(b'"' + field + b'"' for field in v1(b"x.htm", b"quoted.htm").split(b",")), ""),
    (v1(b"0000320193-17-000001", b""), ""),
    (v1(b"1.2.3.abc", b""), ""),
    (v1(b"1.2.3.abc", b""), ""),
    (v1(b"1.2.3.abc", "é.2.3.abc".encode()), ""),
    (v1(b"1.2.3.abc", "é.2.3.abc".encode()), ""),
    (b"," * 14, "line_has_a_field"),
    (v1(b"320193.0", b"#NAME?"), "cik_is_positive"),
    (v1(b"0000320193-17-000001", b"#NAME?"), "accession_is_read"),
    (v1(b"0000320193-17-000001", b"3.20193E+17"), "accession_is_read"),
    (v1(b"320193.0", b"3.2E+05"), "cik_is_positive"),
    (v1(b"2017-03-14", b"14-Mar-17"), "logged_on_the_file_s_day"),
    (v1(b"04:00:00", b"4:00:00"), "second_is_within_the_day"),
    (v1(b"04:00:00", b"24:00:00"), "second_is_within_the_day"),
    (v1(b"04:00:00", b"04:00:60"), "second_is_within_the_day"),
    (v1(b"x.htm", b"x\0.htm"), "line_has_no_nul"),
    (b"\0" + V1, "line_has_no_nul"),
    (v1(b"x.htm", b"x\r.htm"), "line_has_no_stray_carriage_return"),
    (b"\r" + V1, "line_has_no_stray_carriage_return"),
    (v1(b"x.htm", b"x\x1f.htm"), "line_has_no_unit_separator"),
    (v1(b"x.htm", b"\xe9.htm"), "line_is_utf8"),
    (v1(b"x.htm", b'"x.htm'), "line_has_closed_quotes"),
    (V1 + b",more", "line_has_every_field"),
    (v1(b",0.0,", b","), "line_has_every_field"),
    (V1[:50], "line_has_every_field"),
]
DAMAGED_V2 = [
    (V2, ""),
    (V2, ""),
    (V2 + b"\r", ""),
    (V2.replace(b"x.htm", b"a,b.htm"), ""),
    (b'"' + V2.replace(b",", b'","') + b'"', ""),
    (V2.replace(b"x.htm", b"\0.htm"), "line_has_no_nul"),
    (V2.replace(b"x.htm", b"\r.htm"), "line_has_no_stray_carriage_return"),
    (V2.replace(b"x.htm", b"\xe9.htm"), "line_is_utf8"),
    (b'"' + V2, "line_has_closed_quotes"),
    (V2.replace(b"/320193/", b"/#NAME?/"), "cik_is_positive"),
    (V2[:15], "line_has_every_field,path_is_of_a_filer,cik_is_positive,second_is_within_the_day"),
]


def logs(folder: Path) -> list[Path]:
    """Both lists as logs; the last line of each is torn."""
    first, second = folder / "log20170314.csv", folder / "log20201102.csv"
    first.write_bytes(b"\n".join([HEADER_V1.encode(), *(line for line, _ in DAMAGED_V1)]))
    second.write_bytes(b"\n".join([b"time,uri_path", *(line for line, _ in DAMAGED_V2)]))
    return [first, second]


@pytest.mark.parametrize("kind", ["sail", "apache"])
def test_each_damaged_line_is_typed_or_quarantined_with_its_rule(
    request: pytest.FixtureRequest, new_home: NewHome, tmp_path: Path, kind: str
) -> None:
    spark: SparkSession = request.getfixturevalue(kind)
    home = new_home(kind)
    for path, damaged in zip(logs(tmp_path), (DAMAGED_V1, DAMAGED_V2), strict=True):
        # Alone and beside another day a log goes two ways.
        report = run_day(spark, home, day_of(path), "run")
        wanted = Counter(rule for _, rule in damaged)
        assert report.rows_in == len(damaged)
        assert report.rows_out == wanted.pop("")
        assert report.rows_in == report.rows_out + report.duplicates + report.quarantined
        told = delta.read_quarantine(home, REQUESTS).filter(pl.col("slice").str.contains(report.series))
        assert Counter(told["rules"].to_list()) == wanted
    good = facts(home, REQUESTS.id).filter(pl.col("series") == "v1")
    documents = Counter(good["document"].to_list())
    assert documents == {
        "x.htm": 10,
        "0000320193-17-000001-index.htm": 1,
        "#NAME?": 1,
        "é.htm": 1,
        "a,b.htm": 1,
        'a"b.htm': 1,
        "quoted.htm": 1,
    }
    # Three equal lines, one of them with a carriage return at its end; numbers written in other ways are other lines.
    assert sorted(good.filter(pl.col("document") == "x.htm")["repeat_no"].to_list()) == [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]
    assert good["cik"].unique().to_list() == [320193]
    assert good.select("ip", "accession").null_count().row(0) == (0, 0)


@pytest.mark.parametrize("kind", ["sail", "apache"])
def test_a_day_alone_is_what_it_is_among_others(
    request: pytest.FixtureRequest, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spark: SparkSession = request.getfixturevalue(kind)
    days = [*damaged_logs(tmp_path / "damaged"), *mutated_logs(tmp_path / "mutated", 1500)]
    together, alone = new_home("together"), new_home("alone")
    run_days(spark, together, days, "run")
    # So few that a day is counted in several parts.
    monkeypatch.setattr(edgar_staging, "COUNTED_ROWS", 400)
    for day in days:
        run_day(spark, alone, day, "run")
    for known in (REQUESTS, *GOLD):
        rows = [delta.read(home, known).sort(known.key) for home in (together, alone)]
        assert rows[0].height > 0
        assert rows[0].equals(rows[1]), known.id
    refused = [delta.read_quarantine(home, REQUESTS).sort("slice", "rules", "row") for home in (together, alone)]
    assert refused[0].height > 300
    assert refused[0].equals(refused[1])


def test_a_log_is_the_same_however_its_lines_are_written(sail: SparkSession, new_home: NewHome, tmp_path: Path) -> None:
    lines = [v1(b"04:00:00", b"04:00:%02d" % (number % 60)) for number in range(90)]
    plain = [HEADER_V1.encode(), *lines]
    quoted = [b",".join(b'"' + field + b'"' for field in line.split(b",")) for line in plain]
    ways = {
        "plain": b"\n".join(plain) + b"\n",
        "no final newline": b"\n".join(plain),
        "CR LF": b"\r\n".join(plain) + b"\r\n",
        "blank lines": b"\n\n \n".join(plain) + b"\n\n",
        "quoted": b"\n".join(quoted) + b"\n",
        "quoted, CR LF, byte order mark": b"\xef\xbb\xbf" + b"\r\n".join(quoted),
    }
    home, path, seen = new_home("ways"), tmp_path / "log20170314.csv", {}
    for name, content in ways.items():
        path.write_bytes(content)
        assert run_day(sail, home, day_of(path), "run").rows_out == len(lines)
        seen[name] = facts(home, REQUESTS.id)
    packed = tmp_path / "log20170314.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "log20170314.csv")
    run_day(sail, home, day_of(packed), "run")
    seen["zip"] = facts(home, REQUESTS.id)
    assert [name for name, rows in seen.items() if not rows.equals(seen["plain"])] == []


# Every file of the shared logs: how many of its lines are quarantined; None where it is no log.
SHARED = {
    "IP2LOCATION-LITE-DB1.CSV.ZIP": None,
    "SEC_log_README_2006.txt": None,
    "edgar_filing_docs_cs320.zip": None,
    "insight_test1_log.csv": 0,
    "log20030220_9k.csv": 0,
    "log20060101_4k.csv": 0,
    "log20060326_792.csv": 0,
    "log20170101_subset_cs320.zip": 7,
    "log20170611_32.csv": 0,
}


def test_every_shared_file_has_its_account(sail: SparkSession, shared: Path, new_home: NewHome) -> None:
    home, folder = new_home("walk"), shared / "data" / "edgar_logs"
    assert {path.name for path in folder.iterdir()} == set(SHARED)
    for name, quarantined in SHARED.items():
        if quarantined is None:
            with pytest.raises(NotALog, match=re.escape(name)):
                read_head(folder / name)
            continue
        report = run_day(sail, home, day_of(folder / name), "run")
        assert report.rows_in == _physical_lines(folder / name)
        assert report.rows_in == report.rows_out + report.duplicates + report.quarantined
        assert report.quarantined == quarantined == sum(report.broken.values()), name


def _physical_lines(path: Path) -> int:
    """Lines that are not blank, less the header."""
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            content = archive.read("jan1.csv")
    return sum(bool(line.strip()) for line in content.split(b"\n")) - 1
