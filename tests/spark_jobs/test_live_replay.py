"""A day played again: in order, stamped as now, offsets kept, and whole though it was ended and begun again."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spark_jobs.live_replay import Pace, Played, Replay, instant
from spark_jobs.live_source import Source, StreamBusy, follow, writer_of
from tests.live_stream import Laggard, missing

DAY = date(2017, 1, 1)
NOW = 1_764_000_000.0


class Time:
    """A clock that moves when somebody sleeps, and a little with every look."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        self.at += 0.000_001
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def day(seconds: list[int]) -> Played:
    accessions = ["0000320193-16-000070" if n % 2 else None for n in range(len(seconds))]
    requests = pl.DataFrame(
        {"second": seconds, "cik": range(1, len(seconds) + 1), "accession": accessions},
        schema={"second": pl.Int32, "cik": pl.Int64, "accession": pl.String},
    )
    return Played(DAY, "v1", requests, "log20170101.zip", False)


def messages(source: Source) -> list[dict[str, Any]]:
    """All messages, in the order of their files' names."""
    paths = sorted(source.unread.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def play(source: Source, played: Played, pace: Pace, time: Time, **more: Any) -> bool:
    writer = writer_of(source, "edgar-20170101-a1")
    try:
        return Replay(played, "edgar-20170101-a1", pace, now=time.now, sleep=time.sleep, **more).run(writer)
    finally:
        writer.close()


@pytest.mark.parametrize(("speed", "length"), [(1.0, 3_610.5), (10.0, 361.05)])
def test_offsets_between_requests_are_kept_at_any_speed(tmp_path: Path, speed: float, length: float) -> None:
    source, time = Source("files", tmp_path), Time()
    assert play(source, day([0, 0, 0, 0, 10, 3610, 3610]), Pace(speed), time)
    start, *rows, end = messages(source)
    assert start["start"] == {
        "replay_of": "2017-01-01",
        "series": "v1",
        "speed": speed,
        "repeated": False,
        "source": "log20170101.zip",
        "simulated": False,
    }
    assert end["end"] is True
    assert (end["rows"], end["seq"]) == (7, 8)
    assert [row["seq"] for row in rows] == list(range(1, 8))
    assert [row["cik"] for row in rows] == list(range(1, 8))
    assert [row["clock"] for row in rows[3:6]] == ["2017-01-01T00:00:00", "2017-01-01T00:00:10", "2017-01-01T01:00:10"]
    assert [row["accession"] for row in rows[:2]] == [None, "0000320193-16-000070"]
    at = [datetime.fromisoformat(row["at"]) for row in rows]
    # Four requests of one second are spread over it evenly.
    offsets = [(moment - at[0]).total_seconds() * speed for moment in at]
    assert offsets == pytest.approx([0, 0.25, 0.5, 0.75, 10, 3610, 3610.5], abs=0.001 * speed)
    assert abs((at[0] - datetime.fromisoformat(instant(NOW))).total_seconds()) < 0.001
    assert time.at - NOW == pytest.approx(length, abs=0.5)


def test_no_message_is_written_before_its_time(tmp_path: Path) -> None:
    source, time = Source("files", tmp_path), Time()
    late: list[float] = []

    def written(count: int) -> None:
        last = json.loads(sorted(source.unread.glob("*.jsonl"))[-1].read_text().splitlines()[-1])
        late.append(time.at - datetime.fromisoformat(last["at"]).timestamp())
        assert last["seq"] == count

    play(source, day([second for second in range(60) for _ in range(20)]), Pace(10.0), time, written=written)
    assert min(late) >= -1e-6
    assert max(late) < 0.25


@pytest.mark.parametrize("pace", [Pace(100.0), Pace(None)])
def test_ended_at_any_write_and_begun_again_it_is_whole_and_without_repeats(
    tmp_path: Path, pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark_jobs.live_replay.WRITE_ROWS", 40)
    source, time, played = Source("files", tmp_path), Time(), day(sorted(n * 7 % 900 for n in range(300)))
    plays, done = 0, False
    while not done:
        looks = itertools.count()
        done = play(source, played, pace, time, ending=lambda looks=looks: next(looks) >= 2)
        plays += 1
        # As the job does with what it has read.
        for path in list(source.unread.glob("*.jsonl"))[::2]:
            path.rename(source.read / path.name)
    assert plays > 3
    for path in source.read.iterdir():
        path.rename(source.unread / path.name)
    found = messages(source)
    assert [row["seq"] for row in found] == list(range(302))
    assert [row["cik"] for row in found[1:-1]] == list(range(1, 301))
    at = [row["at"] for row in found]
    assert at == sorted(at)
    # Asked again after its end it has nothing to do.
    assert play(source, played, pace, time)
    assert len(messages(source)) == 302


def test_a_stream_has_one_writer_at_a_time(tmp_path: Path) -> None:
    source = Source("files", tmp_path)
    writer = writer_of(source, "s")
    with pytest.raises(StreamBusy, match="another process writes the stream s"):
        writer_of(source, "s")
    writer.close()
    writer_of(source, "s").close()


def test_a_stream_goes_on_where_it_was_after_all_its_files_are_removed(tmp_path: Path) -> None:
    source, line = Source("files", tmp_path), pl.DataFrame({"cik": [1, 2], "line": ["{}", "{}"]})
    writer = writer_of(source, "s")
    writer.write(line, 2)
    writer.close()
    # As after a kill between a file and the note of it.
    (source.unread / "s.000000000000-000000000002.jsonl").rename(source.read / "s.000000000002-000000000005.jsonl")
    writer = writer_of(source, "s")
    assert writer.position == 5
    writer.close()
    for path in source.read.iterdir():
        path.unlink()
    writer = writer_of(source, "s")
    assert writer.position == 5
    writer.write(line, 7)
    writer.close()
    assert [path.name for path in source.unread.iterdir()] == ["s.000000000005-000000000007.jsonl"]


def test_what_a_killed_laggard_held_back_comes_after_it_is_begun_again(tmp_path: Path) -> None:
    source, played = Source("files", tmp_path), day([n // 5 for n in range(200)])
    position = 0
    for kill_at in (60, 140, None):
        writer = writer_of(source, "s")
        assert writer.position == position
        laggard, time = Laggard(writer, missing(source, "s", played, position)), Time()
        ending = (lambda: False) if kill_at is None else (lambda laggard=laggard, at=kill_at: laggard.position > at)
        done = Replay(played, "s", Pace(5.0), ending=ending, now=time.now, sleep=time.sleep).run(laggard)
        position = writer.position
        # A kill closes the file, and what is held in memory is gone.
        (writer if kill_at else laggard).close()
        assert done is (kill_at is None)
        for path in list(source.unread.glob("*.jsonl"))[::2]:
            path.rename(source.read / path.name)
    for path in source.read.iterdir():
        path.rename(source.unread / path.name)
    found = messages(source)
    assert sorted(row["seq"] for row in found) == list(range(202))
    assert {row["seq"]: row["cik"] for row in found if "cik" in row} == {n: n for n in range(1, 201)}
    assert [row["seq"] for row in found] != list(range(202))


def test_followers_see_what_is_kept_and_what_comes(tmp_path: Path) -> None:
    source, time = Source("files", tmp_path), Time()
    play(source, day([0, 1, 2]), Pace(None), time)
    for path in list(source.unread.glob("*.jsonl"))[:2]:
        path.rename(source.read / path.name)
    whole, fresh = follow(source, from_beginning=True), follow(source)
    assert [json.loads(next(whole))["seq"] for _ in range(5)] == [0, 1, 2, 3, 4]
    writer = writer_of(source, "other")
    # The follower from now on first looks at what is there.
    import threading

    heard: list[str] = []
    listener = threading.Thread(target=lambda: heard.append(next(fresh)), daemon=True)
    listener.start()
    listener.join(0.5)
    writer.write(pl.DataFrame({"cik": [1], "line": ['{"stream": "other"}']}), 1)
    listener.join(10)
    assert heard == ['{"stream": "other"}']
    assert next(whole) == '{"stream": "other"}'
    writer.close()


def test_a_thousand_seconds_of_many_requests_keep_their_second(tmp_path: Path) -> None:
    source, time = Source("files", tmp_path), Time()
    seconds = sorted(n * 13 % 1000 for n in range(20_000))
    play(source, day(seconds), Pace(1000.0), time)
    found = messages(source)[1:-1]
    midnight = datetime(2017, 1, 1)
    assert [row["clock"] for row in found] == [(midnight + timedelta(seconds=s)).isoformat() for s in seconds]
