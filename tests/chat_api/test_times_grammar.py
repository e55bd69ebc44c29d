"""Date phrases: each means one thing, whatever the day it is asked on."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.times import Today, When, match
from lake.market_calendar import xnys

SATURDAY = Today(date(2026, 11, 21), xnys())
FRIDAY = Today(date(2026, 11, 20), xnys())
NEW_YEAR = Today(date(2027, 1, 4), xnys())


def read(text: str, today: Today = SATURDAY) -> When:
    """The time of a phrase that is nothing but a time."""
    words = text.split()
    got = match(words, 0, today)
    assert got is not None, text
    assert got[0] == len(words), f"only {words[: got[0]]} of {text!r}"
    return got[1]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("last friday", date(2026, 11, 20)),
        ("monday", date(2026, 11, 16)),
        ("on 2 november", date(2026, 11, 2)),
        ("nov 19", date(2026, 11, 19)),
        ("the 4th of july", date(2026, 7, 4)),
        ("december 24", date(2025, 12, 24)),
        ("tuesday 10 november 2026", date(2026, 11, 10)),
        ("2017-02-01", date(2017, 2, 1)),
        ("the first monday of october", date(2026, 10, 5)),
        ("the last trading day of august", date(2026, 8, 31)),
        ("first session of november", date(2026, 11, 2)),
        ("last friday of october", date(2026, 10, 30)),
    ],
)
def test_a_day(text: str, day: date) -> None:
    assert read(text).start == read(text).end == day


def test_last_friday_on_a_friday_is_the_one_before() -> None:
    assert read("last friday", FRIDAY).start == date(2026, 11, 13)


def test_a_weekday_that_does_not_fit_its_date_is_no_date() -> None:
    got = match(["monday", "10", "november", "2026"], 0, SATURDAY)
    assert got is None or got[1].start != date(2026, 11, 10)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("in october", date(2026, 10, 1), date(2026, 10, 31)),
        ("this month", date(2026, 11, 1), date(2026, 11, 21)),
        ("last week", date(2026, 11, 9), date(2026, 11, 15)),
        ("q2 2026", date(2026, 4, 1), date(2026, 6, 30)),
        ("in q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("second quarter of 2026", date(2026, 4, 1), date(2026, 6, 30)),
        ("first half of 2026", date(2026, 1, 1), date(2026, 6, 30)),
        ("year to date", date(2026, 1, 1), date(2026, 11, 21)),
        ("ytd", date(2026, 1, 1), date(2026, 11, 21)),
        ("so far this quarter", date(2026, 10, 1), date(2026, 11, 21)),
        ("iso week 10 of 2017", date(2017, 3, 6), date(2017, 3, 12)),
        ("last weekend", date(2026, 11, 14), date(2026, 11, 15)),
        ("in 2026", date(2026, 1, 1), date(2026, 11, 21)),
        ("last month", date(2026, 10, 1), date(2026, 10, 31)),
        ("last year", date(2025, 1, 1), date(2025, 12, 31)),
        ("the last 12 full weeks", date(2026, 8, 24), date(2026, 11, 15)),
        ("past fortnight", date(2026, 11, 8), date(2026, 11, 21)),
    ],
)
def test_a_period(text: str, start: date, end: date) -> None:
    found = read(text)
    assert (found.start, found.end) == (start, end)


def test_relative_periods_follow_the_clock() -> None:
    assert read("last quarter", NEW_YEAR).start == date(2026, 10, 1)
    assert read("in december", NEW_YEAR).start == date(2026, 12, 1)
    assert read("last month", NEW_YEAR).end == date(2026, 12, 31)


def test_days_counted_back_admit_that_today_may_or_may_not_be_one() -> None:
    found = read("the last 30 days")
    assert found.start is not None
    assert found.other_start == found.start - timedelta(days=1)


def test_sessions_are_counted_not_dated() -> None:
    assert read("over the last 5 sessions") == When("sessions", count=5, text="over the last 5 sessions")
    assert read("past ten trading days").count == 10


def test_since_keeps_the_edge_that_was_named() -> None:
    assert read("since last friday close").edge == "close"
    assert read("from monday open to now").edge == "open"
    assert read("since the start of october").start == date(2026, 10, 1)


def test_pairs() -> None:
    found = read("between 2 nov and 16 nov")
    assert found.first is not None
    assert found.second is not None
    assert (found.first.start, found.second.start) == (date(2026, 11, 2), date(2026, 11, 16))
    shared = read("between 18 and 19 november")
    assert shared.first is not None
    assert shared.first.start == date(2026, 11, 18)


def test_times_of_the_day() -> None:
    assert read("at the 13:30 tick").clock == time(13, 30)
    assert read("at the 13:30 tick").grain == "tick"
    assert read("at noon").clock == time(12)
    assert read("in the 10:31 minute").grain == "minute"
    found = read("from 9:30 to 10:30")
    assert (found.clock, found.clock_end) == (time(9, 30), time(10, 30))


@pytest.mark.parametrize(
    "text", ["may", "march", "5", "day", "30 february", "32 march", "13 o clock", "7 sessionss", "week"]
)
def test_what_is_no_time(text: str) -> None:
    got = match(text.split(), 0, SATURDAY)
    assert got is None or got[0] < len(text.split())


@given(st.dates(date(2003, 1, 1), date(2026, 11, 21)))
def test_every_day_is_read_in_every_form(day: date) -> None:
    month = day.strftime("%B").lower()
    for text in (
        day.isoformat(),
        f"{day.day} {month} {day.year}",
        f"{month} {day.day} {day.year}",
        f"on the {day.day}th of {month} {day.year}",
    ):
        assert read(text).start == day, text


@given(st.dates(date(2003, 1, 1), date(2026, 11, 21)), st.dates(date(2020, 1, 1), date(2029, 12, 31)))
def test_a_day_without_a_year_is_never_in_the_future(day: date, today: date) -> None:
    got = match([str(day.day), day.strftime("%B").lower()], 0, Today(today, xnys()))
    if got is not None and got[0] == 2:
        assert got[1].start is not None
        assert got[1].start <= today
        assert (got[1].start.month, got[1].start.day) == (day.month, day.day)
