"""Attention's assets: logs, requests, visits."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.assets.factory import asset_spec, check_spec, lake_asset, results_of, work_of
from orchestration.partitions import log_days
from orchestration.resources import LakeResource, SparkResource
from orchestration.steps import attention, bands


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_day = log_days()

    @dg.multi_asset(
        name="silver_edgar_requests",
        specs=[
            asset_spec("silver.edgar_requests", ["bronze.files"]),
            asset_spec("gold.visits_second", ["silver.edgar_requests"]),
        ],
        check_specs=[check_spec("silver.edgar_requests"), check_spec("gold.visits_second")],
        partitions_def=by_day,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="silver_edgar_requests",
    )
    def requests_and_visits(
        context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        work = work_of(context, lake)
        with spark.session(work) as session:
            for outcome in attention.settle_logs(work, session):
                yield from results_of(outcome)

    return [
        lake_asset("bronze.files", attention.land_logs, partitions=by_day, whole_range=True),
        requests_and_visits,
        lake_asset("gold.visits_day", bands.gold_visits_day, deps=["gold.visits_second"]),
        lake_asset("gold.visits_bands", bands.gold_visits_bands, deps=["gold.visits_second"]),
        lake_asset(
            "gold.visits_bands_cik", bands.gold_visits_bands_cik, deps=["gold.visits_second", "gold.visits_day"]
        ),
    ]
