"""The splitter: every physical line is either clean text for an engine or refused with a rule."""

from __future__ import annotations

import random
import re
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_jobs import edgar_files, edgar_lines, edgar_repeats
from spark_jobs.edgar_files import DamagedLog, NotALog, clean, read_head
from spark_jobs.edgar_lines import INNER_COMMA
from spark_jobs.edgar_plain import Plain
from spark_jobs.edgar_repeats import MOVED, NUMBER_DIGITS
from spark_jobs.edgar_text import plainly_good

HEADER = b"ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser"
ODD = b"\n," + "é".encode() + b"," * 13 + b"\n"
LINE = b"1.2.3.abc,2017-01-02,00:00:01,0.0,320193.0,0000320193-17-000001,.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,"


def written(folder: Path, content: bytes, name: str = "log20170102.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def texts(log: edgar_files.CleanLog) -> bytes:
    """The lines in the chunks that were not moved, then those that were; an engine reads them all as UTF-8."""
    for path in (*log.chunks, *log.repeats):
        path.read_bytes().decode()
    first = [line for line in _lines(log.chunks) if line[:1] != MOVED.encode()]
    return b"".join(line + b"\n" for line in [*first, *(line for _, line in repeats(log))])


def repeats(log: edgar_files.CleanLog) -> list[tuple[int, bytes]]:
    """The lines that were moved, each with its number."""
    return [(int(line[:NUMBER_DIGITS]), line[NUMBER_DIGITS:]) for line in _lines(log.repeats)]


def _lines(paths: list[Path]) -> list[bytes]:
    return [line for path in paths for line in path.read_bytes()[:-1].split(b"\n")]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (LINE.replace(b"1.2", b"1\xff2"), "line_is_utf8"),
        (LINE.replace(b"1.2", b"1\x002"), "line_has_no_nul"),
        (LINE.replace(b"1.2", b"1\r2"), "line_has_no_stray_carriage_return"),
        (LINE.replace(b"1.2", b"1\x1f2"), "line_has_no_unit_separator"),
        (b'"' + LINE, "line_has_closed_quotes"),
        (LINE + b"x" * edgar_lines.LONGEST_LINE, "line_is_at_most_one_mebibyte"),
        (b'""', "line_has_a_field"),
        (b"," * 14, "line_has_a_field"),
        (b", ,\t", "line_has_a_field"),
    ],
)
def test_a_damaged_line_alone_is_refused_with_its_rule(tmp_path: Path, line: bytes, rule: str) -> None:
    path = written(tmp_path, b"\n".join([HEADER, LINE, line, LINE]) + b"\n")
    log = clean(path, tmp_path / "out")
    assert [refused.rule for refused in log.refused] == [rule]
    assert (log.rows_in, log.rows_clean) == (3, 2)
    assert texts(log) == (LINE + b"\n") * 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"end"])
def test_line_ends_and_a_missing_last_one_change_nothing(tmp_path: Path, end: bytes, last: bytes) -> None:
    content = end.join([HEADER, LINE, b"", LINE, b"  ", LINE]) + (end if last else b"")
    log = clean(written(tmp_path, content), tmp_path / "out")
    assert (log.rows_in, log.rows_clean, log.refused) == (3, 3, [])
    assert texts(log) == (LINE + b"\n") * 3


def test_quotes_go_and_commas_inside_them_are_told_apart(tmp_path: Path) -> None:
    quoted = b",".join(b'"' + part + b'"' for part in LINE.replace(b".txt", b"a\\b.txt").split(b","))
    path = written(
        tmp_path,
        b"\n".join([HEADER, quoted.replace(b"a\\b", b"a,b"), "Ä,é".encode(), LINE.replace(b".txt", "Ä".encode())]),
    )
    log = clean(path, tmp_path / "out")
    plain = LINE.replace(b".txt", b"a" + INNER_COMMA.encode() + b"b.txt")
    assert texts(log).splitlines() == [plain, LINE.replace(b".txt", "Ä".encode())]
    assert log.refused == [("line_has_every_field", "Ä,é")]


def test_a_quoted_header_in_capitals_with_a_byte_order_mark_is_known(tmp_path: Path) -> None:
    header = b"\xef\xbb\xbf" + b",".join(b'"' + name.upper() + b'"' for name in HEADER.split(b","))
    head = read_head(written(tmp_path, header + b"\r\n" + LINE, "renamed.csv"))
    assert (head.form.series, head.form.width, head.log_date) == ("v1", 15, date(2017, 1, 2))


def test_the_second_form_is_known_by_either_header(tmp_path: Path) -> None:
    for name in (b"_time", b"time"):
        row = b"2021-03-04T00:00:00.000-0500,/Archives/edgar/data/1/2.txt\n"
        head = read_head(written(tmp_path, name + b",uri_path\n" + row, "x.csv"))
        assert (head.form.series, head.log_date) == ("v2", date(2021, 3, 4))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b,c\n1,2,3\n", b"Date,Open,High,Low,Close,Adj Close,Volume\n"])
def test_what_is_no_log_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content, "some.csv")
    with pytest.raises(NotALog, match=r"some\.csv"):
        read_head(path)
    with pytest.raises(NotALog, match=r"some\.csv"):
        clean(path, tmp_path / "out")


def test_a_zip_with_a_readme_beside_the_log_reads_as_the_log_alone(tmp_path: Path) -> None:
    path = tmp_path / "log20170102.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", "about")
        archive.writestr("log20170102.csv", HEADER + b"\n" + LINE + b"\n")
    assert clean(path, tmp_path / "out").rows_in == 1
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("second.csv", HEADER)
    with pytest.raises(NotALog, match="one CSV"):
        read_head(path)


def test_a_zip_cut_short_or_changed_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "log20170102.zip"
    noise = random.Random(1).randbytes(200_000).hex().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", HEADER + b"\n" + LINE + noise + b"\n")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedLog, match="cut short"):
        clean(path, tmp_path / "out1")
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(32) + whole[middle + 32 :])
    with pytest.raises(DamagedLog, match="read to its end"):
        clean(path, tmp_path / "out2")


def test_chunks_stay_under_their_size_and_hold_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgar_lines, "BLOCK_BYTES", 512)
    lines = [LINE.replace(b"00:00:01", b"00:00:%02d" % (n % 60)) for n in range(200)]
    log = clean(written(tmp_path, b"\n".join([HEADER, *lines])), tmp_path / "out", chunk_bytes=2048)
    assert len(log.chunks) > 5
    assert all(chunk.stat().st_size <= 2048 for chunk in log.chunks)
    assert sorted(texts(log).splitlines()) == sorted(lines)
    numbers = Counter(number for number, _ in repeats(log))
    # 200 lines of 60 texts.
    assert numbers == {2: 60, 3: 60, 4: 20}


def test_repeats_are_numbered_in_the_order_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgar_lines, "BLOCK_BYTES", 64)
    monkeypatch.setattr(edgar_repeats, "COMPARED_LINES", 3)
    lines = [b"b,1", b"a,2", b"b,1", b"c,3", b"a,2", b"b,1", b"b,11", b"a,2 "] * 3
    log = clean(written(tmp_path, b"\n".join([b"time,uri_path", *lines])), tmp_path / "out", chunk_bytes=20)
    assert log.rows_clean == len(lines)
    first = [line for line in _lines(log.chunks) if line[:1] != MOVED.encode()]
    assert first == [b"b,1", b"a,2", b"c,3", b"b,11", b"a,2 "]
    later = sorted(repeats(log))
    wanted = Counter(lines)
    assert later == sorted((number, line) for line, count in wanted.items() for number in range(2, count + 1))
    assert len(log.repeats) > 1


def test_lines_whose_hashes_meet_are_told_apart_by_their_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgar_lines, "hashes_of", lambda text, ends: np.zeros(len(ends), np.uint64))
    lines = [b"a,1", b"b,2", b"a,1", b"c,3"]
    log = clean(written(tmp_path, b"\n".join([b"time,uri_path", *lines])), tmp_path / "out")
    assert texts(log).splitlines() == [b"a,1", b"b,2", b"c,3", b"a,1"]
    assert repeats(log) == [(2, b"a,1")]


def test_a_moved_line_keeps_its_fields_and_its_letters_whole(tmp_path: Path) -> None:
    lines = [b"a,b,1", ",,é2".encode(), b",x,3", "éa,b,4".encode(), "\u20ac".encode() + b",,5"]
    header = b"ip,date,time,cik,accession,document,status"
    rows = [line + b",,,," for line in lines]
    log = clean(written(tmp_path, b"\n".join([header, *rows, *rows])), tmp_path / "out")
    assert (log.rows_clean, log.refused) == (2 * len(rows), [])
    first, moved = _lines(log.chunks)[: len(rows)], _lines(log.chunks)[len(rows) :]
    assert first == rows
    assert [line.decode().count(",") for line in moved] == [6] * len(rows)
    assert {line[:1] for line in moved} == {MOVED.encode()}
    assert repeats(log) == [(2, row) for row in rows]


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b'"', b",", b"\0", b" ", b"\x1f", b"\xff", "é".encode(), LINE, LINE + b"\n", ODD, ODD]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, max_size=40), block=st.integers(1, 200))
def test_every_line_of_any_bytes_is_clean_or_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], block: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    body = b"".join(pieces)
    lines = [line for line in body.split(b"\n") if line.strip(b" \t\r")]
    monkeypatch.setattr(edgar_lines, "BLOCK_BYTES", block)
    log = clean(written(folder, HEADER + b"\n" + body), folder / "out")
    assert log.rows_in == len(lines)
    assert log.rows_in == log.rows_clean + len(log.refused)
    text = texts(log)
    assert text.count(b"\n") == log.rows_clean
    assert not any(mark in text for mark in (b"\0", b"\r", b"\n\n"))
    text.decode()


def test_lines_that_are_not_plain_are_moved_where_they_are_few(tmp_path: Path) -> None:
    day = date(2017, 1, 2)
    plain = [LINE.replace(b"00:00:01", b"00:%02d:%02d" % divmod(number, 60)) for number in range(200)]
    other = LINE.replace(b",320193.0,", b",320193,")
    quoted = LINE.replace(b".txt", b'"a,b.txt"')
    lines = [*plain[:100], other, quoted, *plain[100:], other, plain[0]]
    log = clean(written(tmp_path, b"\n".join([HEADER, *lines])), tmp_path / "out", day=day)
    assert log.plain
    assert [line for line in _lines(log.chunks) if line[:1] != MOVED.encode()] == plain
    moved = quoted.replace(b'"a,b.txt"', f"a{INNER_COMMA}b.txt".encode())
    assert sorted(repeats(log)) == sorted([(1, moved), (1, other), (2, plain[0]), (2, other)])
    many = clean(written(tmp_path, b"\n".join([HEADER, *lines[90:110]])), tmp_path / "many", day=day)
    assert not many.plain
    assert many.repeats == []


_FIELD = st.one_of(
    st.sampled_from(
        ["", "0.0", "1.0", "500.0", "200.0", "600.0", "099.0", "23:59:59", "24:00:00", "20:60:00", "19:59:60"]
    ),
    st.sampled_from(["320193.0", "012.0", "12345678.0", "123456789.0", "1.5", ".0", "2017-01-02", "2017-01-03"]),
    st.sampled_from(["0000320193-17-000001", "0000320193-17-00000a", "0000320193.17-000001", "00:00:0é", "1/:0"]),
    st.text("0123456789.:-é/;", max_size=21),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_called_plain_matches_the_pattern_of_lines_that_break_no_rule(data: st.DataObject) -> None:
    fields = LINE.decode().split(",")
    names = ("ip", "date", "time", "zone", "cik", "accession", "document", "status", "size", "idx", "crawler")
    places = dict(zip(names, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13), strict=True))
    form = edgar_files.LogForm("v1", tuple(places.items()), len(fields))
    lines = []
    for _ in range(8):
        changed = list(fields)
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
            changed[places[name]] = data.draw(_FIELD)
        lines.append(",".join(changed).encode())
    text = b"".join(line + b"\n" for line in lines)
    codes = np.frombuffer(text, np.uint8)
    ends, commas = (np.flatnonzero(codes == code) for code in b"\n,")
    told = Plain(places, len(fields), date(2017, 1, 2)).lines(text, ends, commas)
    pattern = re.compile(plainly_good(form, date(2017, 1, 2)).removeprefix("value RLIKE r'").removesuffix(r"\z'"))
    for line, plain in zip(lines, told, strict=True):
        good = pattern.fullmatch(line.decode()) is not None
        assert good or not plain, line
    assert (
        Plain(places, len(fields), date(2017, 1, 2))
        .lines(LINE + b"\n", np.array([len(LINE)]), np.flatnonzero(np.frombuffer(LINE, np.uint8) == ord(",")))
        .all()
    )
