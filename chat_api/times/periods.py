"""Periods: months, quarters, weeks and years, named or counted back from today."""

from __future__ import annotations

import re
from datetime import date, timedelta

from chat_api.times.when import (
    LAST,
    MONTHS,
    ORDINALS,
    UNITS,
    UNSURE_MONTHS,
    YEAR,
    Match,
    Today,
    When,
    Words,
    count_of,
    month_end,
    months_before,
    newest_day,
    period_of,
    session_word,
    skip_words,
    unit_end,
    unit_start,
    word_at,
)

_QUARTER = re.compile(r"^q([1-4])$")


_HALF = re.compile(r"^h([12])$")


def named_rule(words: Words, at: int, today: Today) -> Match | None:
    """`in october`, `q2 2026`, `the first half of 2026`, `this week`, `last month`, `iso week 10 of 2017`, `2026`."""
    start = at
    at = skip_words(words, at, "in", "during", "for", "over", "of", "within", "throughout", "across")
    at = skip_words(words, at, "the", "all", "whole", "entire", "of", "full")
    got = named_period(words, at, today, relative=True, led=at > start)
    return (at + got[0] - start, got[1]) if got else None


def named_period(words: Words, at: int, today: Today, *, relative: bool, led: bool = True) -> Match | None:
    for rule in (_month, _quarter, _half, _iso_week, _year):
        got = rule(words, at, today, led)
        if got:
            return got
    return _relative_unit(words, at, today) if relative else None


def _month(words: Words, at: int, today: Today, led: bool) -> Match | None:
    word = word_at(words, at)
    month = MONTHS.get(word)
    if month is None:
        return None
    has_year = bool(YEAR.match(word_at(words, at + 1)))
    if word in UNSURE_MONTHS and not (led or has_year):
        return None
    first = date(int(words[at + 1]), month, 1) if has_year else newest_day(month, 1, today)
    found = period_of(first, month_end(first), today, "month") if first else None
    return (1 + has_year, found) if found else None


def _quarter(words: Words, at: int, today: Today, led: bool) -> Match | None:
    year: int | None = None
    start = at
    if YEAR.match(word_at(words, at)) and _QUARTER.match(word_at(words, at + 1)):
        year, at = int(words[at]), at + 1
    short = _QUARTER.match(word_at(words, at))
    if short:
        number, at = int(short[1]), at + 1
    elif ORDINALS.get(word_at(words, at), 0) > 0 and word_at(words, at + 1) == "quarter":
        number, at = ORDINALS[words[at]], at + 2
    else:
        return None
    after = skip_words(words, at, "of", "in")
    if year is None and YEAR.match(word_at(words, after)):
        year, at = int(words[after]), after + 1
    first = date(year, 3 * number - 2, 1) if year else newest_day(3 * number - 2, 1, today)
    found = period_of(first, unit_end(first, "quarter"), today, "quarter") if first else None
    return (at - start, found) if found else None


def _half(words: Words, at: int, today: Today, led: bool) -> Match | None:
    start = at
    short = _HALF.match(word_at(words, at))
    if short:
        number, at = int(short[1]), at + 1
    elif ORDINALS.get(word_at(words, at), 0) in (1, 2) and word_at(words, at + 1) == "half":
        number, at = ORDINALS[words[at]], at + 2
    else:
        return None
    at = skip_words(words, at, "of", "in", "the", "this")
    if YEAR.match(word_at(words, at)):
        year, at = int(words[at]), at + 1
    elif word_at(words, at) == "year":
        year, at = today.day.year, at + 1
    else:
        return None
    first = date(year, 6 * number - 5, 1)
    found = period_of(first, months_before(first, -6) - timedelta(days=1), today)
    return (at - start, found) if found else None


def _iso_week(words: Words, at: int, today: Today, led: bool) -> Match | None:
    start = at
    at = skip_words(words, at, "iso", "calendar")
    if word_at(words, at) != "week" or not word_at(words, at + 1).isdigit():
        return None
    number, at = int(words[at + 1]), at + 2
    after = skip_words(words, at, "of", "in")
    year = today.day.year
    if YEAR.match(word_at(words, after)):
        year, at = int(words[after]), after + 1
    try:
        first = date.fromisocalendar(year, number, 1)
    except ValueError:
        return None
    found = period_of(first, first + timedelta(days=6), today, "week")
    return (at - start, found) if found else None


def _year(words: Words, at: int, today: Today, led: bool) -> Match | None:
    if not YEAR.match(word_at(words, at)):
        return None
    year = int(words[at])
    found = period_of(date(year, 1, 1), date(year, 12, 31), today, "year")
    return (1, found) if found else None


def _relative_unit(words: Words, at: int, today: Today) -> Match | None:
    which, unit = word_at(words, at), UNITS.get(word_at(words, at + 1))
    if (
        which == "the"
        and UNITS.get(word_at(words, at + 1)) in {"week", "month", "quarter", "year"}
        and "of" in words[at - 1 : at]
    ):
        which = "this"
    if unit is None or unit == "day":
        return _weekend(words, at, today)
    if which in {"this", "current"}:
        if unit == "fortnight":
            return None
        taken = 2 + (2 if tuple(words[at + 2 : at + 4]) == ("so", "far") else 0)
        return taken, When("period", unit_start(today.day, unit), today.day, unit=unit)
    if which in LAST:
        if unit == "fortnight":
            return 2, _rolling(14, "day", today)
        if which in {"past", "trailing", "recent"}:
            return 2, _rolling(1, unit, today)
        last = unit_start(today.day, unit) - timedelta(days=1)
        return 2, When("period", unit_start(last, unit), last, unit=unit)
    return None


def _weekend(words: Words, at: int, today: Today) -> Match | None:
    if word_at(words, at) not in {"last", "past", "this", "the"} or word_at(words, at + 1) != "weekend":
        return None
    sunday = today.day - timedelta(days=(today.day.weekday() + 1) % 7 or 7)
    return 2, When("period", sunday - timedelta(days=1), sunday)


def _rolling(count: int, unit: str, today: Today) -> When:
    """The last N days, weeks … months; with days, whether today is one of them is open."""
    if unit in {"month", "quarter", "year"}:
        back = months_before(today.day, count * {"month": 1, "quarter": 3, "year": 12}[unit])
        return When("period", back + timedelta(days=1), today.day, other_start=back, count=count, unit=unit)
    days = count * {"day": 1, "week": 7, "fortnight": 14}[unit]
    start = today.day - timedelta(days=days - 1)
    return When("period", start, today.day, other_start=start - timedelta(days=1), count=count, unit=unit)


def last_n_rule(words: Words, at: int, today: Today) -> Match | None:
    """`the last 5 sessions`, `past 30 days`, `last 12 full weeks`, `60 session` before a noun."""
    start = at
    at = skip_words(words, at, "over", "in", "for", "during", "of", "across")
    at = skip_words(words, at, "the", "of")
    led = word_at(words, at) in LAST
    if led:
        at = skip_words(words, at, *LAST)
    count = count_of(word_at(words, at))
    if count is None or count < 1:
        return None
    at += 1
    whole = word_at(words, at) in {"full", "complete", "whole"}
    at += whole
    length = session_word(words, at)
    if length:
        return at + length - start, When("sessions", count=count)
    unit = UNITS.get(word_at(words, at).removesuffix("s"))
    if unit is None or not led:
        return None
    if whole:
        if unit not in {"week", "month"}:
            return None
        last = unit_start(today.day, unit) - timedelta(days=1)
        first = (
            last + timedelta(days=1) - timedelta(weeks=count)
            if unit == "week"
            else months_before(last + timedelta(days=1), count)
        )
        return at + 1 - start, When("period", first, last, unit=unit, whole=True)
    return at + 1 - start, _rolling(count, unit, today)


def to_date_rule(words: Words, at: int, today: Today) -> Match | None:
    """`year to date`, `ytd`, `so far this month`."""
    start = at
    at = skip_words(words, at, "for", "the")
    short = {"ytd": "year", "mtd": "month", "qtd": "quarter", "wtd": "week"}.get(word_at(words, at))
    if short:
        return at + 1 - start, When("period", unit_start(today.day, short), today.day, unit=short)
    unit = UNITS.get(word_at(words, at))
    if unit in {"week", "month", "quarter", "year"} and tuple(words[at + 1 : at + 3]) == ("to", "date"):
        return at + 3 - start, When("period", unit_start(today.day, unit), today.day, unit=unit)
    if tuple(words[at : at + 2]) == ("so", "far"):
        got = _relative_unit(words, skip_words(words, at + 2, "in", "the"), today)
        if got and word_at(words, skip_words(words, at + 2, "in", "the")) == "this":
            return skip_words(words, at + 2, "in", "the") + got[0] - start, got[1]
    return None
