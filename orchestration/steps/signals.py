"""The signals' steps: posts by India's day, and each tag's signal by the hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from lake import delta
from lake.contracts import table
from lake.market_calendar import INDIA
from orchestration.steps.common import bodies_of, days, land, since, write_gold, write_keeping
from orchestration.work import Outcome, Work

# The search refuses an end that is not at least ten seconds past.
SETTLING = timedelta(seconds=30)


def land_posts(work: Work) -> Outcome:
    """Every page of the recent search for each tag and day asked for."""
    start = datetime.combine(work.first, time(), INDIA).astimezone(UTC)
    day_end = datetime.combine(work.last + timedelta(days=1), time(), INDIA).astimezone(UTC)
    end = min(day_end, work.clock.now() - SETTLING)
    if end <= start:
        raise ValueError(f"{work.first} has only just begun in India: its first posts can be asked for in a minute")
    params = {"tags": list(work.settings.tags), "start": _stamp(start), "end": _stamp(end)}
    return land(work, "bronze.x_search", "posts", params)


def _stamp(at: datetime) -> str:
    """An instant as the X API reads it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def settle_posts(work: Work) -> Outcome:
    """Posts of the days asked for, one row each."""
    from scrapers.silver import posts_rows

    bodies = bodies_of(work, "bronze.x_search", since(work))
    settled = posts_rows(bodies, work.first, work.last, work.settings.tags)
    return write_keeping(work, "silver.posts", settled, days(work, "day"), set(bodies["_payload_sha256"]))


def gold_signals(work: Work) -> Iterator[Outcome]:
    """Posts with their scores, and the tags' signals by hour."""
    from ml.signals import score_posts, signals_hourly

    where = days(work, "day")
    scored = score_posts(delta.read(work.home, table("silver.posts"), where))
    yield write_gold(work, "gold.posts", scored, where)
    yield write_gold(work, "gold.signals_hourly", signals_hourly(scored, tags=list(work.settings.tags)), where)
