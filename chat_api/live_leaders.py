"""The most visited companies of a moving stretch of seconds, counted from what comes, goes or changes alone."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LEADERS = 10
_SECOND = timedelta(seconds=1)


@dataclass
class Tally:
    """Visits by company over a moving window of seconds: only seconds that come, go or change are counted again."""

    _held: dict[datetime, Mapping[int, int]] = field(default_factory=dict)
    _visits: dict[int, int] = field(default_factory=dict)

    def show(self, parts: Mapping[datetime, Mapping[int, int]]) -> None:
        """Make the window hold exactly these seconds; a second that changed is another mapping than before."""
        for clock in [clock for clock, part in self._held.items() if parts.get(clock) is not part]:
            for cik, visits in self._held.pop(clock).items():
                self._visits[cik] -= visits
                if not self._visits[cik]:
                    del self._visits[cik]
        for clock, part in parts.items():
            if clock not in self._held:
                self._held[clock] = part
                for cik, visits in part.items():
                    self._visits[cik] = self._visits.get(cik, 0) + visits

    def top(self) -> list[tuple[int, int]]:
        """CIK and visits, the most visited first, ties by CIK."""
        return heapq.nsmallest(LEADERS, self._visits.items(), key=lambda held: (-held[1], held[0]))


class Leaders:
    """The most visited companies of a stream's last minute and last ten seconds."""

    def __init__(self) -> None:
        self._parts: dict[datetime, Mapping[int, int]] = {}
        self._counted: dict[datetime, int] = {}
        self._minute = Tally()
        self._ten = Tally()

    def missing(self, seconds: Mapping[datetime, int]) -> list[datetime]:
        """The seconds whose companies have to be read (again): those whose visits are not what was counted.

        Args:
            seconds: second → visits, of the last minute; all others are forgotten.
        """
        for clock in self._parts.keys() - seconds.keys():
            del self._parts[clock], self._counted[clock]
        return sorted(clock for clock, visits in seconds.items() if self._counted.get(clock) != visits)

    def put(self, clock: datetime, visits: int, companies: Mapping[int, int]) -> None:
        """Take in a second's companies: CIK → visits."""
        self._parts[clock] = companies
        self._counted[clock] = visits

    def move(self, clock: datetime) -> None:
        """Let both windows end with a second."""
        for tally, length in ((self._minute, 60), (self._ten, 10)):
            first = clock - (length - 1) * _SECOND
            tally.show({second: part for second, part in self._parts.items() if first <= second <= clock})

    @property
    def minute(self) -> list[tuple[int, int]]:
        """CIK and visits of the last minute, the most visited first."""
        return self._minute.top()

    @property
    def ten(self) -> list[tuple[int, int]]:
        """CIK and visits of the last ten seconds, the most visited first."""
        return self._ten.top()
