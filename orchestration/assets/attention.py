"""Attention's assets: logs, requests, visits."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration import crash, partitions
from orchestration.assets.factory import asset_key, asset_spec, check_spec, lake_asset, lake_assets, results_of, work_of
from orchestration.resources import LakeResource, SparkResource
from orchestration.steps import attention, bands, filings, log_days, visits
from spark_jobs.edgar_gold import DAYS, GOLD

_SILVER = "silver.edgar_requests"


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_day = partitions.log_days()
    alike = dg.AssetCheckSpec(
        visits.COUNTED_ALIKE,
        asset=asset_key(DAYS.id),
        description="Every day that silver has is counted by the definition of a visit that the settings give.",
    )
    complete = dg.AssetCheckSpec(
        log_days.CHECK,
        asset=asset_key(log_days.TABLE),
        description="Every day asked for is loaded, or the source has no log of it.",
    )

    # Logs are read and counted in one go; the counts alone are made from silver, as after a change of what a visit is.
    @dg.multi_asset(
        name="silver_edgar_requests",
        specs=[
            asset_spec(_SILVER, ["bronze.files"]),
            *(asset_spec(known.id, [_SILVER]) for known in GOLD),
            # Told by the reading of the logs, and not by what is counted anew from silver.
            asset_spec(log_days.TABLE, ["bronze.files", log_days.ASKED_IN_VAIN]),
        ],
        check_specs=[
            check_spec(_SILVER),
            *(check_spec(known.id) for known in GOLD),
            check_spec(log_days.TABLE),
            alike,
            complete,
        ],
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
        reads = {asset_key(_SILVER), asset_key(log_days.TABLE)} & set(asked)
        make = attention.settle_logs if reads else visits.recount
        with spark.session(work) as session:
            for outcome in make(work, session):
                crash.after(work.home, outcome.table.id)
                if asset_key(outcome.table.id) in asked:
                    yield from results_of(outcome)

    return [
        lake_assets(
            ["bronze.files", log_days.ASKED_IN_VAIN], attention.land_logs, {}, partitions=by_day, whole_range=True
        ),
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
