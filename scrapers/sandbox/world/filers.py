"""Who is looked up on EDGAR and how often: the world's companies by size, and many filers that are none of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from scrapers.sandbox.world import companies, noise
from scrapers.sandbox.world.calendar import FIRST_DAY
from scrapers.sandbox.world.noise import Floats, Ints

_OTHERS = 36_000
_COMPANIES_SHARE = 0.45  # of visits

# The one planted day: ten times the usual visits for one filer.
PLANTED_DAY = date(2026, 11, 18)
PLANTED_SYMBOL = "NVDA"
PLANTED_FACTOR = 10.0


@dataclass(frozen=True)
class Filers:
    """Filers with their share of a day's visits.

    Attributes:
        ciks: central index keys.
        shares: share of the visits, adding up to 1.
        companies: how many of them, the first ones, are the world's companies.
    """

    ciks: Ints
    shares: Floats
    companies: int


@lru_cache(maxsize=2)
def _others(seed: int) -> Ints:
    """Filers that are none of the world's companies."""
    drawn = noise.bits(noise.key(seed, "filers"), np.arange(_OTHERS)) % np.uint64(2_599_000)
    return np.unique(1_000 + drawn.astype(np.int64))


@lru_cache(maxsize=8)
def _population(seed: int, per_sector: int, year: int) -> Filers:
    """The filers that there were in a year."""
    highest = 1_200_000 + (year - 2003) * 40_000
    known = [
        company
        for company in companies.everyone(seed, per_sector)
        if company.cik and (company.cik < highest or (company.fictional and company.first_day == FIRST_DAY))
    ]
    weights: dict[int, float] = {}
    for company in known:
        assert company.cik is not None
        # Two share classes are one filer.
        weights[company.cik] = weights.get(company.cik, 0.0) + (company.shares * company.price) ** 0.55
    ciks = np.fromiter(weights, dtype=np.int64)
    shares = np.fromiter(weights.values(), dtype=np.float64)
    others = np.setdiff1d(_others(seed), ciks)
    others = others[others < highest]
    renown = np.maximum(noise.uniform(noise.key(seed, "filers' renown"), others), 3e-5)
    tail = renown**-0.6
    return Filers(
        np.concatenate([ciks, others]),
        np.concatenate([_COMPANIES_SHARE * shares / shares.sum(), (1 - _COMPANIES_SHARE) * tail / tail.sum()]),
        len(ciks),
    )


def filers(seed: int, per_sector: int, day: date) -> Filers:
    """The filers of a day, the planted day's among them."""
    usual = _population(seed, per_sector, day.year)
    planted = companies.find(seed, PLANTED_SYMBOL, per_sector)
    if day != PLANTED_DAY or planted is None or planted.cik is None:
        return usual
    at = int(np.flatnonzero(usual.ciks == planted.cik)[0])
    share = min(0.5, PLANTED_FACTOR * float(usual.shares[at]))
    shares = usual.shares * (1 - share) / (1 - usual.shares[at])
    shares[at] = share
    return Filers(usual.ciks, shares, usual.companies)
