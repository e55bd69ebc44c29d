"""Minutes and days of one company (or index): those that fit a threshold, and those with the most of something."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures.concepts import is_period
from chat_api.parser.measures.market import minute_series
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import both, limit_of, named_companies
from chat_api.plan import Compare, Measure, Order, Plan

_DAILY = {
    "volume": "bar.volume", "close": "bar.close", "price": "bar.close", "high": "bar.high", "low": "bar.low", "day_high": "bar.high",
    "day_low": "bar.low", "daily_return": "bar.return", "change_pct": "bar.return", "return": "bar.return",
}  # fmt: skip


def average_a_minute(draft: Draft, parts: Parts) -> bool:
    """`average volume per minute`: one number, not a series."""
    names = [item.value for item in parts.concepts]
    averaged = parts.statistic == "average" or names == ["average_volume"]
    if (
        not averaged
        or names not in (["volume"], ["average_volume"])
        or parts.chart
        or not draft.has("bucket", "minute")
    ):
        return False
    draft.take("bucket", "minute")
    parts.concepts[0].value = "volume"
    parts.statistic = "average"
    parts.ask = replace(parts.ask, statistic="average", at_minutes=True)
    return True


def minutes_listed(draft: Draft, parts: Parts) -> bool:
    """`minutes on 18 November in which X traded over 200k shares`."""
    return len(parts.companies) == 1 and draft.has("unit", "minute") and bool(parts.threshold_values)


def build_minutes(draft: Draft, parts: Parts) -> Plan:
    """The minutes of a session that fit a threshold."""
    draft.take("unit", "minute")
    draft.take("noun")
    threshold = parts.threshold_values[0]
    if (
        len(parts.threshold_values) > 1
        or parts.concepts
        or not isinstance(threshold, Compare)
        or threshold.number is None
        or not threshold.left.metric.startswith("minute.")
    ):
        raise not_understood("that threshold on minutes")
    one = Measure(metric=threshold.left.metric, time=timing.minutes_of(draft, parts.ask.when))
    timing.minutes_held(draft, parts.companies)
    return Plan(
        kind="filter",
        entity="minute",
        values=(one,),
        where=both(named_companies(parts), threshold.model_copy(update={"left": one})),
        bucket="minute",
        order=(Order(value=None, descending=False),),
    )


def moments_ranked(draft: Draft, parts: Parts) -> bool:
    """`busiest minute of X yesterday`, `the 3 days on which X fell most this month`."""
    unit = draft.has("unit", "minute") or (draft.has("unit", "session") and is_period(parts.ask.when))
    ordered = draft.of("sup", "good", "sup_volume") or parts.statistic in {"max", "min"}
    return len(parts.companies) == 1 and unit and bool(ordered) and not parts.threshold_values and not parts.count


def build_moments(draft: Draft, parts: Parts) -> Plan:
    """The minutes or days with the highest or lowest of a figure; one of them unless more are asked."""
    by_minute = draft.has("unit", "minute")
    draft.take("noun")
    plural = any(item.text.endswith("s") for item in draft.of("unit"))
    draft.take("unit", "minute" if by_minute else "session")
    words = [*draft.take("sup"), *draft.take("good"), *draft.take("sup_volume")]
    moves = draft.take("move")
    draft.take("by_metric")
    limit = limit_of(draft)
    if limit is None and plural:
        raise clarify("How many of them?", *[(f"the first {n}", f"top {n}: {draft.question}") for n in (5, 10)])
    if not parts.concepts:
        busy = "busiest" in draft.lexed.words or any(item.kind == "sup_volume" for item in words)
        if not busy and (by_minute or not (moves or any(item.kind == "good" for item in words))):
            raise clarify(
                "By which figure?", ("volume", f"{draft.question} by volume"), ("close", f"{draft.question} by close")
            )
        parts.concepts = [Item("concept", "volume" if busy else "daily_return", 0, 0, "")]
    if len(parts.concepts) != 1 or parts.where is not None or len(moves) > 1:
        raise not_understood("an order by several figures")
    item = parts.concepts[0]
    item.used = True
    concept = cast("str", item.value)
    if by_minute:
        timing.minutes_held(draft, parts.companies)
        measure = minute_series(draft, concept, parts.ask)
    elif concept in _DAILY and parts.ask.when is not None:
        measure = Measure(metric=_DAILY[concept], time=timing.days_of(draft, parts.ask.when))
    else:
        raise not_understood(f"the {concept.replace('_', ' ')} of single days")
    directions = {bool(word.value) for word in words}
    if parts.statistic in {"max", "min"}:
        directions.add(parts.statistic == "max")
        parts.statistic = None
    if moves:
        # “Fell most”: the most of a fall is the lowest return.
        directions = {moves[0].value == 1} if directions == {True} else set()
    if len(directions) != 1:
        raise not_understood("both directions of order")
    parts.ask = replace(parts.ask, change=False)
    return Plan(
        kind="top_n",
        entity="minute" if by_minute else "session",
        values=(measure,),
        where=named_companies(parts),
        bucket="minute" if by_minute else "session",
        order=(Order(value=0, descending=directions.pop()),),
        limit=limit or 1,
    )
