"""The highest or lowest of many."""

from __future__ import annotations

from dataclasses import replace

from chat_api.parser.draft import Draft, Stop, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import RANGE_LABELS, RANGES, is_period
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import (
    ASCENDING_IS_NEAR,
    PRICED,
    asked_values,
    both,
    condition_values,
    kind_of,
    limit_of,
    named_companies,
    ordered_list,
)
from chat_api.plan import (
    Known,
    Measure,
    Order,
    Plan,
)  # fmt: skip


def build_top(draft: Draft, parts: Parts) -> Plan:
    """The N highest or lowest, by the metric that the word of order belongs to."""
    first_noun = next((item.value for item in draft.of("noun")), None)
    who = draft.lexed.words[:2] in (
        ["who", "is"],
        ["which", "is"],
        ["who", "has"],
        ["whos"],
        ["what", "is"],
    ) or draft.lexed.raw[:1] in (["Who's"], ["who's"])
    which_sector = draft.lexed.words[:1] == ["which"] and len(draft.items) > 1 and draft.items[1].kind == "sector"
    movers_many = any(item.text.endswith("s") for item in draft.of("movers"))
    plural_figure = any(
        item.text.endswith("s") and item.value not in {"pe", "eps", "employees", "visits"} for item in parts.concepts
    )
    unnamed = not draft.has("noun") and not movers_many and not plural_figure and not which_sector
    singular = who or first_noun == "one" or unnamed
    draft.take("noun")
    draft.take("everything")
    draft.take("follow", "sort")
    for item in draft.of(*PRICED):
        parts.concepts.append(Item("concept", PRICED[item.kind], item.at, item.end, item.text))
        item.kind = "sup"
    order_items = [*draft.take("sup"), *draft.take("movers"), *draft.take("good"), *draft.take("vague_sup")]
    moves = draft.take("move")
    limit = limit_of(draft)
    if not order_items and not moves:
        raise clarify("The highest or the lowest, and by which figure?", ("highest", None), ("lowest", None))
    if parts.companies and len(parts.companies) < 2:
        raise not_understood("an order of one company")
    if parts.count or (parts.statistic is not None and parts.ask.statistic is None and parts.statistic != "sum"):
        raise not_understood("an order of an aggregate")
    if (moves or any(item.kind in {"movers", "good"} for item in order_items)) and not parts.concepts:
        movement = _movement(draft, parts)
        directions = {bool(item.value) for item in order_items if item.kind in {"movers", "good"}} | {
            item.value == 1 for item in moves
        }
        if any(item.kind == "good" for item in order_items) and not draft.of("percent") and parts.ask.when is None:
            raise _which_order(draft, best=True)
        if len(directions) != 1:
            raise not_understood("both directions at once")
        return _ordered(draft, parts, (movement,), descending=directions.pop(), limit=limit, singular=singular)
    if any(item.kind == "vague_sup" for item in order_items) and not parts.concepts:
        raise _which_order(draft, best=False)
    if not parts.concepts:
        raise _which_order(draft, best=False)
    first = _order_concept(draft, parts, order_items)
    if any(item.kind in {"good", "movers"} for item in order_items) and first.value not in {
        "change_pct",
        "return",
        "daily_return",
        "forecast_return",
        "forecast",
        "change",
    }:
        raise _which_order(draft, best=True)
    if first.value in RANGES:
        raise clarify(
            "Ordered by which end of the range?",
            *[(end, draft.replaced(first, end)) for end in (RANGE_LABELS[name] for name in RANGES[str(first.value)])],
        )
    parts.concepts.sort(key=lambda item: item is not first)
    values = asked_values(draft, parts)
    directions = {bool(item.value) for item in order_items} or {item.value == 1 for item in moves}
    if len(directions) != 1:
        raise not_understood("both directions of order")
    descending = directions.pop()
    if (
        order_items
        and order_items[0].text in {"nearest", "closest", "furthest", "farthest"}
        and first.value not in ASCENDING_IS_NEAR
    ):
        raise not_understood(f"“{order_items[0].text}”")
    if values[0].over == "drawdown" and order_items and order_items[0].text in {"largest", "worst", "biggest"}:
        descending = True
    return _ordered(draft, parts, values, descending=descending, limit=limit, singular=singular)


def _ordered(
    draft: Draft, parts: Parts, values: tuple[Measure, ...], *, descending: bool, limit: int | None, singular: bool
) -> Plan:
    draft.take("compare")
    compared = len(parts.companies) > 1
    if limit is None and not compared and not ordered_list(draft):
        if not singular:
            raise clarify("How many of them?", *[(f"the first {n}", f"top {n}: {draft.question}") for n in (5, 10, 20)])
        limit = 1
    where = both(named_companies(parts), parts.where, Known(left=values[0]))
    extra = tuple(value for value in condition_values(both(*parts.threshold_values)) if value not in values)
    return Plan(
        kind=kind_of(parts, values, "compare" if compared else "top_n"),
        entity="company",
        values=(*values, *extra),
        attributes=tuple(parts.attributes),
        where=where,
        order=(Order(value=0, descending=descending),),
        limit=limit,
        chart=parts.chart,
    )


def _movement(draft: Draft, parts: Parts) -> Measure:
    ask = replace(parts.ask, change=False, statistic=None)
    concept = "return" if is_period(ask.when) else "change_pct"
    return measures(draft, concept, ask)[0]


def _order_concept(draft: Draft, parts: Parts, order_items: list[Item]) -> Item:
    """The metric after `by`, else the one next to the word of order, else the only one."""
    if len(parts.concepts) == 1:
        return parts.concepts[0]
    for by in draft.of("by_metric"):
        after = draft.neighbour(by, 1)
        if after is not None and after in parts.concepts:
            by.used = True
            return after
    for item in order_items:
        after = draft.neighbour(item, 1, "number", "noun")
        if after is not None and after in parts.concepts:
            return after
    raise clarify(
        "Ordered by which figure?", *[(item.text, f"{draft.question} by {item.text}") for item in parts.concepts]
    )


def _with_order(draft: Draft) -> str:
    """The question with its open word ("best", "biggest") put as highest or lowest, and a number where many are asked."""
    for item in draft.items:
        if item.kind in {"good", "vague_sup"}:
            many = any(other.kind == "noun" and other.value == "many" for other in draft.items)
            number = "10 " if many and not any(other.kind == "number" for other in draft.items) else ""
            return draft.replaced(item, f"{number}{'highest' if item.value else 'lowest'}").rstrip("?. ")
    return draft.question.rstrip("?. ")


def _which_order(draft: Draft, *, best: bool) -> Stop:
    question = _with_order(draft)
    choices = [
        ("by change % today", "by change % today"),
        ("by market cap", "by market cap"),
        ("by volume", "by volume"),
    ]
    if best:
        choices.append(("by return year to date", "by return year to date"))
    else:
        choices += [("by price", "by price"), ("by employees", "by employees")]
    return clarify("Measured by what?", *[(label, f"{question} {words}") for label, words in choices])
