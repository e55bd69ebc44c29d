"""A time as said, the words for it, and the arithmetic of calendars that its rules share."""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Literal

from lake.market_calendar import Calendar, CalendarEnd

Words = Sequence[str]


WhenKind = Literal[
    "now",
    "today",
    "yesterday",
    "day",
    "period",
    "since",
    "sessions",
    "session",
    "clock",
    "minutes",
    "next",
    "pair",
    "hour",
]


@dataclass(frozen=True)
class When:
    """A time as said.

    Attributes:
        kind: `session` is the newest trading day, `sessions` the newest `count` of them, `next` the coming one.
        start, end: days, both included.
        other_start: the start under a second, equally good reading ("the last 30 days" with or without the 30th).
        edge: for `since`, whether the open or the close of the day was named.
        clock, clock_end: New York times of a day; `tick` says whether a tick or a minute was meant.
        first, second: the two times of a pair.
        whole: only complete units ("the last 12 full weeks").
    """

    kind: WhenKind
    start: date | None = None
    end: date | None = None
    other_start: date | None = None
    edge: Literal["open", "close"] | None = None
    count: int = 0
    clock: time | None = None
    clock_end: time | None = None
    grain: Literal["tick", "minute"] | None = None
    first: When | None = None
    second: When | None = None
    unit: str | None = None
    whole: bool = False
    text: str = ""


Match = tuple[int, When]


_MONTH_NAMES = {name.lower(): n for n, name in enumerate(months.month_name) if name}


MONTHS = _MONTH_NAMES | {name.lower(): n for n, name in enumerate(months.month_abbr) if name} | {"sept": 9}


UNSURE_MONTHS = {"may", "mar", "march", "dec", "sep", "jan"}  # also words or names: need company


WEEKDAYS = {name.lower(): n for n, name in enumerate(months.day_name)} | {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
}  # fmt: skip


SMALL = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "sixty": 60,
}  # fmt: skip


ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}


YEAR = re.compile(r"^(?:19|20)\d\d$")


LAST = {"last", "past", "previous", "latest", "recent", "prior", "trailing", "preceding"}


SESSION_WORDS = {"session", "sessions"}


UNITS = {
    "day": "day",
    "week": "week",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
    "yr": "year",
    "fortnight": "fortnight",
}


@dataclass(frozen=True)
class Today:
    """The day that relative words count from, and the exchange's calendar."""

    day: date
    calendar: Calendar


def word_at(words: Words, at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def skip_words(words: Words, at: int, *fillers: str) -> int:
    while word_at(words, at) in fillers:
        at += 1
    return at


def count_of(word: str) -> int | None:
    """A small whole number, in figures or words."""
    if word.isdigit() and len(word) <= 4:
        return int(word)
    return SMALL.get(word)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=months.monthrange(day.year, day.month)[1])


def months_before(day: date, count: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    index = day.year * 12 + day.month - 1 - count
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def unit_start(day: date, unit: str) -> date:
    """The first day of the week, month, quarter or year that holds a day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
    return day.replace(month=1, day=1)


def unit_end(start: date, unit: str) -> date:
    if unit == "week":
        return start + timedelta(days=6)
    return months_before(start, -{"month": 1, "quarter": 3, "year": 12}[unit]) - timedelta(days=1)


def period_of(start: date, end: date, today: Today, unit: str | None = None) -> When | None:
    """A named period, cut off at today; None where it lies in the future."""
    if start > today.day:
        return None
    return When("period", start, min(end, today.day), unit=unit)


def valid_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def newest_day(month: int, day: int, today: Today) -> date | None:
    for year in range(today.day.year, today.day.year - 5, -1):
        found = valid_day(year, month, day)
        if found and found <= today.day:
            return found
    return None


def session_word(words: Words, at: int) -> int:
    if word_at(words, at) in SESSION_WORDS:
        return 1
    if word_at(words, at) in {"trading", "market", "business"} and word_at(words, at + 1) in {
        "day",
        "days",
        "session",
        "sessions",
    }:
        return 2
    return 0


def near_rule(words: Words, at: int, today: Today) -> Match | None:
    """`today`, `yesterday`, `now`, `the latest tick`, `the last session`, `the next session`."""
    for phrase, kind in NEAR.items():
        if tuple(words[at : at + len(phrase)]) == phrase:
            if kind in ("today", "yesterday"):
                day = today.day if kind == "today" else today.day - timedelta(days=1)
                return len(phrase), When(kind, day, day)
            return len(phrase), When(kind)
    return None


def _phrases(kind: WhenKind, *texts: str) -> dict[tuple[str, ...], WhenKind]:
    return {tuple(text.split()): kind for text in texts}


NEAR: dict[tuple[str, ...], WhenKind] = dict(
    sorted(
        {
            **_phrases(
                "now", "now", "right now", "rn", "at the moment", "currently", "current", "at present", "as of now", "at the latest tick",
                "latest tick", "the latest tick", "latest", "newest", "at this moment", "these days", "right this minute", "presently",
                "most recent", "up to now", "until now", "to date",
            ),
            **_phrases("today", "today", "so far today", "today so far", "for today", "of today", "of the day", "on the day", "this day", "the day so far", "so far"),
            **_phrases("yesterday", "yesterday", "for yesterday", "of yesterday"),
            **_phrases(
                "session", "last session", "the last session", "latest session", "the latest session", "in the last session", "of the latest session", "last trading day",
                "the last trading day", "latest trading day", "most recent session", "at the last close", "at the latest close", "at last close", "in the latest session",
                "of the last session", "newest session", "at the close",
            ),
            **_phrases(
                "next", "next session", "the next session", "coming session", "the coming session", "tomorrow", "next trading day", "upcoming session", "for tomorrow",
                "the upcoming session", "for the next session", "for the coming session", "next trading session", "next close", "next day",
            ),
            **_phrases("hour", "last full hour", "the last full hour", "last hour", "latest hour", "the latest hour", "the last hour", "latest full hour", "last complete hour", "latest complete hour", "for the last full hour", "in the last hour", "past hour", "newest hour"),
        }.items(),
        key=lambda pair: -len(pair[0]),
    )
)  # fmt: skip


def session_on_or_before(day: date, calendar: Calendar) -> date | None:
    """The session of a day, or the last one before it; None before the calendar begins."""
    try:
        return day if calendar.is_session(day) else calendar.previous_session(day)
    except CalendarEnd:
        return None
