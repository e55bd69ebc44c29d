"""The commands of the live stream: `replay`, and `stream` with its own. Heavy modules are imported inside them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration.cli_home import Json, open_home

stream = typer.Typer(no_args_is_help=True, help="The live stream of visits: put lines in, or follow it.")


def replay(  # noqa: PLR0913, PLR0917 - the command's words
    source: Annotated[str, typer.Argument(help="edgar, the one source that can be played.")],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The logged day, as 2017-01-01.")],
    speed: Annotated[str, typer.Option(help="Logged seconds a second, such as 1 or 10; max for no waiting.")] = "10",
    repeat: Annotated[bool, typer.Option("--repeat", help="Play it again and again, each time as a stream.")] = False,
    to: Annotated[str | None, typer.Option(help="files or kafka; by default as TIDEMARK_STREAM_SOURCE says.")] = None,
    log: Annotated[Path | None, typer.Option(help="A log's file instead of what the lake has of the day.")] = None,
    start: Annotated[str, typer.Option("--from", help="Time of the logged day to begin at.")] = "00:00:00",
    until: Annotated[str, typer.Option("--until", help="Time of the logged day to end before.")] = "24:00:00",
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin a new stream instead of going on with an unfinished replay.")
    ] = False,
    json: Json = False,
) -> int:
    """Play a logged day into the live stream, stamped as now; ended and run again, it goes on where it was."""
    from orchestration.commands_stream import pace_of, seconds_of
    from orchestration.commands_stream import replay as play
    from orchestration.console import Screen

    if source != "edgar":
        raise typer.BadParameter(f"{source}: only edgar can be played")
    kinds: dict[str | None, Literal["files", "kafka"] | None] = {None: None, "files": "files", "kafka": "kafka"}
    if to not in kinds:
        raise typer.BadParameter(f"--to {to}: files or kafka")
    if log is not None and not log.is_file():
        raise typer.BadParameter(f"--log {log}: no such file")
    try:
        pace, seconds = pace_of(speed, repeat), seconds_of(start, until)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    home, settings = open_home()
    return play(
        home, settings, Screen(), day.date(), pace, log=log, seconds=seconds, to=kinds[to], anew=anew, as_json=json
    )


@stream.command("put")
def stream_put(
    name: Annotated[str | None, typer.Option("--stream", help="The stream; a new one where none is named.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Say at the end of the input that the stream is over.")] = False,
) -> int:
    """Put lines from standard input into the stream: JSON messages, or lines of EDGAR's logs (docs/stream.md)."""
    from orchestration.commands_put import put
    from orchestration.console import Screen

    home, settings = open_home()
    return put(home, settings, Screen(), name, end=end)


@stream.command("topic")
def stream_topic(
    partitions: Annotated[int, typer.Option(min=1, help="How many parts of it a job reads side by side.")] = 6,
    replication: Annotated[int, typer.Option(min=1, help="How many brokers hold each.")] = 1,
) -> int:
    """Make the stream's topic in Kafka, where it is absent (docs/scale-out.md)."""
    from lake.settings import load_settings
    from orchestration.commands_topic import topic
    from orchestration.console import Screen

    return topic(load_settings(), Screen(), partitions, replication)


@stream.command("follow")
def stream_follow(
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All that is kept first.")] = False,
) -> int:
    """Write the stream's messages to standard output as they come."""
    from orchestration.commands_put import follow

    home, settings = open_home()
    return follow(home, settings, from_beginning=from_beginning)
