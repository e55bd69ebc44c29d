"""What moves all prices together: the market's and the sectors' daily factors, and how lively a time is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lake.contracts.market import SECTORS
from scrapers.sandbox.world import calendar, noise
from scrapers.sandbox.world.noise import Floats, Ints

MARKET_VOL = 0.008
SECTOR_VOL = 0.005
OVERNIGHT_SHARE = 0.3  # of a day's variance, between the close and the next open
_KNOT_DAYS = 45


def liveliness(seed: int, days: Ints) -> Floats:
    """Volatility of each day over the usual, around 1, changing slowly: it says how far, never which way."""
    knot, within = np.divmod(days, _KNOT_DAYS)
    stream = noise.key(seed, "liveliness")
    before, after = noise.normal(stream, knot), noise.normal(stream, knot + 1)
    share = within / _KNOT_DAYS
    lively: Floats = np.exp(0.3 * (before * (1 - share) + after * share) - 0.03)
    return lively


@lru_cache(maxsize=64)
def liveliness_of(seed: int, year: int) -> Floats:
    """The liveliness of a year's sessions."""
    return liveliness(seed, calendar.year(year).days)


@lru_cache(maxsize=512)
def factor(seed: int, name: str, year: int, vol: float) -> tuple[Floats, Floats]:
    """A factor's log returns of a year's sessions: overnight, and from open to close."""
    days = calendar.year(year).days
    scale = vol * liveliness_of(seed, year)
    overnight = noise.normal(noise.key(seed, "factor", name, "overnight"), days) * scale * OVERNIGHT_SHARE**0.5
    within = noise.normal(noise.key(seed, "factor", name, "within"), days) * scale * (1 - OVERNIGHT_SHARE) ** 0.5
    return overnight, within


def sector_factor(seed: int, sector: str, year: int) -> tuple[Floats, Floats]:
    """A sector's factor; for the market as a whole, which is of no sector, the mean of all of them."""
    if sector:
        return factor(seed, sector, year, SECTOR_VOL)
    every = [factor(seed, name, year, SECTOR_VOL) for name in SECTORS]
    overnight: Floats = np.mean([moves[0] for moves in every], axis=0)
    within: Floats = np.mean([moves[1] for moves in every], axis=0)
    return overnight, within
