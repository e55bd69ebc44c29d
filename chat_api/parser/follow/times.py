"""Edits of when: a day later, or the same at another time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood, when_of
from chat_api.parser.follow.pieces import mapped
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import Ask
from chat_api.plan import (
    Day,
    Days,
    Measure,
    Plan,
)  # fmt: skip
from chat_api.times import When, months_before


def shifted(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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


# metric → the concept that means it, for asking the same at another time
_CONCEPT_OF = {
    "bar.close": "close", "bar.open": "open", "bar.high": "day_high", "bar.low": "day_low", "bar.volume": "volume", "bar.adj_close": "adj_close", "bar.return": "daily_return", "bar.dividend": "dividend",
    "attention.visits": "visits", "attention.share": "visit_share", "attention.rank": "visit_rank", "attention.relative": "relative",
    "signal.posts": "posts", "signal.engagement": "engagement", "signal.sentiment": "sentiment", "signal.composite": "composite",
    "quote.volume": "volume", "quote.change_pct": "change_pct", "quote.price": "price", "forecast.error": "error",
}  # fmt: skip


def other_time(draft: Draft, plan: Plan, kinds: set[str], marks: set[str]) -> Plan | None:
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
