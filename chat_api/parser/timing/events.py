"""Logged days of attention, India's days of signals, the sessions that forecasts are for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from chat_api.context import Context
from chat_api.parser.draft import Draft, clarify, not_loaded
from chat_api.parser.timing.hints import MORE_FORECASTS, MORE_SIGNALS, MORE_VISITS, loaded_range
from chat_api.parser.timing.sessions import calendar_sessions, days_of, latest_session, session_of
from chat_api.plan import Day, Days, Instant, Time
from chat_api.times import When
from lake.market_calendar import INDIA


def visit_days(draft: Draft, when: When | None) -> Day | Days:
    """Logged days, all of which must be loaded; a period that still runs ends with the newest one."""
    context = draft.context
    loaded = [day for _, day in context.visit_days]
    if not loaded:
        raise not_loaded("Visits to filings are", "no log is there yet", MORE_VISITS)
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
        raise not_loaded(f"Visits of {when.text or start} are", loaded_range(loaded, "visits"), MORE_VISITS)
    return Day(day=start) if len(wanted) == 1 and when.kind != "period" else Days(start=start, end=end)


def signal_time(draft: Draft, when: When | None) -> Time:
    """India's days or an hour, complete as far as they have passed."""
    context = draft.context
    hours = sorted({hour for _, hour in context.hours})
    if not hours:
        raise not_loaded("Signals are", "no posts are there yet", MORE_SIGNALS)
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
            raise not_loaded("A complete hour is", loaded, MORE_SIGNALS)
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
        raise not_loaded(f"Signals of {when.text or start} are not all", loaded, MORE_SIGNALS)
    return Day(day=start) if start == end else Days(start=start, end=end)


def _whole_days(context: Context, hours: list[datetime], start: date, end: date) -> bool:
    """Whether the hours of some days (India) are loaded from the first to the last that has passed."""
    begin = datetime.combine(start, time(0), INDIA).astimezone(UTC)
    finish = min(datetime.combine(end + timedelta(days=1), time(0), INDIA).astimezone(UTC), context.now)
    inside = [hour for hour in hours if begin <= hour < finish]
    slack = timedelta(hours=2)
    return bool(inside) and hours[0] <= begin + slack and inside[-1] + timedelta(hours=1) + slack >= finish


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
        raise not_loaded(f"Forecasts of the {role} are", "there are none", MORE_FORECASTS)
    known = [f.session for f in held if f.actuals]
    coming = [f.session for f in held if not f.actuals]
    loaded = loaded_range([f.session for f in held], f"forecasts of the {role}")
    if when is None or when.kind in {"next", "now"}:
        if scored and (when is None or when.kind == "now"):
            raise clarify(
                "Over which sessions?",
                ("the last session", f"{draft.question} in the last session"),
                ("the last 20 sessions", f"{draft.question} over the last 20 sessions"),
            )
        if scored or not coming:
            raise not_loaded("A forecast for the next session is", loaded, MORE_FORECASTS)
        return Day(day=coming[-1])
    if when.kind in {"session", "today"}:
        if not known:
            raise not_loaded("A forecast with a known actual is", loaded, MORE_FORECASTS)
        return Day(day=known[-1])
    if when.kind in {"day", "yesterday"}:
        day = session_of(draft, when)
        if day not in (known if scored else [f.session for f in held]):
            raise not_loaded(f"Forecasts for {day} are", loaded, MORE_FORECASTS)
        return Day(day=day)
    if when.kind == "sessions":
        if len(known) < when.count:
            raise not_loaded(f"Forecasts for the last {when.count} sessions are not all", loaded, MORE_FORECASTS)
        return Days(start=known[-when.count], end=known[-1])
    days = days_of(draft, when)
    wanted = calendar_sessions(draft.context, days.start, days.end)
    if not set(wanted) <= set(known):
        raise not_loaded(f"Forecasts for {when.text} are not all", loaded, MORE_FORECASTS)
    return days
