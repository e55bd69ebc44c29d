"""Unusual attention: a day's visits to a company's filings against the company's own usual.

For a company c on a day d of one series, n(c, d) being its visits:

1. Comparable days are the loaded days of the ten weeks before d of the same weekday, where there are 8 of them; else
   those from Monday to Friday, or of weekends, as d is. Under 10 such days nothing is said. To hold attention against
   that of the weeks just before follows Da, Engelberg and Gao, "In Search of Attention" (Journal of Finance 66, 2011),
   who do so with eight weeks of searches.
2. What all companies have in common is taken out: the level L(i) of a day is the factor that brings the companies'
   medians over the comparable days nearest to the visits of that day, in the sense of the least sum of absolute
   differences: a weighted median of ratios. One crawler or one company that makes half of a day does not move it, as
   it would move the day's total. m(c, i) = n(c, i) · L(d) / L(i).
3. The usual is the median of m(c, i) over the comparable days. Days without a visit are zeros.
4. Counts are compared as y(n) = 2 √(n + 3/8), on which a Poisson count has the spread 1 whatever its mean (Anscombe,
   "The Transformation of Poisson, Binomial and Negative-Binomial Data", Biometrika 35, 1948): a company with 3 visits
   a day and one with 3,000 are judged by one rule, and a company with few visits needs many to be unusual.
5. The spread is 1.4826 times the median absolute deviation of y(m) from its median (the robust z-score), but no less
   than 1, nor than what the hundred companies nearest in size give over the comparable days: the distance above the
   median that one in a hundred of their days exceeds, over the 2.326 that it would be in a normal distribution. Visits
   come in bursts, a crawler's stay or a reader's whole afternoon, which are rarer than a median of one company's
   deviations can see.
6. score = (y(n) − median y(m)) / spread. Unusual is a score of 5 or more: more than twice as far out as one in a
   hundred days of companies of that size. Of a usual under 10 visits it is not said: one visitor's stay is more.

A steady trend of a company's own scores 1.5 at the most, because what it adds to the distance it adds to the spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
UsualOf = Literal["same_weekday", "weekday", "weekend"]

WEEKS = 10
REACH = timedelta(weeks=WEEKS)
LEAST_SAME_WEEKDAY = 8
LEAST_DAYS = 10
THRESHOLD = 5.0
LEAST_USUAL = 10.0
_NEAR = 100
_SATURDAY = 5
# Of a normal distribution the standard deviation over the median absolute deviation, and the place of its 99th
# percentile in standard deviations.
_NORMAL, _ONE_IN_A_HUNDRED = 1.4826, 2.326


class Basis(NamedTuple):
    """The days that a day is compared with, and by what they are alike; None where they are too few."""

    days: tuple[date, ...]
    of: UsualOf | None


class DayCounts(NamedTuple):
    """A day's visits by company: filers in ascending order, and their visits."""

    ciks: Ints
    visits: Floats


@dataclass(frozen=True)
class Scores:
    """Of a day's companies, in their order.

    Attributes:
        usual: expected visits.
        score: distance from it in spreads.
        days: comparable days.
        of: by what they are alike.
    """

    usual: Floats
    score: Floats
    days: int
    of: UsualOf


def basis(day: date, loaded: Sequence[date]) -> Basis:
    """Which of the loaded days a day is compared with."""
    before = [other for other in loaded if day - REACH <= other < day]
    same = tuple(other for other in before if other.weekday() == day.weekday())
    if len(same) >= LEAST_SAME_WEEKDAY:
        return Basis(same, "same_weekday")
    weekend = day.weekday() >= _SATURDAY
    alike = tuple(other for other in before if (other.weekday() >= _SATURDAY) == weekend)
    if len(alike) < LEAST_DAYS:
        return Basis(alike, None)
    return Basis(alike, "weekend" if weekend else "weekday")


def scores(today: DayCounts, comparable: Basis, counts: Mapping[date, DayCounts]) -> Scores | None:
    """Usual and score of each company of a day.

    Args:
        today: the day's visits.
        comparable: what the day is compared with.
        counts: visits of those days.

    Returns:
        None where there are too few comparable days, or the day's level is not known because hardly any of the
        companies that are usually visited was.
    """
    if comparable.of is None:
        return None
    days = [counts[day] for day in comparable.days]
    ciks = np.unique(np.concatenate([today.ciks, *(day.ciks for day in days)]))
    past = np.stack([_placed(day, ciks) for day in days], axis=1)
    now = _placed(today, ciks)
    medians = np.median(past, axis=1)
    levels = np.array([level(past[:, number], medians) for number in range(past.shape[1])])
    mine = level(now, medians)
    kept = levels > 0
    if mine <= 0 or kept.sum() < LEAST_SAME_WEEKDAY:
        return None
    expected = past[:, kept] * (mine / levels[kept])
    usual = np.median(expected, axis=1)
    steady = stabilised(expected)
    middle = np.median(steady, axis=1)
    own = _NORMAL * np.median(np.abs(steady - middle[:, None]), axis=1)
    score = (stabilised(now) - middle) / np.maximum(own, least_spread(usual, steady - middle[:, None]))
    at = np.searchsorted(ciks, today.ciks)
    return Scores(usual[at], score[at], int(kept.sum()), comparable.of)


def _placed(day: DayCounts, ciks: Ints) -> Floats:
    """A day's visits by all companies, zero where it has none."""
    found = np.zeros(len(ciks))
    found[np.searchsorted(ciks, day.ciks)] = day.visits
    return found


def stabilised(visits: Floats) -> Floats:
    """Counts on the scale on which a Poisson count has the standard deviation 1."""
    return 2 * np.sqrt(visits + 3 / 8)


def level(visits: Floats, medians: Floats) -> float:
    """The factor f for which Σ |visits − f · medians| is least; 1 where no company is usually visited."""
    known = medians > 0
    if not known.any():
        return 1.0
    ratios, weights = visits[known] / medians[known], medians[known]
    order = np.argsort(ratios, kind="stable")
    reached = np.cumsum(weights[order])
    return float(ratios[order][np.searchsorted(reached, reached[-1] / 2)])


def least_spread(usual: Floats, distances: Floats) -> Floats:
    """The least that each company's spread is taken for: Poisson's, and what companies of its size give.

    Args:
        usual: (companies,) expected visits.
        distances: (companies, days) of comparable days from the company's own median, stabilised.
    """
    order = np.argsort(-usual, kind="stable")
    groups = np.array_split(order, range(_NEAR, len(order) - _NEAR // 2, _NEAR))
    found = np.ones(len(usual))
    for group in groups:
        found[group] = max(1.0, float(np.quantile(distances[group], 0.99)) / _ONE_IN_A_HUNDRED)
    return found
