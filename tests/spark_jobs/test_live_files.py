"""The stream's files: kept by the hour, removed in time, followed from their beginning while they are moved."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from spark_jobs import live_files
from spark_jobs.live_files import View, keep_read, read_folders, remove_old
from spark_jobs.live_source import Source, follow, writer_of

HOUR = 3_600
# 2026-11-25 14:00:00 UTC
AT = 1_795_615_200


@pytest.fixture
def source(tmp_path: Path) -> Source:
    made = Source("files", tmp_path)
    made.unread.mkdir()
    return made


def put(source: Source, number: int, at: float, stream: str = "s") -> str:
    name = f"{stream}.{number:012d}-{number + 1:012d}.jsonl"
    path = source.unread / name
    path.write_text(f"{number}\n")
    os.utime(path, (at, at))
    return name


def test_read_files_lie_by_the_hour_in_which_they_were_written(source: Source) -> None:
    for number in range(4):
        keep_read(source, put(source, number, AT + number * HOUR / 2))
    found = {path.name: len(list(path.glob("*.jsonl"))) for path in read_folders(source)}
    assert found == {"read": 0, "20261125T14": 2, "20261125T15": 2}
    assert list(source.unread.iterdir()) == []
    assert writer_of(source, "s").position == 4


def test_files_beyond_their_time_are_removed_but_those_of_a_replay_under_way(source: Source) -> None:
    now = time.time()
    for number, hours in enumerate((30, 25.5, 24.5, 0)):
        keep_read(source, put(source, number, now - hours * HOUR))
    keep_read(source, put(source, 0, now - 40 * HOUR, "replay"))
    remove_old(source, timedelta(hours=25), ("replay.",))
    left = {path.name[:-6] for path in source.read.rglob("*.jsonl")}
    assert left == {f"{name}-{number + 1:012d}" for name, number in (
        ("replay.000000000000", 0), ("s.000000000002", 2), ("s.000000000003", 3)
    )}  # fmt: skip
    remove_old(source, timedelta(hours=1), ())
    assert [path.name[:16] for path in source.read.rglob("*.jsonl")] == ["s.000000000003-0"]
    assert sum(path.is_dir() for path in source.read.iterdir()) == 1


def test_who_follows_sees_each_file_once_in_order_wherever_it_is_by_then(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [put(source, number, AT + number * HOUR / 2) for number in range(6)]
    for name in names[:4]:
        keep_read(source, name)
    later = [
        lambda: put(source, 6, AT + 3 * HOUR),
        # The one is moved after it was seen, the other comes and goes between two looks.
        lambda: (keep_read(source, names[5]), keep_read(source, put(source, 7, AT + 4 * HOUR))),
        lambda: keep_read(source, put(source, 8, AT + 4 * HOUR + 1)),
    ]
    monkeypatch.setattr(live_files.time, "sleep", lambda _: later.pop(0)())
    assert list(islice(follow(source, from_beginning=True), 9)) == [str(number) for number in range(9)]
    assert later == []
    monkeypatch.setattr(live_files.time, "sleep", lambda _: put(source, 9, AT + 5 * HOUR))
    assert next(follow(source)) == "9"


def test_a_file_that_is_moved_or_removed_between_look_and_read_is_read_once_or_left_out(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = put(source, 0, AT), put(source, 1, AT)
    fresh = View.fresh

    def look(self: View) -> dict[Path, os.stat_result]:
        found = fresh(self)
        if (source.unread / one).exists():
            keep_read(source, one)
            (source.unread / two).unlink()
        return found

    monkeypatch.setattr(View, "fresh", look)
    monkeypatch.setattr(live_files.time, "sleep", lambda _: put(source, 2, AT + 1))
    assert list(islice(follow(source, from_beginning=True), 2)) == ["0", "2"]


def test_folders_that_do_not_change_are_not_looked_through_again(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_read(source, put(source, 0, AT))
    keep_read(source, put(source, 1, AT + HOUR))
    for folder in read_folders(source):
        os.utime(folder, (AT, AT))
    view, listed = View(source), list[str]()
    names = live_files._names
    monkeypatch.setattr(live_files, "_names", lambda folder: listed.append(folder.name) or names(folder))
    assert len(view.fresh()) == 2
    assert sorted(listed) == ["20261125T14", "20261125T15", "read"]
    listed.clear()
    assert view.fresh() == {}
    assert listed == []
    keep_read(source, put(source, 2, AT + HOUR))
    assert [path.name for path in view.fresh()] == ["s.000000000002-000000000003.jsonl"]
    assert listed == ["20261125T15"]
