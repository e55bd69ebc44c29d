"""The indices' assets: charts, levels by the day and by the minute."""

import dagster as dg

from orchestration.assets.factory import asset_key, lake_asset, lake_assets, of_any_day
from orchestration.partitions import index_days
from orchestration.steps import indices


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_day = index_days()
    silver, gold = ([f"{layer}.index_bars_daily", f"{layer}.index_bars_minute"] for layer in ("silver", "gold"))
    return [
        lake_asset("bronze.yahoo_index", indices.land_indices, partitions=by_day, whole_range=True),
        lake_assets(
            silver,
            indices.settle_indices,
            {name: ["bronze.yahoo_index", of_any_day("bronze.files")] for name in silver},
            by_day,
            whole_range=True,
            checks=[
                dg.AssetCheckSpec(
                    indices.CALENDAR_CHECK,
                    asset=asset_key("silver.index_bars_daily"),
                    description="Each index's exchange has a calendar for the day; without one its index is left out.",
                )
            ],
        ),
        lake_assets(
            gold,
            indices.gold_indices,
            dict(zip(gold, ([name] for name in silver), strict=True)),
            by_day,
            whole_range=True,
        ),
    ]
