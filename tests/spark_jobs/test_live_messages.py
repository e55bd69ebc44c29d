"""Messages read and counted by Apache Spark: what is counted, what is a repeat, what is refused and why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import SparkSession

from lake.live_store import COUNTS, Batch, End, Start
from spark_jobs.live_kafka import as_lines
from spark_jobs.live_messages import NEITHER, batch_of, counted, read_messages

AT = "2026-11-25T14:00:00.250000Z"
SEEN = datetime(2026, 11, 25, 14, 0, 0, 250_000, UTC)


def visit(seq: int | None, cik: Any = 5, **more: Any) -> str:
    message = {"stream": "s", "seq": seq, "at": AT, "clock": "2017-01-01T00:00:01", "cik": cik, "accession": None}
    return json.dumps({**message, **more})


def batch(spark: SparkSession, lines: list[tuple[str, str]], marks: dict[tuple[str, str], int] | None) -> Batch:
    frame = spark.createDataFrame(lines, "partition string, line string")
    return batch_of("q", 0, counted(read_messages(frame), marks).toArrow(), True)


def test_visits_are_counted_by_partition_second_and_company(apache: SparkSession) -> None:
    lines = [("a", visit(1)), ("a", visit(2)), ("a", visit(3, 7)), ("b", visit(9)), ("b", visit(None))]
    lines.append(("b", visit(10, clock="2017-01-01T00:00:02.900")))
    found = batch(apache, lines, None)
    assert found.counts.schema == COUNTS
    assert found.counts.drop("first_at", "last_at", "repeats").sort("partition", "clock", "cik").rows() == [
        ("a", "s", datetime(2017, 1, 1, 0, 0, 1), 5, 2, 2),
        ("a", "s", datetime(2017, 1, 1, 0, 0, 1), 7, 1, 3),
        ("b", "s", datetime(2017, 1, 1, 0, 0, 1), 5, 2, 9),
        ("b", "s", datetime(2017, 1, 1, 0, 0, 2), 5, 1, 10),
    ]
    assert found.counts["first_at"].unique().to_list() == [SEEN]


def test_a_message_whose_number_is_not_above_the_mark_or_comes_twice_is_a_repeat(apache: SparkSession) -> None:
    numbers = [3, 4, 5, 5, 6, 4]
    lines = [*(("0", visit(n)) for n in numbers), ("1", visit(4)), ("0", visit(None)), ("0", visit(None))]
    counts = batch(apache, lines, {("s", "0"): 4, ("t", "1"): 9}).counts.sort("partition")
    # Numbers 5 and 6 are new, and messages without a number always are.
    assert counts.select("partition", "visits", "repeats", "seq").rows() == [("0", 4, 4, 6), ("1", 1, 0, 4)]
    assert batch(apache, lines, {}).counts.sort("partition").select("visits", "repeats").rows() == [(6, 2), (1, 0)]
    # What comes with a repeat alone has no number, lest the mark that knows the repeat drops it.
    mixed = batch(apache, [("0", visit(4)), ("0", visit(None))], {("s", "0"): 4}).counts
    assert mixed.select("visits", "repeats", "seq").rows() == [(1, 1, None)]


def test_a_batch_s_plan_does_not_grow_with_the_marks(apache: SparkSession) -> None:
    marks = {(f"stream-{n}", f"topic/{part}"): n for n in range(2_000) for part in range(6)}
    lines = [("topic/1", visit(1_000, stream="stream-1000")), ("topic/1", visit(1_001, stream="stream-1000"))]
    frame = counted(read_messages(apache.createDataFrame(lines, "partition string, line string")), marks)
    assert len(frame._explain_string()) < 20_000
    assert batch_of("q", 0, frame.toArrow(), True).counts.select("visits", "repeats", "seq").rows() == [(1, 1, 1_001)]


def test_partitions_of_two_topics_are_two(apache: SparkSession) -> None:
    records = [(topic, 0, visit(4).encode()) for topic in ("old", "new")]
    lines = as_lines(apache.createDataFrame(records, "topic string, partition int, value binary"))
    assert lines.columns == ["partition", "line"]
    found = batch_of("q", 0, counted(read_messages(lines), {("s", "old/0"): 4}).toArrow(), True).counts.sort(
        "partition"
    )
    assert found.select("partition", "visits", "repeats").rows() == [("new/0", 1, 0), ("old/0", 0, 1)]


def test_starts_and_ends_are_told_apart(apache: SparkSession) -> None:
    about = {"replay_of": "2017-01-01", "series": "v1", "speed": None, "source": "x", "simulated": False}
    lines = [
        ("f", json.dumps({"stream": "s", "seq": 0, "at": AT, "clock": "2017-01-01T00:00:00", "start": about})),
        ("f", json.dumps({"stream": "s", "seq": 8, "at": AT, "clock": "2017-01-01T00:00:09", "end": True, "rows": 7})),
    ]
    found = batch(apache, lines, None)
    day = date(2017, 1, 1)
    assert list(found.starts) == [Start("s", "f", 0, SEEN, "replay", day, "v1", None, False, "x", False)]
    assert list(found.ends) == [End("s", "f", 8, SEEN, 7)]
    assert found.counts.is_empty()


def test_what_cannot_be_counted_is_refused_with_its_reason_and_nothing_is_lost(apache: SparkSession) -> None:
    reasons = {
        "hello": "not a JSON object with a stream",
        "": "not a JSON object with a stream",
        "[1]": "not a JSON object with a stream",
        visit(1, stream="A b"): "stream is not a name of a–z, 0–9, _ and -",
        visit(1, at="soon"): "at is not an instant",
        visit(1, clock=None): "clock is not a time",
        visit(1, 0): "cik is not the number of a filer",
        visit(1, "x"): "cik is not the number of a filer",
        visit(1, end=True): NEITHER,
        visit(1, start="now"): NEITHER,
    }  # fmt: skip
    found = batch(apache, [("f", line) for line in (*reasons, "hello", visit(5))], None)
    assert found.counts["visits"].to_list() == [1]
    assert {refused.line: refused.reason for refused in found.refused} == reasons
    assert len(found.refused) == len(reasons) + 1
    assert found.counts.select(pl.col("seq").max()).item() == 5


def start(seq: Any = 0, **about: Any) -> str:
    said = {"replay_of": "2017-01-01", "series": "v1", "speed": 1.0, "source": "x", "simulated": False, **about}
    return visit(seq, start=said)


def test_values_that_python_postgresql_or_the_page_cannot_hold_are_refused_and_the_rest_is_counted(
    apache: SparkSession,
) -> None:
    reasons = {
        visit(1, at=1_764_000_000_000): "at is not between 1990 and 2200",
        visit(1, at="0000-01-01T00:00:00Z"): "at is not between 1990 and 2200",
        visit(1, at=1_764_000_000_000, start={"simulated": True}): "at is not between 1990 and 2200",
        **{
            visit(1, clock=clock): "clock is not between 1990 and 2200"
            for clock in ("0000-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T00:00:00", 1_764_000_000_000)
        },
        **{start(seq): NEITHER for seq in ("x", 10**30, -1, True, 1.5)},
        **{visit(seq, end=True, rows=7): NEITHER for seq in ("x", 10**30)},
        **{visit(2, end=True, rows=rows): NEITHER for rows in (10**30, -1, True, "7")},
        **{start(series=series): NEITHER for series in ([], "v3", 1)},
        **{start(speed=speed): NEITHER for speed in (float("nan"), float("inf"), 0, -1, 1e308, 10**400, "1", True)},
    }
    found = batch(apache, [("f", line) for line in (*reasons, visit(5))], None)
    assert {refused.line: refused.reason for refused in found.refused} == reasons
    assert not found.starts
    assert not found.ends
    assert found.counts.select("visits", "seq").rows() == [(1, 5)]


def test_a_start_s_source_is_cut_to_what_the_state_can_hold(apache: SparkSession) -> None:
    found = batch(apache, [("f", start(source="a\0b\ud800" + "x" * 500))], None)
    assert [said.source for said in found.starts] == ["a\N{REPLACEMENT CHARACTER}b?" + "x" * 196]


def test_a_line_that_is_not_utf_8_is_refused_and_the_next_is_counted(apache: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"caf\xe9\n" + visit(5).encode() + b"\n")
    lines = apache.read.text(str(path)).selectExpr("'f' AS partition", "value AS line")
    found = batch_of("q", 0, counted(read_messages(lines), None).toArrow(), True)
    assert [refused.line for refused in found.refused] == ["caf\N{REPLACEMENT CHARACTER}"]
    assert found.counts["visits"].to_list() == [1]
