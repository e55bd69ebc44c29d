"""Daily bars: a random walk with a market's, a sector's and an own part, anchored at one session's price level.

A year's log returns are hashed from (seed, symbol, day) alone. Levels follow by adding up from the anchor, so a past
day's price is the same whenever it is asked for, and so is tomorrow's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from scrapers.sandbox.world import actions, calendar, factors, noise
from scrapers.sandbox.world.calendar import ANCHOR
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.noise import Floats, Ints

_DRIFT = 0.00022  # log return of a session, dividends included
_SECTOR_LOAD = 0.8


@dataclass(frozen=True)
class Bars:
    """Sessions of a company, ascending. Prices are raw: what was paid for a share of that day, USD.

    Attributes:
        days: ordinals of the sessions.
        factor: anchor shares per share of the day (see `actions.share_factor`).
        dividend: dividend per share of the day with this ex-date, 0 for none.
        spread: standard deviation of the day's log price between open and close.
    """

    days: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints
    factor: Floats
    dividend: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.days)

    def cut(self, start: int, stop: int) -> Bars:
        """The bars from one position to another, half-open."""
        return Bars(*(getattr(self, name)[start:stop] for name in _COLUMNS))


_COLUMNS = ("days", "open", "high", "low", "close", "volume", "factor", "dividend", "spread")


@dataclass(frozen=True)
class _Moves:
    """A year's log returns of a company per anchor share, and what its volume is drawn from."""

    overnight: Floats
    within: Floats
    spread: Floats
    crowd: Floats
    total: float


# Small: a year's moves are wanted twice in a row, for its level and for its bars.
@lru_cache(maxsize=64)
def _moves(seed: int, company: Company, year: int) -> _Moves:
    days = calendar.year(year).days
    market = factors.factor(seed, "market", year, factors.MARKET_VOL)
    sector = factors.sector_factor(seed, company.born.sector, year)
    scale = factors.liveliness_of(seed, year)
    streams = [noise.key(seed, company.born.symbol, name) for name in ("tails", "overnight", "within", "volume")]
    tails, overnight, within, crowd = noise.normals(streams, days)
    # A day's own news is heavier at the ends than a normal one.
    own = company.own_vol * scale * np.exp(0.35 * tails - 0.06)
    share = factors.OVERNIGHT_SHARE
    overnight = overnight * own * share**0.5 + company.beta * market[0] + _SECTOR_LOAD * sector[0] + _DRIFT
    within = within * own * (1 - share) ** 0.5 + company.beta * market[1] + _SECTOR_LOAD * sector[1]
    for day in actions.ex_days(seed, company, year):
        # The dividend that is taken off is rounded; this is its size before that.
        overnight[np.searchsorted(days, day.toordinal())] += np.log1p(-company.yield_pct / 400)
    common = (company.beta * factors.MARKET_VOL) ** 2 + (_SECTOR_LOAD * factors.SECTOR_VOL) ** 2
    spread = np.sqrt((own**2 + common * scale**2) * (1 - share))
    return _Moves(overnight, within, spread, crowd, float(overnight.sum() + within.sum()))


@lru_cache(maxsize=65_536)
def _total(seed: int, company: Company, year: int) -> float:
    return _moves(seed, company, year).total


@lru_cache(maxsize=65_536)
def _log_level(seed: int, company: Company, year: int) -> float:
    """Log price per anchor share at the last close before a year."""
    if year > ANCHOR.year:
        return _log_level(seed, company, year - 1) + _total(seed, company, year - 1)
    if year < ANCHOR.year:
        return _log_level(seed, company, year + 1) - _total(seed, company, year)
    moves = _moves(seed, company, year)
    upto = int(np.searchsorted(calendar.year(year).days, ANCHOR.toordinal(), side="right"))
    so_far = float(moves.overnight[:upto].sum() + moves.within[:upto].sum())
    return float(np.log(company.price)) - so_far


@lru_cache(maxsize=4_000)
def year_bars(seed: int, company: Company, year: int) -> Bars:
    """A company's bars of a whole year, the part before it came to the market left out."""
    days = calendar.year(year).days
    before = _log_level(seed, company.born, year)
    moves = _moves(seed, company.born, year)
    close = before + np.cumsum(moves.overnight + moves.within)
    opened = close - moves.within
    swing = 2 * moves.spread**2
    reach = noise.key(seed, company.born.symbol, "reach")
    # The highest and lowest of a Brownian bridge between open and close.
    up, down = np.sqrt((close - opened) ** 2 - swing * np.log(noise.uniform(reach, np.stack([days * 2, days * 2 + 1]))))
    high, low = (opened + close + up) / 2, (opened + close - down) / 2
    factor = actions.share_factor(seed, company, days)
    prices = np.exp(np.stack([opened, high, low, close])) * factor
    paid = to_tick(prices)
    bars = Bars(
        days=days,
        open=paid[0],
        high=paid.max(axis=0),
        low=paid.min(axis=0),
        close=paid[3],
        volume=_volume(seed, company, moves, factor),
        factor=factor,
        dividend=_dividends(seed, company, year, float(np.exp(before)), factor),
        spread=moves.spread,
    )
    start = int(np.searchsorted(days, company.first_day.toordinal()))
    return bars.cut(start, len(days))


def to_tick(prices: Floats) -> Floats:
    """Prices in whole cents, in hundredths of a cent below one dollar."""
    rounded: Floats = np.where(prices < 1.0, np.maximum(np.round(prices, 4), 0.0001), np.round(prices, 2))
    return rounded


def _volume(seed: int, company: Company, moves: _Moves, factor: Floats) -> Ints:
    turnover = 0.0025 + 0.009 * noise.one(noise.key(seed, company.born.symbol, "turnover"))
    busy = np.abs(moves.overnight + moves.within) / moves.spread
    lively = np.exp(0.28 * moves.crowd + 0.22 * busy - 0.2)
    shares = company.shares / factor * turnover * lively
    return np.maximum(shares, 100).astype(np.int64)


def _dividends(seed: int, company: Company, year: int, level: float, factor: Floats) -> Floats:
    """Dividends per share of the day: a quarter of the yield at the price before the year, in whole cents."""
    days = calendar.year(year).days
    amounts = np.zeros(len(days))
    for day in actions.ex_days(seed, company, year):
        at = int(np.searchsorted(days, day.toordinal()))
        if at < len(days):
            amounts[at] = max(0.01, round(company.yield_pct / 400 * level * float(factor[at]), 2))
    return amounts


def history(seed: int, company: Company, first: date, last: date) -> Bars:
    """A company's bars from one day to another, both included."""
    start = max(first, company.first_day)
    years = range(start.year, last.year + 1)
    parts = [year_bars(seed, company, year) for year in years] or [year_bars(seed, company, last.year).cut(0, 0)]
    joined = Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))
    lower, upper = np.searchsorted(joined.days, [start.toordinal(), last.toordinal() + 1])
    return joined.cut(int(lower), int(upper))
