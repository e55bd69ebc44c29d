"""From a day on, from one day to another, and times of the day."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Literal

from chat_api.times.days import DAY, calendar_rule, nth_rule, weekday_rule
from chat_api.times.periods import named_period, named_rule
from chat_api.times.when import Match, Today, When, Words, near_rule, skip_words, valid_day, word_at

_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})$")


_CLOCK_12 = re.compile(r"^(\d{1,2})(?::(\d{2}))?(am|pm)$")


def since_rule(words: Words, at: int, today: Today) -> Match | None:
    """`since the 4th of july`, `since the start of october`, `since last friday's close`, `from monday's open to now`."""
    start = at
    if word_at(words, at) not in {"since", "from", "after"}:
        return None
    if word_at(words, at) == "after":
        return None
    is_from = words[at] == "from"
    at = skip_words(words, at + 1, "the")
    edge: Literal["open", "close"] | None = None
    if word_at(words, at) in {"open", "close"} and word_at(words, at + 1) in {"on", "of"}:
        edge = "open" if words[at] == "open" else "close"
        at += 1
    begin = word_at(words, at) in {"start", "beginning"}
    if begin:
        at = skip_words(words, at + 1, "of", "the")
    got = _edge_day(words, at, today) if not begin else None
    if got:
        taken, day = got
        at += taken
        if edge is None and word_at(words, at) in {"open", "close"}:
            edge = "open" if words[at] == "open" else "close"
            at += 1
        since = When("since", day.start, today.day, edge=edge)
    else:
        named = named_period(words, at, today, relative=True)
        if not named or named[1].start is None:
            return None
        at += named[0]
        since = When("period", named[1].start, today.day, unit="since")
    if is_from:
        after = skip_words(words, at, "until", "till", "to", "up", "through")
        if after == at or word_at(words, after) not in {"now", "today", "date"}:
            return None
        at = after + 1
    return at - start, since


def _edge_day(words: Words, at: int, today: Today) -> Match | None:
    for rule in (calendar_rule, nth_rule, weekday_rule):
        got = rule(words, at, today)
        if got:
            return got
    if word_at(words, at) == "yesterday":
        day = today.day - timedelta(days=1)
        return 1, When("day", day, day)
    return None


def pair_rule(words: Words, at: int, today: Today) -> Match | None:
    """`between 2 nov and 16 nov`, `from 1 july to 30 september`, `2 nov vs 16 nov`, `18 and 19 november`."""
    start = at
    lead = word_at(words, at)
    at = skip_words(words, at, "between", "from")
    got = _shared_month(words, at, today) or _simple(words, at, today)
    if not got:
        return None
    taken, first = got
    if first.kind == "pair":
        return (at + taken - start, first)
    at += taken
    joint = word_at(words, at)
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
    for rule in (calendar_rule, weekday_rule, nth_rule, named_rule, near_rule):
        got = rule(words, at, today)
        if got and (best is None or got[0] > best[0]):
            best = got
    return best


def _shared_month(words: Words, at: int, today: Today) -> Match | None:
    """`18 and 19 november`: the month is said once."""
    first = DAY.match(word_at(words, at))
    if not first or word_at(words, at + 1) not in {"and", "to"}:
        return None
    got = calendar_rule(words, at + 2, today)
    if not got or got[1].start is None or not DAY.match(word_at(words, at + 2)):
        return None
    day = valid_day(got[1].start.year, got[1].start.month, int(first[1]))
    if day is None or day >= got[1].start:
        return None
    return 2 + got[0], When("pair", first=When("day", day, day), second=got[1])


def _clock_at(words: Words, at: int) -> tuple[int, time] | None:
    word = word_at(words, at)
    if word in {"noon", "midday"}:
        return 1, time(12)
    plain = _CLOCK.match(word)
    if plain and int(plain[1]) < 24 and int(plain[2]) < 60:
        return 1, time(int(plain[1]), int(plain[2]))
    half = _CLOCK_12.match(word)
    if half and 1 <= int(half[1]) <= 12 and int(half[2] or 0) < 60:
        return 1, time(int(half[1]) % 12 + (12 if half[3] == "pm" else 0), int(half[2] or 0))
    return None


def clock_rule(words: Words, at: int, today: Today) -> Match | None:
    """`at the 13:30 tick`, `tick of 13:00`, `in the 10:31 minute`, `at noon`, `from 9:30 to 10:30`."""
    start = at
    lead = word_at(words, at)
    at = skip_words(words, at, "at", "in", "the", "tick", "minute", "of", "between", "from")
    grain: Literal["tick", "minute"] | None = None
    got = _clock_at(words, at)
    if not got:
        return None
    at, first = at + got[0], got[1]
    led = words[start : at - 1]
    after = word_at(words, at)
    if after in {"and", "to", "until"} or (lead == "between" and after == "and"):
        later = skip_words(words, at + 1, "the")
        second = _clock_at(words, later)
        if second:
            return later + second[0] - start, When("minutes", clock=first, clock_end=second[1])
    if after in {"tick", "minute"}:
        grain, at = ("tick" if after == "tick" else "minute"), at + 1
    elif "tick" in led or "minute" in led:
        grain = "tick" if "tick" in led else "minute"
    return at - start, When("clock", clock=first, grain=grain)
