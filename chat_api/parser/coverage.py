"""Questions about what came at the ticks: coverage, gaps, and who was missing for which reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import cast

from chat_api.parser.draft import Draft, clarify, not_loaded, when_of
from chat_api.parser.sentence.checks import finish
from chat_api.parser.sentence.when import find_time
from chat_api.parser.shapes.common import both
from chat_api.parser.timing.ticks import at_exchange
from chat_api.plan import Among, Compare, Condition, Fold, Instant, Instants, Measure, Order, Plan
from chat_api.times import When, session_on_or_before
from lake.market_calendar import NEW_YORK

_ASKED_BACK = ("today", "this week", "at the last tick")
_COUNTS = ("coverage.expected", "coverage.received", "coverage.missing", "coverage.share")


def read(draft: Draft) -> Plan | None:
    """A plan over the coverage, or None where the question is about something else.

    Raises:
        Stop: where the time is open, or not on record.
    """
    asked = [item for item in draft.of("data") if item.value in {"gaps", "coverage"}]
    tables = {item.value for item in draft.of("table")}
    if not asked or tables - {"quotes"} or draft.of("concept", "tag", "index", "ambiguous"):
        return None
    missing = any(item.text == "missing" for item in asked)
    gaps = any(item.value == "gaps" for item in asked)
    draft.take("data", "gaps", "coverage")
    draft.take("table")
    when = _when(draft)
    if gaps and when is None and not (missing and draft.of("noun", "company", "why")):
        question = draft.question.rstrip("?. ")
        raise clarify("The gaps of which time?", *[(time, f"{question} {time}") for time in _ASKED_BACK])
    time = recorded(draft, when)
    symbols = tuple(symbol for item in draft.take("company") for symbol in cast("tuple[str, ...]", item.value))
    sectors = tuple(dict.fromkeys(cast("str", item.value) for item in draft.take("sector")))
    where = both(
        Among(dimension="symbol", values=symbols) if symbols else None,
        Among(dimension="sector", values=sectors) if sectors else None,
    )
    by = [cast("str", item.value) for item in draft.take("by", "sector")]
    counted = bool(draft.take("agg", "count"))
    draft.take("noun")
    why = bool(draft.take("why"))
    if draft.take("unit", "sector"):
        by = ["sector"]
    draft.take("unit", "tick")
    draft.take("by_metric")
    chart = True if draft.take("chart") else None
    finish(draft)
    notes = tuple(draft.notes)
    if (missing or why or symbols) and not counted and not by and (gaps or symbols or why):
        return _listed(time, where, symbols, notes)
    return _by_tick(time, where, by, gaps and not missing, notes, chart)


def _when(draft: Draft) -> When | None:
    """The time of the question; `the last tick` is one too."""
    draft.take("data", "newest_tick")
    if any("tick" in when_of(item).text and when_of(item).kind == "now" for item in draft.of("time")):
        draft.take("time")
        return When("now")
    return find_time(draft)


def _listed(
    time: Instant | Instants, where: Condition | None, symbols: tuple[str, ...], notes: tuple[str, ...]
) -> Plan:
    """Who was missing; of named companies at one tick, whether each was."""
    names: tuple[str, ...] = ("coverage.reason", "coverage.detail")
    if symbols and isinstance(time, Instant):
        names = ("coverage.came", *names)
    else:
        came = Measure(metric="coverage.missing", time=time)
        where = both(where, Compare(left=came, op=">", number=0.0))
    values = tuple(Measure(metric=name, time=time) for name in names)
    return Plan(kind="data", entity="coverage", values=values, where=where, notes=notes)


def _by_tick(
    time: Instant | Instants,
    where: Condition | None,
    by: list[str],
    gaps: bool,
    notes: tuple[str, ...],
    chart: bool | None,
) -> Plan:
    """How many were expected and came, tick by tick or by sector; of gaps the ticks that lack some."""
    names = (*_COUNTS, "coverage.main_reason") if gaps else _COUNTS
    values = tuple(Measure(metric=name, time=time) for name in names)
    if gaps:
        where = both(where, Compare(left=values[2], op=">", number=0.0))
    return Plan(
        kind="data",
        entity="coverage",
        values=values,
        where=where,
        fold=Fold(statistic="count", by=("sector",)) if by else None,
        bucket=None if by else "tick",
        order=(Order(value=None, descending=False),),
        chart=chart,
        notes=notes,
    )


# --- what is on record ----------------------------------------------------------------------------------------------


def recorded(draft: Draft, when: When | None) -> Instant | Instants:
    """The ticks of a time, which have to be on record from the first of them.

    Raises:
        Stop: where they are not, with when the record begins.
    """
    context = draft.context
    held = [tick for tick in context.coverage_ticks if tick <= context.now]
    if not held:
        raise not_loaded("The record of ticks is", "no tick has been taken yet", "Ticks are taken in market hours.")
    if when is None or when.kind == "now":
        return Instant(at=held[-1])
    if when.kind == "clock" and when.clock is not None:
        day = session_on_or_before(when.start, context.calendar) if when.start else held[-1].astimezone(NEW_YORK).date()
        tick = at_exchange(cast("date", day), when.clock, context)
        if tick not in held:
            raise not_loaded(f"The record of the tick of {day} {when.clock:%H:%M} is", _begins(held), _ASK)
        return Instant(at=tick)
    first, last = _days(draft, when, held)
    due = [tick for day in context.calendar.sessions(first, last) for tick in context.calendar.ticks(day)]
    due = [tick for tick in due if tick <= context.now]
    if not due or due[-1] < held[0] or (first != last and due[0] < held[0]):
        raise not_loaded(
            f"The record of the ticks of {when.text.removeprefix('on ') or 'that time'} is", _begins(held), _ASK
        )
    if due[0] < held[0]:
        draft.note(f"the record begins with the tick of {_said(held[0])}")
    known = set(held)
    absent = [tick for tick in due if tick >= held[0] and tick not in known]
    if absent:
        some = ", ".join(_said(tick) for tick in absent[:3])
        draft.note(f"{len(absent)} of the ticks due have no record: {some}{' …' if len(absent) > 3 else ''}")
    return Instants(start=due[0], end=due[-1] + timedelta(microseconds=1))


_ASK = "Ask for a time from then on, such as “coverage today” or “gaps at the last tick”."


def _days(draft: Draft, when: When, held: list[datetime]) -> tuple[date, date]:
    context = draft.context
    newest = held[-1].astimezone(NEW_YORK).date()
    if when.kind == "session":
        return newest, newest
    if when.kind == "sessions":
        days = context.calendar.sessions(newest - timedelta(days=2 * when.count + 10), newest)[-when.count :]
        return days[0], days[-1]
    if when.kind in {"day", "yesterday", "today"} and when.start is not None:
        day = cast("date", session_on_or_before(when.start, context.calendar))
        if day != when.start:
            draft.note(f"{when.text or when.start}: {when.start} was no session, so the one before it, {day}")
        return day, day
    if when.kind in {"period", "since"} and when.start is not None and when.end is not None:
        return when.start, min(when.end, context.today)
    raise clarify(
        "The ticks of which time?", *[(time, f"{draft.question.rstrip('?. ')} {time}") for time in _ASKED_BACK]
    )


def _begins(held: list[datetime]) -> str:
    return f"ticks are on record from {_said(held[0])} to {_said(held[-1])}"


def _said(tick: datetime) -> str:
    return f"{tick.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York time"
