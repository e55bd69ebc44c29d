"""Jobs: one a source, each from the source to the marts; and the schedules of those that do not follow ticks."""

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import dagster as dg

from lake.home import Home
from lake.market_calendar import INDIA, NEW_YORK, xnys
from orchestration.assets.factory import asset_key
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.resources import LakeResource
from orchestration.steps.indices import trades

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# Dagster gives the type of an unresolved job no public name.
Job: TypeAlias = "UnresolvedAssetJobDefinition"


class JobSpec(NamedTuple):
    """A job by the tables it makes, beside the inventory and the marts."""

    name: str
    about: str
    tables: tuple[str, ...]


JOBS = (
    JobSpec(
        "companies",
        "Universe, profiles and company history of a session.",
        (
            "bronze.yahoo_screener",
            "silver.universe",
            "gold.universe",
            "bronze.yahoo_summary",
            "silver.profiles",
            "silver.officers",
            "gold.officers",
            "silver.sec_tickers",
            "gold.companies",
        ),
    ),
    JobSpec(
        "quotes",
        "Snapshots of the universe at a tick.",
        ("bronze.yahoo_quotes", "silver.quotes", "gold.quotes", "gold.sectors", "gold.coverage"),
    ),
    JobSpec(
        "bars_daily",
        "Daily bars and corporate actions of sessions, and the forecasts that follow from them.",
        (
            "bronze.yahoo_chart",
            "silver.bars_daily",
            "silver.corporate_actions",
            "gold.bars_daily",
            "gold.corporate_actions",
            "gold.forecasts",
            "gold.forecast_scores",
        ),
    ),
    JobSpec(
        "attention",
        "EDGAR's logs of days, and the visits they count.",
        ("bronze.files", "silver.edgar_requests", "gold.visits_second", "gold.visits_day"),
    ),
    JobSpec(
        "posts",
        "Posts of days in India and their signals.",
        ("bronze.x_search", "silver.posts", "gold.posts", "gold.signals_hourly"),
    ),
    JobSpec(
        "index_bars",
        "Levels of the indices by the day and by the minute.",
        (
            "bronze.yahoo_index",
            "silver.index_bars_daily",
            "silver.index_bars_minute",
            "gold.index_bars_daily",
            "gold.index_bars_minute",
        ),
    ),
    JobSpec(
        "bars_minute",
        "Minute bars of a watchlist over sessions, and those of imported files.",
        ("bronze.yahoo_minutes", "silver.bars_minute", "gold.bars_minute"),
    ),
)


def build_jobs() -> dict[str, Job]:
    """All jobs by name, `publish` among them: the inventory and the marts alone."""
    marts = dg.AssetSelection.key_prefixes(["marts"], ["staging"]) | dg.AssetSelection.assets(asset_key("gold.loads"))
    jobs: dict[str, Job] = {}
    for spec in JOBS:
        tables = dg.AssetSelection.assets(*(asset_key(name) for name in spec.tables))
        jobs[spec.name] = dg.define_asset_job(spec.name, tables | marts, description=spec.about)
    jobs["publish"] = dg.define_asset_job("publish", marts, description="What changed in gold, to the marts.")
    return jobs


def not_now(lake: LakeResource, slot: str) -> dg.SkipReason | None:
    """Why a job that the clock starts would have nothing to do; None when it would.

    During the first load it would only slow that down; in a real home without a live source there is nobody to ask.

    Args:
        slot: the source that it asks, as `scrapers.urls` names it.
    """
    from lake import delta
    from lake.contracts import table
    from scrapers.urls import source_urls

    settings = lake.settings()
    home = Home.open(settings)
    if delta.count(home, table("gold.loads")) == 0:
        return dg.SkipReason("the first load has not ended yet")
    if getattr(source_urls(settings, home), slot) is None:
        return dg.SkipReason(f"this home has no live source {slot}: its TIDEMARK_…_URL is not set")
    return None


def build_schedules(jobs: dict[str, Job]) -> list[dg.ScheduleDefinition]:
    """Companies before the open, bars after the close, logs and posts by the day and the hour."""
    thorough = {EXPECTATIONS_TAG: "yes"}

    @dg.schedule(
        job=jobs["companies"],
        cron_schedule="0 9 * * 1-5",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def companies_before_the_open(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "query1")) is not None:
            return reason
        today = lake.clock().now().astimezone(NEW_YORK).date()
        if not xnys().is_session(today):
            return dg.SkipReason(f"{today} is no session")
        return dg.RunRequest(run_key=f"companies-{today}", partition_key=today.isoformat(), tags=thorough)

    @dg.schedule(
        job=jobs["bars_daily"],
        cron_schedule="30 17 * * 1-5",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def bars_after_the_close(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "query2")) is not None:
            return reason
        session = xnys().latest_closed_session(lake.clock().now())
        return dg.RunRequest(run_key=f"bars-{session}", partition_key=session.isoformat(), tags=thorough)

    @dg.schedule(
        job=jobs["bars_minute"],
        cron_schedule="40 17 * * 1-5",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def minutes_after_the_close(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "query2")) is not None:
            return reason
        session = xnys().latest_closed_session(lake.clock().now())
        return dg.RunRequest(run_key=f"minutes-{session}", partition_key=session.isoformat(), tags=thorough)

    @dg.schedule(
        job=jobs["index_bars"],
        cron_schedule="45 17 * * *",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def indices_after_the_close(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "query2")) is not None:
            return reason
        today = lake.clock().now().astimezone(NEW_YORK).date()
        if not trades(today):
            return dg.SkipReason(f"no index has a session on {today}")
        return dg.RunRequest(run_key=f"indices-{today}", partition_key=today.isoformat(), tags=thorough)

    @dg.schedule(job=jobs["attention"], cron_schedule="30 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
    def attention_of_yesterday(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "sec")) is not None:
            return reason
        day = lake.clock().now().date() - timedelta(days=1)
        return dg.RunRequest(run_key=f"attention-{day}", partition_key=day.isoformat(), tags=thorough)

    @dg.schedule(
        job=jobs["posts"],
        cron_schedule="5 * * * *",
        execution_timezone="Asia/Kolkata",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def posts_by_the_hour(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, "x")) is not None:
            return reason
        now = lake.clock().now().astimezone(INDIA)
        # The run after midnight completes the day that has just ended.
        day = (now - timedelta(minutes=30)).date()
        return dg.RunRequest(run_key=f"posts-{now:%Y%m%dT%H}", partition_key=day.isoformat())

    return [
        companies_before_the_open,
        bars_after_the_close,
        minutes_after_the_close,
        indices_after_the_close,
        attention_of_yesterday,
        posts_by_the_hour,
    ]
