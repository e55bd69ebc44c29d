"""Splits and the days on which dividends are taken off the price."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import lru_cache

import numpy as np

from scrapers.sandbox.world import noise
from scrapers.sandbox.world.calendar import ANCHOR, session_on_or_after
from scrapers.sandbox.world.companies import Company, Splits
from scrapers.sandbox.world.noise import Floats, Ints

# What happened to well-known shares since 2015, from general knowledge: new shares per old.
_KNOWN_SPLITS: dict[str, tuple[tuple[date, Fraction], ...]] = {
    "AAPL": ((date(2020, 8, 31), Fraction(4)),),
    "AMZN": ((date(2022, 6, 6), Fraction(20)),),
    "AVGO": ((date(2024, 7, 15), Fraction(10)),),
    "CMG": ((date(2024, 6, 26), Fraction(50)),),
    "GE": ((date(2021, 8, 2), Fraction(1, 8)),),
    "GOOG": ((date(2022, 7, 18), Fraction(20)),),
    "GOOGL": ((date(2022, 7, 18), Fraction(20)),),
    "LRCX": ((date(2024, 10, 3), Fraction(10)),),
    "NEE": ((date(2020, 10, 27), Fraction(4)),),
    "NVDA": ((date(2021, 7, 20), Fraction(4)), (date(2024, 6, 10), Fraction(10))),
    "TSLA": ((date(2020, 8, 31), Fraction(5)), (date(2022, 8, 25), Fraction(3))),
    "WMT": ((date(2024, 2, 26), Fraction(3)),),
}
_FICTIONAL_RATIOS = (Fraction(2), Fraction(3), Fraction(3, 2), Fraction(1, 10))


def splits(seed: int, company: Company) -> Splits:
    """A company's splits, ascending: the session they took effect and new shares per old."""
    own = own_splits(seed, company.born)
    return tuple(sorted(own + company.later_splits)) if company.later_splits else own


@lru_cache(maxsize=32_768)
def own_splits(seed: int, company: Company) -> Splits:
    """The splits of a company that nothing has been wished on, ascending."""
    if not company.fictional:
        return _KNOWN_SPLITS.get(company.symbol, ())
    stream = noise.key(seed, company.symbol, "splits")
    found = []
    for year in range(2016, 2031):
        if noise.one(stream, year) < 0.012:
            day = session_on_or_after(date(year, 1 + int(noise.one(stream, year + 100) * 11), 10))
            if day > company.first_day:
                found.append((day, _FICTIONAL_RATIOS[int(noise.one(stream, year + 200) * 4)]))
    return tuple(found)


def share_factor(seed: int, company: Company, days: Ints) -> Floats:
    """How many of the anchor session's shares one share of a day is, for days given as ordinals.

    A price of a day is the price per anchor share times this factor; shares outstanding are divided by it.
    """
    factor = np.ones(len(days))
    anchor = ANCHOR.toordinal()
    for when, ratio in own_splits(seed, company.born):
        at = when.toordinal()
        if at <= anchor:
            factor[days < at] *= float(ratio)
        else:
            factor[days >= at] /= float(ratio)
    for when, ratio in company.later_splits:
        # What was before stays what it was, also before the anchor.
        factor[days >= when.toordinal()] /= float(ratio)
    return factor


@lru_cache(maxsize=65_536)
def ex_days(seed: int, company: Company, year: int) -> tuple[date, ...]:
    """The sessions of a year from which the share trades without its quarterly dividend."""
    if not company.yield_pct:
        return ()
    stream = noise.key(seed, company.born.symbol, "ex")
    cycle = 1 + int(noise.one(stream) * 3)
    day = 5 + int(noise.one(stream, 1) * 18)
    return tuple(session_on_or_after(date(year, month, day)) for month in range(cycle, 13, 3))
