"""Plain language to a plan, offline: every word is placed, or the question is put back or refused."""

from __future__ import annotations

from typing import cast

from chat_api.context import Context
from chat_api.indices import symbols_of
from chat_api.parser import coverage, follow, headlines, history, indices, special
from chat_api.parser.draft import Draft, Stop, not_understood
from chat_api.parser.lexer import MAX_WORDS, lex
from chat_api.parser.phrase import take_phrase
from chat_api.parser.sentence import compose
from chat_api.plan import Clarification, Definition, Plan, Reading, Refusal

__all__ = ["read"]

_LONGEST = 600


def read(question: str, context: Context, previous: Plan | None = None) -> Reading:
    """Read a question against what is loaded.

    Args:
        question: in plain words.
        context: the time, the companies, what is loaded.
        previous: the plan of the question before, which a follow-up edits.

    Returns:
        A plan, a clarification with choices, a refusal with the reason, or a definition.
    """
    if len(question) > _LONGEST:
        return _unreadable(f"The question is longer than {_LONGEST} characters.")
    asked = take_phrase(question, context)
    draft = Draft(question.strip(), lex(asked.question, context), context, phrase=asked.phrase)
    if not draft.items:
        return _unreadable("There is no question.")
    if len(draft.lexed.words) > MAX_WORDS:
        return _unreadable(f"The question has more than {MAX_WORDS} words.")
    try:
        _limits(draft)
        if previous is not None and indices.about_index(previous):
            edited = _index_edit(draft, previous)
            if edited is not None:
                return edited
            previous = None
        draft = indices.settled(draft, previous)
        reading = _read(draft, previous)
        return (
            indices.to_index(reading, draft) if draft.context.about_indices and isinstance(reading, Plan) else reading
        )
    except Stop as stop:
        return stop.reading


def _unreadable(reason: str) -> Refusal:
    return Refusal(
        code="not_understood",
        reason=reason,
        suggestion="Ask in a short sentence, such as: top 3 energy companies by market cap.",
    )


def _limits(draft: Draft) -> None:
    """What ends the reading at once: refused subjects, odd characters, unknown words."""
    for item in draft.items:
        if item.kind == "refuse" and isinstance(item.value, Refusal):
            raise Stop(item.value)
    if draft.lexed.odd:
        raise not_understood(f"the characters {' '.join(sorted(set(draft.lexed.odd)))[:20]}")
    if draft.lexed.unknown:
        raise not_understood(", ".join(f"“{word}”" for word in dict.fromkeys(draft.lexed.unknown)))
    for raw, word in draft.lexed.corrected:
        draft.note(f"“{raw}” read as “{word}”")


def _index_edit(draft: Draft, previous: Plan) -> Plan | None:
    """The plan before, about indices, edited; None where the question stands by itself."""
    held = symbols_of(previous)
    named = tuple(cast("str", item.value) for item in draft.of("index"))
    if draft.of("company", "ambiguous", "sector", "tag", "noun"):
        return None
    again = indices.in_market(draft, tuple(dict.fromkeys([*held, *named])))
    edited = follow.follow(again, indices.from_index(previous))
    return None if edited is None else indices.to_index(edited, again)


def _read(draft: Draft, previous: Plan | None) -> Plan | Clarification | Refusal | Definition:
    meaning = special.definition(draft) if draft.phrase is None else None
    if meaning is not None:
        return meaning
    if previous is not None and previous.headlines is not None:
        edited = headlines.follow(draft, previous)
        if edited is not None:
            return edited
    elif previous is not None and not headlines.is_news(draft):
        edited = follow.follow(draft, previous)
        if edited is not None:
            return edited
    for read_as in (coverage.read, history.read, special.data):
        plan = read_as(draft)
        if plan is not None:
            return plan
    return headlines.read(draft) if headlines.is_news(draft) else compose(draft)
