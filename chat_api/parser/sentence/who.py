"""Who a question is about: companies, sectors, tags, models, places."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.entities import describe
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.parts import Parts
from chat_api.plan import AllOf, Among, Condition


def find_roles(draft: Draft, parts: Parts) -> None:
    parts.roles = list(dict.fromkeys(cast("str", item.value) for item in draft.take("role")))
    if parts.roles:
        parts.ask = replace(parts.ask, role=parts.roles[0])
    words = draft.lexed.words
    when = parts.ask.when
    minute_words = {"minute", "minutes"} & set(words)
    if minute_words or (when is not None and (when.kind == "minutes" or when.grain == "minute")):
        parts.ask = replace(parts.ask, at_minutes=True)


def find_who(draft: Draft, parts: Parts) -> None:
    for item in draft.of("ambiguous"):
        raise _which_company(draft, item)
    for item in draft.take("company"):
        for symbol in cast("tuple[str, ...]", item.value):
            if symbol not in parts.companies:
                parts.companies.append(symbol)
    for item in draft.take("tag"):
        if item.value not in parts.tags:
            parts.tags.append(cast("str", item.value))


def _which_company(draft: Draft, item: Item) -> Exception:
    symbols = cast("tuple[str, ...]", item.value)
    choices: list[tuple[str, str | None]] = [
        (describe(symbol, draft.context), draft.replaced(item, f"${symbol}")) for symbol in symbols[:6]
    ]
    if len(symbols) > 6:
        choices.append(("another company: type its name in full or its ticker", None))
    raw = " ".join(draft.lexed.raw[item.at : item.end])
    return clarify(f"Which company is meant by “{raw}”?", *choices)


def find_lists(draft: Draft, parts: Parts) -> None:
    """Sectors, places and negated companies as conditions; sectors also stand for themselves."""
    pieces: list[Condition] = []
    for kind in ("sector", "place"):
        for negated, items in _runs(draft, kind):
            values: dict[str, list[str]] = {}
            for item in items:
                dimension, found = (
                    ("sector", (cast("str", item.value),))
                    if kind == "sector"
                    else cast("tuple[str, tuple[str, ...]]", item.value)
                )
                values.setdefault(dimension, []).extend(
                    value for value in found if value not in values.get(dimension, [])
                )
                item.used = True
            if len(values) > 1:
                raise not_understood("places of different kinds")
            if kind == "place" and parts.companies and not negated:
                # “Is X listed on A or B?” asks where it is.
                parts.attributes.extend(dimension for dimension in values if dimension not in parts.attributes)
                draft.take("compare")
                continue
            if kind == "sector" and not negated:
                parts.sectors.extend(value for value in values["sector"] if value not in parts.sectors)
            else:
                pieces.extend(
                    Among(dimension=dimension, values=tuple(found), negated=negated)
                    for dimension, found in values.items()
                )
    if parts.sectors:
        pieces.insert(0, Among(dimension="sector", values=tuple(parts.sectors)))
    if pieces:
        parts.where = pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))


def _runs(draft: Draft, kind: str) -> list[tuple[bool, list[Item]]]:
    """Items of a kind in runs that share a negation before them; listing a value twice is a list of choices."""
    runs: list[tuple[bool, list[Item]]] = []
    for item in draft.of(kind):
        before = draft.neighbour(item, -1)
        # “Energy or utilities”, “energy and utilities”: one list.
        previous = (
            draft.neighbour(before, -1) if before is not None and before.kind in {"and", "or", "compare"} else before
        )
        continues = bool(runs) and previous is not None and previous is runs[-1][1][-1]
        if continues and before is not None and before is not previous:
            before.used = True
        if before is not None and before.kind == "not" and not before.used:
            before.used = True
            runs.append((True, [item]))
        elif continues:
            runs[-1][1].append(item)
        else:
            runs.append((False, [item]))
    return runs
