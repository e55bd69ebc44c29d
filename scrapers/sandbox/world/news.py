"""Stories about the world's companies, each told by something that happened in it.

A story is a function of (seed, company, New York day): a quarter reported, a share that trades without its dividend or is
split, a large move, the sector's session, and one planted day. Every publisher's name says that it is simulated, and no
address leads anywhere: `example.com` is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

import numpy as np

from lake.market_calendar import NEW_YORK, xnys
from scrapers.sandbox.world import actions, bars, companies, noise
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.fundamentals import fundamentals, reports_between
from scrapers.sandbox.world.snapshot import adjusted, snapshot

# The day of NVIDIA's filing, which the logs of EDGAR show as well, has this many stories more.
PLANTED_SYMBOL, PLANTED_DAY, PLANTED_STORIES = "NVDA", date(2026, 11, 18), 8
REACH = timedelta(days=60)  # how far back a source's list of stories goes
_LARGE = 3.0  # standard deviations of a company's own day
_PUBLISHERS = ("Simulated Newswire", "Simulated Business Daily", "Simulated Market Desk", "Simulated Ledger")
_NOTE = "The company, the market and every figure in this story are simulated."
_LEGAL = frozenset({"inc", "corp", "corporation", "co", "company", "plc", "ltd", "and", "&"})
_PLANTED = (
    "{n} opens its developer conference with a keynote on new systems",
    "{n} files a long report on its plans, and readers look it up",
    "Five questions after the {n} keynote",
    "What the {n} filing says about spending on data centers",
    "{n} conference: the second session in short",
    "Suppliers of {n} listen to its developer conference",
    "{n} says its filing is complete",
    "After the {n} conference: what was shown and what was not",
)


@dataclass(frozen=True)
class Story:
    """A story.

    Attributes:
        id: the source's own id of it.
        path: what stands after the host in its address.
        symbols: the companies that it is about.
        published: when, UTC.
    """

    id: str
    path: str
    symbols: tuple[str, ...]
    published: datetime
    title: str
    summary: str
    publisher: str

    @property
    def link(self) -> str:
        """Its canonical address."""
        return f"https://news.example.com{self.path}"


def stories(seed: int, company: Company, at: datetime, count: int) -> list[Story]:
    """The newest stories about a company at an instant, the newest first."""
    last = at.astimezone(NEW_YORK).date()
    found: list[Story] = []
    day, first = last, max(last - REACH, company.first_day)
    while day >= first and len(found) < count:
        told = [story for story in of_day(seed, company, day) if story.published <= at]
        found += sorted(told, key=lambda story: (story.published, story.id), reverse=True)
        day -= timedelta(days=1)
    return found[:count]


@lru_cache(maxsize=32_768)
def of_day(seed: int, company: Company, day: date) -> tuple[Story, ...]:
    """The stories about a company on a day in New York."""
    found = list(_reports(seed, company, day))
    if xnys().is_session(day):
        found += _session_stories(seed, company, day)
        found += [story for story in _roundup(seed, company.sector, day) if company.symbol in story.symbols]
    if (company.symbol, day) == (PLANTED_SYMBOL, PLANTED_DAY):
        found += [
            _story(
                seed, company, "conference", _at(day, time(10, 40 + 2 * n)), words.format(n=_short(company)), _NOTE, n
            )
            for n, words in enumerate(_PLANTED)
        ]
    return tuple(found)


def _reports(seed: int, company: Company, day: date) -> Iterator[Story]:
    for at in reports_between(seed, company, day, day):
        published = at + timedelta(minutes=7)
        seen = snapshot(seed, company, published.replace(second=0, microsecond=0))
        if seen is None:
            continue
        eps = fundamentals(seed, seen).eps
        what = f"earnings of ${eps:,.2f}" if eps > 0 else f"a loss of ${-eps:,.2f}"
        title = f"{_short(company)} ({company.symbol}) reports {what} a share for its last four quarters"
        yield _story(seed, company, "earnings", published, title, f"The quarter's report came at {_clock(at)}. {_NOTE}")


def _session_stories(seed: int, company: Company, day: date) -> Iterator[Story]:
    known = bars.history(seed, company, day - timedelta(days=12), day)
    if len(known) < 2 or known.days[-1] != day.toordinal():
        return
    dividend, factor = float(known.dividend[-1]), float(known.factor[-1])
    if dividend:
        title = f"{_short(company)} shares trade without their dividend of ${dividend:,.2f} from today"
        summary = f"Who bought {company.symbol} before today is paid the dividend of ${dividend:,.2f} a share. {_NOTE}"
        yield _story(seed, company, "dividend", _at(day, time(8, 30)), title, summary)
    for when, ratio in actions.splits(seed, company):
        if when == day:
            words = f"{ratio.numerator} for {ratio.denominator}"
            title = f"{_short(company)} stock split takes effect: {words}"
            yield _story(seed, company, "split", _at(day, time(8, 10)), title, f"New shares for old: {words}. {_NOTE}")
    closes = adjusted(known, factor).close
    change = float(closes[-1] / closes[-2] - 1)
    if abs(np.log1p(change)) > _LARGE * company.own_vol:
        verb = "jump" if change > 0 else "tumble"
        title = f"{_short(company)} shares {verb} {abs(change) * 100:.1f}% to ${float(known.close[-1]):,.2f}"
        summary = f"{company.symbol} moved from ${float(closes[-2]):,.2f} to ${float(closes[-1]):,.2f}. {_NOTE}"
        yield _story(seed, company, "move", xnys().close_at(day) + timedelta(minutes=20), title, summary)


@lru_cache(maxsize=4_096)
def _roundup(seed: int, sector: str, day: date) -> tuple[Story, ...]:
    """The sector's session in one story about its three largest well-known companies."""
    largest = sorted(companies.listed(seed)[sector], key=lambda one: one.price * one.shares, reverse=True)[:3]
    moves = []
    for company in largest:
        known = bars.history(seed, company, day - timedelta(days=12), day)
        closes = adjusted(known, float(known.factor[-1])).close
        change = float(closes[-1] / closes[-2] - 1) * 100
        moves.append(f"{_short(company)} {'gains' if change > 0 else 'slips'} {abs(change):.1f}%")
    title = f"{sector} at the close: {', '.join(moves)}"
    symbols = tuple(company.symbol for company in largest)
    summary = f"How the largest companies of the {sector} sector ended the session. {_NOTE}"
    return (
        _story(seed, largest[0], "close", xnys().close_at(day) + timedelta(minutes=35), title, summary, 0, symbols),
    )


def _story(  # noqa: PLR0913, PLR0917 - what a story is made of
    seed: int,
    company: Company,
    kind: str,
    published: datetime,
    title: str,
    summary: str,
    number: int = 0,
    symbols: tuple[str, ...] = (),
) -> Story:
    stream = noise.key(seed, company.born.symbol, "news", kind, published.isoformat(), number)
    words = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split()[:8])
    return Story(
        id=str(UUID(int=stream << 64 | noise.key(seed, stream))),
        path=f"/{published:%Y/%m/%d}/{words}-{stream & 0xFFFFFFFF:08x}.html",
        symbols=symbols or (company.symbol,),
        published=published,
        title=title,
        summary=summary,
        publisher=_PUBLISHERS[int(noise.one(stream) * len(_PUBLISHERS))],
    )


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, NEW_YORK).astimezone(UTC)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%H:%M} New York time"


def _short(company: Company) -> str:
    """The name without its legal form."""
    words = company.name.replace(",", "").split()
    while len(words) > 1 and words[-1].strip(".").lower() in _LEGAL:
        words.pop()
    return " ".join(words)
