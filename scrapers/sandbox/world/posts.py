"""Posts about the Indian market: who wrote what when, under which tag and in what mood.

Everything about a post is hashed from (seed, day, number); its words come from `post_texts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache

import numpy as np

from lake.market_calendar import INDIA
from scrapers.sandbox.world import india, noise
from scrapers.sandbox.world.noise import Floats, Ints

# The one planted effect in posts: this tag's mood in an hour knows this index's return in the next one.
LEADING_TAG, LED_INDEX = "banknifty", "^NSEBANK"
_LEAD = 0.3

ORDINARY, REPOST, SPAM, COPY, HOSTILE = range(5)
_EPOCH_MS = 1_288_834_974_657  # where the source's ids begin
_AUTHORS = 5_000
# How much is written by the hour, India time, on a trading day and on others.
_TRADING = np.array(
    [6, 3, 2, 1, 1, 2, 5, 12, 26, 60, 58, 48, 44, 46, 54, 62, 34, 24, 20, 20, 21, 20, 16, 10], dtype=np.float64
)
_RESTING = np.array(
    [8, 4, 3, 2, 2, 4, 8, 14, 22, 28, 30, 30, 28, 26, 25, 25, 26, 28, 30, 32, 32, 30, 24, 15], dtype=np.float64
)


@dataclass(frozen=True)
class Day:
    """A day's posts in the order of time; all arrays are of one length.

    Attributes:
        day: India's date.
        ids: ascending in time, as the source's are.
        at: when each was written, seconds since 1970.
        tag: number of its main tag in `tags`.
        also: number of a second tag, −1 for none.
        mood: −1 against, 0 neither, 1 for the market.
        kind: ORDINARY, REPOST, SPAM, COPY (of another's words) or HOSTILE.
        source: number of the post it repeats; −1 for none.
        author: number of who wrote it.
        likes, reposts, replies: counted once and for all.
    """

    seed: int
    day: date
    tags: tuple[str, ...]
    ids: Ints
    at: Ints
    tag: Ints
    also: Ints
    mood: Ints
    kind: Ints
    source: Ints
    author: Ints
    likes: Ints
    reposts: Ints
    replies: Ints

    def __len__(self) -> int:
        return len(self.ids)


def _rows(seed: int, day: date, at_least: int) -> int:
    return at_least + int(at_least * (0.02 + 0.1 * noise.one(noise.key(seed, "posts", day))))


def _times(seed: int, day: date, rows: int) -> Ints:
    """Milliseconds since 1970, ascending."""
    weights = _TRADING if india.is_session(day) else _RESTING
    edges = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    spin = np.sort(noise.uniform(noise.key(seed, "post times", day), np.arange(rows)))
    hour = np.minimum(np.searchsorted(edges, spin, side="right") - 1, 23)
    within = (spin - edges[hour]) / (edges[hour + 1] - edges[hour])
    midnight = int(datetime.combine(day, time(), INDIA).timestamp()) * 1000
    times: Ints = midnight + np.floor((hour + np.minimum(within, 0.999999)) * 3_600_000).astype(np.int64)
    return times


def mood_of(seed: int, tag: str, day: date, hour: int) -> float:
    """How a tag's writers feel in an hour, around 0: pure chance, but for the one tag that leads its index."""
    chance = noise.one_normal(noise.key(seed, "mood", tag, day), hour)
    if tag != LEADING_TAG:
        return 0.35 * chance
    coming = india.hour_return(seed, LED_INDEX, day, hour + 1) / india.usual_hour_move()
    return float(0.15 * chance + _LEAD * np.clip(coming, -2.5, 2.5))


@lru_cache(maxsize=32)
def posts(seed: int, day: date, at_least: int, tags: tuple[str, ...]) -> Day:
    """The posts of one of India's days."""
    rows = _rows(seed, day, at_least)
    number = np.arange(rows)

    def draws(name: str) -> Floats:
        return noise.uniform(noise.key(seed, "posts", name, day), number)

    times = _times(seed, day, rows)
    low = (noise.bits(noise.key(seed, "post ids", day), number) % np.uint64(1 << 22)).astype(np.int64)
    ids = np.sort(((times - _EPOCH_MS) << 22) | low)
    tag = np.floor(draws("tag") * len(tags)).astype(np.int64)
    second = np.floor(draws("also") * 2.4 * len(tags)).astype(np.int64)
    leads = np.array([name == LEADING_TAG for name in tags])[tag]
    # Who knows the next hour writes under that one tag only, so that no other tag knows it too.
    also = np.where((second < len(tags)) & (second != tag) & ~leads, second, -1)
    kind = np.searchsorted([0.70, 0.83, 0.93, 0.985], draws("kind"), side="right").astype(np.int64)
    source = np.where(np.isin(kind, (REPOST, COPY)), _earlier(kind, tag, draws("source")), -1)
    passes = source >= 0
    kind = np.where(np.isin(kind, (REPOST, COPY)) & ~passes, ORDINARY, kind)
    mood = _moods(seed, day, tags, times, tag)
    mood = np.where(passes, mood[source], np.where(kind == SPAM, 1, mood))
    also = np.where(passes, also[source], also)
    fame = (draws("author") ** -0.45) - 1
    likes = np.floor(0.9 * draws("likes") ** -0.75 * (1 + fame) - 0.6).astype(np.int64).clip(0, 250_000)
    reposts = np.floor(likes * 0.25 * draws("reposts") ** 0.8).astype(np.int64)
    return Day(
        seed=seed,
        day=day,
        tags=tags,
        ids=ids,
        at=((ids >> 22) + _EPOCH_MS) // 1000,
        tag=tag,
        also=also,
        mood=mood,
        kind=kind,
        source=source,
        author=np.floor(_AUTHORS * draws("author") ** 1.7).astype(np.int64),
        likes=np.where(kind == REPOST, 0, likes),
        reposts=np.where(kind == REPOST, reposts[source], reposts),
        replies=np.where(kind == REPOST, 0, np.floor(likes * 0.12 * draws("replies")).astype(np.int64)),
    )


def _earlier(kind: Ints, tag: Ints, spin: Floats) -> Ints:
    """For each post an ordinary one before it under the same tag, −1 where there is none."""
    number = np.arange(len(kind))
    wish = np.floor(number * spin**0.5).astype(np.int64)
    source = np.full(len(kind), -1)
    for one in np.unique(tag):
        newest = np.maximum.accumulate(np.where((kind == ORDINARY) & (tag == one), number, -1))
        source = np.where(tag == one, newest[wish], source)
    return source


def _moods(seed: int, day: date, tags: tuple[str, ...], times: Ints, tag: Ints) -> Ints:
    midnight = int(datetime.combine(day, time(), INDIA).timestamp()) * 1000
    hour = ((times - midnight) // 3_600_000).clip(0, 23)
    lean = np.array([[mood_of(seed, name, day, h) for h in range(24)] for name in tags])[tag, hour]
    spin = noise.uniform(noise.key(seed, "post moods", day), np.arange(len(times)))
    hopeful = np.clip(0.38 + 0.42 * lean, 0.03, 0.94)
    fearful = np.clip(0.34 - 0.42 * lean, 0.03, 0.94) * np.minimum(1.0, (1 - hopeful) / 0.6)
    moods: Ints = np.where(spin < hopeful, 1, np.where(spin > 1 - fearful, -1, 0)).astype(np.int64)
    return moods


def day_of(instant: datetime) -> date:
    """India's date of an instant."""
    return instant.astimezone(INDIA).date()


def instant_of(identity: int) -> datetime:
    """When the post of an id was written."""
    return datetime.fromtimestamp(((identity >> 22) + _EPOCH_MS) / 1000, UTC)
