"""The way within a session: minute by minute from the day's open to its close, touching its high and low exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from scrapers.sandbox.world import calendar, noise
from scrapers.sandbox.world.bars import to_tick, year_bars
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.noise import Floats, Ints

_OPENING_CROSS = 0.4  # of the first minute's volume


@dataclass(frozen=True)
class Minutes:
    """A session's minutes, raw prices.

    Attributes:
        path: last price after 0, 1, … n complete minutes; starts at the open, ends at the close.
        high, low, volume: of each of the n minutes.
        opens: the session's open, seconds since 1970.
    """

    path: Floats
    high: Floats
    low: Floats
    volume: Ints
    opens: int

    def __len__(self) -> int:
        return len(self.high)

    def high_until(self, minutes: int) -> float:
        """Highest price of the first complete minutes."""
        return float(max(self.path[0], self.high[:minutes].max(initial=0.0)))

    def low_until(self, minutes: int) -> float:
        """Lowest price of the first complete minutes."""
        return float(min(self.path[0], self.low[:minutes].min(initial=np.inf)))

    def volume_until(self, minutes: int) -> int:
        """Shares traded by then; at the open already those of the opening cross."""
        if minutes == 0:
            return int(self.volume[0] * _OPENING_CROSS)
        return int(self.volume[:minutes].sum())


@lru_cache(maxsize=2_048)
def minutes(seed: int, company: Company, session: date) -> Minutes:
    """A session's minutes.

    Raises:
        LookupError: when the company does not trade on that day.
    """
    bars = year_bars(seed, company, session.year)
    at = int(np.searchsorted(bars.days, session.toordinal()))
    if at == len(bars) or bars.days[at] != session.toordinal():
        raise LookupError(f"{company.symbol} has no session on {session}")
    year = calendar.year(session.year)
    place = int(np.searchsorted(year.days, session.toordinal()))
    count = int(year.minutes[place])
    opened, high, low, close = (float(column[at]) for column in (bars.open, bars.high, bars.low, bars.close))
    index = session.toordinal() * 1024 + np.arange(count, dtype=np.int64)
    path = opened * np.exp(_way(seed, company, index, float(bars.spread[at]), float(np.log(close / opened))))
    top, bottom = int(path.argmax()), int(path.argmin())
    path = to_tick(_fit(path, opened, close, high, low))
    path[0], path[-1] = opened, close
    wick = noise.uniform(noise.key(seed, company.born.symbol, "wick"), index) * 0.0004
    tops = to_tick(np.minimum(np.maximum(path[:-1], path[1:]) * (1 + wick), high))
    bottoms = to_tick(np.maximum(np.minimum(path[:-1], path[1:]) * (1 - wick), low))
    tops = np.maximum(tops, np.maximum(path[:-1], path[1:]))
    bottoms = np.minimum(bottoms, np.minimum(path[:-1], path[1:]))
    tops[min(top, count - 1)] = high
    bottoms[min(bottom, count - 1)] = low
    volume = _split_volume(seed, company, index, int(bars.volume[at]))
    return Minutes(path, tops, bottoms, volume, int(year.opens[place]))


def _way(seed: int, company: Company, index: Ints, spread: float, total: float) -> Floats:
    """A Brownian bridge from 0 to the session's log return, livelier at both ends of the session."""
    busy = _u_shape(len(index))
    steps = noise.normal(noise.key(seed, company.born.symbol, "minute"), index) * np.sqrt(busy / busy.sum()) * spread
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    clock = np.concatenate([[0.0], np.cumsum(busy / busy.sum())])
    way: Floats = walk - clock * (walk[-1] - total)
    return way


def _fit(path: Floats, opened: float, close: float, high: float, low: float) -> Floats:
    """Stretch what lies above and below open and close so that the day's high and low are the extremes."""
    ceiling, floor = max(opened, close), min(opened, close)
    peak, trough = float(path.max()), float(path.min())
    up = (high - ceiling) / (peak - ceiling) if peak > ceiling else 0.0
    down = (floor - low) / (floor - trough) if trough < floor else 0.0
    fitted: Floats = (
        np.clip(path, floor, ceiling) + np.maximum(path - ceiling, 0.0) * up - np.maximum(floor - path, 0.0) * down
    )
    return fitted


@lru_cache(maxsize=8)
def _u_shape(count: int) -> Floats:
    """How busy each minute of a session is: most at the ends."""
    away = np.abs(np.linspace(-1.0, 1.0, count))
    shape: Floats = 0.55 + 1.6 * away**4
    return shape


def _split_volume(seed: int, company: Company, index: Ints, total: int) -> Ints:
    busy = _u_shape(len(index)) * np.exp(
        0.4 * noise.normal(noise.key(seed, company.born.symbol, "minute volume"), index)
    )
    busy[0] += 4.0  # the opening cross
    busy[-1] += 12.0  # the closing cross
    edges = np.round(np.concatenate([[0.0], np.cumsum(busy)]) / busy.sum() * total).astype(np.int64)
    parts: Ints = np.diff(edges)
    return parts
