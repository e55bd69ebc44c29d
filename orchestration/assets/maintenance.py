"""The maintenance's assets: one for each group of tables that one step writes, in turn with that step."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from lake.contracts import DISPUTED, TABLES, Table
from orchestration.assets.factory import OWNER, work_of
from orchestration.resources import LakeResource
from orchestration.steps.maintenance import maintain

GROUP = "maintenance"


def build(writers: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """All assets of the group.

    Args:
        writers: the assets that write tables; each names the pool in which its runs take turns.
    """
    found = []
    for writer in writers:
        names = [".".join(key.path) for key in sorted(writer.keys) if ".".join(key.path) in TABLES]
        pools = sorted(writer.node_def.pools)
        if names and pools:
            beside = [DISPUTED] if "gold.bars_daily" in names else []
            found.append(_asset(pools[0], [*(TABLES[name] for name in names), *beside]))
    return found


def _asset(pool: str, tables: list[Table]) -> dg.AssetsDefinition:
    shown = ", ".join(known.id for known in tables)

    @dg.multi_asset(
        name=f"maintain_{pool}",
        specs=[
            dg.AssetSpec(
                [GROUP, pool],
                group_name=GROUP,
                kinds={"deltalake"},
                owners=[OWNER],
                description=f"Retention, compaction, checkpoint and vacuum of {shown}.",
            )
        ],
        pool=pool,
    )
    def compute(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        facts: dict[str, int | str | bool] = {}
        for night in maintain(work_of(context, lake), tables):
            facts |= night.facts()
        yield dg.MaterializeResult(asset_key=[GROUP, pool], metadata=facts)

    return compute
