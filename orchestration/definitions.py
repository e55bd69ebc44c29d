"""Where Dagster's pieces are put together: the same for the webserver, the command and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from lake.settings import load_settings
from orchestration.assets import attention, forecasts, indices, live, maintenance, market, marts, news, signals
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
        *live.build(),
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
        resources={**_lake_resources(plain), "spark": SparkResource()},
        executor=dg.in_process_executor,
    )


def _lake_resources(overrides: dict[str, Any]) -> dict[str, Any]:
    """The lake's resource; with `TIDEMARK_LAKE` in S3 another one stands for S3 itself, for assets of one's own too."""
    settings = load_settings(**overrides)
    if settings.lake is None:
        return {"lake": LakeResource(overrides=overrides)}
    # dagster-aws takes a second to import: only where it serves.
    from dagster_aws.s3 import S3Resource

    from orchestration.s3_resource import S3LakeResource

    s3 = S3Resource(endpoint_url=settings.s3_endpoint)
    return {"lake": S3LakeResource(overrides=overrides, s3=s3), "s3": s3}
