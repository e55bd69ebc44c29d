"""What the command writes: tables and bars on a terminal, plain lines elsewhere. Nothing here decides anything."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lake.log_files import bound

MAX_ROWS = 50


class Screen:
    """Standard output, as a terminal or as lines."""

    def __init__(self, console: Console | None = None):
        """Write to `console`, by default to standard output."""
        self.console = console or Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self.live: Live | None = None

    @property
    def terminal(self) -> bool:
        """Whether somebody watches."""
        return self.console.is_terminal

    def say(self, text: str = "") -> None:
        """A line as it is; nothing in it is taken for markup."""
        self.console.print(Text(text))

    def json(self, value: object) -> None:
        """A value for programs."""
        self.console.file.write(json.dumps(value, indent=1, default=str, ensure_ascii=False) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
        """A table; on a terminal with lines, elsewhere with columns two blanks apart."""
        shown = [[cell(value) for value in row] for row in rows]
        if not self.terminal:
            if title:
                self.say(title)
            widths = [max(len(line[i]) for line in [list(columns), *shown]) for i in range(len(columns))]
            for line in [list(columns), *shown]:
                self.say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
            return
        table = Table(title=title, title_justify="left", header_style="bold")
        for number, column in enumerate(columns):
            numeric = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
            table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
        for line in shown:
            table.add_row(*map(escape, line))
        self.console.print(table)

    @contextmanager
    def status_line(self) -> Iterator[Live | None]:
        """A last line that is written over; none where nobody watches."""
        if not self.terminal:
            yield None
            return
        with Live(Text(""), console=self.console, refresh_per_second=2, transient=True) as live:
            yield live


@contextmanager
def words_to(log: Path) -> Iterator[Screen]:
    """A screen of one's own while everything that libraries and children write goes to a log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    bound(log)
    sys.stdout.flush()
    sys.stderr.flush()
    out, error = os.dup(1), os.dup(2)
    try:
        with log.open("ab") as file, os.fdopen(os.dup(out), "w", encoding="utf-8") as own:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield Screen(Console(file=own, highlight=False, soft_wrap=not own.isatty()))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(out, 1)
        os.dup2(error, 2)
        os.close(out)
        os.close(error)


class LoadProgress:
    """The load's steps, as a bar or as lines."""

    def __init__(self, screen: Screen):
        """Show nothing yet."""
        self.screen = screen
        self._closed = False
        self._bar: Progress | None = None
        self._task: Any = None

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Show one of the load's events."""
        if event["event"] != "step" or self._closed:
            return
        name, number, of, seconds = event["name"], event["number"], event["of"], event["seconds"]
        if seconds is not None:
            self.screen.say(f"load {number}/{of}: {name} done in {seconds:.1f} s")
        if not self.screen.terminal:
            if seconds is None:
                self.screen.say(f"load {number}/{of}: {name}")
            return
        if self._bar is None:
            words = TextColumn("{task.description}")
            self._bar = Progress(
                SpinnerColumn(), words, BarColumn(), TimeElapsedColumn(), console=self.screen.console, transient=True
            )
            self._task = self._bar.add_task("load", total=of)
            self._bar.start()
        done = number if seconds is not None else number - 1
        self._bar.update(self._task, description=f"load: {name}", completed=done)

    def close(self) -> None:
        """Take the bar away; what comes later is not shown."""
        self._closed = True
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def cell(value: object) -> str:
    """A value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.2f}"
    # A control character from the web must not reach the terminal.
    return "".join(character if character.isprintable() else " " for character in str(value))


def summary_tables(screen: Screen, summary: Mapping[str, Any]) -> None:
    """Seconds by step and rows by table of a load."""
    screen.table(("step", "seconds"), list(summary["seconds"].items()), "Seconds by step")
    quarantined = summary.get("quarantined", {})
    rows = [(name, count, quarantined.get(name, 0)) for name, count in summary["rows"].items()]
    screen.table(("table", "rows", "quarantined"), [row for row in rows if any(row[1:])], "Rows by table")
    if empty := [name for name, *counts in rows if not any(counts)]:
        screen.say(f"empty: {', '.join(empty)}")


def rows_table(screen: Screen, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The first rows of a result."""
    screen.table(columns, rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        screen.say(f"({len(rows) - MAX_ROWS} more rows; --json has all)")


def answer(screen: Screen, question: str, reply: Mapping[str, Any]) -> None:
    """A question with its answer: the sentence, how it was read, the rows and the SQL."""
    simulated = " (simulated)" if reply["simulated"] and "simulated" not in reply["sentence"].lower() else ""
    screen.say(f"? {question}")
    screen.say(cell(reply["sentence"]) + simulated)
    for note in reply["notes"]:
        screen.say(f"note: {cell(note)}")
    for choice in reply["choices"]:
        screen.say(f"  - {cell(choice['label'])}")
    if reply["rows"]:
        heads = [
            column["label"] + (f" ({column['unit']})" if column.get("unit") else "") for column in reply["columns"]
        ]
        rows_table(screen, heads, reply["rows"])
    if reply["as_of"]:
        screen.say(f"as of {cell(reply['as_of'])}")
    if reply["sql"]:
        screen.say(f"SQL: {cell(reply['sql'])}")
