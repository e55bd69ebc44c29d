"""Single days: dates, weekdays, the first or last of something within a period."""

from __future__ import annotations

import re
from datetime import date, timedelta

from chat_api.times.periods import named_period
from chat_api.times.when import (
    MONTHS,
    ORDINALS,
    WEEKDAYS,
    YEAR,
    Match,
    Today,
    When,
    Words,
    newest_day,
    session_word,
    skip_words,
    valid_day,
    word_at,
)

DAY = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?$")


_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")


def calendar_rule(words: Words, at: int, today: Today) -> Match | None:
    """`2 november`, `the 4th of july 2026`, `nov 19`, `2026-11-02`, with or without `on` and a weekday before it."""
    start = at
    at = skip_words(words, at, "on", "for", "dated", "of")
    weekday = WEEKDAYS.get(word_at(words, at))
    if weekday is not None:
        at = skip_words(words, at + 1, "the")
    at = skip_words(words, at, "the")
    iso = _ISO.match(word_at(words, at))
    if iso:
        found = valid_day(*(int(part) for part in iso.groups()))
        at += 1
    else:
        got = _day_and_month(words, at, today)
        if not got:
            return None
        at, found = got
    if found is None or (weekday is not None and found.weekday() != weekday):
        return None
    return at - start, When("day", found, found)


def _day_and_month(words: Words, at: int, today: Today) -> tuple[int, date | None] | None:
    day_first = DAY.match(word_at(words, at))
    if day_first:
        at = skip_words(words, at + 1, "of")
        month, day, at = MONTHS.get(word_at(words, at)), int(day_first[1]), at + 1
    else:
        month = MONTHS.get(word_at(words, at))
        at = skip_words(words, at + 1, "the")
        second = DAY.match(word_at(words, at))
        if not second:
            return None
        day, at = int(second[1]), at + 1
    if month is None or not 1 <= day <= 31:
        return None
    if YEAR.match(word_at(words, at)):
        return at + 1, valid_day(int(words[at]), month, day)
    return at, newest_day(month, day, today)


def weekday_rule(words: Words, at: int, today: Today) -> Match | None:
    """`last friday`, `on monday`: the newest before today."""
    start = at
    at = skip_words(words, at, "on")
    at = skip_words(words, at, "last", "past", "this", "previous", "the")
    number = WEEKDAYS.get(word_at(words, at))
    if number is None or "next" in words[start:at]:
        return None
    back = (today.day.weekday() - number) % 7 or 7
    found = today.day - timedelta(days=back)
    return at + 1 - start, When("day", found, found)


def nth_rule(words: Words, at: int, today: Today) -> Match | None:
    """`the first monday of october`, `the last trading day of august`, `first session of november 2026`."""
    start = at
    at = skip_words(words, at, "on", "the", "in")
    nth = ORDINALS.get(word_at(words, at))
    if nth is None:
        return None
    at += 1
    weekday = WEEKDAYS.get(word_at(words, at))
    if weekday is None:
        length = session_word(words, at)
        if not length:
            return None
        at += length
    else:
        at += 1
    at = skip_words(words, at, "of", "in", "the")
    got = named_period(words, at, today, relative=True)
    if not got:
        return None
    taken, period = got
    first, last = period.start, period.end
    if first is None or last is None:
        return None
    if weekday is None:
        days = today.calendar.sessions(first, last)
    else:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        days = [day for day in days if day.weekday() == weekday]
    index = nth - 1 if nth > 0 else nth
    if not -len(days) <= index < len(days):
        return None
    return at + taken - start, When("day", days[index], days[index])
