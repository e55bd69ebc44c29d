"""News' assets: searches and feeds, and the headlines that they tell."""

import dagster as dg

from orchestration.assets.factory import lake_asset
from orchestration.partitions import sessions
from orchestration.steps import news


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_session = sessions()
    return [
        lake_asset(news.SEARCH, news.land_search, deps=["gold.universe"], partitions=by_session),
        lake_asset(news.FEED, news.land_feeds, deps=["gold.universe"], partitions=by_session),
        lake_asset("silver.news", news.settle_news, deps=[news.SEARCH, news.FEED], partitions=by_session),
        lake_asset("gold.news", news.gold_news, deps=["silver.news"], partitions=by_session),
    ]
