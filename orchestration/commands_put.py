"""`stream put` and `stream follow`: lines from standard input into the live stream, and its messages out of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import sys
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from orchestration.console import Screen
from orchestration.stream_day import StreamError

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings


def put(home: Home, settings: Settings, screen: Screen, stream: str | None, *, end: bool) -> int:
    """Put standard input's lines into a stream; exit code 1 where lines were refused.

    Raises:
        StreamError: when the name is none.
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
    kept.parent.mkdir(parents=True, exist_ok=True)
    writer = writer_of(source, name)
    with kept.open("a", encoding="utf-8") as refused:

        def refuse(line: str, why: str) -> None:
            refused.write(json.dumps({"line": line, "reason": why}, ensure_ascii=False) + "\n")
            sys.stderr.write(f"refused: {why}: {line[:200]}\n")

        lines = Put(writer, name, home.simulated, refuse)
        try:
            lines.begin()
            for block in _blocks(sys.stdin.fileno()):
                lines.take(block)
            lines.flush()
            if end:
                lines.end()
        finally:
            writer.close()
    if not lines.refusals:
        kept.unlink()
    screen.say(f"{name}: {lines.put:,} put in, {lines.refusals:,} refused" + (f" ({kept})" if lines.refusals else ""))
    return 1 if lines.refusals else 0


def _blocks(descriptor: int) -> Iterator[list[str]]:
    """Whole lines as they come; an empty block now and then while none come."""
    left = b""
    while True:
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
