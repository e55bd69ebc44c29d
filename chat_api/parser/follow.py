"""Follow-ups: a short question that edits the plan before it.

An edit applies only where every word of the question belongs to it; else the question is read by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

from chat_api.entities import describe
from chat_api.parser import conditions as thresholds
from chat_api.parser import timing
from chat_api.parser.draft import Draft, Stop, clarify, not_understood, when_of
from chat_api.parser.lexer import Item
from chat_api.parser.measures import ATTRIBUTES, Ask, measures
from chat_api.parser.sentence import compose, finish
from chat_api.plan import (
    AllOf,
    Among,
    Condition,
    Day,
    Days,
    Fold,
    Frozen,
    Instant,
    Latest,
    Measure,
    Not,
    Order,
    Plan,
    Rank,
    Ratio,
)  # fmt: skip
from chat_api.times import When, months_before

_MARKS = {
    "and",
    "about",
    "same",
    "now",
    "instead",
    "only",
    "without",
    "drop",
    "add",
    "put",
    "sort",
    "pronoun",
    "make",
    "as",
    "ie",
    "divide",
    "per_employee",
    "other",
}
_POSSESSIVE = {"its", "their", "it", "they", "them", "those", "these"}


def follow(draft: Draft, previous: Plan) -> Plan | None:
    """The edited plan, or None where the question stands by itself."""
    if draft.has("follow", "other"):
        raise clarify("Which other one? Name a company, sector or tag.", ("name a company or ticker", None))
    kinds = {item.kind for item in draft.items if item.kind not in {"fill", "follow", "by_metric"}} - {"and"}
    marks = {cast("str", item.value) for item in draft.of("follow")} | (
        {"and"} if draft.items and draft.items[0].kind == "and" else set()
    )
    for edit in _EDITS:
        edited = edit(draft, previous, kinds, marks)
        if edited is not None:
            _settle(draft)
            return edited.model_copy(update={"notes": tuple(draft.notes)})
    return None


def _settle(draft: Draft) -> None:
    draft.take("follow")
    draft.take("and")
    draft.take("filings")
    finish(draft)


# --- parts of a plan ------------------------------------------------------------------------------------------------


def mapped(node: Any, change: Callable[[Measure], Measure]) -> Any:
    """A plan (or a part) with every measure changed."""
    if isinstance(node, Measure):
        return change(node)
    if isinstance(node, tuple):
        return tuple(mapped(part, change) for part in node)
    if isinstance(node, Frozen):
        parts = {name: mapped(getattr(node, name), change) for name in type(node).model_fields}
        return node.model_copy(update=parts)
    return node


def _pieces(where: Condition | None) -> tuple[Condition, ...]:
    return () if where is None else where.parts if isinstance(where, AllOf) else (where,)


def _together(pieces: list[Condition]) -> Condition | None:
    return None if not pieces else pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))


def _among(plan: Plan, dimension: str) -> tuple[str, ...]:
    for piece in _pieces(plan.where):
        if isinstance(piece, Among) and piece.dimension == dimension and not piece.negated:
            return piece.values
    return ()


def _with(plan: Plan, dimension: str, values: tuple[str, ...], *, negated: bool = False) -> Plan:
    """The plan with one list of a dimension put in the place of another, or added."""
    kept = [
        p
        for p in _pieces(plan.where)
        if not (isinstance(p, Among) and p.dimension == dimension and p.negated == negated)
    ]
    return plan.model_copy(
        update={"where": _together([Among(dimension=dimension, values=values, negated=negated), *kept])}
    )


def _symbols(draft: Draft) -> tuple[str, ...]:
    found: list[str] = []
    for item in draft.of("company"):
        found.extend(symbol for symbol in cast("tuple[str, ...]", item.value) if symbol not in found)
    return tuple(found)


# --- edits ----------------------------------------------------------------------------------------------------------


def _shift(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`a week later`, `the day after`."""
    shifts = [value for value in marks if value.startswith(("day", "month", "session"))]
    if len(shifts) != 1 or kinds:
        return None
    unit, step = shifts[0][:-2], int(shifts[0][-2:])

    def moved(measure: Measure) -> Measure:
        if not isinstance(measure.time, Day) or measure.base is not None:
            raise clarify("From which day on?", ("name a day", None))
        return measure.model_copy(update={"time": _moved_day(draft, measure, unit, step)})

    return cast("Plan", mapped(plan, moved))


def _moved_day(draft: Draft, measure: Measure, unit: str, step: int) -> Day | Days:
    day = cast("Day", measure.time).day
    calendar = draft.context.calendar
    if unit == "session":
        target = calendar.next_session(day) if step > 0 else calendar.previous_session(day)
    else:
        target = day + timedelta(days=step) if unit == "day" else months_before(day, -step)
    if target > draft.context.today:
        raise not_understood("a day that has not come")
    when = When("day", target, target, text=str(target))
    subject = measure.metric.split(".", maxsplit=1)[0]
    if subject == "attention":
        return timing.visit_days(draft, when)
    if subject == "signal":
        return cast("Day", timing.signal_time(draft, when))
    if subject == "bar" and step > 0 and not calendar.is_session(target) and timing.session_of(draft, when) <= day:
        raise not_understood(f"a session between {day} and {target}")
    return Day(day=timing.session_of(draft, when))


def _chart(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    if kinds != {"chart"} or marks - {"as", "make", "now", "and", "add", "put", "pronoun"}:
        return None
    draft.take("chart")
    return plan.model_copy(update={"chart": True})


def _companies(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`and Pepsi?`, `same for CVX and COP`, `put BofA and Visa next to it`."""
    if "ambiguous" in kinds and kinds <= {"ambiguous", "company", "compare"} and _among(plan, "symbol"):
        return None
    if (
        not kinds
        or not kinds <= {"company", "compare"}
        or not (held := _among(plan, "symbol") or (plan.rank.of if plan.rank else ()))
    ):
        return None
    named = _symbols(draft)
    adding = bool(draft.take("compare")) or bool(marks & {"add", "put"})
    draft.take("company")
    symbols = tuple(dict.fromkeys([*held, *named])) if adding else named
    if plan.rank is not None:
        return plan.model_copy(update={"rank": Rank(of=symbols, descending=plan.rank.descending)})
    if plan.difference and len(symbols) != 2:
        raise not_understood("a difference of other than two companies")
    edited = _with(plan, "symbol", symbols)
    return edited.model_copy(update={"kind": "compare"}) if len(symbols) > 1 and plan.kind == "lookup" else edited


def _tags(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    held = _among(plan, "tag")
    if kinds - {"compare"} != {"tag"} or not held:
        return None
    named = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("tag")))
    adding = bool(draft.take("compare")) or bool(marks & {"add", "put"})
    return _with(plan, "tag", tuple(dict.fromkeys([*held, *named])) if adding else named)


def _role(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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


def _sectors(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`only technology`, `leave out financials and real estate`, `what about energy?`"""
    if not kinds or not kinds <= {"sector", "not", "compare", "or", "noun", "unit"} or "sector" not in kinds:
        return None
    if (
        plan.entity not in {"company", "sector"}
        or _among(plan, "symbol")
        or plan.rank is not None
        or plan.share is not None
    ):
        return None
    values = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("sector")))
    negated = bool(draft.take("not")) or "without" in marks
    for kind in ("compare", "or", "noun", "unit"):
        draft.take(kind)
    if negated:
        return _with(plan, "sector", values, negated=True)
    return _with(plan, "sector", values)


def _order(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`the 10 worst instead`, `sort them by market cap, largest first`, `which one is the highest?`"""
    if plan.entity == "table":
        return _oldest(draft, plan, kinds)
    if "concept" in kinds:
        return _sorted_by(draft, plan, kinds, marks)
    if (
        not kinds
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


def _by(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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


def _count(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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
    if _among(plan, "symbol") or plan.limit is not None:
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


def _filter(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`only those with a P/E below 20`, `drop the ones without a dividend`."""
    if not ({"cmp", "word", "not", "between", "cmp_after"} & kinds) or "company" in kinds or "sector" in kinds:
        return None
    if (
        not marks & {"only", "drop", "without", "pronoun", "and", "now"}
        or plan.entity != "company"
        or plan.rank
        or plan.share
        or plan.bucket
        or _among(plan, "symbol")
    ):
        return None
    found = thresholds.conditions(draft, Ask(when=_time_of(plan)))
    condition = thresholds.joined(draft, found)
    if condition is None:
        return None
    draft.take("noun")
    if "drop" in marks:
        condition = Not(part=condition)
    return plan.model_copy(update={"where": _together([*_pieces(plan.where), condition])})


def _per_head(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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


def _metric(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`and its P/E?`, `how many employees does it have?`: the companies before, another figure."""
    held = _among(plan, "symbol")
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
    when = _time_of(plan)
    concepts = [item for item in draft.of("concept") if item.value not in ATTRIBUTES]
    if when is not None and concepts and not draft.of("time"):
        draft.items.append(Item("time", when, len(draft.lexed.words), len(draft.lexed.words), when.text))
    draft.take("agg", "count")
    return compose(draft)


def _time_of(plan: Plan) -> When | None:
    """The time of the plan before, for another figure at the same time."""
    for value in plan.values:
        measure = value.over if isinstance(value, Ratio) else value
        if measure.base is not None or measure.metric.startswith(("company.", "forecast.")):
            return None
        time = measure.time
        if isinstance(time, Day):
            return When("day", time.day, time.day, text=str(time.day))
        if isinstance(time, Days):
            return When("period", time.start, time.end, text=f"{time.start} to {time.end}")
        if isinstance(time, Latest | Instant):
            return None
    return None


# metric → the concept that means it, for asking the same at another time
_CONCEPT_OF = {
    "bar.close": "close", "bar.open": "open", "bar.high": "day_high", "bar.low": "day_low", "bar.volume": "volume", "bar.adj_close": "adj_close", "bar.return": "daily_return", "bar.dividend": "dividend",
    "attention.visits": "visits", "attention.share": "visit_share", "attention.rank": "visit_rank", "attention.relative": "relative",
    "signal.posts": "posts", "signal.engagement": "engagement", "signal.sentiment": "sentiment", "signal.composite": "composite",
    "quote.volume": "volume", "quote.change_pct": "change_pct", "quote.price": "price", "forecast.error": "error",
}  # fmt: skip


def _retime(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
    """`and last week?`, `what about yesterday?`: the same at another time."""
    if (
        kinds != {"time"}
        or len(draft.of("time")) != 1
        or not (marks & {"and", "about", "same", "now", "instead", "as"} or len(draft.items) <= 4)
    ):
        return None
    when = when_of(draft.take("time")[0])
    if plan.bucket is not None or plan.entity in {"table", "session"}:
        raise clarify("Ask again in full with the new time.", ("name the figure and the period", None))

    def changed(measure: Measure) -> Measure:
        return _at(draft, measure, when)

    return cast("Plan", mapped(plan, changed))


def _at(draft: Draft, measure: Measure, when: When) -> Measure:
    if measure.metric.startswith("company."):
        return measure
    over = measure.over
    concept = over if over in {"return", "volatility", "drawdown"} else _CONCEPT_OF.get(measure.metric)
    if concept is None or measure.base_metric is not None:
        raise clarify("Ask again in full with the new time.", ("name the figure and the time", None))
    change = over in {"change", "change_pct"}
    statistic = (
        over
        if over in {"average", "max", "min", "sum", "median"} and not (measure.metric.startswith("signal."))
        else None
    )
    ask = Ask(
        when=when,
        statistic=cast("Any", statistic),
        change=change,
        percent=over != "change",
        role=measure.role or "champion",
    )
    found = measures(draft, concept, ask)
    if len(found) != 1:
        raise not_understood("the new time")
    return found[0]


_EDITS: tuple[Callable[[Draft, Plan, set[str], set[str]], Plan | None], ...] = (
    _shift, _chart, _companies, _tags, _role, _sectors, _count, _order, _by, _filter, _per_head, _metric, _retime,
)  # fmt: skip

__all__ = ["Stop", "date", "follow", "replace"]
