"""Edits of who a plan is about: other companies, tags, models, sectors; or another figure of the same."""

from __future__ import annotations

from typing import cast

from chat_api.entities import describe
from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.follow.pieces import mapped, symbols_of, time_of, values_among, with_values
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures.concepts import ATTRIBUTES
from chat_api.parser.sentence import compose
from chat_api.plan import (
    Day,
    Measure,
    Plan,
    Rank,
)  # fmt: skip
from chat_api.times import When

_POSSESSIVE = {"its", "their", "it", "they", "them", "those", "these"}


def other_companies(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`and Pepsi?`, `same for CVX and COP`, `put BofA and Visa next to it`."""
    if "ambiguous" in kinds and kinds <= {"ambiguous", "company", "compare"} and values_among(plan, "symbol"):
        return None
    if (
        not kinds
        or not kinds <= {"company", "compare"}
        or not (held := values_among(plan, "symbol") or (plan.rank.of if plan.rank else ()))
    ):
        return None
    named = symbols_of(draft)
    adding = bool(draft.take("compare")) or bool(marks & {"add", "put"})
    draft.take("company")
    symbols = tuple(dict.fromkeys([*held, *named])) if adding else named
    if plan.rank is not None:
        return plan.model_copy(update={"rank": Rank(of=symbols, descending=plan.rank.descending)})
    if plan.difference and len(symbols) != 2:
        raise not_understood("a difference of other than two companies")
    edited = with_values(plan, "symbol", symbols)
    return edited.model_copy(update={"kind": "compare"}) if len(symbols) > 1 and plan.kind == "lookup" else edited


def other_tags(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    held = values_among(plan, "tag")
    if kinds - {"compare"} != {"tag"} or not held:
        return None
    named = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("tag")))
    adding = bool(draft.take("compare")) or bool(marks & {"add", "put"})
    return with_values(plan, "tag", tuple(dict.fromkeys([*held, *named])) if adding else named)


def other_role(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if kinds != {"role"}:
        return None
    roles = list(dict.fromkeys(cast("str", item.value) for item in draft.take("role")))
    used: list[Measure] = []

    def changed(measure: Measure) -> Measure:
        if measure.role is None:
            return measure
        used.append(measure)
        return measure.model_copy(update={"role": roles[0]})

    edited = cast("Plan", mapped(plan, changed))
    if len(roles) != 1 or not used:
        return None
    for measure in used:
        held = {f.session for f in draft.context.forecasts if f.role == roles[0]}
        if isinstance(measure.time, Day) and measure.time.day not in held:
            timing.forecast_sessions(draft, When("day", measure.time.day, measure.time.day), roles[0], scored=False)
    return edited


def other_sectors(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`only technology`, `leave out financials and real estate`, `what about energy?`"""
    if not kinds or not kinds <= {"sector", "not", "compare", "or", "noun", "unit"} or "sector" not in kinds:
        return None
    if (
        plan.entity not in {"company", "sector", "coverage", "member"}
        or values_among(plan, "symbol")
        or plan.rank is not None
        or plan.share is not None
    ):
        return None
    values = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("sector")))
    negated = bool(draft.take("not")) or "without" in marks
    for kind in ("compare", "or", "noun", "unit"):
        draft.take(kind)
    if negated:
        return with_values(plan, "sector", values, negated=True)
    return with_values(plan, "sector", values)


def other_metric(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`and its P/E?`, `how many employees does it have?`: the companies before, another figure."""
    held = values_among(plan, "symbol")
    refers = bool(marks & {"and", "about", "pronoun", "now", "add"}) or bool(_POSSESSIVE & set(draft.lexed.words))
    if (
        not held
        or not refers
        or "concept" not in kinds
        or kinds & {"company", "ambiguous", "sector", "noun", "tag", "place", "number", "sup", "by"}
    ):
        return None
    if len(held) > 1 and {"it", "its"} & set(draft.lexed.words):
        question = draft.question
        choices = [(describe(symbol, draft.context), f"{question.rstrip('?')} (${symbol})") for symbol in held]
        raise clarify("Which of them is meant?", *choices, ("both", None))
    draft.items.insert(0, Item("company", held, 0, 0, ""))
    draft.take("follow")
    when = time_of(plan)
    concepts = [item for item in draft.of("concept") if item.value not in ATTRIBUTES]
    if when is not None and concepts and not draft.of("time"):
        draft.items.append(Item("time", when, len(draft.lexed.words), len(draft.lexed.words), when.text))
    draft.take("agg", "count")
    return compose(draft)
