"""`ask`, `sql` and `eval`: the chat from the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration import ask as chat
from orchestration.console import Screen, answer, cell, rows_table

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings


def ask(home: Home, settings: Settings, screen: Screen, question: str, *, as_json: bool) -> int:
    """Put a question; exit code 0 for any reply, a refusal included: it was asked and answered."""
    reply = chat.ask(home, settings, question)
    if as_json:
        screen.json(reply)
    else:
        answer(screen, question, reply)
    return 0


def sql(home: Home, settings: Settings, screen: Screen, statement: str, *, as_json: bool) -> int:
    """Run a query; exit code 1 when it is refused or fails."""
    try:
        reply: dict[str, Any] = chat.sql(home, settings, statement)
    except chat.NotRun as error:
        if as_json:
            screen.json({"error": str(error)})
        else:
            screen.say(f"not run: {cell(error)}")
        return 1
    if as_json:
        screen.json(reply)
        return 0
    rows_table(screen, reply["columns"], reply["rows"])
    more = ", cut off there" if reply["truncated"] else ""
    simulated = ", simulated" if reply["simulated"] else ""
    screen.say(f"{len(reply['rows'])} rows{more}{simulated}")
    return 0
