"""`stream put` and `stream follow`: lines from standard input into the live stream, and its messages out of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import TYPE_CHECKING, Any

import psycopg

from lake import postgres
from orchestration.console import Screen
from orchestration.stream_day import StreamError

if TYPE_CHECKING:
    from pathlib import Path

    from lake.home import Home
    from lake.settings import Settings
    from spark_jobs.live_source import Source

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def put(home: Home, settings: Settings, screen: Screen, stream: str | None, *, end: bool) -> int:
    """Put standard input's lines into a stream; exit code 1 where lines were refused, 128 and more where a signal ended it.

    Raises:
        StreamError: when the name is none, or of a stream that is over.
        spark_jobs.live_source.StreamBusy: when another process writes the stream.
    """
    from spark_jobs.live_messages import STREAM
    from spark_jobs.live_put import Put
    from spark_jobs.live_source import Source, writer_of

    name = stream or f"put-{date.today():%Y%m%d}-{secrets.token_hex(3)}"  # noqa: DTZ011 - a name, no instant
    if not re.fullmatch(STREAM, name):
        raise StreamError(f"--stream {name}: 1 to 64 of a–z, 0–9, _ and -, not first _ or -")
    source = Source.of(home, settings)
    kept = source.folder / "refused" / f"{name}.jsonl"
    writer = writer_of(source, name)
    if writer.position and _is_over(home, settings, source, name):
        writer.close()
        raise StreamError(f"--stream {name}: the stream is over: name another")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as refused, _asked_to_end() as asked:

        def refuse(line: str, why: str) -> None:
            refused.write(json.dumps({"line": line, "reason": why}, ensure_ascii=False) + "\n")
            sys.stderr.write(f"refused: {why}: {line[:200]}\n")

        lines = Put(writer, name, home.simulated, refuse)
        try:
            lines.begin()
            for block in _blocks(sys.stdin.fileno(), asked):
                lines.take(block)
            lines.flush()
            if end and not asked:
                lines.end()
                _over(source, name).parent.mkdir(exist_ok=True)
                _over(source, name).touch()
        finally:
            writer.close()
    if not kept.stat().st_size:
        kept.unlink()
    screen.say(f"{name}: {lines.put:,} put in, {lines.refusals:,} refused" + (f" ({kept})" if lines.refusals else ""))
    if asked:
        return 128 + asked[0]
    return 1 if lines.refusals else 0


def _over(source: Source, stream: str) -> Path:
    """The note that a stream's end was put in; its state is forgotten in time, its numbers go on."""
    return source.folder / "over" / stream


def _is_over(home: Home, settings: Settings, source: Source, stream: str) -> bool:
    """Whether a stream's end was put in here, or has been counted as far as PostgreSQL answers."""
    if _over(source, stream).exists():
        return True
    query = "SELECT 1 FROM live.streams WHERE stream = %s AND expected_rows IS NOT NULL"
    try:
        with psycopg.connect(postgres.owner_dsn(home, settings), connect_timeout=5) as connection:
            return connection.execute(query, (stream,)).fetchone() is not None
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return False


@contextmanager
def _asked_to_end() -> Iterator[Sequence[int]]:
    """Signals as they come: the first asks to write what was read and end, the next does what it does elsewhere."""
    asked: list[int] = []
    before: dict[int, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    # What is ignored, as below nohup, stays so.
    before |= {number: found for number in _SIGNALS if (found := signal.getsignal(number)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _blocks(descriptor: int, asked: Sequence[int]) -> Iterator[list[str]]:
    """Whole lines as they come, until asked to end; an empty block now and then while none come."""
    left = b""
    while True:
        if asked:
            # What is left may be half a line.
            return
        ready, _, _ = select.select([descriptor], [], [], 0.1)
        if not ready:
            yield []
            continue
        data = os.read(descriptor, 1 << 20)
        if not data:
            break
        *whole, left = (left + data).split(b"\n")
        yield [line.decode("utf-8", "backslashreplace") for line in whole]
    yield [left.decode("utf-8", "backslashreplace")]


def follow(home: Home, settings: Settings, *, from_beginning: bool) -> int:
    """Write the stream's messages as they come, until interrupted."""
    from spark_jobs.live_source import Source
    from spark_jobs.live_source import follow as messages

    try:
        for line in messages(Source.of(home, settings), from_beginning):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has read enough; what is left to flush has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
