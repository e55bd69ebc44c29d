"""What the builders of all forms share."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser.draft import Draft, Stop, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import ATTENTION, FORECAST, SECTOR, Ask, is_period
from chat_api.parser.parts import Parts
from chat_api.plan import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Condition,
    Days,
    Kind,
    Known,
    Largest,
    Measure,
    Not,
    Ratio,
    Value,
)  # fmt: skip

# Words of order that name their metric.
PRICED = {"sup_price": "price", "sup_volume": "volume"}


TO_SECTOR = {"market_cap": "sector.market_cap", "volume": "sector.volume", "pe": "sector.pe", **SECTOR}


ASCENDING_IS_NEAR = {"below_high_52w", "above_low_52w"}


def place_item(item: Item) -> bool:
    item.used = True
    return True


def company_conditions(parts: Parts) -> bool:
    return bool(parts.threshold_values)


def asked_values(draft: Draft, parts: Parts, ask: Ask | None = None) -> tuple[Measure, ...]:
    """The measures of all concepts, placed."""
    values: list[Measure] = []
    for item in parts.concepts:
        item.used = True
        for role in parts.roles or [""]:
            one = replace(ask or _ask_for(parts, item), role=role or parts.ask.role)
            if item.value in parts.each:
                one = replace(one, statistic=parts.each[cast("str", item.value)])
            values.extend(measure for measure in measures(draft, cast("str", item.value), one) if measure not in values)
            if cast("str", item.value) not in FORECAST:
                break
    return tuple(values)


def _ask_for(parts: Parts, item: Item) -> Ask:
    """With attention in the question, a day is the attention's; a forecast beside it is the coming one."""
    names = {cast("str", other.value) for other in parts.concepts}
    if (
        item.value in FORECAST
        and names & set(ATTENTION)
        and parts.ask.when is not None
        and parts.ask.when.kind != "next"
    ):
        return replace(parts.ask, when=None)
    if parts.ask.when is not None and parts.ask.when.kind == "next" and item.value not in FORECAST:
        return replace(parts.ask, when=None)
    if item.value == "employees":
        return replace(parts.ask, when=None) if names - {"employees"} else parts.ask
    return parts.ask


def number_of(draft: Draft) -> Item | None:
    """A plain number that is no threshold: how many rows are asked for."""
    plain = [item for item in draft.of("number") if cast("tuple[float, str | None]", item.value)[1] is None]
    return plain[0] if len(plain) == 1 and cast("tuple[float, None]", plain[0].value)[0] in range(1, 1001) else None


def limit_of(draft: Draft) -> int | None:
    item = number_of(draft)
    if item is None:
        return None
    item.used = True
    return int(cast("tuple[float, None]", item.value)[0])


def both(*parts: Condition | None) -> Condition | None:
    held = [part for part in parts if part is not None]
    return None if not held else held[0] if len(held) == 1 else AllOf(parts=tuple(held))


def named_companies(parts: Parts) -> Condition | None:
    return Among(dimension="symbol", values=tuple(parts.companies)) if parts.companies else None


def kind_of(parts: Parts, values: tuple[Value, ...], default: Kind) -> Kind:
    subjects = {_measure(value).metric.split(".")[0] for value in values}
    return "cross_subject" if len(subjects - {"bar" if "quote" in subjects else ""}) > 1 else default


def _measure(value: Value) -> Measure:
    return value.over if isinstance(value, Ratio) else value


def condition_values(condition: Condition | None) -> tuple[Measure, ...]:
    """The measures that a condition compares, in order."""
    found: list[Measure] = []

    def walk(node: Condition) -> None:
        if isinstance(node, Compare):
            found.extend(m for m in (node.left, node.right) if m is not None and m not in found)
        elif isinstance(node, Known | Largest):
            measure = node.left if isinstance(node, Known) else node.measure
            if measure not in found:
                found.append(measure)
        elif isinstance(node, AllOf | AnyOf):
            for part in node.parts:
                walk(part)
        elif isinstance(node, Not):
            walk(node.part)

    if condition is not None:
        walk(condition)
    return tuple(found)


_FIGURES = ("price", "change % today", "market cap", "P/E")


def needs_metric(draft: Draft) -> Stop:
    question = draft.question.rstrip("?. ")
    figures = ("level", "close", "change % today") if draft.context.about_indices else _FIGURES
    return clarify("Which figure is asked for?", *[(figure, f"{question} {figure}") for figure in figures])


def direction_of(draft: Draft) -> bool:
    directions = {bool(item.value) for item in draft.take("sup")}
    if len(directions) > 1:
        raise not_understood("both directions of order")
    return directions.pop() if directions else True


def moved_condition(draft: Draft, parts: Parts) -> Condition | None:
    """`in the red`, `rose today`: companies that moved in one direction."""
    found = draft.take("move")
    if not found:
        return None
    if len({item.value for item in found}) > 1:
        raise not_understood("both directions at once")
    concept = "return" if is_period(parts.ask.when) else "change_pct"
    measure = measures(draft, concept, replace(parts.ask, change=False, statistic=None))[0]
    return Compare(left=measure, op=">" if found[0].value == 1 else "<", number=0.0)


def daily_move(draft: Draft, parts: Parts, days: Days) -> Condition | None:
    found = draft.take("move")
    if not found:
        return None
    return Compare(left=Measure(metric="bar.return", time=days), op=">" if found[0].value == 1 else "<", number=0.0)


def ordered_list(draft: Draft) -> bool:
    """`highest on top`, `from high to low`: an order of all of them, not a choice of some."""
    return any(
        item.kind == "sup"
        and (" first" in item.text or " to " in item.text or "top" in item.text.split()[1:] or "cending" in item.text)
        for item in draft.items
    )
