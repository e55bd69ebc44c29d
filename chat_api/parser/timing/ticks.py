"""Ticks and minutes of a session."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from chat_api.context import Context
from chat_api.parser.draft import Draft, clarify, not_loaded
from chat_api.parser.timing.hints import MORE_MINUTES, MORE_TICKS, loaded_range
from chat_api.plan import Instant, Instants, Latest, Time
from chat_api.times import When, session_on_or_before
from lake.market_calendar import NEW_YORK


def tick_time(draft: Draft, when: When | None) -> Time:
    """The tick of a time: the latest, a named one, or the closing tick of a day."""
    context = draft.context
    newest = context.latest_tick
    if newest is None:
        raise not_loaded("Quotes are", "no tick is there yet", MORE_TICKS)
    if when is None or when.kind in {"now", "today"}:
        return Latest()
    session = newest.astimezone(NEW_YORK).date()
    if when.kind == "session":
        return Latest()
    if when.kind == "clock":
        return Instant(at=_named_tick(draft, when, session))
    if when.kind in {"day", "yesterday"} and when.start:
        day = session_on_or_before(when.start, context.calendar)
        if day is None:
            raise not_loaded(f"Quotes of {when.start} are", _ticks_loaded(context), MORE_TICKS)
        return closing_tick(draft, day)
    raise clarify("At which tick?", ("the latest tick", f"{draft.question.replace(when.text, '')} now"))


def closing_tick(draft: Draft, day: date) -> Instant:
    """The tick at a session's close."""
    tick = draft.context.calendar.close_at(day)
    if tick not in draft.context.ticks:
        raise not_loaded(f"The closing tick of {day} is", _ticks_loaded(draft.context), MORE_TICKS)
    return Instant(at=tick)


def _ticks_loaded(context: Context) -> str:
    if not context.ticks:
        return "no ticks are loaded"
    first, last = (
        tick.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M") for tick in (context.ticks[0], context.ticks[-1])
    )
    return (
        f"ticks are loaded from {first} to {last} New York time"
        if first != last
        else f"the tick of {last} New York time is loaded"
    )


def _named_tick(draft: Draft, when: When, session: date) -> datetime:
    context = draft.context
    day = session_on_or_before(when.start, context.calendar) if when.start else session
    assert when.clock is not None
    if day is None:
        raise not_loaded(f"Quotes of {when.start} are", _ticks_loaded(context), MORE_TICKS)
    tick = at_exchange(day, when.clock, context)
    if tick not in context.calendar.ticks(day):
        raise not_loaded(
            f"A tick at {when.clock:%H:%M} is never taken and is",
            "ticks run every 30 minutes from the open at 9:30 to the close at 16:00 New York time",
            f"Prices before the open and after the close are not in the data; between ticks, {_minutes_loaded(context)}.",
        )
    if tick not in context.ticks:
        raise not_loaded(f"The tick of {day} {when.clock:%H:%M} is", _ticks_loaded(context), MORE_TICKS)
    return tick


def _minutes_loaded(context: Context) -> str:
    return loaded_range(context.minute_sessions, "minute bars")


def session_ticks(draft: Draft, when: When | None) -> Instants:
    """All ticks of one session, which must all be loaded up to now."""
    context = draft.context
    newest = context.latest_tick
    if newest is None:
        raise not_loaded("Quotes are", "no tick is there yet", MORE_TICKS)
    day = newest.astimezone(NEW_YORK).date()
    if when is not None and when.kind in {"day", "yesterday"} and when.start:
        day = session_on_or_before(when.start, context.calendar) or day
    elif when is not None and when.kind not in {"now", "today", "session"}:
        raise not_loaded(f"The ticks of {when.text} are not all", _ticks_loaded(context), MORE_TICKS)
    due = [tick for tick in context.calendar.ticks(day) if tick <= context.now]
    if not set(due) <= set(context.ticks):
        raise not_loaded(f"The ticks of {day} are not all", _ticks_loaded(context), MORE_TICKS)
    return Instants(start=due[0], end=due[-1] + timedelta(microseconds=1))


def by_minute(draft: Draft, when: When | None) -> bool:
    """Whether a time of the day is a minute's rather than a tick's: no tick is loaded at it, but that day's minutes are."""
    if when is None or when.kind != "clock" or when.grain == "tick" or when.clock is None:
        return False
    context = draft.context
    if not context.about_indices and not any(item.kind == "company" for item in draft.items):
        # Minutes are those of a watchlist: no answer about all companies.
        return False
    newest = max(context.minute_sessions, default=None)
    day = session_on_or_before(when.start, context.calendar) if when.start is not None else newest
    if day is None or day not in context.minute_sessions:
        return False
    at = at_exchange(day, when.clock, context)
    if at in context.ticks or not context.calendar.open_at(day) <= at < context.calendar.close_at(day):
        return False
    draft.note(f"{when.clock:%H:%M} as the minute that begins then; the price is its close")
    return True


def minutes_held(draft: Draft, symbols: list[str]) -> None:
    """Refuse minutes of companies that have none: they are collected of a watchlist.

    Raises:
        Stop: naming some that have minutes.
    """
    held = draft.context.minute_symbols
    absent = [symbol for symbol in symbols if symbol not in held]
    if absent and not draft.context.about_indices and draft.context.minute_sessions:
        some = f"{', '.join(held[:8])}{' …' if len(held) > 8 else ''}"
        raise not_loaded(f"Minute bars of {', '.join(absent)} are", f"those of {some} are", MORE_MINUTES)


def minutes_of(draft: Draft, when: When | None) -> Instants:
    """The minutes of a session, of a part of it, or one minute."""
    context = draft.context
    if not context.minute_sessions:
        raise not_loaded("Minute bars are", "there are none", MORE_MINUTES)
    day = context.minute_sessions[-1]
    if when is not None and when.start is not None and when.kind != "today":
        day = session_on_or_before(when.start, context.calendar) or when.start
    if day not in context.minute_sessions:
        raise not_loaded(
            f"Minute bars of {day} are", loaded_range(context.minute_sessions, "minute bars"), MORE_MINUTES
        )
    if when is not None and when.clock is not None:
        start = at_exchange(day, when.clock, context)
        last = at_exchange(day, when.clock_end, context) if when.clock_end else start
        return Instants(start=start, end=last + timedelta(minutes=1))
    return Instants(start=context.calendar.open_at(day), end=context.calendar.close_at(day))


def at_exchange(day: date, clock: time, context: Context) -> datetime:
    """A time of a day at the exchange, in UTC."""
    return datetime.combine(day, clock, context.calendar.zone).astimezone(UTC)
