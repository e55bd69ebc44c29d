"""The live state on a real PostgreSQL: a batch counts once, late rows are flagged, a stream ends when all is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from lake import delta, live_history
from lake.contracts import table
from lake.home import Home
from lake.live_store import COUNTS, Applied, Batch, CheckpointLost, End, MarksMoved, Refused, Rules, Start, apply_batch
from lake.live_tables import prune
from lake.settings import load_settings

if TYPE_CHECKING:
    from tests.conftest import Server

AT = datetime(2026, 11, 25, 14, tzinfo=UTC)
DAY = datetime(2017, 1, 1)
RULES = Rules()
TABLES = ("streams", "state", "seconds", "visits", "totals", "marks", "batches", "refused", "outbox")


def counts(*rows: tuple[int, int, int], stream: str = "s", part: str = "f1", seq: int | None = None) -> pl.DataFrame:
    """Counts of (second of the day, cik, visits)."""
    clock = [DAY + timedelta(seconds=second) for second, _, _ in rows]
    return pl.DataFrame(
        {
            "partition": [part] * len(rows),
            "stream": [stream] * len(rows),
            "clock": clock,
            "cik": [cik for _, cik, _ in rows],
            "visits": [visits for _, _, visits in rows],
            "repeats": [0] * len(rows),
            "first_at": [AT] * len(rows),
            "last_at": [AT + timedelta(seconds=1)] * len(rows),
            "seq": [seq] * len(rows),
        },
        schema=COUNTS,
    )


def start(stream: str = "s") -> Start:
    return Start(stream, "f1", 0, AT, "replay", DAY.date(), "v1", 10.0, False, "log20170101.zip", False)


@pytest.fixture
def owner(postgres: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        yield connection
        connection.execute(f"TRUNCATE {', '.join(f'live.{name}' for name in TABLES)}")


def shown(owner: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return owner.execute(query).fetchall()


def test_a_batch_is_counted_once_however_often_it_comes(owner: psycopg.Connection) -> None:
    batch = Batch("q", 0, counts((1, 5, 2), (1, 7, 1), (2, 5, 4), seq=7), [start()])
    assert apply_batch(owner, batch, RULES) == Applied(False, 7, 0, 0, 0, ("s",))
    once = [shown(owner, f"SELECT * FROM live.{name} ORDER BY 1, 2") for name in TABLES]
    assert apply_batch(owner, batch, RULES) == Applied(again=True)
    assert [shown(owner, f"SELECT * FROM live.{name} ORDER BY 1, 2") for name in TABLES] == once
    assert shown(owner, "SELECT cik, visits FROM live.totals ORDER BY 1") == [(5, 6), (7, 1)]
    assert shown(owner, "SELECT clock, visits FROM live.seconds ORDER BY 1") == [
        (DAY + timedelta(seconds=1), 3),
        (DAY + timedelta(seconds=2), 4),
    ]
    (stream,) = shown(owner, "SELECT kind, replay_of, speed, simulated, ended_at FROM live.streams")
    assert stream == ("replay", date(2017, 1, 1), 10.0, False, None)


def test_messages_that_a_mark_knows_are_repeats_whatever_batch_brings_them(owner: psycopg.Connection) -> None:
    apply_batch(owner, Batch("q", 0, counts((1, 5, 2), seq=20)), RULES)
    again = apply_batch(owner, Batch("another checkpoint", 0, counts((1, 5, 2), seq=20)), RULES)
    assert (again.rows, again.repeats) == (0, 2)
    other = apply_batch(owner, Batch("q", 1, counts((1, 5, 1), part="f2", seq=3)), RULES)
    assert other.rows == 1
    assert shown(owner, "SELECT visits FROM live.totals") == [(3,)]
    # Messages without a number are never taken for repeats.
    apply_batch(owner, Batch("q", 2, counts((1, 5, 1))), RULES)
    assert shown(owner, "SELECT rows FROM live.state") == [(4,)]


def test_counts_that_rest_on_marks_of_before_another_query_s_batch_are_refused_whole(owner: psycopg.Connection) -> None:
    apply_batch(owner, Batch("q", 0, counts((1, 5, 2), seq=20)), RULES)
    # Of its three messages two are above the mark it knew, and one alone is above the mark that holds now.
    mixed = Batch("another checkpoint", 0, counts((1, 5, 3), seq=21), marks={("s", "f1"): 18})
    before = [shown(owner, f"SELECT * FROM live.{name} ORDER BY 1, 2") for name in TABLES]
    with pytest.raises(MarksMoved, match="the stream s in f1"):
        apply_batch(owner, mixed, RULES)
    assert [shown(owner, f"SELECT * FROM live.{name} ORDER BY 1, 2") for name in TABLES] == before
    anew = replace(mixed, counts=counts((1, 5, 1), seq=21), marks={("s", "f1"): 20})
    assert apply_batch(owner, anew, RULES).rows == 1
    assert apply_batch(owner, mixed, RULES).again
    assert shown(owner, "SELECT visits FROM live.totals") == [(3,)]


def test_a_late_row_is_counted_into_its_second_and_flagged(owner: psycopg.Connection) -> None:
    apply_batch(owner, Batch("q", 0, counts((100, 5, 1), (60, 5, 1))), RULES)
    assert shown(owner, "SELECT watermark, late FROM live.state") == [(DAY + timedelta(seconds=90), 0)]
    late = apply_batch(owner, Batch("q", 1, counts((89, 5, 2), (90, 5, 1), (200, 5, 1))), RULES)
    assert late.late == 2
    assert shown(owner, "SELECT visits, late FROM live.seconds WHERE clock = '2017-01-01 00:01:29'") == [(2, 2)]
    assert shown(owner, "SELECT visits, late FROM live.seconds WHERE clock = '2017-01-01 00:01:30'") == [(1, 0)]
    assert shown(owner, "SELECT clock, watermark, rows, late FROM live.state") == [
        (DAY + timedelta(seconds=200), DAY + timedelta(seconds=190), 6, 2)
    ]


def test_of_two_that_count_the_same_messages_at_once_one_counts(owner: psycopg.Connection, postgres: Server) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
    with (
        psycopg.connect(postgres.owner_dsn, autocommit=True, application_name="second") as second,
        ThreadPoolExecutor(1) as pool,
    ):
        with owner.transaction():
            apply_batch(owner, Batch("q", 0, counts((1, 5, 2), seq=20)), RULES)
            later = pool.submit(apply_batch, second, Batch("another checkpoint", 0, counts((1, 5, 2), seq=20)), RULES)
            while shown(owner, waiting) == [(0,)]:
                assert not later.done()
                time.sleep(0.02)
        applied = later.result(60)
    assert (applied.rows, applied.repeats) == (0, 2)
    assert shown(owner, "SELECT visits FROM live.totals") == [(2,)]


def test_a_query_that_comes_to_an_older_batch_than_its_newest_is_ended_by_name(owner: psycopg.Connection) -> None:
    apply_batch(owner, Batch("q", 6, counts((1, 5, 1), seq=10)), RULES)
    apply_batch(owner, Batch("q", 7, counts((1, 5, 1), seq=20)), RULES)
    with pytest.raises(CheckpointLost, match="TIDEMARK_STREAM_CHECKPOINT"):
        apply_batch(owner, Batch("q", 6, counts((2, 5, 2), seq=30)), RULES)
    assert shown(owner, "SELECT visits FROM live.totals") == [(2,)]
    assert apply_batch(owner, Batch("q", 7, counts((1, 5, 2), seq=20)), RULES).again


@pytest.mark.parametrize("marker_first", [True, False])
def test_a_stream_ends_when_all_its_rows_are_counted_in_whatever_order(
    owner: psycopg.Connection, marker_first: bool
) -> None:
    end = Batch("q", 1, COUNTS.to_frame(), ends=[End("s", "f9", 4, AT, 3)])
    rest = Batch("q", 1, counts((2, 5, 2)))
    apply_batch(owner, Batch("q", 0, counts((1, 5, 1)), [start()]), RULES)
    first, second = (end, rest) if marker_first else (rest, end)
    for batch in (first, replace(second, batch_id=2)):
        assert shown(owner, "SELECT ended_at FROM live.streams") == [(None,)]
        apply_batch(owner, batch, RULES)
    assert shown(owner, "SELECT ended_at IS NOT NULL, expected_rows, kind FROM live.streams") == [(True, 3, "replay")]


def test_what_cannot_be_counted_is_kept_with_its_reason(owner: psycopg.Connection) -> None:
    refused = [Refused("f1", "no\0 JSON", "not a JSON object")]
    assert apply_batch(owner, Batch("q", 0, COUNTS.to_frame(), refused=refused), RULES).refused == 1
    assert shown(owner, "SELECT line, reason FROM live.refused") == [
        ("no\N{REPLACEMENT CHARACTER} JSON", "not a JSON object")
    ]


def test_an_error_in_the_middle_leaves_nothing_of_the_batch(owner: psycopg.Connection) -> None:
    wrong = [Refused("f1", "line", None)]  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.NotNullViolation):
        apply_batch(owner, Batch("q", 0, counts((1, 5, 2)), refused=wrong), RULES)
    assert all(shown(owner, f"SELECT count(*) FROM live.{name}") == [(0,)] for name in TABLES)


def test_listeners_hear_of_each_stream_and_the_reader_sees_what_is_shown(
    owner: psycopg.Connection, postgres: Server
) -> None:
    with psycopg.connect(postgres.reader_dsn, autocommit=True) as reader:
        reader.execute("LISTEN live")
        apply_batch(owner, Batch("q", 0, pl.concat([counts((1, 5, 2)), counts((1, 5, 2), stream="t")])), RULES)
        heard = [notice.payload for notice in reader.notifies(timeout=10, stop_after=2)]
        assert heard == ["s", "t"]
        assert reader.execute("SELECT sum(visits) FROM live.visits").fetchall() == [(4,)]
        for hidden in ("outbox", "batches", "marks", "refused"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM live.{hidden}")
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM live.visits")


def test_companies_by_second_are_held_for_the_hot_period_alone(owner: psycopg.Connection) -> None:
    rules = Rules(hot=timedelta(seconds=50))
    apply_batch(owner, Batch("q", 0, counts((10, 5, 1), (100, 5, 1))), rules)
    apply_batch(owner, Batch("q", 1, counts((140, 5, 1))), rules)
    prune(owner, rules, timedelta(days=1))
    assert shown(owner, "SELECT clock FROM live.visits") == [
        (DAY + timedelta(seconds=100),),
        (DAY + timedelta(seconds=140),),
    ]
    apply_batch(owner, Batch("q", 2, counts((20, 5, 1))), rules)
    assert shown(owner, "SELECT count(*) FROM live.visits") == [(2,)]
    assert shown(owner, "SELECT sum(visits), (SELECT visits FROM live.totals) FROM live.seconds") == [(4, 4)]
    apply_batch(owner, Batch("q", 3, COUNTS.to_frame(), ends=[End("s", "f1", None, AT, 4)]), rules)
    prune(owner, rules, timedelta(0))
    assert shown(owner, "SELECT count(*) FROM live.seconds") == [(0,)]


def test_what_is_long_past_is_removed_and_what_may_go_on_stays(owner: psycopg.Connection) -> None:
    parts = [counts((1, 5, 1), stream=name, seq=1) for name in ("ended", "idle", "replay", "left", "busy", "again")]
    ends = [End(name, "f1", None, AT, 1) for name in ("ended", "again")]
    refused = [Refused("f1", "old", "no"), Refused("f1", "new", "no")]
    apply_batch(owner, Batch("q", 0, pl.concat(parts), [start("replay"), start("left")], ends, refused), RULES)
    long_ago = "clock_timestamp() - interval '8 days'"
    owner.execute(f"UPDATE live.streams SET started_at = {long_ago}, ended_at = ended_at - interval '8 days'")
    owner.execute(f"UPDATE live.state SET at = {long_ago} WHERE stream NOT IN ('busy', 'again')")
    owner.execute(f"UPDATE live.refused SET at = {long_ago} WHERE line = 'old'")
    prune(owner, RULES, timedelta(days=7), under_way=["replay"])
    for name in ("streams", "state", "seconds", "visits", "totals", "marks"):
        assert shown(owner, f"SELECT DISTINCT stream FROM live.{name} ORDER BY 1") == [
            ("again",),
            ("busy",),
            ("replay",),
        ]
    assert shown(owner, "SELECT line FROM live.refused") == [("new",)]


def test_a_stream_that_is_over_stays_while_rows_still_come(owner: psycopg.Connection) -> None:
    apply_batch(owner, Batch("q", 0, counts((1, 5, 1)), [start()], [End("s", "f1", None, AT, 1)]), RULES)
    owner.execute("UPDATE live.streams SET ended_at = ended_at - interval '2 days'")
    apply_batch(owner, Batch("q", 1, counts((2, 5, 1))), RULES)
    prune(owner, RULES, timedelta(days=1))
    assert shown(owner, "SELECT rows FROM live.state") == [(2,)]
    owner.execute("UPDATE live.state SET at = at - interval '2 days'")
    prune(owner, RULES, timedelta(days=1))
    assert shown(owner, "SELECT count(*) FROM live.streams") == [(0,)]


def test_history_is_written_once_though_a_flush_is_killed_before_the_outbox_is_cleared(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    home = Home.open(load_settings(home=tmp_path / "home", world="real"))
    history = table("gold.visits_live")
    apply_batch(owner, Batch("q", 0, counts((1, 5, 2), (2, 7, 1)), [start()]), RULES)
    apply_batch(owner, Batch("q", 1, counts((1, 5, 3))), RULES)
    held = owner.execute("SELECT * FROM live.outbox").fetchall()
    assert live_history.flush(home, owner) == 2
    # As a kill between the two commits leaves it; a batch more came meanwhile.
    owner.cursor().executemany("INSERT INTO live.outbox VALUES (%s, %s, %s)", held)
    apply_batch(owner, Batch("q", 2, counts((1, 5, 4))), RULES)
    assert live_history.flush(home, owner) == 1
    assert live_history.flush(home, owner) == 0
    assert shown(owner, "SELECT count(*) FROM live.outbox") == [(0,)]
    rows = delta.read(home, history)
    history.schema.validate(rows)
    assert rows.group_by("second_of_day", "cik").agg(pl.col("visits").sum()).sort("second_of_day").rows() == [
        (1, 5, 9),
        (2, 7, 1),
    ]
    assert rows["replay_of"].unique().to_list() == [date(2017, 1, 1)]


def test_a_full_outbox_is_written_in_parts_that_fit_in_memory(
    owner: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.open(load_settings(home=tmp_path / "home", world="real"))
    for query in ("q", "another"):
        for number in range(5):
            apply_batch(owner, Batch(query, number, counts((number, 5, 1), (number, 7, 1))), RULES)
    ((size,),) = shown(owner, "SELECT max(octet_length(counts)) FROM live.outbox")
    assert isinstance(size, int)
    monkeypatch.setattr(live_history, "FLUSH_BYTES", size + 1)
    assert live_history.flush(home, owner) == 20
    rows = delta.read(home, table("gold.visits_live"))
    commits = rows.group_by("query", "batch_id").agg(pl.col("visits").sum()).sort("query", "batch_id")
    assert commits.rows() == [(q, n, rows) for q in ("another", "q") for n, rows in ((1, 4), (3, 4), (4, 2))]
    assert shown(owner, "SELECT count(*) FROM live.outbox") == [(0,)]
