"""Plain language to a plan, offline: every word is placed, or the question is put back or refused."""

from __future__ import annotations

from chat_api.context import Context
from chat_api.parser import follow, headlines, special
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
        return _read(draft, previous)
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
    plan = special.data(draft)
    if plan is not None:
        return plan
    return headlines.read(draft) if headlines.is_news(draft) else compose(draft)
