"""Sessions: one, the last few, a period with the day before it."""

from __future__ import annotations

from datetime import date, timedelta

from chat_api.context import Context
from chat_api.parser.draft import Draft, clarify, not_loaded
from chat_api.parser.timing.hints import MORE_BARS, loaded_range
from chat_api.plan import Days
from chat_api.times import When, months_before, session_on_or_before
from lake.market_calendar import CalendarEnd

_WINDOWS = {"bar.ma_20": 20, "bar.ma_50": 50, "bar.ma_200": 200}


_ROLLING = {"month": 1, "quarter": 3, "year": 12}


def latest_session(draft: Draft) -> date:
    """The newest session with daily bars."""
    found = draft.context.latest_session
    if found is None:
        raise not_loaded("Daily bars are", "none are there yet", MORE_BARS)
    return found


def session_of(draft: Draft, when: When) -> date:
    """The one session that a time names: itself, or the last one before it."""
    context = draft.context
    if when.kind in {"now", "today", "session"} or when.start is None:
        return latest_session(draft)
    found = session_on_or_before(when.start, context.calendar)
    if found is None or found not in context.session_set:
        raise not_loaded(f"Daily bars of {when.start} are", loaded_range(context.sessions, "daily bars"), MORE_BARS)
    if found != when.start:
        draft.note(f"{when.text or when.start}: {when.start} was no session, so the one before it, {found}")
    elif when.kind == "yesterday":
        draft.note(f"yesterday: the session of {found}")
    return found


def days_of(draft: Draft, when: When, *, based: bool = False) -> Days:
    """The sessions of a period, with the one before it as base where a change needs it.

    Raises:
        Stop: where they are not all loaded, or the words allow two sets of sessions.
    """
    context = draft.context
    latest = latest_session(draft)
    if when.kind == "sessions":
        return _last_sessions(draft, when.count, latest, based)
    start, end = _period(draft, when, latest)
    held = calendar_sessions(context, start, min(end, latest))
    base: date | None = None
    if based:
        base = session_on_or_before(start, context.calendar) if when.kind == "since" else _before(context, start)
        if when.kind == "since" and base is not None:
            held = calendar_sessions(context, base + timedelta(days=1), latest)
    if not held:
        raise not_loaded(
            f"No session of {when.text or 'that time'} is", loaded_range(context.sessions, "daily bars"), MORE_BARS
        )
    needed = [*held, *([base] if based and base else [])]
    if (based and base is None) or any(day not in context.session_set for day in needed):
        raise not_loaded(
            f"Not all sessions of {when.text or 'that period'} are",
            loaded_range(context.sessions, "daily bars"),
            MORE_BARS,
        )
    return Days(start=held[0], end=held[-1], base=base)


def enough_before(draft: Draft, metric: str, day: date) -> None:
    """Refuse a moving average of a day that has too few loaded sessions up to it: it is empty there.

    Raises:
        Stop: naming the first day that has one.
    """
    window = _WINDOWS.get(metric)
    held = draft.context.sessions
    if window is None or sum(session <= day for session in held) >= window:
        return
    since = f"it begins on {held[window - 1]}" if len(held) >= window else f"only {len(held)} sessions are there"
    raise not_loaded(f"The {window} sessions up to {day} are not all", since, MORE_BARS)


def _last_sessions(draft: Draft, count: int, latest: date, based: bool) -> Days:
    context = draft.context
    held = [day for day in context.sessions if day <= latest]
    if len(held) < count + based:
        raise not_loaded(
            f"The last {count} sessions are not all", loaded_range(context.sessions, "daily bars"), MORE_BARS
        )
    expected = calendar_sessions(context, held[-count - based], latest)
    if len(expected) != count + based:
        raise not_loaded(
            f"The last {count} sessions have gaps and are", loaded_range(context.sessions, "daily bars"), MORE_BARS
        )
    return Days(start=held[-count], end=latest, base=held[-count - 1] if based else None)


def _period(draft: Draft, when: When, latest: date) -> tuple[date, date]:
    if when.kind in {"day", "yesterday", "today", "now", "session"}:
        day = session_of(draft, when)
        return day, day
    if when.kind == "pair" and when.first and when.second:
        first, second = when.first, when.second
        if first.start and second.end and first.start <= second.end:
            return first.start, second.end
    if when.start is None or when.end is None:
        raise clarify(
            "Which period is meant?",
            ("this month", f"{draft.question} this month"),
            ("year to date", f"{draft.question} year to date"),
        )
    if when.count and when.unit in _ROLLING:
        return months_before(latest, when.count * _ROLLING[when.unit]) + timedelta(days=1), latest
    if when.other_start and not when.whole:
        calendar = draft.context.calendar
        if calendar.sessions(when.other_start, when.end) != calendar.sessions(when.start, when.end):
            count = len(calendar.sessions(when.start, when.end))
            raise clarify(
                f"{when.text.capitalize()}: from which day?",
                (f"since {when.start}", draft.question.replace(when.text, f"since {when.start}")),
                (f"since {when.other_start}", draft.question.replace(when.text, f"since {when.other_start}")),
                (f"the last {count} sessions", draft.question.replace(when.text, f"over the last {count} sessions")),
            )
    return when.start, when.end


def calendar_sessions(context: Context, start: date, end: date) -> list[date]:
    try:
        return context.calendar.sessions(start, end) if start <= end else []
    except CalendarEnd:
        return []


def _before(context: Context, day: date) -> date | None:
    try:
        return context.calendar.previous_session(day)
    except CalendarEnd:
        return None
