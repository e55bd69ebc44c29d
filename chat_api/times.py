"""The grammar of dates and times: words to a `When`, before any subject decides what that means for it.

Own, because general date readers guess. Matching works on the lexer's words (lower case, no hyphens) at a position
and gives the longest reading, or nothing. A day named without a year is the newest one that has passed.
"""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
_MONTHS = _MONTH_NAMES | {name.lower(): n for n, name in enumerate(months.month_abbr) if name} | {"sept": 9}
_UNSURE_MONTHS = {"may", "mar", "march", "dec", "sep", "jan"}  # also words or names: need company
_WEEKDAYS = {name.lower(): n for n, name in enumerate(months.day_name)} | {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
}  # fmt: skip
SMALL = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "sixty": 60,
}  # fmt: skip
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}
_DAY = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?$")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})$")
_CLOCK_12 = re.compile(r"^(\d{1,2})(?::(\d{2}))?(am|pm)$")
_QUARTER = re.compile(r"^q([1-4])$")
_HALF = re.compile(r"^h([12])$")
_LAST = {"last", "past", "previous", "latest", "recent", "prior", "trailing", "preceding"}
_SESSION_WORDS = {"session", "sessions"}
_UNITS = {
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


def match(words: Words, at: int, today: Today) -> Match | None:
    """The longest time that begins at a position: how many words it takes, and what it says."""
    found: Match | None = None
    for rule in _RULES:
        got = rule(words, at, today)
        if got and (found is None or got[0] > found[0]):
            found = got
    if found is None:
        return None
    taken, when = found
    return taken, replace(when, text=" ".join(words[at : at + taken]))


# --- helpers --------------------------------------------------------------------------------------------------------


def _word(words: Words, at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def _skip(words: Words, at: int, *fillers: str) -> int:
    while _word(words, at) in fillers:
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


def _unit_end(start: date, unit: str) -> date:
    if unit == "week":
        return start + timedelta(days=6)
    return months_before(start, -{"month": 1, "quarter": 3, "year": 12}[unit]) - timedelta(days=1)


def _period(start: date, end: date, today: Today, unit: str | None = None) -> When | None:
    """A named period, cut off at today; None where it lies in the future."""
    if start > today.day:
        return None
    return When("period", start, min(end, today.day), unit=unit)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _newest(month: int, day: int, today: Today) -> date | None:
    for year in range(today.day.year, today.day.year - 5, -1):
        found = _valid(year, month, day)
        if found and found <= today.day:
            return found
    return None


# --- one day --------------------------------------------------------------------------------------------------------


def _calendar_day(words: Words, at: int, today: Today) -> Match | None:
    """`2 november`, `the 4th of july 2026`, `nov 19`, `2026-11-02`, with or without `on` and a weekday before it."""
    start = at
    at = _skip(words, at, "on", "for", "dated", "of")
    weekday = _WEEKDAYS.get(_word(words, at))
    if weekday is not None:
        at = _skip(words, at + 1, "the")
    at = _skip(words, at, "the")
    iso = _ISO.match(_word(words, at))
    if iso:
        found = _valid(*(int(part) for part in iso.groups()))
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
    day_first = _DAY.match(_word(words, at))
    if day_first:
        at = _skip(words, at + 1, "of")
        month, day, at = _MONTHS.get(_word(words, at)), int(day_first[1]), at + 1
    else:
        month = _MONTHS.get(_word(words, at))
        at = _skip(words, at + 1, "the")
        second = _DAY.match(_word(words, at))
        if not second:
            return None
        day, at = int(second[1]), at + 1
    if month is None or not 1 <= day <= 31:
        return None
    if _YEAR.match(_word(words, at)):
        return at + 1, _valid(int(words[at]), month, day)
    return at, _newest(month, day, today)


def _weekday(words: Words, at: int, today: Today) -> Match | None:
    """`last friday`, `on monday`: the newest before today."""
    start = at
    at = _skip(words, at, "on")
    at = _skip(words, at, "last", "past", "this", "previous", "the")
    number = _WEEKDAYS.get(_word(words, at))
    if number is None or "next" in words[start:at]:
        return None
    back = (today.day.weekday() - number) % 7 or 7
    found = today.day - timedelta(days=back)
    return at + 1 - start, When("day", found, found)


def _nth_of(words: Words, at: int, today: Today) -> Match | None:
    """`the first monday of october`, `the last trading day of august`, `first session of november 2026`."""
    start = at
    at = _skip(words, at, "on", "the", "in")
    nth = _ORDINALS.get(_word(words, at))
    if nth is None:
        return None
    at += 1
    weekday = _WEEKDAYS.get(_word(words, at))
    if weekday is None:
        length = _session_word(words, at)
        if not length:
            return None
        at += length
    else:
        at += 1
    at = _skip(words, at, "of", "in", "the")
    got = _named_period(words, at, today, relative=True)
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


def _session_word(words: Words, at: int) -> int:
    if _word(words, at) in _SESSION_WORDS:
        return 1
    if _word(words, at) in {"trading", "market", "business"} and _word(words, at + 1) in {
        "day",
        "days",
        "session",
        "sessions",
    }:
        return 2
    return 0


def _near(words: Words, at: int, today: Today) -> Match | None:
    """`today`, `yesterday`, `now`, `the latest tick`, `the last session`, `the next session`."""
    for phrase, kind in _NEAR.items():
        if tuple(words[at : at + len(phrase)]) == phrase:
            if kind in ("today", "yesterday"):
                day = today.day if kind == "today" else today.day - timedelta(days=1)
                return len(phrase), When(kind, day, day)
            return len(phrase), When(kind)
    return None


def _phrases(kind: WhenKind, *texts: str) -> dict[tuple[str, ...], WhenKind]:
    return {tuple(text.split()): kind for text in texts}


_NEAR: dict[tuple[str, ...], WhenKind] = dict(
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


# --- periods --------------------------------------------------------------------------------------------------------


def _named(words: Words, at: int, today: Today) -> Match | None:
    """`in october`, `q2 2026`, `the first half of 2026`, `this week`, `last month`, `iso week 10 of 2017`, `2026`."""
    start = at
    at = _skip(words, at, "in", "during", "for", "over", "of", "within", "throughout", "across")
    at = _skip(words, at, "the", "all", "whole", "entire", "of", "full")
    got = _named_period(words, at, today, relative=True, led=at > start)
    return (at + got[0] - start, got[1]) if got else None


def _named_period(words: Words, at: int, today: Today, *, relative: bool, led: bool = True) -> Match | None:
    for rule in (_month, _quarter, _half, _iso_week, _year):
        got = rule(words, at, today, led)
        if got:
            return got
    return _relative_unit(words, at, today) if relative else None


def _month(words: Words, at: int, today: Today, led: bool) -> Match | None:
    word = _word(words, at)
    month = _MONTHS.get(word)
    if month is None:
        return None
    has_year = bool(_YEAR.match(_word(words, at + 1)))
    if word in _UNSURE_MONTHS and not (led or has_year):
        return None
    first = date(int(words[at + 1]), month, 1) if has_year else _newest(month, 1, today)
    found = _period(first, month_end(first), today, "month") if first else None
    return (1 + has_year, found) if found else None


def _quarter(words: Words, at: int, today: Today, led: bool) -> Match | None:  # noqa: ARG001 - one shape for all rules
    year: int | None = None
    start = at
    if _YEAR.match(_word(words, at)) and _QUARTER.match(_word(words, at + 1)):
        year, at = int(words[at]), at + 1
    short = _QUARTER.match(_word(words, at))
    if short:
        number, at = int(short[1]), at + 1
    elif _ORDINALS.get(_word(words, at), 0) > 0 and _word(words, at + 1) == "quarter":
        number, at = _ORDINALS[words[at]], at + 2
    else:
        return None
    after = _skip(words, at, "of", "in")
    if year is None and _YEAR.match(_word(words, after)):
        year, at = int(words[after]), after + 1
    first = date(year, 3 * number - 2, 1) if year else _newest(3 * number - 2, 1, today)
    found = _period(first, _unit_end(first, "quarter"), today, "quarter") if first else None
    return (at - start, found) if found else None


def _half(words: Words, at: int, today: Today, led: bool) -> Match | None:  # noqa: ARG001
    start = at
    short = _HALF.match(_word(words, at))
    if short:
        number, at = int(short[1]), at + 1
    elif _ORDINALS.get(_word(words, at), 0) in (1, 2) and _word(words, at + 1) == "half":
        number, at = _ORDINALS[words[at]], at + 2
    else:
        return None
    at = _skip(words, at, "of", "in", "the", "this")
    if _YEAR.match(_word(words, at)):
        year, at = int(words[at]), at + 1
    elif _word(words, at) == "year":
        year, at = today.day.year, at + 1
    else:
        return None
    first = date(year, 6 * number - 5, 1)
    found = _period(first, months_before(first, -6) - timedelta(days=1), today)
    return (at - start, found) if found else None


def _iso_week(words: Words, at: int, today: Today, led: bool) -> Match | None:  # noqa: ARG001
    start = at
    at = _skip(words, at, "iso", "calendar")
    if _word(words, at) != "week" or not _word(words, at + 1).isdigit():
        return None
    number, at = int(words[at + 1]), at + 2
    after = _skip(words, at, "of", "in")
    year = today.day.year
    if _YEAR.match(_word(words, after)):
        year, at = int(words[after]), after + 1
    try:
        first = date.fromisocalendar(year, number, 1)
    except ValueError:
        return None
    found = _period(first, first + timedelta(days=6), today, "week")
    return (at - start, found) if found else None


def _year(words: Words, at: int, today: Today, led: bool) -> Match | None:  # noqa: ARG001
    if not _YEAR.match(_word(words, at)):
        return None
    year = int(words[at])
    found = _period(date(year, 1, 1), date(year, 12, 31), today, "year")
    return (1, found) if found else None


def _relative_unit(words: Words, at: int, today: Today) -> Match | None:
    which, unit = _word(words, at), _UNITS.get(_word(words, at + 1))
    if (
        which == "the"
        and _UNITS.get(_word(words, at + 1)) in {"week", "month", "quarter", "year"}
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
    if which in _LAST:
        if unit == "fortnight":
            return 2, _rolling(14, "day", today)
        if which in {"past", "trailing", "recent"}:
            return 2, _rolling(1, unit, today)
        last = unit_start(today.day, unit) - timedelta(days=1)
        return 2, When("period", unit_start(last, unit), last, unit=unit)
    return None


def _weekend(words: Words, at: int, today: Today) -> Match | None:
    if _word(words, at) not in {"last", "past", "this", "the"} or _word(words, at + 1) != "weekend":
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


def _last_n(words: Words, at: int, today: Today) -> Match | None:
    """`the last 5 sessions`, `past 30 days`, `last 12 full weeks`, `60 session` before a noun."""
    start = at
    at = _skip(words, at, "over", "in", "for", "during", "of", "across")
    at = _skip(words, at, "the", "of")
    led = _word(words, at) in _LAST
    if led:
        at = _skip(words, at, *_LAST)
    count = count_of(_word(words, at))
    if count is None or count < 1:
        return None
    at += 1
    whole = _word(words, at) in {"full", "complete", "whole"}
    at += whole
    length = _session_word(words, at)
    if length:
        return at + length - start, When("sessions", count=count)
    unit = _UNITS.get(_word(words, at).removesuffix("s"))
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


def _to_date(words: Words, at: int, today: Today) -> Match | None:
    """`year to date`, `ytd`, `so far this month`."""
    start = at
    at = _skip(words, at, "for", "the")
    short = {"ytd": "year", "mtd": "month", "qtd": "quarter", "wtd": "week"}.get(_word(words, at))
    if short:
        return at + 1 - start, When("period", unit_start(today.day, short), today.day, unit=short)
    unit = _UNITS.get(_word(words, at))
    if unit in {"week", "month", "quarter", "year"} and tuple(words[at + 1 : at + 3]) == ("to", "date"):
        return at + 3 - start, When("period", unit_start(today.day, unit), today.day, unit=unit)
    if tuple(words[at : at + 2]) == ("so", "far"):
        got = _relative_unit(words, _skip(words, at + 2, "in", "the"), today)
        if got and _word(words, _skip(words, at + 2, "in", "the")) == "this":
            return _skip(words, at + 2, "in", "the") + got[0] - start, got[1]
    return None


# --- from a day on, and pairs ---------------------------------------------------------------------------------------


def _since(words: Words, at: int, today: Today) -> Match | None:
    """`since the 4th of july`, `since the start of october`, `since last friday's close`, `from monday's open to now`."""
    start = at
    if _word(words, at) not in {"since", "from", "after"}:
        return None
    if _word(words, at) == "after":
        return None
    is_from = words[at] == "from"
    at = _skip(words, at + 1, "the")
    edge: Literal["open", "close"] | None = None
    if _word(words, at) in {"open", "close"} and _word(words, at + 1) in {"on", "of"}:
        edge = "open" if words[at] == "open" else "close"
        at += 1
    begin = _word(words, at) in {"start", "beginning"}
    if begin:
        at = _skip(words, at + 1, "of", "the")
    got = _edge_day(words, at, today) if not begin else None
    if got:
        taken, day = got
        at += taken
        if edge is None and _word(words, at) in {"open", "close"}:
            edge = "open" if words[at] == "open" else "close"
            at += 1
        since = When("since", day.start, today.day, edge=edge)
    else:
        named = _named_period(words, at, today, relative=True)
        if not named or named[1].start is None:
            return None
        at += named[0]
        since = When("period", named[1].start, today.day, unit="since")
    if is_from:
        after = _skip(words, at, "until", "till", "to", "up", "through")
        if after == at or _word(words, after) not in {"now", "today", "date"}:
            return None
        at = after + 1
    return at - start, since


def _edge_day(words: Words, at: int, today: Today) -> Match | None:
    for rule in (_calendar_day, _nth_of, _weekday):
        got = rule(words, at, today)
        if got:
            return got
    if _word(words, at) == "yesterday":
        day = today.day - timedelta(days=1)
        return 1, When("day", day, day)
    return None


def _pair(words: Words, at: int, today: Today) -> Match | None:
    """`between 2 nov and 16 nov`, `from 1 july to 30 september`, `2 nov vs 16 nov`, `18 and 19 november`."""
    start = at
    lead = _word(words, at)
    at = _skip(words, at, "between", "from")
    got = _shared_month(words, at, today) or _simple(words, at, today)
    if not got:
        return None
    taken, first = got
    if first.kind == "pair":
        return (at + taken - start, first)
    at += taken
    joint = _word(words, at)
    if joint not in (
        {"and", "to"} if lead == "between" else {"to", "until", "till", "through", "vs", "versus", "than", "against"}
    ):
        return None
    got = _simple(words, at + 1, today)
    if not got:
        return None
    return at + 1 + got[0] - start, When("pair", first=first, second=got[1])


def _simple(words: Words, at: int, today: Today) -> Match | None:
    best: Match | None = None
    for rule in (_calendar_day, _weekday, _nth_of, _named, _near):
        got = rule(words, at, today)
        if got and (best is None or got[0] > best[0]):
            best = got
    return best


def _shared_month(words: Words, at: int, today: Today) -> Match | None:
    """`18 and 19 november`: the month is said once."""
    first = _DAY.match(_word(words, at))
    if not first or _word(words, at + 1) not in {"and", "to"}:
        return None
    got = _calendar_day(words, at + 2, today)
    if not got or got[1].start is None or not _DAY.match(_word(words, at + 2)):
        return None
    day = _valid(got[1].start.year, got[1].start.month, int(first[1]))
    if day is None or day >= got[1].start:
        return None
    return 2 + got[0], When("pair", first=When("day", day, day), second=got[1])


# --- times of the day -----------------------------------------------------------------------------------------------


def _clock_at(words: Words, at: int) -> tuple[int, time] | None:
    word = _word(words, at)
    if word in {"noon", "midday"}:
        return 1, time(12)
    plain = _CLOCK.match(word)
    if plain and int(plain[1]) < 24 and int(plain[2]) < 60:
        return 1, time(int(plain[1]), int(plain[2]))
    half = _CLOCK_12.match(word)
    if half and 1 <= int(half[1]) <= 12 and int(half[2] or 0) < 60:
        return 1, time(int(half[1]) % 12 + (12 if half[3] == "pm" else 0), int(half[2] or 0))
    return None


def _clock(words: Words, at: int, today: Today) -> Match | None:  # noqa: ARG001
    """`at the 13:30 tick`, `tick of 13:00`, `in the 10:31 minute`, `at noon`, `from 9:30 to 10:30`."""
    start = at
    lead = _word(words, at)
    at = _skip(words, at, "at", "in", "the", "tick", "minute", "of", "between", "from")
    grain: Literal["tick", "minute"] | None = None
    got = _clock_at(words, at)
    if not got:
        return None
    at, first = at + got[0], got[1]
    led = words[start : at - 1]
    after = _word(words, at)
    if after in {"and", "to", "until"} or (lead == "between" and after == "and"):
        later = _skip(words, at + 1, "the")
        second = _clock_at(words, later)
        if second:
            return later + second[0] - start, When("minutes", clock=first, clock_end=second[1])
    if after in {"tick", "minute"}:
        grain, at = ("tick" if after == "tick" else "minute"), at + 1
    elif "tick" in led or "minute" in led:
        grain = "tick" if "tick" in led else "minute"
    return at - start, When("clock", clock=first, grain=grain)


_RULES: tuple[Callable[[Words, int, Today], Match | None], ...] = (
    _calendar_day, _weekday, _nth_of, _near, _named, _last_n, _to_date, _since, _pair, _clock,
)  # fmt: skip


# --- sessions -------------------------------------------------------------------------------------------------------


def session_on_or_before(day: date, calendar: Calendar) -> date | None:
    """The session of a day, or the last one before it; None before the calendar begins."""
    try:
        return day if calendar.is_session(day) else calendar.previous_session(day)
    except CalendarEnd:
        return None


WORDS: frozenset[str] = frozenset(
    {*_MONTHS, *_WEEKDAYS, *SMALL, *_ORDINALS, *_LAST, *_SESSION_WORDS, *_UNITS}
    | {f"{unit}s" for unit in _UNITS}
    | {word for phrase in _NEAR for word in phrase}
    | set(
        ["since", "from", "until", "till", "between", "iso", "calendar", "full", "complete", "whole", "half", "ytd", "mtd", "qtd", "wtd", "start", "beginning", "noon", "midday", "tick", "minute", "weekend", "trading", "business"]
    )
)
