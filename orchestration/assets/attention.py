"""Attention's assets: logs, requests, visits."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.assets.factory import asset_key, asset_spec, check_spec, lake_asset, results_of, work_of
from orchestration.partitions import log_days
from orchestration.resources import LakeResource, SparkResource
from orchestration.steps import attention, bands, filings, visits
from spark_jobs.edgar_gold import DAYS, GOLD

_SILVER = "silver.edgar_requests"


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_day = log_days()
    alike = dg.AssetCheckSpec(
        visits.COUNTED_ALIKE,
        asset=asset_key(DAYS.id),
        description="Every day that silver has is counted by the definition of a visit that the settings give.",
    )

    # Logs are read and counted in one go; the counts alone are made from silver, as after a change of what a visit is.
    @dg.multi_asset(
        name="silver_edgar_requests",
        specs=[
            asset_spec(_SILVER, ["bronze.files"]),
            *(asset_spec(known.id, [_SILVER]) for known in GOLD),
        ],
        check_specs=[check_spec(_SILVER), *(check_spec(known.id) for known in GOLD), alike],
        partitions_def=by_day,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool="silver_edgar_requests",
    )
    def requests_and_visits(
        context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        work = work_of(context, lake)
        asked = context.selected_asset_keys
        make = attention.settle_logs if asset_key(_SILVER) in asked else visits.recount
        with spark.session(work) as session:
            for outcome in make(work, session):
                if asset_key(outcome.table.id) in asked:
                    yield from results_of(outcome)

    return [
        lake_asset("bronze.files", attention.land_logs, partitions=by_day, whole_range=True),
        requests_and_visits,
        lake_asset("gold.visits_day", bands.gold_visits_day, deps=["gold.visits_second"]),
        lake_asset("gold.visits_bands", bands.gold_visits_bands, deps=["gold.visits_total_second"]),
        lake_asset(
            "gold.visits_bands_cik", bands.gold_visits_bands_cik, deps=["gold.visits_second", "gold.visits_day"]
        ),
        lake_asset("silver.filings", filings.settle_filings, deps=["bronze.files"]),
        lake_asset(filings.INDEX, filings.land_index, partitions=by_day, whole_range=True),
        lake_asset(
            "silver.filing_index", filings.settle_index, deps=[filings.INDEX], partitions=by_day, whole_range=True
        ),
        lake_asset("gold.filings", filings.gold_filings, deps=["silver.filings", "silver.filing_index"]),
    ]
