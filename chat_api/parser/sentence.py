"""A whole question to a plan: who it is about, what is asked of them, when, and in which form.

Every word has to find its place. What is left over at the end refuses the question.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.entities import describe
from chat_api.parser import conditions as thresholds
from chat_api.parser import shapes
from chat_api.parser.draft import Draft, clarify, not_loaded, not_understood, when_of
from chat_api.parser.lexer import Item
from chat_api.parser.measures import ATTRIBUTES, NOT_LOADED, PERIOD_ONLY, Ask, is_period
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import PRICED
from chat_api.parser.words import Vague
from chat_api.plan import AllOf, Among, Condition, Plan, Ratio, Statistic
from chat_api.times import When


def compose(draft: Draft) -> Plan:
    """The plan of a question without a question before it.

    Raises:
        Stop: with a clarification or a refusal.
    """
    _vague(draft)
    when = _time(draft)
    if when is None and draft.of("word") and draft.has("word", "on_day") and not draft.of("company"):
        draft.take("word", "on_day")
        when = When("today", draft.context.today, draft.context.today, text="on the day")
    _performance(draft, when)
    parts = Parts(ask=Ask(when=when))
    _roles(draft, parts)
    _who(draft, parts)
    _statistics(draft, parts)
    _change(draft, parts)
    found = thresholds.conditions(draft, parts.ask)
    threshold = thresholds.joined(draft, found)
    _lists(draft, parts)
    parts.threshold_values = [one.condition for one in found]
    pieces = [condition for condition in (parts.where, threshold) if condition is not None]
    parts.where = None if not pieces else pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))
    _by(draft, parts)
    parts.concepts = _concepts(draft, parts)
    plan = shapes.build(draft, parts)
    _about(draft, plan)
    _expressed(parts, plan)
    finish(draft)
    return plan.model_copy(update={"notes": tuple(draft.notes)})


def finish(draft: Draft) -> None:
    """Refuse what has not been placed."""
    left = [
        item
        for item in draft.left()
        if item.kind not in _HARMLESS and not (item.kind == "follow" and item.value in _HARMLESS_FOLLOW)
    ]
    if left:
        raise not_understood(", ".join(f"“{' '.join(draft.lexed.raw[item.at : item.end])}”" for item in left))


_COUNTS = {
    "company.employees",
    "signal.posts",
    "attention.visits",
    "bar.volume",
    "quote.volume",
    "minute.volume",
    "sector.advancers",
    "sector.decliners",
    "sector.companies",
    "sector.volume",
}
_ARE_CHANGES = {"quote.change", "quote.change_pct", "bar.return", "sector.change_avg", "sector.change_weighted"}


def _expressed(parts: Parts, plan: Plan) -> None:
    """What was said of aggregates, counts and changes has to be in the plan, not only placed."""
    values = [value.over if isinstance(value, Ratio) else value for value in plan.values]
    if parts.statistic is not None and plan.entity not in {"sector", "tag"} and plan.share is None:
        folded = plan.fold is not None and plan.fold.statistic == parts.statistic
        if not folded and not any(value.over == parts.statistic for value in values):
            raise not_understood(f"the {parts.statistic}")
    if (
        parts.count
        and plan.fold is None
        and plan.share is None
        and not any(value.metric in _COUNTS or value.over == "count" for value in values)
    ):
        raise not_understood("what is counted")
    if parts.ask.change and not any(
        value.base is not None or value.metric in _ARE_CHANGES or value.over == "return" for value in values
    ):
        raise not_understood("the change")


def _about(draft: Draft, plan: Plan) -> None:
    """Words that only fit some figures: filings are visited, dates are when."""
    text = plan.model_dump_json()
    if '"attention.' in text:
        draft.take("filings")
    if '"bar.split"' in text:
        draft.take("ratio")
    if (
        any(f'"{name}"' in text for name in ("quote.earnings_date", "quote.ex_dividend_date"))
        or plan.entity == "session"
    ):
        draft.take("when")


_HARMLESS = {"and", "by_metric"}
_HARMLESS_FOLLOW = {"and", "put", "now", "only", "as"}


def _vague(draft: Draft) -> None:
    for item in draft.of("vague"):
        question, choices = cast("Vague", item.value)
        raise clarify(question, *[(label, draft.replaced(item, words) if words else None) for label, words in choices])


def _performance(draft: Draft, when: When | None) -> None:
    """`performance` with a period is the return over it; without one it has no meaning."""
    for item in draft.of("perform"):
        if is_period(when) and draft.of("company") and not draft.of("concept"):
            item.kind, item.value = "concept", "return"
        else:
            question = draft.question.rstrip("?. ")
            raise clarify(
                "Performance needs a measure and a period. Which is meant?",
                *[
                    (label, f"{draft.replaced(item, words)}".rstrip("?. "))
                    for label, words in (
                        ("change % today", "change % today"),
                        ("return this month", "return this month"),
                        ("return year to date", "return year to date"),
                    )
                ],
                ("another period", None) if question else ("", None),
            )


# --- time -----------------------------------------------------------------------------------------------------------


def _time(draft: Draft) -> When | None:
    """The one time of a question: a clock joined with its day, two days joined to a pair."""
    found = draft.take("time")
    whens = [when_of(item) for item in found]
    clocks = [when for when in whens if when.kind in {"clock", "minutes"}]
    days = [when for when in whens if when.kind not in {"clock", "minutes"}]
    if len(days) > 1:
        days = _distinct(days)
    if len(clocks) == 2 and len(days) <= 1 and all(clock.kind == "clock" for clock in clocks):
        first, second = (replace(clock, start=days[0].start if days else None) for clock in clocks)
        return When("pair", first=first, second=second, text=f"{first.text} and {second.text}")
    if len(clocks) == 1 and len(days) <= 1:
        clock = clocks[0]
        day = days[0] if days else None
        if day is not None and day.kind not in {"day", "today", "yesterday", "session", "now"}:
            raise not_understood(f"“{clock.text}” with “{day.text}”")
        if clock.kind == "minutes" and clock.clock is not None and _two_ticks(draft, clock):
            first = When("clock", start=day.start if day else None, clock=clock.clock, grain="tick", text=clock.text)
            return When("pair", first=first, second=replace(first, clock=clock.clock_end), text=clock.text)
        start = day.start if day is not None and day.kind in {"day", "yesterday"} else None
        return replace(clock, start=start, text=f"{clock.text} {day.text}" if day else clock.text)
    if clocks:
        raise not_understood("several times of the day")
    if len(days) == 2:
        return _two_days(draft, *days)
    if len(days) > 2:
        raise not_understood("several dates")
    return days[0] if days else None


def _two_ticks(draft: Draft, clock: When) -> bool:
    return "tick" in draft.lexed.words and "minute" not in draft.lexed.words and clock.clock_end is not None


def _distinct(days: list[When]) -> list[When]:
    """`now`, `today` and the latest session beside a wider time add nothing to it."""
    plain = [day for day in days if day.kind not in {"now", "today"}]
    if not plain:
        return days[:1]
    unique: list[When] = []
    for day in plain:
        if not any(replace(day, text="") == replace(other, text="") for other in unique):
            unique.append(day)
    if (
        len(unique) == 1
        and unique[0].kind in {"day", "yesterday", "session", "next", "hour"}
        and len(plain) < len(days)
    ):
        if unique[0].kind == "day":
            return [unique[0]] if not any(day.kind == "now" for day in days) else days
        return unique
    return unique


def _two_days(draft: Draft, first: When, second: When) -> When:
    if draft.has("compare") or draft.has("apart") or draft.has("change") or draft.has("and"):
        days = {"day", "yesterday"}
        if first.kind in days and second.kind in days and first.start and second.start:
            early, late = sorted((first, second), key=lambda when: str(when.start))
            draft.take("compare")
            return When("pair", first=early, second=late, text=f"{early.text} and {late.text}")
    raise not_understood(f"“{first.text}” together with “{second.text}”")


# --- who ------------------------------------------------------------------------------------------------------------


def _roles(draft: Draft, parts: Parts) -> None:
    parts.roles = list(dict.fromkeys(cast("str", item.value) for item in draft.take("role")))
    if parts.roles:
        parts.ask = replace(parts.ask, role=parts.roles[0])
    words = draft.lexed.words
    when = parts.ask.when
    minute_words = {"minute", "minutes"} & set(words)
    if minute_words or (when is not None and (when.kind == "minutes" or when.grain == "minute")):
        parts.ask = replace(parts.ask, at_minutes=True)


def _who(draft: Draft, parts: Parts) -> None:
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


def _lists(draft: Draft, parts: Parts) -> None:
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


# --- what -----------------------------------------------------------------------------------------------------------


def _statistics(draft: Draft, parts: Parts) -> None:
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


def _change(draft: Draft, parts: Parts) -> None:
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
    parts.ask = replace(parts.ask, percent=percent)
    draft.take("percent")


def _by(draft: Draft, parts: Parts) -> None:
    found = draft.take("by")
    names = list(dict.fromkeys(cast("str", item.value) for item in found))
    if len(names) > 1:
        raise not_understood("more than one grouping")
    parts.by = names[0] if names else None
    if parts.by == "publisher":
        raise not_loaded(*NOT_LOADED["news"])
    if draft.take("chart"):
        parts.chart = True


def _concepts(draft: Draft, parts: Parts) -> list[Item]:
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
