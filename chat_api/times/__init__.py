"""The grammar of dates and times: words to a `When`, before any subject decides what that means for it.

Own, because general date readers guess. Matching works on the lexer's words (lower case, no hyphens) at a position
and gives the longest reading, or nothing. A day named without a year is the newest one that has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chat_api.times.days import calendar_rule, nth_rule, weekday_rule
from chat_api.times.periods import last_n_rule, named_rule, to_date_rule
from chat_api.times.spans import clock_rule, pair_rule, since_rule
from chat_api.times.when import (
    LAST,
    MONTHS,
    NEAR,
    ORDINALS,
    SESSION_WORDS,
    SMALL,
    UNITS,
    WEEKDAYS,
    Match,
    Today,
    When,
    Words,
    months_before,
    near_rule,
    session_on_or_before,
)


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


_RULES: tuple[Callable[[Words, int, Today], Match | None], ...] = (
    calendar_rule, weekday_rule, nth_rule, near_rule, named_rule, last_n_rule, to_date_rule, since_rule, pair_rule, clock_rule,
)  # fmt: skip


WORDS: frozenset[str] = frozenset(
    {*MONTHS, *WEEKDAYS, *SMALL, *ORDINALS, *LAST, *SESSION_WORDS, *UNITS}
    | {f"{unit}s" for unit in UNITS}
    | {word for phrase in NEAR for word in phrase}
    | {
        "since",
        "from",
        "until",
        "till",
        "between",
        "iso",
        "calendar",
        "full",
        "complete",
        "whole",
        "half",
        "ytd",
        "mtd",
        "qtd",
        "wtd",
        "start",
        "beginning",
        "noon",
        "midday",
        "tick",
        "minute",
        "weekend",
        "trading",
        "business",
    }
)

__all__ = ["SMALL", "WORDS", "Match", "Today", "When", "match", "months_before", "session_on_or_before"]
