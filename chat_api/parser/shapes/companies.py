"""Companies: figures of named ones, lists under conditions, and many folded into one number."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import is_day, is_period
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import (
    asked_values,
    both,
    condition_values,
    kind_of,
    moved_condition,
    named_companies,
    needs_metric,
)
from chat_api.plan import (
    Compare,
    Condition,
    Day,
    Fold,
    Kind,
    Known,
    Latest,
    Measure,
    Order,
    Plan,
    Statistic,
)  # fmt: skip
from chat_api.times import When
from chat_api.vocabulary import METRICS


def build_fold(draft: Draft, parts: Parts) -> Plan:
    """Companies folded into one number, or one for each group."""
    nouns = draft.take("noun")
    draft.take("everything")
    by = (parts.by,) if parts.by in {"sector", "industry", "country", "city", "exchange"} else ()
    if parts.by and not by:
        raise not_understood(f"“by {parts.by}”")
    where = both(named_companies(parts), parts.where)
    names = {cast("str", item.value) for item in parts.concepts}
    if parts.count:
        if parts.companies and parts.concepts and names <= {"employees", "visits", "volume", "posts"}:
            parts.count = False
            return build_companies(draft, parts)
        if names and names <= {"employees", "volume"} and parts.sectors and not nouns and parts.statistic is None:
            raise clarify("All of them added up?", ("the total", f"total {draft.question}"))
        moved = moved_condition(draft, parts)
        if parts.concepts or parts.companies or not (nouns or moved or parts.where):
            raise clarify("What should be counted?", ("companies", None))
        return _counted(draft, parts, both(where, moved), by)
    if not parts.concepts:
        raise clarify(
            f"The {parts.statistic} of what?",
            *(_averages_of(parts.companies[0]) if parts.companies and parts.statistic == "average" else ()),
            *(
                ()
                if parts.companies
                else (("market cap", f"{draft.question} market cap"), ("P/E", f"{draft.question} P/E"))
            ),
        )
    if parts.companies and len(parts.companies) == 1:
        word = cast("str", parts.statistic)
        name = parts.concepts[0].text
        raise clarify(
            f"The {word} {name} over which period?",
            *[
                (period, f"{draft.question} {period}")
                for period in ("this month", "the last 20 sessions", "year to date")
            ],
        )
    values = asked_values(draft, parts)
    statistic = cast("Statistic", parts.statistic)
    if statistic == "sum" and not all(METRICS[value.metric].additive for value in values):
        raise clarify("A sum of that says nothing. Which is meant?", ("average", None), ("median", None))
    if len(values) != 1:
        raise not_understood("an aggregate of several figures")
    order = (Order(value=0),) if by else ()
    return Plan(
        kind="aggregate",
        entity="company",
        values=values,
        where=both(where, Known(left=values[0])),
        fold=Fold(statistic=statistic, by=by),
        order=order,
    )


def _averages_of(symbol: str) -> tuple[tuple[str, str], ...]:
    return (
        ("average volume, 3 months", f"${symbol} 3 month average volume"),
        ("50-day average", f"${symbol} 50 day average"),
        ("average close this month", f"${symbol} average close this month"),
    )


def _counted(draft: Draft, parts: Parts, where: Condition | None, by: tuple[str, ...]) -> Plan:
    when = parts.ask.when
    if when is not None and not condition_values(where) and when.kind not in {"now", "today"}:
        raise not_understood(f"“{when.text}”")
    order = (Order(value=0),) if by else ()
    return Plan(kind="aggregate", entity="company", where=where, fold=Fold(statistic="count", by=by), order=order)


def build_companies(draft: Draft, parts: Parts) -> Plan:
    """Figures of one company, or of several side by side."""
    draft.take("compare")
    apart = bool(draft.take("apart"))
    several = len(parts.companies) > 1
    if apart or several:
        draft.take("between")
    up_to_now = bool(draft.take("word", "up_to_now"))
    on_day = bool(draft.take("word", "on_day"))
    if several:
        draft.take("or")
        # “Which of the two has the higher …?” puts them side by side.
        draft.take("cmp")
        if parts.concepts:
            draft.take("move")
            draft.take("vague_sup")
    if len(parts.concepts) > 1:
        draft.take("compare")
    _imply(draft, parts)
    if parts.where is not None:
        raise not_understood("a company together with a sector or a threshold")
    values: tuple[Measure, ...]
    if up_to_now and not parts.concepts_beyond_price():
        values = (_since_open(draft),)
        for item in parts.concepts:
            item.used = True
        draft.take("move")
    elif on_day and not parts.concepts_beyond_price():
        values = measures(draft, "change_pct", replace(parts.ask, when=None, change=False))
        for item in parts.concepts:
            item.used = True
        draft.take("move")
    elif not parts.concepts and parts.ask.change:
        values = _plain_change(draft, parts)
    elif parts.concepts or parts.attributes:
        values = asked_values(draft, parts)
    else:
        raise needs_metric(draft)
    if parts.statistic is not None and parts.ask.statistic is None:
        raise not_understood(f"“{parts.statistic}”")
    if any(value.metric.startswith("minute.") for value in values):
        timing.minutes_held(draft, parts.companies)
    order: tuple[Order, ...] = ()
    if apart and (len(values) != 1 or len(parts.companies) != 2):
        raise clarify(
            "The difference between which two companies, in which figure?", ("name two companies and one figure", None)
        )
    kind: Kind = kind_of(
        parts,
        values,
        "compare"
        if several
        else "change"
        if parts.ask.change or up_to_now
        else "calendar"
        if is_period(parts.ask.when) or is_day(parts.ask.when)
        else "lookup",
    )
    return Plan(
        kind=kind,
        entity="company",
        values=values,
        attributes=tuple(parts.attributes),
        where=named_companies(parts),
        difference=apart,
        order=order,
        chart=parts.chart,
    )


def _imply(draft: Draft, parts: Parts) -> None:
    """What is asked where no figure is named but the words say it."""
    if draft.has("unit", "sector") and not parts.concepts:
        draft.take("unit", "sector")
        parts.attributes.append("sector")
    if (
        not parts.concepts
        and not parts.attributes
        and parts.ask.when is None
        and "where" in draft.lexed.words
        and {"based", "headquartered", "located", "headquarters", "hq"} & set(draft.lexed.words)
    ):
        parts.attributes += ["city", "country"]
    if not parts.concepts and not parts.attributes and parts.ask.when is not None and parts.ask.when.kind == "since":
        parts.ask = replace(parts.ask, change=True)
    if (
        not parts.concepts
        and not parts.attributes
        and parts.ask.when is not None
        and "close" in parts.ask.when.text.split()
    ):
        parts.concepts = [Item("concept", "close", 0, 0, "close")]
    if not parts.concepts and not parts.attributes and not parts.ask.change and _at_a_moment(parts):
        parts.concepts = [Item("concept", "price", 0, 0, "price")]
        draft.take("unit", "minute")
    if (
        not parts.concepts
        and not parts.attributes
        and not parts.ask.change
        and is_period(parts.ask.when)
        and draft.lexed.words[:2] in (["how", "did"], ["how", "has"])
        and {"do", "done"} & set(draft.lexed.words)
    ):
        parts.concepts = [Item("concept", "return", 0, 0, "return")]


def _at_a_moment(parts: Parts) -> bool:
    """`AAPL at 10:32 yesterday`, `the latest minute of …`: without a figure it is the price."""
    when = parts.ask.when
    return when is not None and (when.kind == "clock" or (parts.ask.at_minutes and when.kind == "now"))


def _since_open(draft: Draft) -> Measure:
    if draft.context.about_indices:
        newest = Day(day=timing.latest_session(draft))
        return Measure(metric="bar.close", time=newest, over="change_pct", base=newest, base_metric="bar.open")
    newest_tick = timing.tick_time(draft, None)
    return Measure(metric="quote.price", time=newest_tick, over="change_pct", base=Latest(), base_metric="quote.open")


def _plain_change(draft: Draft, parts: Parts) -> tuple[Measure, ...]:
    if parts.ask.when is None:
        question = draft.question.rstrip("?. ")
        raise clarify(
            "Since when?",
            *[
                (label, f"{question} {words}")
                for label, words in (
                    ("since the previous close", "since the previous close"),
                    ("this month", "this month"),
                    ("year to date", "year to date"),
                )
            ],
        )
    if parts.ask.when.kind in {"now", "today"}:
        return measures(draft, "change_pct", replace(parts.ask, change=False))
    return measures(draft, "price" if parts.ask.when.kind == "clock" else "change_pct", parts.ask)


def build_list(draft: Draft, parts: Parts) -> Plan:
    """Companies under conditions."""
    nouns = draft.take("noun")
    draft.take("everything")
    moved = None if parts.threshold_values and not draft.of("move") else moved_condition(draft, parts)
    names = [cast("str", item.value) for item in parts.concepts]
    if len(names) > 1:
        draft.take("compare")
    if names == ["dividend"] and is_period(parts.ask.when):
        parts.concepts[0].used = True
        paid = Measure(metric="bar.dividend", time=timing.days_of(draft, cast("When", parts.ask.when)), over="sum")
        moved = both(moved, Compare(left=paid, op=">", number=0.0))
        parts.concepts = []
    where = both(parts.where, moved)
    if where is None or (
        not parts.threshold_values and moved is None and not nouns and not parts.concepts and not parts.attributes
    ):
        raise needs_metric(draft)
    inside = condition_values(where)
    if parts.ask.when is not None and not inside and not parts.concepts:
        raise not_understood(f"“{parts.ask.when.text}”")
    if parts.concepts and not inside and not nouns and not draft.lexed.words[0].startswith("list"):
        raise clarify(
            "A figure of each company, or one for all of them?",
            ("of each company", f"companies: {draft.question}"),
            ("the average", f"average {draft.question}"),
            ("the median", f"median {draft.question}"),
        )
    values = (*inside, *(value for value in asked_values(draft, parts) if value not in inside))
    return Plan(
        kind=kind_of(parts, values, "filter"),
        entity="company",
        values=values,
        attributes=tuple(parts.attributes),
        where=where,
        chart=parts.chart,
    )
