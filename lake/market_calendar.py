"""The exchanges' calendars, New York's and India's: sessions, hours and the 30-minute ticks.

Read from `lake/data/*.json` (made by `scripts/generate_calendar.py` from exchange_calendars), because the library
itself loads pandas. Past its end a calendar fails rather than guesses. India's evening session of Diwali (Muhurat) is
in none of them.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lake.clock import INDIA, NEW_YORK

__all__ = ["INDIA", "NEW_YORK", "TICK", "Calendar", "CalendarEnd", "Tick", "xbom", "xnys"]

TICK = timedelta(minutes=30)
_DATA = Path(__file__).parent / "data"


class CalendarEnd(LookupError):
    """A day outside the years that the calendar knows."""


class Tick(NamedTuple):
    """A scheduled instant (UTC) of a session."""

    session: date
    tick: datetime


class Calendar:
    """Sessions of an exchange with their hours.

    Args:
        days: all sessions, ascending.
        hours: session → (open, close) in the exchange's time, where they differ from the regular ones.
        regular: the regular open and close.
        bounds: first and last day the calendar speaks of.
        zone: the exchange's time zone.
    """

    def __init__(
        self,
        days: list[date],
        hours: dict[date, tuple[time, time]],
        regular: tuple[time, time],
        bounds: tuple[date, date],
        zone: ZoneInfo = NEW_YORK,
    ) -> None:
        self._days = days
        self._hours = hours
        self._regular = regular
        self._bounds = bounds
        self.zone = zone

    def shared_with(self, other: Calendar) -> Calendar:
        """The days on which both exchanges have a session, looked at from this one's time zone and hours."""
        bounds = (max(self._bounds[0], other._bounds[0]), min(self._bounds[1], other._bounds[1]))
        both = set(other._days)
        return Calendar([day for day in self._days if day in both], self._hours, self._regular, bounds, self.zone)

    @property
    def bounds(self) -> tuple[date, date]:
        """The first and the last day that the calendar speaks of."""
        return self._bounds

    def knows(self, day: date) -> bool:
        """Whether the calendar speaks of a day."""
        return self._bounds[0] <= day <= self._bounds[1]

    def _known(self, day: date) -> None:
        first, last = self._bounds
        if not first <= day <= last:
            raise CalendarEnd(f"the calendar knows {first} to {last}, not {day}: run scripts/generate_calendar.py")

    def sessions(self, start: date, end: date) -> list[date]:
        """Sessions from start to end, both included."""
        self._known(start)
        self._known(end)
        return self._days[bisect_left(self._days, start) : bisect_right(self._days, end)]

    def known_sessions(self, start: date, end: date) -> list[date]:
        """Sessions from start to end, both included, as far as the calendar speaks of them."""
        return self._days[bisect_left(self._days, start) : bisect_right(self._days, end)]

    def is_session(self, day: date) -> bool:
        """Whether the exchange opens on a day."""
        return bool(self.sessions(day, day))

    def next_session(self, day: date) -> date:
        """The first session after a day."""
        self._known(day)
        at = bisect_right(self._days, day)
        if at == len(self._days):
            raise CalendarEnd(f"no session after {day} is known: run scripts/generate_calendar.py")
        return self._days[at]

    def previous_session(self, day: date) -> date:
        """The last session before a day."""
        self._known(day)
        at = bisect_left(self._days, day)
        if at == 0:
            raise CalendarEnd(f"no session before {day} is known")
        return self._days[at - 1]

    def _instant(self, session: date, at: time) -> datetime:
        return datetime.combine(session, at, self.zone).astimezone(UTC)

    def open_at(self, session: date) -> datetime:
        """When a session opens, in UTC."""
        self._known(session)
        return self._instant(session, self._hours.get(session, self._regular)[0])

    def close_at(self, session: date) -> datetime:
        """When a session closes, in UTC."""
        self._known(session)
        return self._instant(session, self._hours.get(session, self._regular)[1])

    def ticks(self, session: date) -> tuple[datetime, ...]:
        """A session's ticks in UTC: every 30 minutes from the open to the close, both included.

        Empty where the day is no session.
        """
        if not self.is_session(session):
            return ()
        start, end = self.open_at(session), self.close_at(session)
        count = (end - start) // TICK
        ticks = [start + n * TICK for n in range(count + 1)]
        return tuple(ticks if ticks[-1] == end else [*ticks, end])

    def latest_tick(self, now: datetime) -> Tick:
        """The newest tick at or before an instant."""
        day = now.astimezone(self.zone).date()
        while True:
            passed = [tick for tick in self.ticks(day) if tick <= now]
            if passed:
                return Tick(day, passed[-1])
            day = self.previous_session(day)

    def next_tick(self, now: datetime) -> Tick:
        """The first tick after an instant."""
        day = now.astimezone(self.zone).date()
        while True:
            coming = [tick for tick in self.ticks(day) if tick > now]
            if coming:
                return Tick(day, coming[0])
            day = self.next_session(day)

    def latest_closed_session(self, now: datetime) -> date:
        """The newest session whose close has passed."""
        day = now.astimezone(self.zone).date()
        if self.is_session(day) and self.close_at(day) <= now:
            return day
        return self.previous_session(day)


@lru_cache(maxsize=1)
def xnys() -> Calendar:
    """The New York Stock Exchange's calendar from 1990."""
    return _read("xnys", NEW_YORK, (time(9, 30), time(16)))


@lru_cache(maxsize=1)
def xbom() -> Calendar:
    """The calendar of India's exchanges (Bombay's; the National's is the same) from 1997, weekend sessions included."""
    return _read("xbom", INDIA, (time(9, 15), time(15, 30)))


def _read(name: str, zone: ZoneInfo, regular: tuple[time, time]) -> Calendar:
    facts = json.loads((_DATA / f"{name}.json").read_text())
    first, last = date.fromisoformat(facts["start"]), date.fromisoformat(facts["end"])
    holidays = {date.fromisoformat(day) for day in facts["holidays"]}
    weekend = {date.fromisoformat(day) for day in facts.get("weekend", ())}
    every_day = (first + timedelta(n) for n in range((last - first).days + 1))
    days = [day for day in every_day if (day.weekday() < 5 and day not in holidays) or day in weekend]
    hours = {
        date.fromisoformat(day): (
            time.fromisoformat(facts["opens"].get(day, regular[0].isoformat())),
            time.fromisoformat(facts["closes"].get(day, regular[1].isoformat())),
        )
        for day in sorted({*facts["opens"], *facts["closes"]})
    }
    return Calendar(days, hours, regular, (first, last), zone)
