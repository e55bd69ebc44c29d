"""Questions about what was: who entered and left the universe, and how a company was described before."""

from __future__ import annotations

from datetime import date
from typing import cast

from chat_api.parser.draft import Draft, Stop, clarify, not_loaded, not_understood, when_of
from chat_api.parser.measures.concepts import ATTRIBUTES, is_period
from chat_api.parser.sentence.checks import finish
from chat_api.parser.sentence.when import find_time
from chat_api.parser.shapes.common import both
from chat_api.plan import Among, Compare, Condition, Day, Days, Latest, Measure, Order, Over, Plan, Refusal, Time
from chat_api.times import When
from lake.market_calendar import NEW_YORK

_NEWEST_KIND = {"now", "today"}
# Words without meaning elsewhere that name a field when a change of it is asked.
_FIELD_WORDS = {"name": "name", "names": "name", "headquarters": "city", "hq": "city"}
FIELDS = {
    "name",
    "sector",
    "industry",
    "exchange",
    "currency",
    "country",
    "city",
    "address",
    "website",
    "cik",
    "description",
}


def read(draft: Draft) -> Plan | None:
    """A plan over the universe's or a company's history, or None where the question is about something else.

    Raises:
        Stop: where the time is open, or not on record.
    """
    if draft.of("member"):
        return _membership(draft)
    return _versions(draft)


# --- the universe ---------------------------------------------------------------------------------------------------


def _membership(draft: Draft) -> Plan:
    kinds = {cast("str", item.value) for item in draft.take("member")}
    symbols = _companies(draft)
    sectors = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("sector")))
    draft.take("noun")
    draft.take("unit", "sector")
    draft.take("when")
    draft.take("everything")
    limit = _top(draft)
    when = find_time(draft)
    draft.take("and")
    draft.take("or")
    held = draft.context.universe_days
    if not held:
        raise not_loaded("The universe is", "no session of it is there yet", "It is taken once a session.")
    if not symbols and when is None:
        question = draft.question.rstrip("?. ")
        raise clarify("Over which time?", *[(said, f"{question} {said}") for said in ("this week", "this month")])
    span = _span(draft, when)
    finish(draft)
    where: list[Condition | None] = [
        Among(dimension="symbol", values=symbols) if symbols else None,
        Among(dimension="sector", values=sectors) if sectors else None,
        Compare(left=Measure(metric="member.rank", time=span), op="<=", number=float(limit)) if limit else None,
    ]
    if symbols and isinstance(span, Latest):
        draft.note(f"the record begins on {held[0]}: who was a member then came in on that day or before")
    values = tuple(Measure(metric=f"member.{kind}", time=span) for kind in ("entered", "left") if kind in kinds)
    return Plan(
        kind="history",
        entity="member",
        values=values,
        where=both(*where),
        order=(Order(value=None, descending=False),),
        notes=tuple(draft.notes),
    )


def _top(draft: Draft) -> int | None:
    """`the top 100 of Technology`: the places counted as being in."""
    numbers = draft.of("number")
    if not draft.of("sup") and not numbers:
        return None
    if len(numbers) != 1 or any(item.value is False for item in draft.of("sup")):
        raise not_understood("how many places")
    value, unit = cast("tuple[float, str | None]", numbers[0].value)
    if unit is not None or not value.is_integer() or value < 1:
        raise not_understood(f"“{numbers[0].text}”")
    draft.take("number")
    draft.take("sup")
    return int(value)


def _span(draft: Draft, when: When | None) -> Time:
    """The recorded sessions of a time with the one before it, against which its first is held."""
    held = draft.context.universe_days
    if when is None:
        return Latest()
    if when.kind == "sessions":
        days = held[-when.count - 1 :]
        if len(days) <= when.count:
            raise _unrecorded(held, when)
        return Days(start=days[1], end=days[-1], base=days[0])
    if when.kind == "session":
        first = last = held[-1]
    elif (
        when.start is not None
        and when.end is not None
        and when.kind in {"day", "yesterday", "today", "period", "since"}
    ):
        first, last = when.start, when.end
    else:
        raise clarify("Over which time?", ("this month", None), ("this week", None))
    inside = [day for day in held if first <= day <= last]
    before = [day for day in held if day < first]
    if not inside or not before:
        raise _unrecorded(held, when)
    return Days(start=inside[0], end=inside[-1], base=before[-1])


def _unrecorded(held: tuple[date, ...], when: When) -> Stop:
    return not_loaded(
        f"The universe of {when.text or 'that time'}, with the session before it, is",
        f"it is on record from {held[0]} to {held[-1]}",
        "Ask for a time after its first session.",
    )


# --- a company's description ----------------------------------------------------------------------------------------


def _versions(draft: Draft) -> Plan | None:
    if not draft.of("company") or draft.of("sector", "tag", "index", "number"):
        return None
    fields = _fields(draft)
    led = draft.lexed.words[:1] in (["when"], ["has"], ["have"], ["did"]) or draft.of("history")
    asked = draft.of("change", "history") and (led or draft.of("concept"))
    if not fields or not (asked or _as_of(draft)):
        return None
    if not asked and any(is_period(when_of(item)) for item in draft.of("time")):
        raise clarify(
            "A description is in force from one day to another. As of which day, or its changes?",
            ("its changes", f"history of {draft.question}"),
            ("a day that you name", None),
        )
    symbols = _companies(draft)
    for kind in ("change", "history", "when"):
        draft.take(kind)
    draft.take("concept", *fields)
    draft.take("unit", "sector")
    draft.take("own_sector")
    draft.take("agg", "count")
    when = find_time(draft)
    finish(draft)
    names = list(dict.fromkeys(fields.values()))
    if "symbol" in names:
        raise Stop(
            Refusal(
                code="not_in_data",
                reason="When a ticker was another is not answered.",
                suggestion="Changes of the name, sector, industry, city, website or employees can be asked.",
            )
        )
    time = _described(draft, when)
    over: Over = "value" if isinstance(time, Day) else "change"
    values = tuple(Measure(metric=f"company.{name}", time=time, over=over) for name in names)
    where = Among(dimension="symbol", values=symbols)
    order = (Order(value=None, descending=False),)
    return Plan(kind="history", entity="version", values=values, where=where, order=order, notes=tuple(draft.notes))


def _companies(draft: Draft) -> tuple[str, ...]:
    symbols = [symbol for item in draft.take("company") for symbol in cast("tuple[str, ...]", item.value)]
    return tuple(dict.fromkeys(symbols))


def _fields(draft: Draft) -> dict[str, str]:
    """Concept (or word) → the field of the description; empty where something else is asked as well."""
    found: dict[str, str] = {}
    for item in draft.of("concept"):
        name = cast("str", item.value)
        field = "employees" if name == "employees" else ATTRIBUTES.get(name)
        if field not in FIELDS | {"employees", "symbol"}:
            return {}
        found[name] = field
    if draft.has("unit", "sector") or draft.of("own_sector"):
        found["sector_of"] = "sector"
    if not found:
        found = {word: _FIELD_WORDS[word] for word in draft.lexed.words if word in _FIELD_WORDS}
    return found


def _as_of(draft: Draft) -> bool:
    """Whether a time in the past is named: the description in force then is asked."""
    return any(when_of(item).kind in {"day", "yesterday"} or is_period(when_of(item)) for item in draft.of("time"))


def _described(draft: Draft, when: When | None) -> Time:
    begun = draft.context.described_from
    if begun is None:
        raise not_loaded("Companies' descriptions are", "none are there yet", "They are read once a session.")
    first = begun.astimezone(NEW_YORK).date()
    since = f"descriptions are on record from {first} on"
    if when is None or when.kind in _NEWEST_KIND:
        draft.note(since)
        return Latest()
    if when.start is None or when.end is None:
        raise clarify("Over which time?", ("this month", None), ("year to date", None))
    if when.start < first:
        raise not_loaded(
            f"The description of {when.text or when.start} is", since, "Ask for a later time, or without one."
        )
    if is_period(when):
        return Days(start=when.start, end=when.end)
    return Day(day=when.start)
