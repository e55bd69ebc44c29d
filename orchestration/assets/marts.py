"""The marts: dbt's models as assets, built from what changed in gold and swapped in together."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from lake.contracts import TABLES, of_layer, table
from orchestration import crash
from orchestration.assets.factory import OWNER, asset_key, column_schema, lake_asset, work_of
from orchestration.resources import LakeResource
from orchestration.steps import publish


class MartTranslator(DagsterDbtTranslator):
    """Names dbt's models and sources as the lake names them."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Sources are gold's assets; marts are `marts/NAME`; staging views keep their own name."""
        name = str(dbt_resource_props["name"])
        if dbt_resource_props["resource_type"] == "source":
            return asset_key(f"gold.{name}")
        if f"mart.{name}" in TABLES:
            return asset_key(f"mart.{name}")
        return dg.AssetKey(["staging", name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The group of the contract."""
        name = str(dbt_resource_props["name"])
        return table(f"mart.{name}").group if f"mart.{name}" in TABLES else "staging"

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """The contract's columns."""
        name = str(dbt_resource_props["name"])
        if f"mart.{name}" not in TABLES:
            return {}
        return {"dagster/column_schema": column_schema(table(f"mart.{name}")), "dagster/table_name": f"marts.{name}"}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """One team."""
        del dbt_resource_props
        return [OWNER]


EXPECTATIONS_TAG = "tidemark/expectations"


def build(manifest: Path) -> list[dg.AssetsDefinition]:
    """The inventory and the marts.

    Args:
        manifest: dbt's manifest.json.
    """

    @dbt_assets(
        manifest=manifest,
        name="marts",
        select="fqn:tidemark",
        dagster_dbt_translator=MartTranslator(),
        pool="marts",
    )
    def marts(
        context: dg.AssetExecutionContext, lake: LakeResource
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        work = work_of(context, lake)
        thorough = context.run.tags.get(EXPECTATIONS_TAG) == "yes"
        published = publish.publish(work, expectations=thorough)
        crash.after(work.home, "marts")
        context.log.info("staged %s, swapped %s", published.loaded, ", ".join(published.marts) or "nothing")
        rebuilt = published.mart_rows
        taken = {f"seconds_{part}": seconds for part, seconds in published.seconds.items()}
        for key in sorted(context.selected_asset_keys):
            name = key.path[-1]
            facts: dict[str, float] = {"dagster/row_count": rebuilt[name]} if name in rebuilt else {"unchanged": True}
            yield dg.MaterializeResult(asset_key=key, metadata={} if key.path[0] == "staging" else facts | taken)
        for check in context.selected_asset_check_keys:
            if check.asset_key.path[-1] in rebuilt or check.asset_key.path[0] == "staging":
                yield dg.AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name)

    inventory = lake_asset("gold.loads", publish.gold_loads, deps=[t.id for t in TABLES.values() if _counted(t.id)])
    refused = lake_asset(
        "gold.quarantine",
        publish.gold_quarantine,
        deps=[*(known.id for known in of_layer("silver")), "gold.bars_daily"],
    )
    return [refused, inventory, marts]


def _counted(table_id: str) -> bool:
    return table_id.split(".", maxsplit=1)[0] == "gold" and table_id != "gold.loads"
