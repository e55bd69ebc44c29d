"""The signals' assets: posts and the tags' signal by hour."""

import dagster as dg

from orchestration.assets.factory import lake_asset, lake_assets
from orchestration.partitions import post_days
from orchestration.steps import signals


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_day = post_days()
    return [
        lake_asset("bronze.x_search", signals.land_posts, partitions=by_day, whole_range=True),
        lake_asset("silver.posts", signals.settle_posts, deps=["bronze.x_search"], partitions=by_day, whole_range=True),
        lake_assets(
            ["gold.posts", "gold.signals_hourly"],
            signals.gold_signals,
            {"gold.posts": ["silver.posts"], "gold.signals_hourly": ["silver.posts"]},
            by_day,
            whole_range=True,
        ),
    ]
