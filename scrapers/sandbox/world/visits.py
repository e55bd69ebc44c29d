"""A day of requests to EDGAR, as arrays: who asked when for which filer's document.

Every draw is hashed from (seed, day, number of the row), so it does not matter in what pieces a day is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from scrapers.sandbox.world import noise
from scrapers.sandbox.world.filers import Filers, filers
from scrapers.sandbox.world.noise import Floats, Ints

FIRST_FORM = (date(2003, 1, 1), date(2017, 6, 30))
SECOND_FORM_FROM = date(2020, 5, 19)

# Kinds of visitors by what they take.
INDEX, TEXT, DATA, PERSON = range(4)
_PIECE_ROWS = 500_000
_REPEATS = 0.0015
# Filings that a filer has, the newest first.
DOCUMENTS = 60
# How busy people are by the hour, New York time; programs hardly know the hour.
_PEOPLE_BY_HOUR = np.array(
    [3, 2, 2, 2, 2, 3, 5, 8, 12, 17, 19, 18, 16, 16, 17, 18, 17, 14, 10, 8, 7, 6, 5, 4], dtype=np.float64
)


@dataclass(frozen=True)
class Visits:
    """Requests in the order of time; all arrays are of one length.

    Attributes:
        second: second of the day.
        agent: number of the visitor.
        kind: what the visitor takes: INDEX, TEXT, DATA or PERSON.
        cik: the filer asked about.
        document: number of the filer's filing.
        draw: a uniform number for whatever else is to be chosen about the row.
    """

    second: Ints
    agent: Ints
    kind: Ints
    cik: Ints
    document: Ints
    draw: Floats


@dataclass(frozen=True)
class _Agents:
    """A day's visitors: how much each does in each hour, and what it takes."""

    by_hour: Floats  # (24, agents), cumulated over agents
    kind: Ints


def series_of(day: date) -> str | None:
    """v1 or v2, or None where no logs were ever published."""
    if FIRST_FORM[0] <= day <= FIRST_FORM[1]:
        return "v1"
    return "v2" if day >= SECOND_FORM_FROM else None


def year_filed(logged: int, document: Ints) -> Ints:
    """The year in which filings were filed that are asked for in a year, by their number with their filer."""
    year: Ints = logged - (document // 4) % max(1, min(15, logged - 1993))
    return year


def visits(seed: int, per_sector: int, day: date, rows: int) -> Iterator[Visits]:
    """A day's requests in pieces of whole hours, about half a million rows each."""
    hours = _rows_by_hour(seed, day, rows)
    agents = _agents(seed, day, rows)
    population = filers(seed, per_sector, day)
    edges = np.concatenate([[0], np.cumsum(hours)])
    start = 0
    for hour in range(1, 25):
        if hour == 24 or edges[hour] - edges[start] >= _PIECE_ROWS:
            yield _piece((seed, day), (start, hour), edges, agents, population)
            start = hour


def _rows_by_hour(seed: int, day: date, rows: int) -> Ints:
    people = _PEOPLE_BY_HOUR / _PEOPLE_BY_HOUR.sum()
    share = 0.45 if day.weekday() < 5 else 0.12
    mood = np.exp(0.15 * noise.normal(noise.key(seed, "hours", day), np.arange(24)))
    weights = ((1 - share) / 24 + share * people) * mood
    edges = np.round(np.cumsum(weights) / weights.sum() * rows).astype(np.int64)
    by_hour: Ints = np.diff(edges, prepend=0)
    return by_hour


def _agents(seed: int, day: date, rows: int) -> _Agents:
    count = int(np.clip(rows // 70, 40, 20_000))
    number = np.arange(count)
    stream = noise.key(seed, "agents", day)
    chance = noise.uniform(stream, number)
    program = chance < np.where(number < count // 60 + 12, 0.9, 0.35)
    # In turns, so that the few who do most of a day do not all take the same.
    kind = np.where(program, np.array([TEXT, INDEX, DATA, INDEX, TEXT])[number % 5], PERSON)
    weight = (number + 2.0) ** -1.05
    begin = np.floor(noise.uniform(stream, number + count) * 24).astype(np.int64)
    length = np.where(number < 6, 24, 1 + np.floor(noise.uniform(stream, number + 2 * count) * 9)).astype(np.int64)
    people = _PEOPLE_BY_HOUR / _PEOPLE_BY_HOUR.mean()
    by_hour = np.empty((24, count))
    for hour in range(24):
        awake = (hour - begin) % 24 < length
        by_hour[hour] = np.cumsum(weight * np.where(kind == PERSON, people[hour], awake * 24 / length) + 1e-9)
    return _Agents(by_hour, kind)


def _piece(of: tuple[int, date], span: tuple[int, int], edges: Ints, agents: _Agents, population: Filers) -> Visits:
    seed, day = of
    row = np.arange(edges[span[0]], edges[span[1]], dtype=np.int64)
    hour = np.searchsorted(edges, row, side="right") - 1

    def draws(name: str) -> Floats:
        return noise.uniform(noise.key(seed, "visits", name, day), row)

    second = hour * 3600 + np.floor(draws("second") * 3600).astype(np.int64)
    agent = np.empty(len(row), dtype=np.int64)
    who = draws("agent")
    for one in range(*span):
        rows = slice(int(edges[one] - edges[span[0]]), int(edges[one + 1] - edges[span[0]]))
        cumulated = agents.by_hour[one]
        agent[rows] = np.searchsorted(cumulated, who[rows] * cumulated[-1])
    cumulated = np.cumsum(population.shares)
    # A visitor stays with a filer for some minutes: half of its requests then go there.
    stay = noise.uniform(noise.key(seed, "stay", day), agent * 144 + second // 600)
    chosen = np.where(draws("stays") < 0.5, stay, draws("filer"))
    filer = np.minimum(np.searchsorted(cumulated, chosen * cumulated[-1]), len(cumulated) - 1)
    document = np.floor(DOCUMENTS * draws("document") ** 2.2).astype(np.int64)
    order = np.argsort(second, kind="stable")
    # Some lines are there twice, to the letter.
    again = draws("repeat") < _REPEATS
    starts = edges[span[0] : span[1]] - edges[span[0]]
    again[starts[starts < len(row)]] = False  # never across an hour, which may be a seam between pieces
    order[again] = order[np.flatnonzero(again) - 1]
    return Visits(
        second=second[order],
        agent=agent[order],
        kind=agents.kind[agent][order],
        cik=population.ciks[filer][order],
        document=document[order],
        draw=draws("rest")[order],
    )
