"""The forecasts' assets: made and scored together."""

import dagster as dg

from orchestration.assets.factory import lake_assets
from orchestration.steps import forecasts


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    return [
        lake_assets(
            ["gold.forecasts", "gold.forecast_scores"],
            forecasts.gold_forecasts,
            {"gold.forecasts": ["gold.bars_daily"], "gold.forecast_scores": ["gold.bars_daily"]},
        )
    ]
