"""A whole question to a plan: who it is about, what is asked of them, when, and in which form.

Every word has to find its place. What is left over at the end refuses the question.
"""

from __future__ import annotations

from typing import cast

from chat_api.parser import conditions as thresholds
from chat_api.parser import shapes
from chat_api.parser.draft import Draft, clarify
from chat_api.parser.measures.concepts import Ask
from chat_api.parser.parts import Parts
from chat_api.parser.sentence.checks import check_expressed, finish, place_by_subject
from chat_api.parser.sentence.what import find_change, find_concepts, find_grouping, find_statistics
from chat_api.parser.sentence.when import find_time, read_performance
from chat_api.parser.sentence.who import find_lists, find_roles, find_who
from chat_api.parser.words import Vague
from chat_api.plan import AllOf, Plan
from chat_api.times import When


def compose(draft: Draft) -> Plan:
    """The plan of a question without a question before it.

    Raises:
        Stop: with a clarification or a refusal.
    """
    _vague(draft)
    when = find_time(draft)
    if when is None and draft.of("word") and draft.has("word", "on_day") and not draft.of("company"):
        draft.take("word", "on_day")
        when = When("today", draft.context.today, draft.context.today, text="on the day")
    read_performance(draft, when)
    parts = Parts(ask=Ask(when=when))
    find_roles(draft, parts)
    find_who(draft, parts)
    find_statistics(draft, parts)
    find_change(draft, parts)
    found = thresholds.conditions(draft, parts.ask)
    threshold = thresholds.joined(draft, found)
    find_lists(draft, parts)
    parts.threshold_values = [one.condition for one in found]
    pieces = [condition for condition in (parts.where, threshold) if condition is not None]
    parts.where = None if not pieces else pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))
    find_grouping(draft, parts)
    parts.concepts = find_concepts(draft, parts)
    plan = shapes.build(draft, parts)
    place_by_subject(draft, plan)
    check_expressed(parts, plan)
    finish(draft)
    return plan.model_copy(update={"notes": tuple(draft.notes)})


def _vague(draft: Draft) -> None:
    for item in draft.of("vague"):
        question, choices = cast("Vague", item.value)
        raise clarify(question, *[(label, draft.replaced(item, words) if words else None) for label, words in choices])
