"""The `tidemark` command. Heavy modules are imported inside the commands: `--help` answers at once.

Exit codes: 0 for done, 1 for a failure in the work, 2 for wrong use.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration import cli_stream
from orchestration.cli_home import Json, open_home

app = typer.Typer(
    name="tidemark",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A stock-market lakehouse that starts with one command.",
)
app.add_typer(cli_stream.stream, name="stream")
From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, as 2016-01-04.")]
To = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")]


@app.command()
def up(once: Annotated[bool, typer.Option("--once", help="End after the first load.")] = False) -> int:
    """Start everything, make the first load, and stay in the foreground."""
    from orchestration.commands_up import Start
    from orchestration.console import Screen

    home, settings = open_home(create=True)
    return Start(home, settings, Screen(), once=once).run()


@app.command()
def once() -> int:
    """Make the first load: with what runs, else by starting everything and ending it again."""
    from orchestration import running
    from orchestration.commands_up import once_more
    from orchestration.console import Screen

    home, settings = open_home(create=True)
    if running.is_running(home):
        return once_more(home, settings, Screen())
    return up(once=True)


@app.command()
def down() -> int:
    """End everything that runs in the home."""
    from orchestration import commands_up
    from orchestration.console import Screen

    home, _ = open_home()
    return commands_up.down(home, Screen())


@app.command()
def status(json: Json = False) -> int:
    """What runs, where, and what the last load did."""
    from orchestration.commands_look import status as show
    from orchestration.console import Screen

    home, _ = open_home()
    return show(home, Screen(), as_json=json)


@app.command()
def ask(question: Annotated[str, typer.Argument(help="In plain English.")], json: Json = False) -> int:
    """Ask a question of the marts."""
    from orchestration.commands_ask import ask as put
    from orchestration.console import Screen

    home, settings = open_home()
    return put(home, settings, Screen(), question, as_json=json)


@app.command()
def sql(statement: Annotated[str, typer.Argument(help="One SELECT over the marts.")], json: Json = False) -> int:
    """Run a read-only query over the marts, through the chat's guard and role."""
    from orchestration.commands_ask import sql as put
    from orchestration.console import Screen

    home, settings = open_home()
    return put(home, settings, Screen(), statement, as_json=json)


@app.command("eval")
def evaluate(
    questions: Annotated[
        Path | None, typer.Argument(help="JSON lines; by default those below TIDEMARK_SHARED.")
    ] = None,
    json: Json = False,
) -> int:
    """Put questions with known answers to the chat, and count what is right by kind."""
    from orchestration.commands_ask import evaluate as put
    from orchestration.console import Screen

    home, settings = open_home()
    return put(home, settings, Screen(), questions, as_json=json)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    symbol: Annotated[str | None, typer.Option(help="The symbol that a file of bars speaks of.")] = None,
    basis: Annotated[
        str | None, typer.Option(help="What its prices are adjusted for: raw, split_adjusted or fully_adjusted.")
    ] = None,
    json: Json = False,
) -> int:
    """Bring in files of your own: EDGAR logs, bars in many shapes, exchanges' lists, SEC's tickers (docs/import.md)."""
    from lake.home import Home
    from lake.settings import load_settings
    from orchestration.commands_import import run
    from orchestration.console import words_to
    from orchestration.recognising import said

    settings = load_settings()
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path}: no such file or folder")
    try:
        words = said(symbol, basis)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    home = Home.open(settings, make_world="real")
    home.lake.claim(home.world)
    with words_to(home.logs / "import.log") as screen:
        return run((home, settings), screen, paths, words, as_json=json)


@app.command()
def backfill(
    asset: Annotated[str, typer.Argument(help="bars_daily, quotes, attention, posts, companies.")],
    first: From,
    last: To,
    again: Annotated[bool, typer.Option("--again", help="Ask anew for what has been answered.")] = False,
    json: Json = False,
) -> int:
    """Load days that are over; ended and run again, it goes on where it was."""
    from orchestration.commands_backfill import backfill as fill
    from orchestration.console import words_to

    home, settings = open_home()
    with words_to(home.logs / "backfill.log") as screen:
        return fill(home, settings, screen, asset, (first.date(), last.date()), again=again, as_json=json)


@app.command()
def reparse(
    source: Annotated[str, typer.Argument(help="yahoo_quotes, yahoo_chart, x_search, files: a table of bronze.")],
    first: From,
    last: To,
    json: Json = False,
) -> int:
    """Make silver, gold and the marts anew from what was received, after a parser was mended."""
    from orchestration.commands_backfill import reparse as read_anew
    from orchestration.console import words_to

    home, settings = open_home()
    with words_to(home.logs / "backfill.log") as screen:
        return read_anew(home, settings, screen, source, (first.date(), last.date()), as_json=json)


@app.command()
def recount(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")] = None,
    all_days: Annotated[
        bool, typer.Option("--all", help="Also days that are counted by this definition of a visit already.")
    ] = False,
    json: Json = False,
) -> int:
    """Count EDGAR's visits anew from silver, after a setting of what a visit is was changed (docs/attention.md)."""
    from orchestration.commands_backfill import recount as count
    from orchestration.console import words_to

    home, settings = open_home()
    with words_to(home.logs / "backfill.log") as screen:
        days = (first.date() if first else date.min, last.date() if last else date.max)
        return count(home, settings, screen, days, all_days=all_days, as_json=json)


@app.command()
def documents(  # noqa: PLR0913, PLR0917 - what the command is given
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="A logged day.")],
    cik: Annotated[int | None, typer.Option(help="Of this filer alone.")] = None,
    accession: Annotated[str | None, typer.Option(help="This filing alone, as 0000320193-16-000070.")] = None,
    seconds: Annotated[bool, typer.Option("--seconds", help="By second, from the requests themselves.")] = False,
    top: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    series: Annotated[
        Literal["v1", "v2"] | None, typer.Option(help="The logs' form; by default the newer that the day has.")
    ] = None,
    json: Json = False,
) -> int:
    """Show a day's most visited filings, with their forms, or the seconds in which they were visited."""
    from orchestration.commands_attention import documents as show
    from orchestration.console import Screen
    from orchestration.documents import Wanted

    home, _ = open_home()
    return show(home, Screen(), day.date(), Wanted(cik, accession, top, series), seconds=seconds, as_json=json)


app.command()(cli_stream.replay)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="A service, or `load`; none lists them.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last lines.")] = 50,
) -> int:
    """Show a process's log."""
    from orchestration.commands_look import logs as show
    from orchestration.console import Screen

    home, _ = open_home()
    return show(home, Screen(), name, lines=lines, follow=follow)


@app.command()
def doctor(json: Json = False) -> int:
    """Check this machine, and say what to do about what is wrong."""
    from lake.settings import load_settings
    from orchestration.commands_look import doctor as show
    from orchestration.console import Screen

    return show(load_settings(), Screen(), as_json=json)


@app.command()
def home(
    json: Json = False,
    connection: Annotated[
        bool, typer.Option("--connection", help="Show the read-only login of PostgreSQL, password included.")
    ] = False,
) -> int:
    """Where the home is, and which world it holds."""
    from orchestration.commands_look import home as show
    from orchestration.console import Screen

    found, settings = open_home()
    return show(found, settings, Screen(), as_json=json, connection=connection)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> int:
    """Measure speed and memory; `make bench` installs what that needs."""
    import subprocess

    command = [sys.executable, "-m", "benchmarks", *context.args]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own module, the user's own words


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    try:
        code = app(args=arguments, prog_name="tidemark", standalone_mode=False)
    except typer.TyperException as error:
        sys.stderr.write(f"tidemark: {error.format_message()} See `tidemark --help`.\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except (RuntimeError, ValueError, OSError) as error:
        return _told(error)
    return code if isinstance(code, int) else 0


def _told(error: RuntimeError | ValueError | OSError) -> int:
    """Say what is wrong where the error is one of ours; the exit code.

    Raises:
        the error itself, where nobody foresaw it.
    """
    from lake.home import HomeError
    from lake.postgres import PostgresError
    from lake.settings import SettingsError
    from orchestration.ask import AskError, NotRun
    from orchestration.commands_up import LoadError
    from orchestration.journal import BackfillBusy, WrongBackfill
    from orchestration.running import AlreadyRunning
    from orchestration.stream_day import StreamError
    from orchestration.supervisor import ServiceError
    from spark_jobs.kafka_topic import KafkaUnusable
    from spark_jobs.live_source import StreamBusy

    wrong_use = (SettingsError, HomeError, AlreadyRunning, WrongBackfill, StreamBusy)
    failed = (PostgresError, ServiceError, LoadError, AskError, NotRun, BackfillBusy, StreamError, KafkaUnusable)
    if not isinstance(error, (*wrong_use, *failed)):
        raise error
    sys.stderr.write(f"tidemark: {error}\n")
    if isinstance(error, AlreadyRunning):
        from rich.console import Console

        from orchestration.commands_up import addresses
        from orchestration.console import Screen

        addresses(Screen(Console(stderr=True, highlight=False)), error.status.get("services", []))
    return 2 if isinstance(error, wrong_use) else 1
