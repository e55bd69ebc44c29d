"""Where Dagster's pieces are put together: the same for the webserver, the command and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from orchestration.assets import attention, forecasts, indices, maintenance, market, marts, news, signals
from orchestration.catch_up import catch_up_sensors
from orchestration.freshness import with_freshness
from orchestration.jobs import build_jobs, build_schedules
from orchestration.resources import LakeResource, SparkResource
from orchestration.sensors import tick_sensor


def build_defs(overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """All definitions. Needs no network, no secret and no running database.

    Args:
        overrides: settings that win over the environment, such as {"home": "/data/tidemark"}.
    """
    from dbt_project.runner import ensure_manifest

    jobs = build_jobs()
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in (overrides or {}).items()}
    assets = [
        *market.build(),
        *indices.build(),
        *attention.build(),
        *signals.build(),
        *news.build(),
        *forecasts.build(),
        *marts.build(ensure_manifest()),
    ]
    return dg.Definitions(
        assets=[*dg.map_asset_specs(with_freshness, assets), *maintenance.build(assets)],
        jobs=list(jobs.values()),
        schedules=build_schedules(jobs),
        sensors=[tick_sensor(jobs["quotes"], jobs["companies"]), *catch_up_sensors(jobs)],
        resources={"lake": LakeResource(overrides=plain), "spark": SparkResource()},
        executor=dg.in_process_executor,
    )
