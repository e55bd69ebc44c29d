"""`replay`: a logged day played into the live stream, and what became of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import psycopg

from lake import postgres
from orchestration.console import Screen
from orchestration.stream_day import StreamError, day_to_play
from orchestration.supervisor import ServiceError, State, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from lake.home import Home
    from lake.settings import Settings
    from spark_jobs.live_replay import Pace, Played
    from spark_jobs.live_source import Source

Kind = Literal["files", "kafka"]
_SAY_SECONDS = 10.0


def pace_of(speed: str, repeated: bool) -> Pace:
    """A pace from the command's words.

    Raises:
        ValueError: when the speed is none.
    """
    from spark_jobs.live_replay import Pace

    if speed == "max":
        return Pace(None, repeated)
    try:
        number = float(speed)
    except ValueError:
        number = 0.0
    if not 0 < number <= 100_000:
        raise ValueError(f"--speed {speed}: logged seconds a second, such as 1 or 10, or max")
    return Pace(number, repeated)


def seconds_of(start: str, until: str) -> tuple[int, int]:
    """Two times of the day as seconds.

    Raises:
        ValueError: when one is none, or they are not in order.
    """
    found = []
    for name, text in (("--from", start), ("--until", until)):
        parts = re.fullmatch(r"(\d{2}):([0-5]\d)(?::([0-5]\d))?", text)
        second = (
            sum(int(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True))
            if parts
            else -1
        )
        if not 0 <= second <= 86_400:
            raise ValueError(f"{name} {text}: a time of the day, such as 09:30 or 09:30:00")
        found.append(second)
    if found[0] >= found[1]:
        raise ValueError(f"--from {start} is not before --until {until}")
    return found[0], found[1]


def replay(  # noqa: PLR0913 - what the command is given
    home: Home,
    settings: Settings,
    screen: Screen,
    log_date: date,
    pace: Pace,
    *,
    log: Path | None = None,
    seconds: tuple[int, int] = (0, 86_400),
    to: Kind | None = None,
    anew: bool = False,
    as_json: bool = False,
) -> int:
    """Play a day; exit code 1 where what was counted differs from the batch's count of the same day.

    Raises:
        StreamError: when there is no such day, or the job does not stay up.
    """
    from orchestration.serving import served
    from spark_jobs.live_source import Source

    source = Source.of(home, settings, to)
    words = Screen(screen.console) if not as_json else None
    with served(home, settings, ("postgres",)):
        played = day_to_play(home, settings, log_date, seconds, log)
        if not played.requests.height:
            raise StreamError(f"{played.source} has no request in that time")
        with stream_job(home, settings, source.kind) as job:
            while True:
                told = _play(home, settings, source, played, seconds, pace, job, words, anew)
                if as_json:
                    screen.json(told)
                else:
                    _tell(screen, told)
                if not pace.repeated or told["equals_batch"] is False:
                    return 1 if told["equals_batch"] is False else 0
                anew = False


@contextmanager
def stream_job(home: Home, settings: Settings, kind: Kind) -> Iterator[Supervisor | None]:
    """The stream's job is up meanwhile: the service that runs, else one of its own, which is kept going.

    Raises:
        StreamError: when the job that runs reads another source.
    """
    from orchestration import running, services
    from spark_jobs.live_job import running_kind

    if (read := running_kind(home)) not in (None, kind):
        raise StreamError(f"the stream's job that runs reads {read}, not {kind}: end it first")
    told = running.told(home).get("services", []) if running.is_running(home) else []
    if any(service["name"] == "stream" for service in told):
        yield None
        return
    env = {**os.environ, "TIDEMARK_HOME": str(home.root), "TIDEMARK_STREAM_SOURCE": kind}
    (service,) = services.build(home, settings, env, ("stream",))
    supervisor = Supervisor(home.run / "stream", home.logs, [service])
    try:
        supervisor.start()
        supervisor.wait()
        yield supervisor
    finally:
        supervisor.stop()


def _play(  # noqa: PLR0913, PLR0917 - one play's surroundings
    home: Home,
    settings: Settings,
    source: Source,
    played: Played,
    asked: tuple[int, int],
    pace: Pace,
    job: Supervisor | None,
    screen: Screen | None,
    anew: bool,
) -> dict[str, Any]:
    """Play once, wait until all is counted, and say what was."""
    from spark_jobs.live_replay import Replay
    from spark_jobs.live_source import writer_of

    began = time.monotonic()
    note = _note_of(source, played, pace, anew)
    stream = str(json.loads(note.read_text())["stream"])
    said = [began]

    def written(count: int) -> None:
        _check(home, job)
        if screen is not None and time.monotonic() - said[0] > _SAY_SECONDS:
            said[0] = time.monotonic()
            screen.say(f"{count:,} of {played.requests.height:,} requests of {played.log_date} are on the stream")

    writer = writer_of(source, stream)
    try:
        if screen is not None:
            going_on = f" goes on at {writer.position:,}" if writer.position else ""
            screen.say(f"{stream}{going_on}: {played.requests.height:,} requests, {played.source}")
        Replay(played, stream, pace, written).run(writer)
    finally:
        writer.close()
    dsn = postgres.owner_dsn(home, settings)
    _await_end(home, dsn, stream, job)
    note.unlink()
    seconds = round(time.monotonic() - began, 1)
    return {
        "stream": stream,
        "replay_of": played.log_date,
        "seconds": seconds,
        **counted(home, dsn, stream, played, asked),
    }


def _note_of(source: Source, played: Played, pace: Pace, anew: bool) -> Path:
    """The note of the play of that day that was not finished, else a new one's."""
    from orchestration.processes import write_json

    folder = source.folder / "replays"
    folder.mkdir(parents=True, exist_ok=True)
    about = {"log_date": str(played.log_date), "speed": pace.speed, "to": source.kind, "requests": played.fingerprint}
    for note in sorted(folder.glob("*.json")):
        kept = json.loads(note.read_text())
        if {**kept, "stream": None} == {**about, "stream": None}:
            if not anew:
                return note
            note.unlink()
    stream = f"edgar-{played.log_date:%Y%m%d}-{secrets.token_hex(3)}"
    note = folder / f"{stream}.json"
    write_json(note, {**about, "stream": stream})
    return note


def _check(home: Home, job: Supervisor | None) -> None:
    """See that the job, be it the service that runs, has not failed for good.

    Raises:
        ServiceError: when it has.
    """
    from orchestration import running

    told = running.told(home).get("services", []) if job is None else job.status()
    for service in told:
        if service["name"] == "stream" and service["state"] == State.FAILED:
            raise ServiceError(service["error"] or "the stream's job failed")


def _await_end(home: Home, dsn: str, stream: str, job: Supervisor | None) -> None:
    """Wait until all rows of a stream are counted, through PostgreSQL's and the job's restarts."""
    while True:
        try:
            postgres.wait_ready(dsn)
            with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
                connection.execute("LISTEN live")
                while not _ended(connection, stream):
                    _check(home, job)
                    for _ in connection.notifies(timeout=2.0, stop_after=1):
                        pass
                return
        except psycopg.OperationalError:
            _check(home, job)


def _ended(connection: psycopg.Connection, stream: str) -> bool:
    query = "SELECT ended_at IS NOT NULL FROM live.streams WHERE stream = %s"
    row = connection.execute(query, (stream,)).fetchone()
    return row is not None and bool(row[0])


def counted(home: Home, dsn: str, stream: str, played: Played, asked: tuple[int, int]) -> dict[str, Any]:
    """What was counted of a stream, and whether the seconds asked for and companies equal the batch's; None without a batch."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT rows, late FROM live.state WHERE stream = %s", (stream,)).fetchone()
        rows, late = row if row is not None else (0, 0)
        seconds = connection.execute(
            "SELECT extract(epoch FROM clock - clock::date)::int, visits FROM live.seconds WHERE stream = %s ORDER BY 1",
            (stream,),
        ).fetchall()
        companies = connection.execute(
            "SELECT cik, visits FROM live.totals WHERE stream = %s ORDER BY 1", (stream,)
        ).fetchall()
    return {
        "rows": rows,
        "late": late,
        "seconds_with_visits": len(seconds),
        "companies": len(companies),
        "equals_batch": _equals_batch(home, played, asked, seconds, companies),
    }


def _equals_batch(
    home: Home,
    played: Played,
    asked: tuple[int, int],
    seconds: list[tuple[Any, ...]],
    companies: list[tuple[Any, ...]],
) -> bool | None:
    import polars as pl

    from lake import delta
    from lake.contracts import table
    from lake.delta import Slice

    where = Slice({"series": played.series, "log_date": played.log_date})
    visits = (
        delta.scan(home, table("gold.visits_second"), where)
        .filter(pl.col("second_of_day").is_between(*asked, closed="left"))
        .select("second_of_day", "cik", "visits_all")
        .collect()
    )
    if visits.is_empty():
        return None
    by = (visits.group_by(key).agg(pl.col("visits_all").sum()).sort(key).rows() for key in ("second_of_day", "cik"))
    return [seconds, companies] == [*by]


def _tell(screen: Screen, told: dict[str, Any]) -> None:
    batch = {True: "equal to the batch's count", False: "NOT the batch's count", None: "the batch has not this day"}
    screen.say(
        f"{told['stream']}: {told['rows']:,} visits to {told['companies']:,} companies in "
        f"{told['seconds_with_visits']:,} seconds, {told['late']:,} late; {batch[told['equals_batch']]}; "
        f"{told['seconds']} s"
    )
