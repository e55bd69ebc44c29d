"""An index's figures: by the day from its bars, its newest level from its minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from chat_api.glossary import TERMS
from chat_api.parser import timing
from chat_api.parser.draft import Draft, Stop, not_loaded
from chat_api.parser.measures.concepts import OF_AN_INDEX, PERIOD_ONLY, RANGES, Ask, is_period
from chat_api.parser.measures.market import market_measures
from chat_api.plan import Day, Days, Latest, Measure, Refusal
from chat_api.times import When, months_before

_BY_DAY = {
    "close": "bar.close", "open": "bar.open", "high": "bar.high", "low": "bar.low", "day_high": "bar.high", "day_low": "bar.low",
    "volume": "bar.volume", "daily_return": "bar.return", "change_pct": "bar.return",
}  # fmt: skip


def index_measures(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    """The measures that a concept means for indices, in the names that companies' bars have."""
    when = ask.when
    if ask.at_minutes and concept == "price" and when is not None and when.kind == "now":
        return (Measure(metric="index_minute.close", time=Latest()),)
    if concept in RANGES:
        return tuple(one for end in RANGES[concept] for one in index_measures(draft, end, ask))
    by_minute = ask.at_minutes or (when is not None and when.kind in {"clock", "minutes"})
    if concept in PERIOD_ONLY or (is_period(when) and concept in {*_BY_DAY, "price", "change"}):
        return market_measures(draft, concept, ask)
    if concept == "average_volume" and is_period(when):
        return market_measures(draft, "volume", replace(ask, statistic="average"))
    if by_minute and len({held.calendar.zone for held in draft.context.indices}) > 1:
        raise Stop(
            Refusal(
                code="not_in_data",
                reason="Indices of exchanges in different time zones are not compared by the minute.",
                suggestion="Ask for the minute of one index, or compare their closes.",
            )
        )
    if by_minute and concept in {"price", "close", "open", "high", "low", "day_high", "day_low", "volume"}:
        if when is not None and when.kind == "clock" and when.clock is not None:
            draft.note(f"{when.clock:%H:%M} as the minute that begins then; the level is its close")
        return market_measures(draft, concept, replace(ask, at_minutes=True))
    if concept == "price" and (when is None or when.kind == "now"):
        if any(held.latest_minute is not None for held in draft.context.indices):
            draft.note("the level as the close of the newest minute")
            return (Measure(metric="index_minute.close", time=Latest()),)
        return (_on(draft, "bar.close", None),)
    if concept == "price" or (concept in _BY_DAY and (concept != "change_pct" or ask.percent)):
        measure = _on(draft, _BY_DAY.get(concept, "bar.close"), when)
        if ask.change and concept not in {"change_pct", "price", "close"}:
            raise _not_of(f"change of the {concept}")
        return (_against_before(draft, measure, ask) if ask.change else measure,)
    if concept == "change" or (concept == "change_pct" and not ask.percent):
        return (_against_before(draft, _on(draft, "bar.close", when), replace(ask, percent=False)),)
    if concept == "previous_close":
        day = timing.session_of(draft, when) if when is not None else timing.latest_session(draft)
        return (_on(draft, "bar.close", When("day", before := _before(draft, day), before, text=str(before))),)
    if concept in {"high_52w", "low_52w"}:
        return (_of_52_weeks(draft, concept, when),)
    raise _not_of(TERMS.get(concept, (concept.replace("_", " "), ""))[0])


def _not_of(what: str) -> Stop:
    return Stop(
        Refusal(code="not_in_data", reason=f"The {what} of an index is not in the data.", suggestion=OF_AN_INDEX)
    )


def _on(draft: Draft, metric: str, when: When | None) -> Measure:
    newest = when is None or when.kind in {"now", "today", "session"}
    day = timing.latest_session(draft) if when is None or newest else timing.session_of(draft, when)
    if when is not None and when.kind == "today" and day != draft.context.today:
        draft.note(f"today: the newest session loaded, {day}")
    return Measure(metric=metric, time=Day(day=day))


def _before(draft: Draft, day: date) -> date:
    found = draft.context.calendar.previous_session(day)
    if found not in draft.context.session_set:
        raise not_loaded(
            f"The session before {day} is", f"the first one loaded is {draft.context.sessions[0]}", OF_AN_INDEX
        )
    return found


def _against_before(draft: Draft, measure: Measure, ask: Ask) -> Measure:
    """A day's close against the close of the session before."""
    assert isinstance(measure.time, Day)
    if measure.metric == "bar.return":
        return measure
    base = Day(day=_before(draft, measure.time.day))
    return measure.model_copy(update={"over": "change_pct" if ask.percent else "change", "base": base})


def _of_52_weeks(draft: Draft, concept: str, when: When | None) -> Measure:
    last = timing.session_of(draft, when) if when is not None else timing.latest_session(draft)
    start = months_before(last, 12) + timedelta(days=1)
    days = timing.days_of(draft, When("period", start, last, text=f"the 52 weeks up to {last}"))
    high = concept == "high_52w"
    return Measure(
        metric="bar.high" if high else "bar.low",
        time=Days(start=days.start, end=days.end),
        over="max" if high else "min",
    )
