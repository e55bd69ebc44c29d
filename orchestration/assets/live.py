"""The live stream's asset: its history."""

import dagster as dg

from orchestration.assets.factory import lake_asset
from orchestration.steps import live


def build() -> list[dg.AssetsDefinition]:
    """All assets of the stream."""
    return [lake_asset("gold.visits_live", live.write_history)]
