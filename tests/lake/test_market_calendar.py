"""The calendar: true to its library, right over clock changes and half days, loud past its end."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.market_calendar import INDIA, NEW_YORK, TICK, CalendarEnd, xbom, xnys

CALENDAR = xnys()
FIRST, LAST = date(1990, 1, 1), date(2031, 12, 31)


@pytest.mark.parametrize("name", ["NEW_YORK", "BOMBAY"])
def test_the_file_is_true_to_the_library(name: str) -> None:
    path = Path(__file__).resolve().parents[2] / "scripts" / "generate_calendar.py"
    spec = importlib.util.spec_from_file_location("generate_calendar", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    exchange = getattr(module, name)
    target = module.FOLDER / f"{exchange.name.lower()}.json"
    assert json.loads(target.read_text()) == module.calendar_facts(exchange)


def test_india_s_sessions_are_the_library_s() -> None:
    import exchange_calendars

    first, last = date(1997, 1, 1), date(2026, 12, 31)
    library = exchange_calendars.get_calendar("XBOM", start=first.isoformat(), end=last.isoformat()).schedule
    assert xbom().sessions(first, last) == [day.date() for day in library.index]
    for day in xbom().sessions(date(2024, 1, 1), last):
        opens, closes = library.loc[day.isoformat()][["open", "close"]]
        assert (xbom().open_at(day), xbom().close_at(day)) == (opens.to_pydatetime(), closes.to_pydatetime())


def test_india_s_ticks() -> None:
    ticks = [tick.astimezone(INDIA) for tick in xbom().ticks(date(2026, 11, 20))]
    assert len(ticks) == 14
    assert [f"{ticks[place]:%H:%M}" for place in (0, 1, -2, -1)] == ["09:15", "09:45", "15:15", "15:30"]
    assert xbom().is_session(date(2025, 2, 1))  # a Saturday, for the budget
    assert not xbom().is_session(date(2026, 11, 24))
    assert xnys().is_session(date(2026, 11, 24))
    with pytest.raises(CalendarEnd, match="not 2027-01-01"):
        xbom().is_session(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("session", "count", "first", "last"),
    [
        (date(2026, 11, 20), 14, "14:30", "21:00"),  # standard time
        (date(2026, 3, 9), 14, "13:30", "20:00"),  # the first session of daylight time
        (date(2026, 11, 2), 14, "14:30", "21:00"),  # the first session after it
        (date(2026, 11, 27), 8, "14:30", "18:00"),  # half day
        (date(2026, 11, 26), 0, None, None),  # Thanksgiving
        (date(2026, 11, 21), 0, None, None),  # Saturday
    ],
)
def test_ticks(session: date, count: int, first: str | None, last: str | None) -> None:
    ticks = CALENDAR.ticks(session)
    assert len(ticks) == count
    if ticks:
        assert (f"{ticks[0]:%H:%M}", f"{ticks[-1]:%H:%M}") == (first, last)


@given(st.dates(FIRST, LAST))
def test_ticks_of_any_day_run_from_open_to_close(day: date) -> None:
    ticks = CALENDAR.ticks(day)
    if not ticks:
        assert not CALENDAR.is_session(day)
        return
    assert ticks[0] == CALENDAR.open_at(day)
    assert ticks[-1] == CALENDAR.close_at(day)
    steps = {later - earlier for earlier, later in pairwise(ticks)}
    assert max(steps) == TICK
    assert all(tick.astimezone(NEW_YORK).date() == day for tick in ticks)


@given(st.datetimes(datetime(1990, 2, 1), datetime(2031, 11, 30), timezones=st.just(UTC)))
def test_latest_and_next_tick_enclose_now(now: datetime) -> None:
    latest, coming = CALENDAR.latest_tick(now), CALENDAR.next_tick(now)
    assert latest.tick <= now < coming.tick
    assert latest.tick in CALENDAR.ticks(latest.session)
    between = [t for day in CALENDAR.sessions(latest.session, coming.session) for t in CALENDAR.ticks(day)]
    assert not [t for t in between if latest.tick < t < coming.tick]


@given(st.dates(date(1990, 2, 1), date(2031, 11, 30)))
def test_next_and_previous_session_are_inverse(day: date) -> None:
    assert CALENDAR.previous_session(CALENDAR.next_session(day)) == max(CALENDAR.sessions(day - timedelta(30), day))


def test_the_open_session_is_not_closed() -> None:
    assert CALENDAR.latest_closed_session(datetime(2026, 11, 20, 20, 59, tzinfo=UTC)) == date(2026, 11, 19)
    assert CALENDAR.latest_closed_session(datetime(2026, 11, 20, 21, 0, tzinfo=UTC)) == date(2026, 11, 20)


def test_past_its_end_it_fails() -> None:
    with pytest.raises(CalendarEnd, match="1990-01-01 to 2031-12-31, not 2032-01-02"):
        CALENDAR.ticks(date(2032, 1, 2))
    with pytest.raises(CalendarEnd):
        CALENDAR.next_session(LAST)
