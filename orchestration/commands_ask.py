"""`ask`, `sql` and `eval`: the chat from the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
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


def evaluate(home: Home, settings: Settings, screen: Screen, questions: Path | None, *, as_json: bool) -> int:
    """Judge the chat by questions whose answers are known; exit code 1 when any answer is wrong."""
    import psycopg

    from chat_api import evaluate as judge
    from lake.clock import Clock
    from lake.postgres import reader_dsn

    path = questions or settings.shared / "chat" / "questions_dev.jsonl"
    if not path.is_file():
        screen.say(f"no questions at {path}: name a file, or set TIDEMARK_SHARED")
        return 2
    with (
        chat.service_here(home, settings) as service,
        psycopg.connect(reader_dsn(home, settings), autocommit=True) as connection,
    ):

        def put(question: str, conversation: str | None) -> Mapping[str, Any]:
            return service.ask(question, conversation).model_dump(mode="json")

        def rows(statement: str) -> Sequence[Sequence[Any]]:
            # Written by hand in the project's own file.
            return connection.execute(statement.encode()).fetchall()

        report = judge.evaluate(path, put, rows, Clock.from_settings(settings).now())
    found = report.summary()
    if as_json:
        screen.json(found | {"judged": [one.model_dump() for one in report.questions]})
        return 1 if report.wrong else 0
    verdicts = ("right", "wrong", "not_held", "unverified", "clarified", "refused", "held")
    for name in ("kind", "subject"):
        counts = [(group, *(by.get(v, 0) for v in verdicts)) for group, by in found[f"by_{name}"].items()]
        screen.table((name, *verdicts), counts, f"By {name}")
    screen.say(
        f"{found['right']} right of {found['answerable']} answerable, {found['wrong']} wrong, "
        f"{found['unverified']} answered without SQL to hold against, "
        f"{found['refuse_refused']} of {found['refuse_all']} to be refused were; 95 % within {found['seconds_p95']} s"
    )
    for one in report.questions:
        if one.verdict in ("wrong", "not_held"):
            screen.say(f"{one.verdict} {one.id}: {cell(one.why)}")
    return 1 if report.wrong else 0
