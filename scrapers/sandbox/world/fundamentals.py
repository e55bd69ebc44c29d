"""What companies report and analysts think: earnings, their dates, book value, price targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import exp

import numpy as np

from lake.market_calendar import NEW_YORK
from scrapers.sandbox.world import actions, bars, noise
from scrapers.sandbox.world.calendar import FIRST_DAY, session_on_or_after
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.snapshot import Snapshot

_RATINGS = ((1.5, "Strong Buy"), (2.5, "Buy"), (3.5, "Hold"), (4.5, "Underperform"), (6.0, "Sell"))


@dataclass(frozen=True)
class Fundamentals:
    """A company's slow figures at an instant, per share of that day.

    Attributes:
        eps: earnings of the last four reported quarters, USD.
        dividend_rate: four times the newest dividend, USD; None where none is paid.
        dividends_paid: dividends of the last year, USD.
        ex_dividend: the newest ex-date, or the next one where it is within two weeks.
        reported, next_report: newest and next earnings date.
        rating: analysts' mean, 1 strong buy to 5 sell.
    """

    eps: float
    eps_forward: float
    book_value: float
    dividend_rate: float | None
    dividends_paid: float
    ex_dividend: date | None
    reported: datetime
    next_report: datetime
    target_mean: float
    rating: float
    analysts: int

    @property
    def rating_word(self) -> str:
        """The rating as Yahoo words it."""
        return next(word for limit, word in _RATINGS if self.rating < limit)


def _report_instant(seed: int, company: Company, quarter: int) -> datetime:
    """When the quarter before a quarter's start is reported; quarters are counted from year 0."""
    stream = noise.key(seed, company.born.symbol, "earnings")
    year, part = divmod(quarter, 4)
    day = session_on_or_after(date(year, 1 + 3 * part, 1) + timedelta(days=13 + int(noise.one(stream) * 35)))
    at = time(16, 5) if noise.one(stream, 1) < 0.6 else time(8, 0)
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)


def reports_between(seed: int, company: Company, first: date, last: date) -> list[datetime]:
    """When a company reports its quarters between two days in New York, both included; UTC."""
    quarters = range(first.year * 4 + (first.month - 1) // 3 - 1, last.year * 4 + (last.month - 1) // 3 + 1)
    instants = [_report_instant(seed, company, number) for number in quarters]
    return [at for at in instants if first <= at.astimezone(NEW_YORK).date() <= last]


@lru_cache(maxsize=32_768)
def _anchor_price(seed: int, company: Company, quarter: int) -> float:
    """The last close before a quarter, per anchor share; the first one ever where there is none before."""
    start = max(date(quarter // 4, 1 + 3 * (quarter % 4), 1), company.first_day, FIRST_DAY)
    before = bars.history(seed, company, start - timedelta(days=10), start)
    if not len(before):
        before = bars.history(seed, company, start, start + timedelta(days=10))
    return float(before.close[0] / before.factor[0])


def fundamentals(seed: int, snapshot: Snapshot) -> Fundamentals:
    """A company's slow figures as known at a snapshot's instant."""
    company, at = snapshot.company, snapshot.moment.at
    local = at.astimezone(NEW_YORK).date()
    quarter = local.year * 4 + (local.month - 1) // 3
    reports = [_report_instant(seed, company, number) for number in range(quarter - 1, quarter + 3)]
    newest = max(n for n, report in enumerate(reports) if report <= at)
    known = quarter - 1 + newest
    stream = noise.key(seed, company.born.symbol, "fundamentals")
    level = _anchor_price(seed, company, known) * snapshot.factor
    surprise = noise.one_normal(stream, known)
    if company.pe is None:
        eps = -level * (0.015 + 0.12 * noise.one(stream, known + 1_000_000))
    else:
        eps = level / company.pe * exp(0.05 * surprise)
    rating = min(4.4, max(1.2, 2.3 + 0.5 * noise.one_normal(stream, 1) + 0.1 * surprise))
    paid, newest_paid, ex_day = _dividends(seed, snapshot, local)
    return Fundamentals(
        eps=round(eps, 2) or 0.01,
        eps_forward=round(eps * (1.1 if eps > 0 else 0.8), 2),
        book_value=round(level / (1.2 + 6 * noise.one(stream, 2)), 3),
        dividend_rate=round(4 * newest_paid, 2) if newest_paid else None,
        dividends_paid=round(paid, 4),
        ex_dividend=ex_day,
        reported=reports[newest],
        next_report=reports[newest + 1],
        target_mean=round(level * (1 + 0.3 * (2.6 - rating) + 0.05 * surprise), 2),
        rating=round(rating, 1),
        analysts=3 + int(noise.one(stream, 3) * 35),
    )


def _dividends(seed: int, snapshot: Snapshot, today: date) -> tuple[float, float, date | None]:
    """Dividends of the last year, the newest one, and its ex-date or the one at hand."""
    year = snapshot.year
    at = np.flatnonzero(year.dividend)
    if not len(at):
        return 0.0, 0.0, None
    coming = [day for day in actions.ex_days(seed, snapshot.company, today.year) if today < day]
    soon = coming and coming[0] - today <= timedelta(days=14)
    ex_day = coming[0] if soon else date.fromordinal(int(year.days[at[-1]]))
    return float(year.dividend.sum()), float(year.dividend[at[-1]]), ex_day
