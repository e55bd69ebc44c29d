"""Unusual attention: what is planted is found, and hardly anything is where nothing was planted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from scrapers.sandbox.world import companies
from scrapers.sandbox.world.filers import PLANTED_DAY, PLANTED_SYMBOL
from scrapers.sandbox.world.visits import visits
from spark_jobs.unusual import LEAST_USUAL, THRESHOLD, DayCounts, Floats, Scores, basis, level, scores

SEED, PER_SECTOR = 7, 100
# Of the company-days that are judged, called unusual though nothing was planted.
BOUND = 1 / 1_000

Counts = dict[date, DayCounts]


def judged(counts: Counts, days: Sequence[date]) -> Iterator[tuple[date, Scores]]:
    for day in days:
        found = scores(counts[day], basis(day, sorted(counts)), counts)
        if found is not None:
            yield day, found


def called(found: Scores) -> tuple[int, int]:
    """How many companies were judged, and how many called unusual."""
    large = found.usual >= LEAST_USUAL
    return int(large.sum()), int((found.score[large] >= THRESHOLD).sum())


@pytest.fixture(scope="module")
def sandbox() -> Counts:
    """Days of the sandbox's logs, the planted one being the last but five, with heavy companies and crawlers' bursts."""
    counts = {}
    for n in range(-20, 6):
        day = PLANTED_DAY + timedelta(days=n)
        ciks = np.concatenate([piece.cik for piece in visits(SEED, PER_SECTOR, day, 100_000)])
        found, number = np.unique(ciks, return_counts=True)
        counts[day] = DayCounts(found, number.astype(np.float64))
    return counts


def test_the_planted_filing_day_is_found_and_is_the_day_s_most_unusual(sandbox: Counts) -> None:
    ((_, found),) = judged(sandbox, [PLANTED_DAY])
    planted = companies.find(SEED, PLANTED_SYMBOL, PER_SECTOR)
    assert planted is not None
    assert planted.cik is not None
    at = int(np.searchsorted(sandbox[PLANTED_DAY].ciks, planted.cik))
    assert sandbox[PLANTED_DAY].ciks[at] == planted.cik
    assert found.score[at] == found.score.max()
    assert found.score[at] > 4 * THRESHOLD
    assert sandbox[PLANTED_DAY].visits[at] / found.usual[at] == pytest.approx(10, rel=0.35)


def test_hardly_anything_is_found_in_the_sandbox_where_nothing_is_planted(sandbox: Counts) -> None:
    tried = found = 0
    for day, mine in judged(sandbox, sorted(sandbox)):
        judged_here, called_here = called(mine)
        tried, found = tried + judged_here, found + called_here - (day == PLANTED_DAY)
    assert tried > 5_000
    assert found <= BOUND * tried


def generated(draw: np.random.Generator, days: int, firms: int) -> tuple[Floats, list[date]]:
    """(firms, days) counts with a level of the day, weekdays and a trend of each firm's own, and more than Poisson's noise."""
    first = date(2016, 1, 4)
    dates = [first + timedelta(days=n) for n in range(days)]
    size = np.exp(draw.normal(4.0, 1.5, firms))
    weekday = np.exp(draw.normal(0, 0.4, (firms, 7)))
    trend = np.exp(np.outer(draw.normal(0, 0.004, firms), np.arange(days)))
    common = np.exp(np.cumsum(draw.normal(0, 0.05, days))) * np.where(np.arange(days) % 7 >= 5, 0.3, 1.0)
    mean = size[:, None] * weekday[:, np.arange(days) % 7] * trend * common
    return draw.poisson(draw.gamma(8.0, mean / 8.0)).astype(np.float64), dates


def as_counts(visits_of: Floats, dates: Sequence[date]) -> Counts:
    ciks = np.arange(1, len(visits_of) + 1)
    return {
        day: DayCounts(ciks[column > 0], column[column > 0]) for day, column in zip(dates, visits_of.T, strict=True)
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trends_weekdays_and_common_levels_are_not_called_unusual_and_tenfold_days_are(seed: int) -> None:
    draw = np.random.default_rng(seed)
    counted, dates = generated(draw, 110, 700)
    counts = as_counts(counted, dates)
    tried = found = planted = caught = 0
    for day, mine in judged(counts, dates[80:]):
        judged_here, called_here = called(mine)
        tried, found = tried + judged_here, found + called_here
        large = np.flatnonzero(mine.usual >= 30)
        some = draw.choice(large, 5, replace=False)
        more = counts[day].visits.copy()
        more[some] = draw.poisson(10 * mine.usual[some])
        again = scores(DayCounts(counts[day].ciks, more), basis(day, dates), counts)
        assert again is not None
        planted, caught = planted + len(some), caught + int((again.score[some] >= THRESHOLD).sum())
    assert tried > 10_000
    assert found <= BOUND * tried
    assert caught >= 0.9 * planted


def test_a_steady_trend_scores_little() -> None:
    # Level companies beside one that grows by a tenth a week.
    dates = [date(2016, 1, 4) + timedelta(days=n) for n in range(80)]
    steady = np.full((50, 80), 400.0)
    growing = np.round(1_000 * 1.1 ** (np.arange(80) / 7))
    counts = as_counts(np.vstack([steady, growing]), dates)
    ((_, found),) = judged(counts, dates[-1:])
    assert 0 < found.score[-1] < 2


def test_one_giant_does_not_move_the_day_s_level() -> None:
    medians = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    assert level(2 * medians, medians) == 2.0
    assert level(np.array([20.0, 40.0, 60.0, 80.0, 10_000.0]), medians) == 2.0
    assert level(np.zeros(5), medians) == 0.0
    assert level(np.ones(5), np.zeros(5)) == 1.0


def test_too_few_comparable_days_say_nothing() -> None:
    monday = date(2016, 3, 7)
    weekdays = [monday - timedelta(days=n) for n in range(1, 14) if (monday - timedelta(days=n)).weekday() < 5]
    assert len(weekdays) == 9
    assert basis(monday, sorted(weekdays)).of is None
    assert basis(monday, sorted([*weekdays, monday - timedelta(days=14)])).of == "weekday"
    # A tenth day that lies before the ten weeks does not count.
    assert basis(monday, sorted([*weekdays, monday - timedelta(days=77)])).of is None
    assert basis(monday, [monday - timedelta(weeks=n) for n in range(8, 0, -1)]).of == "same_weekday"
