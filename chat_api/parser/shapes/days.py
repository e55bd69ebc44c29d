"""Days and hours one by one, or their number; dividends and splits with their dates."""

from __future__ import annotations

from typing import cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.measures.concepts import is_period
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import both, daily_move, named_companies, place_item
from chat_api.plan import (
    Among,
    Compare,
    Fold,
    Measure,
    Order,
    Plan,
)  # fmt: skip
from chat_api.times import When


def days_listed(draft: Draft, parts: Parts) -> bool:
    return (
        len(parts.companies) == 1
        and draft.has("unit", "session")
        and not parts.count
        and not parts.chart
        and not draft.has("bucket")
        and (bool(parts.threshold_values) or bool(draft.of("move")))
        and is_period(parts.ask.when)
    )


def build_days(draft: Draft, parts: Parts) -> Plan:
    """The sessions of a period on which a company's day fits a threshold."""
    draft.take("unit", "session")
    days = timing.days_of(draft, cast("When", parts.ask.when))
    move = daily_move(draft, parts, days)
    parts.concepts = [
        item for item in parts.concepts if item.text not in {"closed", "ended at", "closed at"} or not place_item(item)
    ]
    if parts.concepts or len(parts.threshold_values) > 1 or (move is not None and parts.threshold_values):
        raise not_understood("several thresholds on a day")
    condition = move
    for threshold in parts.threshold_values:
        if (
            not isinstance(threshold, Compare)
            or threshold.number is None
            or threshold.left.metric not in {"bar.adj_close", "bar.close", "bar.return", "bar.volume"}
        ):
            raise not_understood("that threshold on a day")
        if threshold.left.over not in {"return", "change_pct", "value", "sum"}:
            raise not_understood("that threshold on a day")
        metric = "bar.return" if threshold.left.over in {"return", "change_pct"} else threshold.left.metric
        condition = threshold.model_copy(update={"left": Measure(metric=metric, time=days)})
    assert isinstance(condition, Compare)
    return Plan(
        kind="filter",
        entity="session",
        values=(condition.left,),
        where=both(named_companies(parts), condition),
        order=(Order(value=None, descending=False),),
    )


def hours_listed(draft: Draft, parts: Parts) -> bool:
    return bool(parts.tags) and draft.has("unit", "hour") and bool(parts.threshold_values)


def build_hours(draft: Draft, parts: Parts) -> Plan:
    """The hours in which a tag's signal fits a threshold."""
    draft.take("unit", "hour")
    threshold = parts.threshold_values[0]
    if (
        len(parts.threshold_values) > 1
        or not isinstance(threshold, Compare)
        or threshold.number is None
        or parts.concepts
        or not threshold.left.metric.startswith("signal.")
    ):
        raise not_understood("that threshold on hours")
    hourly = Measure(metric=threshold.left.metric, time=threshold.left.time)
    where = both(Among(dimension="tag", values=tuple(parts.tags)), threshold.model_copy(update={"left": hourly}))
    return Plan(
        kind="filter",
        entity="tag",
        values=(hourly,),
        where=where,
        bucket="hour",
        order=(Order(value=None, descending=False),),
    )


def sessions_counted(draft: Draft, parts: Parts) -> bool:
    if not draft.has("unit", "session") or draft.has("bucket"):
        return False
    return parts.count or (
        "number" in draft.lexed.words and not parts.companies and not parts.concepts and not draft.of("sup", "noun")
    )


def build_session_count(draft: Draft, parts: Parts) -> Plan:
    draft.take("unit", "session")
    if parts.ask.when is None or not is_period(parts.ask.when) or parts.where is not None or parts.concepts:
        raise clarify(
            "Sessions of which period?",
            ("this month", f"{draft.question} this month"),
            ("year to date", f"{draft.question} year to date"),
        )
    days = timing.days_of(draft, parts.ask.when)
    session = Measure(metric="bar.session", time=days)
    if not parts.companies:
        if draft.of("move", "sup"):
            raise clarify("Of which company?", ("name a company", None))
        return Plan(kind="aggregate", entity="session", values=(session,), fold=Fold(statistic="count"))
    condition = daily_move(draft, parts, days)
    return Plan(
        kind="aggregate",
        entity="session",
        values=(session,),
        where=both(named_companies(parts), condition),
        fold=Fold(statistic="count", by=("symbol",)),
    )


def actions_listed(draft: Draft, parts: Parts) -> bool:
    names = [cast("str", item.value) for item in parts.concepts]
    if len(names) != 1 or names[0] not in {"dividend", "split"} or not is_period(parts.ask.when):
        return False
    if names == ["split"]:
        return True
    return (
        bool(parts.companies)
        and parts.statistic is None
        and not parts.count
        and "dividends" in draft.lexed.words
        and ({"dates", "date", "list", "each"} & set(draft.lexed.words) != set())
    )


def build_actions(draft: Draft, parts: Parts) -> Plan:
    """Splits or dividends one by one, with their dates."""
    item = parts.concepts[0]
    item.used = True
    draft.take("noun")
    days = timing.days_of(draft, cast("When", parts.ask.when))
    measure = Measure(metric=f"bar.{item.value}", time=days)
    happened = Compare(
        left=measure, op="!=" if item.value == "split" else ">", number=1.0 if item.value == "split" else 0.0
    )
    return Plan(
        kind="filter" if not parts.companies else "series",
        entity="session",
        values=(measure,),
        where=both(named_companies(parts), parts.where, happened),
        order=(Order(value=None, descending=False),),
    )


def build_every(draft: Draft, parts: Parts) -> Plan:
    """`fell on each of the last five sessions`: the best of them below zero, and none missing."""
    draft.take("every")
    draft.take("noun")
    moves = draft.take("move")
    when = parts.ask.when
    if len(moves) != 1 or when is None or when.kind != "sessions" or parts.concepts or parts.companies:
        raise not_understood("“on each of”")
    days = timing.days_of(draft, when)
    up = moves[0].value == 1
    extreme = Measure(metric="bar.return", time=days, over="min" if up else "max")
    complete = Compare(left=Measure(metric="bar.return", time=days, over="count"), op="=", number=float(when.count))
    return Plan(
        kind="filter",
        entity="company",
        values=(extreme,),
        where=both(parts.where, Compare(left=extreme, op=">" if up else "<", number=0.0), complete),
    )
