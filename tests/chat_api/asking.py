"""Questions put to the chat by tests: the answer, or its one row by column."""

from __future__ import annotations

from typing import Any

from chat_api.reply import Answer
from chat_api.service import Service


def answer(service: Service, *questions: str) -> Answer:
    """The answer to the last of some questions of one conversation."""
    conversation = None
    for question in questions:
        found = service.ask(question, conversation)
        conversation = found.conversation_id
        assert found.kind == "answer", f"{question}: {found.sentence}"
    return found


def row(service: Service, *questions: str) -> dict[str, Any]:
    """The one row of an answer, by column."""
    found = answer(service, *questions)
    assert found.rows is not None
    assert found.columns is not None
    assert len(found.rows) == 1, found.rows
    return dict(zip((column.name for column in found.columns), found.rows[0], strict=True))
