"""What a question asks of them: figures, aggregates, changes, groups."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser.draft import Draft, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures.concepts import ATTRIBUTES, PERIOD_ONLY, is_period
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import PRICED
from chat_api.plan import Statistic


def find_statistics(draft: Draft, parts: Parts) -> None:
    items = draft.of("agg")
    values = {cast("str", item.value) for item in items}
    if "count" in values:
        parts.count = True
        draft.take("agg", "count")
        values.discard("count")
    if len(values) > 1:
        raise not_understood(", ".join(f"“{item.text}”" for item in items))
    if parts.companies and is_period(parts.ask.when):
        for item in draft.of("sup_price", "sup_volume"):
            kind, item.kind = item.kind, "sup"
            draft.items.insert(draft.items.index(item) + 1, Item("concept", PRICED[kind], item.at, item.end, item.text))
    if values:
        parts.statistic = cast("Statistic", values.pop())
        draft.take("agg")
    elif parts.companies and is_period(parts.ask.when) and _paired(draft, parts):
        pass
    elif (parts.companies or parts.ask.at_minutes) and is_period(parts.ask.when) and len(draft.of("sup")) == 1:
        item = draft.of("sup")[0]
        parts.statistic = "max" if item.value else "min"
        item.used = True
    concepts = {item.value for item in draft.of("concept")}
    over_time = parts.statistic if (is_period(parts.ask.when) or parts.ask.at_minutes) else None
    if not parts.companies and concepts and concepts <= set(PERIOD_ONLY):
        # A return is one number a company already: its average is over companies.
        over_time = None
    parts.ask = replace(parts.ask, statistic=over_time)


def _paired(draft: Draft, parts: Parts) -> bool:
    """`highest high, lowest low`: each word of order belongs to the metric after it."""
    orders = draft.of("sup")
    pairs = [(item, draft.neighbour(item, 1)) for item in orders]
    if len(pairs) < 2 or any(after is None or after.kind != "concept" for _, after in pairs):
        return False
    for item, after in pairs:
        if after is not None:
            parts.each[cast("str", after.value)] = "max" if item.value else "min"
        item.used = True
    return True


def find_change(draft: Draft, parts: Parts) -> None:
    """Whether a change is asked: `change in the P/E since …`, `how much did … grow`."""
    words = [*draft.of("change")]
    single = (
        bool(parts.companies or parts.tags)
        and not (len(parts.companies) > 1 and draft.of("concept"))
        and not draft.has("share")
    )
    if len(parts.companies) == 2 and parts.ask.when is None and all(item.text.startswith("differ") for item in words):
        for item in words:
            item.kind = "apart"
        words = []
    if words:
        parts.ask = replace(parts.ask, change=True)
        for item in words:
            item.used = True
    elif single and draft.of("move") and not draft.of("number", "unit", "sup") and not parts.count:
        parts.ask = replace(parts.ask, change=True)
        draft.take("move")
    when = parts.ask.when
    if when is not None and when.kind == "pair" and draft.has("apart"):
        draft.take("apart")
        parts.ask = replace(parts.ask, change=True)
    percent = not any(word in draft.lexed.words for word in ("dollars", "usd", "dollar"))
    if draft.context.about_indices and "points" in draft.lexed.words:
        percent = False
    parts.ask = replace(parts.ask, percent=percent)
    draft.take("percent")


def find_grouping(draft: Draft, parts: Parts) -> None:
    found = draft.take("by")
    names = list(dict.fromkeys(cast("str", item.value) for item in found))
    if len(names) > 1:
        raise not_understood("more than one grouping")
    parts.by = names[0] if names else None
    if parts.by == "publisher":
        raise not_understood("the publisher")
    if draft.take("chart"):
        parts.chart = True


def find_concepts(draft: Draft, parts: Parts) -> list[Item]:
    found: list[Item] = []
    for item in draft.of("concept"):
        name = cast("str", item.value)
        if name in ATTRIBUTES:
            item.used = True
            if ATTRIBUTES[name] not in parts.attributes:
                parts.attributes.append(ATTRIBUTES[name])
        elif not any(other.value == name for other in found):
            found.append(item)
        else:
            item.used = True
    return found
