"""The steps of news: searches and feeds of the largest companies of each sector, and one row a story and company."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import polars as pl

from lake import delta
from lake.contracts import table
from lake.market_calendar import NEW_YORK
from orchestration.steps.common import bodies_of, days, land, write_gold, write_silver
from orchestration.steps.market import members
from orchestration.work import Outcome, Work

SEARCH, FEED = "bronze.yahoo_search", "bronze.yahoo_rss"


def watched(work: Work) -> list[str]:
    """The companies whose news is collected: the largest of each sector."""
    return members(work).filter(pl.col("rank") <= work.settings.news_per_sector)["symbol"].to_list()


def _as_of_end(work: Work) -> dict[str, object]:
    """For a day that is over, the instant at which the sandbox is asked: its end in New York."""
    end = datetime.combine(work.last + timedelta(days=1), time(), NEW_YORK).astimezone(UTC)
    return {"at": end.isoformat()} if work.simulated and end <= work.clock.now() else {}


def land_search(work: Work) -> Outcome:
    """What the search tells of each company, the newest stories."""
    return land(work, SEARCH, "news_search", {"symbols": watched(work), **_as_of_end(work)})


def land_feeds(work: Work) -> Outcome:
    """The feed of each company's headlines."""
    return land(work, FEED, "news_rss", {"symbols": watched(work), **_as_of_end(work)})


def settle_news(work: Work) -> Outcome:
    """Stories that no other day's crawl has seen, one row an address and company."""
    from scrapers.news import news_rows

    known, where = table("silver.news"), days(work, "session")
    others = delta.scan(work.home, known).filter(~pl.col("session").is_between(work.first, work.last))
    bodies = pl.concat([bodies_of(work, SEARCH), bodies_of(work, FEED)])
    return write_silver(work, known.id, news_rows(bodies, others.select("url", "symbol").collect()), where)


def gold_news(work: Work) -> Outcome:
    """News by the day that saw it first, as people ask for it."""
    where = days(work, "session")
    return write_gold(work, "gold.news", delta.read(work.home, table("silver.news"), where), where)
