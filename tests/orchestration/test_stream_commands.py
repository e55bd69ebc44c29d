"""The stream's commands: what is played is what the batch counts, wherever it lies; lines go in and come out."""

from __future__ import annotations

import fcntl
import io
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from rich.console import Console

from lake import live_tables
from lake.home import Home
from lake.postgres import READER
from lake.settings import Settings, load_settings
from orchestration import commands_put, running, services
from orchestration.commands_stream import _await_end, _note_of, pace_of, seconds_of, stream_job
from orchestration.console import Screen
from orchestration.steps.files import RawFile, keep
from orchestration.stream_day import StreamError, day_to_play
from orchestration.supervisor import ServiceError
from orchestration.work import Work
from scrapers.sandbox.edgar_log import write_log
from spark_jobs.live_job import ready_mark
from spark_jobs.live_replay import Pace, Played
from spark_jobs.live_source import Source
from tests.s3_server import Bucket

if TYPE_CHECKING:
    from tests.conftest import Server

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2016, 11, 21)
ALL = (0, 86_400)


def test_a_day_is_played_from_bronze_in_s3_and_from_a_file_alike(bucket: Bucket, tmp_path: Path) -> None:
    log = tmp_path / f"log{DAY:%Y%m%d}.zip"
    write_log(log, 7, 3, DAY, 1_500)
    settings = load_settings(home=tmp_path / "home", world="real", postgres_url=None)
    home = Home.open(settings)
    home.move_port("spark")
    with pytest.raises(StreamError, match="the lake has no log of 2016-11-21: load it"):
        day_to_play(home, settings, DAY, ALL, None)
    keep(Work(home, settings, "run", DAY, DAY), [RawFile(log, "edgar_log_v1", "file", DAY)])
    kept = day_to_play(home, settings, DAY, ALL, None)
    mine = day_to_play(home, settings, DAY, ALL, log)
    assert kept.requests.equals(mine.requests)
    assert kept.requests.height == 1_500
    assert (kept.series, kept.source, kept.simulated) == ("v1", log.name, False)
    hour = day_to_play(home, settings, DAY, (36_000, 39_600), log)
    assert hour.requests["second"].is_between(36_000, 39_599).all()
    with pytest.raises(StreamError, match="is a log of 2016-11-21, not of 2016-11-22"):
        day_to_play(home, settings, date(2016, 11, 22), ALL, log)
    assert not list((home.landing / "edgar").iterdir())


def test_a_play_that_was_not_finished_goes_on_unless_another_is_wanted(tmp_path: Path) -> None:
    import polars as pl

    requests = pl.DataFrame({"second": [1], "cik": [5], "accession": [None]})
    played, source = Played(DAY, "v1", requests, "x", False), Source("files", tmp_path)
    first = _note_of(source, played, Pace(10.0), False)
    assert _note_of(source, played, Pace(10.0), False) == first
    assert _note_of(source, played, Pace(None), False) != first
    assert _note_of(source, played, Pace(10.0), True) != first
    assert json.loads(_note_of(source, played, Pace(10.0), False).read_text())["stream"].startswith("edgar-20161121-")


def test_the_stream_is_a_service_where_the_setting_or_a_command_says_so(tmp_path: Path) -> None:
    off = load_settings(home=tmp_path / "home", world="real", postgres_url=None)
    on = off.model_copy(update={"stream": "on"})
    home = Home.open(off)
    assert "stream" not in [service.name for service in services.build(home, off, {})]
    (service,) = [service for service in services.build(home, on, {}) if service.name == "stream"]
    assert service.needs == ("postgres",)
    assert [service.name for service in services.build(home, off, {}, ("stream",))] == ["stream"]
    assert not service.ready()
    ready_mark(home).write_text(f"{os.getpid()} files")
    # As a killed job leaves it, its pid another living process's by now.
    (home.run / "stream.lock").touch()
    assert not service.ready()
    with (home.run / "stream.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert service.ready()
        with pytest.raises(StreamError, match="reads files, not kafka"), stream_job(home, off, "kafka"):
            pass
    assert not service.ready()


def test_a_replay_ends_when_the_service_that_counts_has_failed(postgres: Server) -> None:
    home = postgres.home
    status: dict[str, object] = {"name": "stream", "state": "ready", "error": None}
    running.tell(home, {"services": [status]})
    failing = threading.Timer(
        0.5, lambda: running.tell(home, {"services": [{**status, "state": "failed", "error": "no Java"}]})
    )
    failing.start()
    try:
        with pytest.raises(ServiceError, match="no Java"):
            _await_end(home, postgres.owner_dsn, "nobody-counts-it", None)
    finally:
        failing.join()
        (home.run / "status.json").unlink()


@pytest.mark.parametrize(("text", "pace"), [("max", Pace(None)), ("1", Pace(1.0)), ("0.5", Pace(0.5))])
def test_speeds(text: str, pace: Pace) -> None:
    assert pace_of(text, False) == pace


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf"])
def test_what_is_no_speed_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=f"--speed {text}: logged seconds a second"):
        pace_of(text, False)


def test_times_of_the_day() -> None:
    assert seconds_of("00:00:00", "24:00:00") == ALL
    assert seconds_of("09:30", "09:30:05") == (34_200, 34_205)
    for start, until, why in (
        ("9:30", "10:00", "--from 9:30"),
        ("10:00", "25:00", "--until"),
        ("10:00", "10:00", "not before"),
    ):
        with pytest.raises(ValueError, match=why):
            seconds_of(start, until)


def test_lines_are_put_in_by_the_command_and_followed(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    env["TIDEMARK_HOME"] = str(tmp_path / "home")
    Home.open(load_settings(home=tmp_path / "home", world="real"))
    command = [sys.executable, "-m", "orchestration", "stream"]
    lines = '{"cik": 320193}\nnonsense\n{"cik": 789019, "clock": "2017-01-01T00:00:01"}'
    put = subprocess.run([*command, "put", "--stream", "mine", "--end"], input=lines, env=env, cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert put.returncode == 1
    assert "mine: 2 put in, 1 refused" in put.stdout
    assert "refused: neither JSON" in put.stderr
    (refused,) = (tmp_path / "home/landing/stream/refused/mine.jsonl").read_text().splitlines()
    assert json.loads(refused)["line"] == "nonsense"
    with subprocess.Popen([*command, "follow", "--from-beginning"], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as follow:  # fmt: skip
        assert follow.stdout is not None
        found = [json.loads(follow.stdout.readline()) for _ in range(4)]
        follow.terminate()
    assert [message.get("cik") for message in found] == [None, 320193, 789019, None]
    assert found[0]["start"]["simulated"] is False
    assert (found[-1]["end"], found[-1]["rows"]) == (True, 2)
    over = subprocess.run([*command, "put", "--stream", "mine", "--end"], input=lines, env=env, cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert over.returncode == 1
    assert "--stream mine: the stream is over: name another" in over.stderr
    wrong = subprocess.run([*command, "put", "--stream", "No Name"], input="", env=env, cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert wrong.returncode == 1
    assert "--stream No Name: 1 to 64 of" in wrong.stderr


@dataclass
class Input:
    """Standard input from a pipe, and what is said on the screen."""

    home: Home
    settings: Settings
    stdin: int
    out: io.StringIO

    def put(self, stream: str, end: bool = False) -> int:
        return commands_put.put(self.home, self.settings, Screen(Console(file=self.out)), stream, end=end)

    def close(self) -> None:
        """No more comes."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdin)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Input]:
    read, write = os.pipe()
    settings = load_settings(home=tmp_path / "home", world="real", postgres_url=None)
    with os.fdopen(read) as stdin, os.fdopen(write, "wb") as pipe:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield Input(Home.open(settings), settings, pipe.fileno(), io.StringIO())


def test_refused_lines_are_kept_though_the_next_input_has_none(given: Input) -> None:
    kept = given.home.landing / "stream/refused/mine.jsonl"
    os.write(given.stdin, b'nonsense\n{"cik": ' + b"9" * 5000 + b'}\n{"cik": 5}\n')
    given.close()
    assert given.put("mine") == 1
    assert len(kept.read_text().splitlines()) == 2
    # The pipe is at its end.
    assert given.put("mine") == 0
    assert len(kept.read_text().splitlines()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_read_is_written_when_a_signal_ends_the_command(
    given: Input, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark_jobs.live_put.WRITE_SECONDS", 3600.0)

    def end() -> None:
        deadline = time.monotonic() + 30
        while select.select([sys.stdin], [], [], 0)[0]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    os.write(given.stdin, b'{"cik": 5}\n{"cik": 6}\n{"cik": 7')
    ending = threading.Thread(target=end)
    ending.start()
    assert given.put("mine", end=True) == 128 + number
    ending.join()
    assert signal.getsignal(number) == before
    source = Source.of(given.home, given.settings)
    found = [json.loads(line) for path in sorted(source.unread.iterdir()) for line in path.read_text().splitlines()]
    # Half a line is none, and the end was not put in.
    assert [message.get("cik") for message in found] == [None, 5, 6]
    assert "end" not in found[-1]


def test_nothing_is_put_into_a_stream_whose_end_is_counted(postgres: Server, given: Input) -> None:
    source = Source.of(postgres.home, postgres.settings)
    given.home, given.settings = postgres.home, postgres.settings
    given.close()
    assert given.put("played") == 0
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as owner:
        live_tables.ensure(owner, READER)
        owner.execute(
            "INSERT INTO live.streams VALUES ('played', 'replay', NULL, NULL, 1, false, '', true, now(), now(), 1)"
        )
        try:
            with pytest.raises(StreamError, match="--stream played: the stream is over: name another"):
                given.put("played")
            owner.execute("UPDATE live.streams SET expected_rows = NULL, ended_at = NULL")
            assert given.put("played") == 0
        finally:
            owner.execute("DELETE FROM live.streams")
    assert [path.name for path in source.unread.iterdir()] == ["played.000000000000-000000000001.jsonl"]


def test_the_screen_says_whether_the_counts_are_the_batch_s() -> None:
    from orchestration.commands_stream import _tell

    out = io.StringIO()
    told = {"stream": "s", "rows": 2, "companies": 1, "seconds_with_visits": 1, "late": 0, "seconds": 1.0}
    for equal, words in ((True, "equal to the batch's count"), (False, "NOT the batch's count")):
        _tell(Screen(Console(file=out, width=200)), {**told, "equals_batch": equal})
        assert words in out.getvalue()
