"""Edits of the form: a chart, another order, a filter, a count, a figure per head."""

from __future__ import annotations

from typing import cast

from chat_api.parser import conditions as thresholds
from chat_api.parser.draft import Draft, clarify
from chat_api.parser.follow.pieces import pieces_of, time_of, together, values_among
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import Ask
from chat_api.plan import (
    Fold,
    Measure,
    Not,
    Order,
    Plan,
    Ratio,
)  # fmt: skip


def as_chart(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if kinds != {"chart"} or marks - {"as", "make", "now", "and", "add", "put", "pronoun"}:
        return None
    draft.take("chart")
    return plan.model_copy(update={"chart": True})


def ordered(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`the 10 worst instead`, `sort them by market cap, largest first`, `which one is the highest?`"""
    if plan.entity == "table":
        return _oldest(draft, plan, kinds)
    if "concept" in kinds:
        return _sorted_by(draft, plan, kinds, marks)
    if (
        not kinds
        or plan.entity in {"coverage", "member", "version"}
        or not kinds <= {"sup", "good", "movers", "number", "noun"}
        or not plan.values
        or plan.fold
        or plan.rank
        or plan.share
        or plan.bucket
    ):
        return None
    words = [*draft.take("sup"), *draft.take("good"), *draft.take("movers")]
    numbers = draft.take("number")
    draft.take("noun")
    directions = {bool(item.value) for item in words}
    if len(directions) > 1 or len(numbers) > 1 or (not plan.order and any(item.kind != "sup" for item in words)):
        return None
    descending = directions.pop() if directions else plan.order[0].descending if plan.order else True
    limit = plan.limit
    if numbers:
        value, unit = cast("tuple[float, str | None]", numbers[0].value)
        if unit is not None or not value.is_integer():
            return None
        limit = int(value)
    elif "one" in draft.lexed.words:
        limit = 1
    if limit is None and words and not any(" first" in item.text or " to " in item.text for item in words):
        raise clarify("How many of them?", ("the first", "the highest one"), ("10", "the first 10"))
    return plan.model_copy(update={"order": (Order(value=0, descending=descending),), "limit": limit})


def _sorted_by(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if (
        "sort" not in marks
        or not kinds <= {"concept", "sup", "noun"}
        or plan.entity != "company"
        or plan.fold
        or plan.rank
        or plan.bucket
    ):
        return None
    concepts = draft.take("concept")
    words = draft.take("sup")
    draft.take("noun")
    if len(concepts) != 1 or len({bool(item.value) for item in words}) > 1:
        return None
    measure = measures(draft, cast("str", concepts[0].value), Ask())[0]
    values = (*plan.values, measure) if measure not in plan.values else plan.values
    descending = bool(words[0].value) if words else True
    return plan.model_copy(
        update={"values": values, "order": (Order(value=values.index(measure), descending=descending),)}
    )


def _oldest(draft: Draft, plan: Plan, kinds: set[str]) -> Plan | None:
    ages = [n for n, value in enumerate(plan.values) if isinstance(value, Measure) and value.metric == "data.loaded_at"]
    words = set(draft.lexed.words)
    old, new = words & {"oldest", "stalest", "staler"}, words & {"newest", "freshest", "youngest"}
    if not ages or not (old or new) or not kinds <= {"data", "time", "sup"}:
        return None
    for kind in ("data", "time", "sup"):
        draft.take(kind)
    return plan.model_copy(update={"order": (Order(value=ages[0], descending=bool(old)),), "limit": 1})


def grouped(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if kinds != {"by"}:
        return None
    dimension = cast("str", draft.take("by")[0].value)
    if (
        dimension not in {"sector", "industry", "country", "city", "exchange"}
        or plan.entity != "company"
        or plan.fold is None
    ):
        raise clarify(
            "What should be grouped? Ask for a number of companies, a total, an average or a median.",
            ("number of companies by sector", "number of companies by sector"),
        )
    return plan.model_copy(
        update={"fold": Fold(statistic=plan.fold.statistic, by=(dimension,)), "order": (Order(value=0),)}
    )


def counted(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`how many is that in total?`"""
    counts = draft.has("agg", "count") and all(item.value in {"count", "sum"} for item in draft.of("agg"))
    if (
        not counts
        or not kinds <= {"agg", "noun", "everything"}
        or plan.fold
        or plan.rank
        or plan.share
        or plan.bucket
        or plan.entity != "company"
    ):
        return None
    if values_among(plan, "symbol") or plan.limit is not None:
        return None
    for kind in ("agg", "noun", "everything"):
        draft.take(kind)
    return plan.model_copy(
        update={
            "kind": "aggregate",
            "values": (),
            "attributes": (),
            "order": (),
            "fold": Fold(statistic="count"),
            "chart": None,
        }
    )


def filtered(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`only those with a P/E below 20`, `drop the ones without a dividend`."""
    if not ({"cmp", "word", "not", "between", "cmp_after"} & kinds) or "company" in kinds or "sector" in kinds:
        return None
    if (
        not marks & {"only", "drop", "without", "pronoun", "and", "now"}
        or plan.entity != "company"
        or plan.rank
        or plan.share
        or plan.bucket
        or values_among(plan, "symbol")
    ):
        return None
    found = thresholds.conditions(draft, Ask(when=time_of(plan)))
    condition = thresholds.joined(draft, found)
    if condition is None:
        return None
    draft.take("noun")
    if "drop" in marks:
        condition = Not(part=condition)
    return plan.model_copy(update={"where": together([*pieces_of(plan.where), condition])})


def per_head(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if (
        not marks & {"divide", "per_employee"}
        or len(plan.values) != 1
        or plan.entity != "company"
        or plan.fold
        or plan.share
        or plan.rank
    ):
        return None
    concepts = draft.take("concept")
    first = plan.values[0]
    if (
        any(item.value != "employees" for item in concepts)
        or not isinstance(first, Measure)
        or (not concepts and "per_employee" not in marks)
    ):
        return None
    draft.take("agg", "count")
    draft.take("bucket")
    return plan.model_copy(
        update={"values": (Ratio(over=first, under=Measure(metric="company.employees")),), "order": ()}
    )
