"""A company as it could be seen at an instant: its last trade, its session so far, the year behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np

from lake.market_calendar import NEW_YORK, xnys
from scrapers.sandbox.world import actions, bars, calendar
from scrapers.sandbox.world.bars import Bars
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.intraday import minutes
from scrapers.sandbox.world.noise import Floats


@dataclass(frozen=True)
class Moment:
    """Where an instant stands in the exchange's calendar.

    Attributes:
        session: the newest session that has opened.
        opens, closes: its hours, seconds since 1970.
        elapsed: complete minutes of it that have passed.
        running: whether it has not closed yet.
        state: Yahoo's word: PRE, REGULAR, POST or CLOSED.
        ahead: seconds by which the source's clock is ahead.
    """

    at: datetime
    session: date
    opens: int
    closes: int
    elapsed: int
    running: bool
    state: str
    ahead: int = 0

    @property
    def quoted_at(self) -> int:
        """When the last trade was by the source's clock, seconds since 1970."""
        return self.last_trade + self.ahead

    @property
    def last_trade(self) -> int:
        """When the last trade was, seconds since 1970."""
        return int(self.at.timestamp()) if self.running else self.closes


@lru_cache(maxsize=256)
def moment(at: datetime, ahead: int = 0) -> Moment:
    """Where an instant stands.

    Args:
        at: the instant.
        ahead: seconds by which the source's clock is ahead.

    Raises:
        CalendarEnd: outside the calendar's years.
    """
    exchange = xnys()
    local = at.astimezone(NEW_YORK)
    today = local.date()
    trades_today = exchange.is_session(today)
    session = today if trades_today and at >= exchange.open_at(today) else exchange.previous_session(today)
    opens, closes = exchange.open_at(session), exchange.close_at(session)
    running = at < closes
    if running:
        state = "REGULAR"
    elif trades_today and today != session and local.hour >= 4:
        state = "PRE"
    elif today == session and at < closes + timedelta(hours=4):
        state = "POST"
    else:
        state = "CLOSED"
    passed = int((min(at, closes) - opens) / timedelta(minutes=1))
    return Moment(at, session, int(opens.timestamp()), int(closes.timestamp()), passed, running, state, ahead)


@dataclass(frozen=True)
class Snapshot:
    """A company at an instant. Prices are per share of that day; the year's are adjusted to it for splits.

    Attributes:
        previous_close: close of the session before, in today's shares; None on the first session.
        shares: shares outstanding.
        year: the sessions of the last year, the newest as far as it has come, adjusted for splits.
        factor: anchor shares per share of that day.
    """

    company: Company
    moment: Moment
    price: float
    open: float
    high: float
    low: float
    volume: int
    previous_close: float | None
    shares: int
    factor: float
    year: Bars

    @property
    def market_cap(self) -> float:
        """Shares outstanding times price, USD."""
        return self.shares * self.price

    @property
    def change(self) -> float:
        """Price less previous close, USD."""
        return self.price - self.previous_close if self.previous_close else 0.0

    @property
    def change_fraction(self) -> float:
        """Change over previous close."""
        return self.change / self.previous_close if self.previous_close else 0.0

    def mean_close(self, sessions: int) -> float:
        """Mean of the last closes, today's price among them."""
        return float(self.year.close[-sessions:].mean())

    def mean_volume(self, sessions: int) -> int:
        """Mean volume of the last complete sessions; today's where there is no other."""
        complete = self.year.volume[:-1] if self.moment.running else self.year.volume
        return int(complete[-sessions:].mean()) if len(complete) else self.volume

    @property
    def year_change(self) -> float:
        """Price over the close a year ago, less one."""
        return self.price / float(self.year.close[0]) - 1.0


def adjusted(history: Bars, factor: float) -> Bars:
    """Bars in the shares of another day: as a source shows them once a split has happened."""
    if np.all(history.factor == factor):
        return history
    ratio: Floats = factor / history.factor
    return Bars(
        history.days,
        history.open * ratio,
        history.high * ratio,
        history.low * ratio,
        history.close * ratio,
        np.round(history.volume / ratio).astype(np.int64),
        np.full(len(history), factor),
        history.dividend * ratio,
        history.spread,
    )


def seen(seed: int, company: Company, first: date, now: Moment) -> Bars:
    """Bars from a day up to an instant, adjusted for splits until then; a running session as far as it has come."""
    history = bars.history(seed, company, first, now.session)
    if not len(history):
        return history
    # A split is there overnight: from the start of its day, not from its first trade.
    today = np.array([now.at.astimezone(NEW_YORK).toordinal()], dtype=np.int64)
    history = adjusted(history, float(actions.share_factor(seed, company, today)[0]))
    if not now.running or history.days[-1] != now.session.toordinal():
        return history
    path = minutes(seed, company, now.session)
    done = now.elapsed

    def with_last(column: Floats, value: float) -> Floats:
        changed = column.copy()
        changed[-1] = value
        return changed

    volume = history.volume.copy()
    volume[-1] = path.volume_until(done)
    return Bars(
        history.days,
        history.open,
        with_last(history.high, path.high_until(done)),
        with_last(history.low, path.low_until(done)),
        with_last(history.close, float(path.path[done])),
        volume,
        history.factor,
        history.dividend,
        history.spread,
    )


@lru_cache(maxsize=2_048)
def snapshot(seed: int, company: Company, at: datetime, ahead: int = 0) -> Snapshot | None:
    """The company at an instant, by a clock that may be ahead; None before it came to the market."""
    now = moment(at, ahead)
    year = seen(seed, company, now.session - timedelta(days=366), now)
    if not len(year):
        return None
    factor = float(year.factor[-1])
    return Snapshot(
        company=company,
        moment=now,
        price=float(year.close[-1]),
        open=float(year.open[-1]),
        high=float(year.high[-1]),
        low=float(year.low[-1]),
        volume=int(year.volume[-1]),
        previous_close=float(year.close[-2]) if len(year) > 1 else None,
        shares=round(company.shares / factor),
        factor=factor,
        year=year,
    )


@lru_cache(maxsize=32_768)
def first_trade(company: Company) -> int:
    """When the company first traded in the world, seconds since 1970."""
    day = calendar.session_on_or_after(company.first_day)
    return int(xnys().open_at(day).timestamp())


def utc(seconds: int) -> datetime:
    """An instant from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
