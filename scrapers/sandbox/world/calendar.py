"""The world's trading days as numbers that arrays can hold: sessions by year, with their length in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from lake.market_calendar import xnys
from scrapers.sandbox.world.noise import Ints

FIRST_DAY = date(2015, 1, 2)
ANCHOR = date(2026, 11, 20)  # the session whose close is the typed price level


@dataclass(frozen=True)
class Year:
    """The sessions of a year.

    Attributes:
        days: ordinals of the sessions (days since 0001-01-01), ascending.
        minutes: length of each session in minutes.
        opens: when each session opens, seconds since 1970.
    """

    days: Ints
    minutes: Ints
    opens: Ints


@lru_cache(maxsize=32)
def year(number: int) -> Year:
    """The sessions of a year.

    Raises:
        CalendarEnd: past the calendar's end.
    """
    calendar = xnys()
    sessions = calendar.sessions(date(number, 1, 1), date(number, 12, 31))
    opens = [calendar.open_at(day) for day in sessions]
    closes = [calendar.close_at(day) for day in sessions]
    return Year(
        days=np.array([day.toordinal() for day in sessions], dtype=np.int64),
        minutes=np.array([(end - start) // timedelta(minutes=1) for start, end in zip(opens, closes, strict=True)]),
        opens=np.array([int(start.timestamp()) for start in opens], dtype=np.int64),
    )


@lru_cache(maxsize=4096)
def session_on_or_after(day: date) -> date:
    """The first session that is not before a day."""
    return xnys().next_session(day - timedelta(days=1))
