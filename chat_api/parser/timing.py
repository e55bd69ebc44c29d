"""What a time means for each subject, and whether it is loaded: sessions, ticks, logged days, India's days.

A period that is not loaded in full ends the reading with what is loaded; a part of it is never counted as the whole.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from chat_api.context import Context
from chat_api.parser.draft import Draft, clarify, not_loaded
from chat_api.plan import Day, Days, Instant, Instants, Latest, Time
from chat_api.times import When, months_before, session_on_or_before
from lake.market_calendar import INDIA, NEW_YORK, CalendarEnd

_MORE_BARS = "More years are loaded with TIDEMARK_BARS_YEARS, or one's own files with `tidemark import`."
_MORE_TICKS = "Ticks are collected while Tidemark runs in market hours; earlier days have daily bars."
_MORE_VISITS = "More days are loaded with TIDEMARK_EDGAR_DAYS, or one's own logs with `tidemark import`."
_MORE_SIGNALS = "Posts are collected while Tidemark runs; each day adds its hours."
_MORE_MINUTES = "Minute bars come from one's own files: `tidemark import FILE`."
_MORE_FORECASTS = "Each session adds its forecasts once the model has run."
_WINDOWS = {"bar.ma_20": 20, "bar.ma_50": 50, "bar.ma_200": 200}
_ROLLING = {"month": 1, "quarter": 3, "year": 12}


def _range(days: list[date] | tuple[date, ...], what: str) -> str:
    return f"{what} are loaded from {days[0]} to {days[-1]}" if days else f"no {what} are loaded"


# --- sessions -------------------------------------------------------------------------------------------------------


def latest_session(draft: Draft) -> date:
    """The newest session with daily bars."""
    found = draft.context.latest_session
    if found is None:
        raise not_loaded("Daily bars are", "none are there yet", _MORE_BARS)
    return found


def session_of(draft: Draft, when: When) -> date:
    """The one session that a time names: itself, or the last one before it."""
    context = draft.context
    if when.kind in {"now", "today", "session"} or when.start is None:
        return latest_session(draft)
    found = session_on_or_before(when.start, context.calendar)
    if found is None or found not in context.session_set:
        raise not_loaded(f"Daily bars of {when.start} are", _range(context.sessions, "daily bars"), _MORE_BARS)
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
    held = _sessions(context, start, min(end, latest))
    base: date | None = None
    if based:
        base = session_on_or_before(start, context.calendar) if when.kind == "since" else _before(context, start)
        if when.kind == "since" and base is not None:
            held = _sessions(context, base + timedelta(days=1), latest)
    if not held:
        raise not_loaded(
            f"No session of {when.text or 'that time'} is", _range(context.sessions, "daily bars"), _MORE_BARS
        )
    needed = [*held, *([base] if based and base else [])]
    if (based and base is None) or any(day not in context.session_set for day in needed):
        raise not_loaded(
            f"Not all sessions of {when.text or 'that period'} are", _range(context.sessions, "daily bars"), _MORE_BARS
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
    raise not_loaded(f"The {window} sessions up to {day} are not all", since, _MORE_BARS)


def _last_sessions(draft: Draft, count: int, latest: date, based: bool) -> Days:
    context = draft.context
    held = [day for day in context.sessions if day <= latest]
    if len(held) < count + based:
        raise not_loaded(f"The last {count} sessions are not all", _range(context.sessions, "daily bars"), _MORE_BARS)
    expected = _sessions(context, held[-count - based], latest)
    if len(expected) != count + based:
        raise not_loaded(
            f"The last {count} sessions have gaps and are", _range(context.sessions, "daily bars"), _MORE_BARS
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


def _sessions(context: Context, start: date, end: date) -> list[date]:
    try:
        return context.calendar.sessions(start, end) if start <= end else []
    except CalendarEnd:
        return []


def _before(context: Context, day: date) -> date | None:
    try:
        return context.calendar.previous_session(day)
    except CalendarEnd:
        return None


# --- ticks and minutes ----------------------------------------------------------------------------------------------


def tick_time(draft: Draft, when: When | None) -> Time:
    """The tick of a time: the latest, a named one, or the closing tick of a day."""
    context = draft.context
    newest = context.latest_tick
    if newest is None:
        raise not_loaded("Quotes are", "no tick is there yet", _MORE_TICKS)
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
            raise not_loaded(f"Quotes of {when.start} are", _ticks_loaded(context), _MORE_TICKS)
        return closing_tick(draft, day)
    raise clarify("At which tick?", ("the latest tick", f"{draft.question.replace(when.text, '')} now"))


def closing_tick(draft: Draft, day: date) -> Instant:
    """The tick at a session's close."""
    tick = draft.context.calendar.close_at(day)
    if tick not in draft.context.ticks:
        raise not_loaded(f"The closing tick of {day} is", _ticks_loaded(draft.context), _MORE_TICKS)
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
        raise not_loaded(f"Quotes of {when.start} are", _ticks_loaded(context), _MORE_TICKS)
    tick = at_new_york(day, when.clock)
    if tick not in context.calendar.ticks(day):
        raise not_loaded(
            f"A tick at {when.clock:%H:%M} is never taken and is",
            "ticks run every 30 minutes from the open at 9:30 to the close at 16:00 New York time",
            "Prices before the open and after the close are not in the data.",
        )
    if tick not in context.ticks:
        raise not_loaded(f"The tick of {day} {when.clock:%H:%M} is", _ticks_loaded(context), _MORE_TICKS)
    return tick


def session_ticks(draft: Draft, when: When | None) -> Instants:
    """All ticks of one session, which must all be loaded up to now."""
    context = draft.context
    newest = context.latest_tick
    if newest is None:
        raise not_loaded("Quotes are", "no tick is there yet", _MORE_TICKS)
    day = newest.astimezone(NEW_YORK).date()
    if when is not None and when.kind in {"day", "yesterday"} and when.start:
        day = session_on_or_before(when.start, context.calendar) or day
    elif when is not None and when.kind not in {"now", "today", "session"}:
        raise not_loaded(f"The ticks of {when.text} are not all", _ticks_loaded(context), _MORE_TICKS)
    due = [tick for tick in context.calendar.ticks(day) if tick <= context.now]
    if not set(due) <= set(context.ticks):
        raise not_loaded(f"The ticks of {day} are not all", _ticks_loaded(context), _MORE_TICKS)
    return Instants(start=due[0], end=due[-1] + timedelta(microseconds=1))


def minutes_of(draft: Draft, when: When | None) -> Instants:
    """The minutes of a session, of a part of it, or one minute."""
    context = draft.context
    if not context.minute_sessions:
        raise not_loaded("Minute bars are", "there are none", _MORE_MINUTES)
    day = context.minute_sessions[-1]
    if when is not None and when.start is not None and when.kind != "today":
        day = session_on_or_before(when.start, context.calendar) or when.start
    if day not in context.minute_sessions:
        raise not_loaded(f"Minute bars of {day} are", _range(context.minute_sessions, "minute bars"), _MORE_MINUTES)
    if when is not None and when.clock is not None:
        start = at_new_york(day, when.clock)
        last = at_new_york(day, when.clock_end) if when.clock_end else start
        return Instants(start=start, end=last + timedelta(minutes=1))
    return Instants(start=context.calendar.open_at(day), end=context.calendar.close_at(day))


def at_new_york(day: date, clock: time) -> datetime:
    """A New York time of a day, in UTC."""
    return datetime.combine(day, clock, NEW_YORK).astimezone(UTC)


# --- attention ------------------------------------------------------------------------------------------------------


def visit_days(draft: Draft, when: When | None) -> Day | Days:
    """Logged days, all of which must be loaded; a period that still runs ends with the newest one."""
    context = draft.context
    loaded = [day for _, day in context.visit_days]
    if not loaded:
        raise not_loaded("Visits to filings are", "no log is there yet", _MORE_VISITS)
    newest = loaded[-1]
    if when is None:
        raise clarify(
            "Visits of which day or period?",
            (f"{newest}, the newest day loaded", f"{draft.question} on {newest}"),
            ("another day", None),
        )
    if (
        when.kind in {"session", "sessions", "now", "clock", "minutes", "next", "hour", "pair"}
        or when.start is None
        or when.end is None
    ):
        if when.kind == "session":
            day = latest_session(draft)
            start, end = day, day
        elif when.kind == "pair" and when.first and when.second and when.first.start and when.second.end:
            start, end = when.first.start, when.second.end
        elif when.kind == "now":
            start, end = newest, newest
        else:
            raise clarify(
                "Visits are counted by calendar day. Which days are meant?",
                (str(newest), f"{draft.question} on {newest}"),
            )
    else:
        start, end = when.start, when.end
    if when.other_start and when.unit in {"day", "week", "fortnight"}:
        raise clarify(
            "Is today, whose log is not there yet, one of those days?",
            *[
                (f"{first} to {newest}", draft.question.replace(when.text, f"from {first} to {newest}"))
                for first in (when.other_start, when.start)
            ],
        )
    if end == context.today and start < end and newest < end:
        end = newest
        draft.note(f"up to {newest}, the newest day loaded")
    wanted = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    if not wanted or not set(wanted) <= context.visit_day_set:
        raise not_loaded(f"Visits of {when.text or start} are", _range(loaded, "visits"), _MORE_VISITS)
    return Day(day=start) if len(wanted) == 1 and when.kind != "period" else Days(start=start, end=end)


# --- signals --------------------------------------------------------------------------------------------------------


def signal_time(draft: Draft, when: When | None) -> Time:
    """India's days or an hour, complete as far as they have passed."""
    context = draft.context
    hours = sorted({hour for _, hour in context.hours})
    if not hours:
        raise not_loaded("Signals are", "no posts are there yet", _MORE_SIGNALS)
    days = sorted({hour.astimezone(INDIA).date() for hour in hours})
    loaded = f"signals are loaded from {hours[0].astimezone(INDIA):%Y-%m-%d %H:%M} to {hours[-1].astimezone(INDIA):%Y-%m-%d %H:%M} India time"
    if when is None:
        raise clarify(
            "Of which hour or day (India time)?",
            ("the latest full hour", f"{draft.question} in the last full hour"),
            (f"{days[-1]}", f"{draft.question} on {days[-1]}"),
        )
    if when.kind in {"hour", "now"}:
        complete = [hour for hour in hours if hour + timedelta(hours=1) <= context.now]
        if not complete:
            raise not_loaded("A complete hour is", loaded, _MORE_SIGNALS)
        return Instant(at=complete[-1])
    if (
        when.kind in {"session", "sessions", "clock", "minutes", "next", "pair"}
        or when.start is None
        or when.end is None
    ):
        raise clarify(
            "Signals count by India's days. Which is meant?", (f"{days[-1]}", f"{draft.question} on {days[-1]}")
        )
    start, end = when.start, min(when.end, context.india_today)
    if not _whole_days(context, hours, start, end):
        raise not_loaded(f"Signals of {when.text or start} are not all", loaded, _MORE_SIGNALS)
    return Day(day=start) if start == end else Days(start=start, end=end)


def _whole_days(context: Context, hours: list[datetime], start: date, end: date) -> bool:
    """Whether the hours of some days (India) are loaded from the first to the last that has passed."""
    begin = datetime.combine(start, time(0), INDIA).astimezone(UTC)
    finish = min(datetime.combine(end + timedelta(days=1), time(0), INDIA).astimezone(UTC), context.now)
    inside = [hour for hour in hours if begin <= hour < finish]
    slack = timedelta(hours=2)
    return bool(inside) and hours[0] <= begin + slack and inside[-1] + timedelta(hours=1) + slack >= finish


# --- forecasts ------------------------------------------------------------------------------------------------------


def forecast_sessions(draft: Draft, when: When | None, role: str, *, scored: bool) -> Day | Days:
    """The sessions forecast: the coming one, the newest whose actual is known, or a period's.

    Args:
        draft: the reading.
        when: the time asked.
        role: champion or challenger.
        scored: whether the actual is needed.
    """
    held = [f for f in draft.context.forecasts if f.role == role]
    if not held:
        raise not_loaded(f"Forecasts of the {role} are", "there are none", _MORE_FORECASTS)
    known = [f.session for f in held if f.actuals]
    coming = [f.session for f in held if not f.actuals]
    loaded = _range([f.session for f in held], f"forecasts of the {role}")
    if when is None or when.kind in {"next", "now"}:
        if scored and (when is None or when.kind == "now"):
            raise clarify(
                "Over which sessions?",
                ("the last session", f"{draft.question} in the last session"),
                ("the last 20 sessions", f"{draft.question} over the last 20 sessions"),
            )
        if scored or not coming:
            raise not_loaded("A forecast for the next session is", loaded, _MORE_FORECASTS)
        return Day(day=coming[-1])
    if when.kind in {"session", "today"}:
        if not known:
            raise not_loaded("A forecast with a known actual is", loaded, _MORE_FORECASTS)
        return Day(day=known[-1])
    if when.kind in {"day", "yesterday"}:
        day = session_of(draft, when)
        if day not in (known if scored else [f.session for f in held]):
            raise not_loaded(f"Forecasts for {day} are", loaded, _MORE_FORECASTS)
        return Day(day=day)
    if when.kind == "sessions":
        if len(known) < when.count:
            raise not_loaded(f"Forecasts for the last {when.count} sessions are not all", loaded, _MORE_FORECASTS)
        return Days(start=known[-when.count], end=known[-1])
    days = days_of(draft, when)
    wanted = _sessions(draft.context, days.start, days.end)
    if not set(wanted) <= set(known):
        raise not_loaded(f"Forecasts for {when.text} are not all", loaded, _MORE_FORECASTS)
    return days
