"""Three Indian indices, hour by hour and minute by minute, for what posts are about.

The exchange trades from 09:15 to 15:30 India time on the days that its calendar knows; on days past the calendar's end
it is taken to trade on weekdays, five fixed holidays excepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from lake.market_calendar import INDIA, xbom
from scrapers.sandbox.world import noise
from scrapers.sandbox.world.noise import Floats, Ints

FIRST_DAY, ANCHOR = date(2015, 1, 1), date(2026, 11, 20)
OPEN, CLOSE = time(9, 15), time(15, 30)
MINUTES = 375
HOURS = tuple(range(9, 16))  # India's full hours that hold some of the session
_HOLIDAYS = ((1, 26), (5, 1), (8, 15), (10, 2), (12, 25))
_MINUTE_VOL = 0.00042
_SHARED = 0.75  # of an index's minute moves that all three have in common


@dataclass(frozen=True)
class Index:
    """An index: its symbol, name, exchange and level at the anchor day's close."""

    symbol: str
    name: str
    exchange: str
    exchange_name: str
    level: float


INDICES = {
    index.symbol: index
    for index in (
        Index("^NSEI", "NIFTY 50", "NSI", "NSE", 26_050.0),
        Index("^BSESN", "S&P BSE SENSEX", "BSE", "BSE", 85_200.0),
        Index("^NSEBANK", "NIFTY BANK", "NSI", "NSE", 58_900.0),
    )
}


@lru_cache(maxsize=16_384)
def is_session(day: date) -> bool:
    """Whether India's exchanges trade."""
    if xbom().knows(day):
        return xbom().is_session(day)
    return day.weekday() < 5 and (day.month, day.day) not in _HOLIDAYS


def sessions(first: date, last: date) -> list[date]:
    """The trading days from one day to another, both included."""
    days = (date.fromordinal(n) for n in range(max(first, FIRST_DAY).toordinal(), last.toordinal() + 1))
    return [day for day in days if is_session(day)]


def open_at(day: date) -> datetime:
    """When a session opens."""
    return datetime.combine(day, OPEN, INDIA)


def _moves(seed: int, index: Index, days: Ints) -> tuple[Floats, Floats]:
    """Log returns: overnight by day, and by day and minute."""
    minute = days[:, None] * 1024 + np.arange(MINUTES)
    common = noise.normal(noise.key(seed, "india"), minute)
    own = noise.normal(noise.key(seed, "india", index.symbol), minute)
    within = (_SHARED**0.5 * common + (1 - _SHARED) ** 0.5 * own) * _MINUTE_VOL
    overnight = noise.normal(noise.key(seed, "india overnight"), days) * 0.004 + 0.0003
    return overnight, within


@lru_cache(maxsize=128)
def _month(seed: int, symbol: str, number: int) -> tuple[Ints, Floats, Floats]:
    """A month's sessions, overnight returns and minute returns; months are counted from year 0."""
    start = date(number // 12, number % 12 + 1, 1)
    end = date((number + 1) // 12, (number + 1) % 12 + 1, 1) - timedelta(days=1)
    days = np.array([day.toordinal() for day in sessions(start, end)], dtype=np.int64)
    overnight, within = _moves(seed, INDICES[symbol], days)
    return days, overnight, within


@lru_cache(maxsize=1_024)
def _log_level(seed: int, symbol: str, month: int) -> float:
    """Log level at the last close before a month."""
    anchor = ANCHOR.year * 12 + ANCHOR.month - 1
    if month > anchor:
        _, overnight, within = _month(seed, symbol, month - 1)
        return _log_level(seed, symbol, month - 1) + float(overnight.sum() + within.sum())
    days, overnight, within = _month(seed, symbol, month)
    if month < anchor:
        return _log_level(seed, symbol, month + 1) - float(overnight.sum() + within.sum())
    upto = int(np.searchsorted(days, ANCHOR.toordinal(), side="right"))
    return float(np.log(INDICES[symbol].level) - overnight[:upto].sum() - within[:upto].sum())


def path(seed: int, symbol: str, day: date) -> Floats:
    """An index's level after 0, 1, … 375 minutes of a session.

    Raises:
        LookupError: when the exchange does not trade on that day.
    """
    month = day.year * 12 + day.month - 1
    days, overnight, within = _month(seed, symbol, month)
    at = int(np.searchsorted(days, day.toordinal()))
    if at == len(days) or days[at] != day.toordinal():
        raise LookupError(f"no Indian session on {day}")
    before = _log_level(seed, symbol, month) + float(overnight[: at + 1].sum() + within[:at].sum())
    way: Floats = np.concatenate([[0.0], np.cumsum(within[at])])
    return np.asarray(np.round(np.exp(way + before), 2), dtype=np.float64)


def hour_return(seed: int, symbol: str, day: date, hour: int) -> float:
    """An index's log return within one of India's full hours, 0 where it does not trade.

    The hour of 9 begins at the open, that of 15 ends at the close.
    """
    if not is_session(day) or hour not in HOURS:
        return 0.0
    levels = path(seed, symbol, day)
    start, end = max(0, (hour - 9) * 60 - 15), min(MINUTES, (hour - 8) * 60 - 15)
    return float(np.log(levels[end] / levels[start]))


def usual_hour_move() -> float:
    """Standard deviation of an hour's log return."""
    return float(_MINUTE_VOL * 60**0.5)
