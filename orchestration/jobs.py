"""Jobs: one a source, each from the source to the marts; and the schedules of those that do not follow ticks."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import dagster as dg

from lake.home import Home
from lake.market_calendar import INDIA, NEW_YORK, xnys
from lake.settings import Settings
from orchestration.assets.factory import asset_key
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.resources import LakeResource
from orchestration.steps.indices import trades

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# Dagster gives the type of an unresolved job no public name.
Job: TypeAlias = "UnresolvedAssetJobDefinition"


Chunk = Literal["year", "week", "day", "tick"]
# Days of one chunk have the same value.
TOGETHER: dict[str, Callable[[date], object]] = {
    "year": lambda day: day.year,
    "week": lambda day: day.isocalendar()[:2],
    "day": lambda day: day,
}


class JobSpec(NamedTuple):
    """A job by the tables it makes, beside the inventory and the marts.

    Attributes:
        slot: the source it asks, as `scrapers.urls` names it; None for jobs of imported files alone. See `slot_of`.
        chunk: how much of a backfill is one run: what fits in memory and is worth a run of its own.
        gives_past: whether a live source can be asked for days that are over.
    """

    name: str
    about: str
    tables: tuple[str, ...]
    slot: str | None = None
    chunk: Chunk = "day"
    gives_past: bool = True


# What is counted anew before every publication.
INVENTORY = ("gold.quarantine", "gold.loads")

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
            "silver.mapped_tickers",
            "silver.sec_tickers",
            "gold.companies",
            "gold.filers",
        ),
        slot="query1",
        gives_past=False,
    ),
    JobSpec(
        "quotes",
        "Snapshots of the universe at a tick.",
        ("bronze.yahoo_quotes", "bronze.unanswered", "silver.quotes", "gold.quotes", "gold.sectors", "gold.coverage"),
        slot="query1",
        chunk="tick",
        gives_past=False,
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
        slot="query2",
        chunk="year",
    ),
    JobSpec(
        "attention",
        "EDGAR's logs of days, and the visits they count.",
        (
            "bronze.files",
            "silver.edgar_requests",
            "gold.visits_second",
            "gold.visits_total_second",
            "gold.visits_documents",
            "gold.visitors_minute",
            "gold.visitors_day",
            "gold.visits_day",
            "gold.visits_bands",
            "gold.visits_bands_cik",
        ),
        slot="sec",
        chunk="week",
    ),
    JobSpec(
        "posts",
        "Posts of days in India and their signals.",
        ("bronze.x_search", "silver.posts", "gold.posts", "gold.signals_hourly"),
        slot="x",
        chunk="week",
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
        slot="query2",
        chunk="year",
    ),
    JobSpec(
        "bars_minute",
        "Minute bars of a watchlist over sessions, and those of imported files.",
        (
            "bronze.yahoo_minutes",
            "bronze.alphavantage_minutes",
            "bronze.unanswered_minutes",
            "silver.bars_minute",
            "gold.bars_minute",
            "gold.minute_coverage",
        ),
        slot="query2",
        chunk="week",
    ),
    JobSpec(
        "news",
        "Headlines about the largest companies, by search and by feed.",
        ("bronze.yahoo_search", "bronze.yahoo_rss", "silver.news", "gold.news"),
        slot="search",
        gives_past=False,
    ),
    JobSpec("listings", "Exchanges' lists from imported files.", ("silver.listings", "gold.listings")),
    JobSpec(
        "filings",
        "Filings and their forms, from SEC's indices of quarters and from imported files.",
        ("bronze.edgar_index", "silver.filing_index", "silver.filings", "gold.filings"),
        slot="sec",
        gives_past=False,
    ),
)


# Who is asked for minutes is a setting.
_MINUTE_SLOTS = {"yahoo": "query2", "alphavantage": "alphavantage"}


def slot_of(spec: JobSpec, settings: Settings) -> str | None:
    """The source that a job asks with the settings as they are."""
    return _MINUTE_SLOTS[settings.minute_source] if spec.name == "bars_minute" else spec.slot


def build_jobs() -> dict[str, Job]:
    """All jobs by name, `publish` among them: the inventory and the marts alone."""
    marts = dg.AssetSelection.key_prefixes(["marts"], ["staging"]) | dg.AssetSelection.assets(
        *map(asset_key, INVENTORY)
    )
    jobs: dict[str, Job] = {}
    for spec in JOBS:
        tables = dg.AssetSelection.assets(*(asset_key(name) for name in spec.tables))
        jobs[spec.name] = dg.define_asset_job(spec.name, tables | marts, description=spec.about)
    jobs["maintenance"] = dg.define_asset_job(
        "maintenance",
        dg.AssetSelection.groups("maintenance"),
        description="Retention, compaction and vacuum of tables.",
    )
    jobs["publish"] = dg.define_asset_job("publish", marts, description="What changed in gold, to the marts.")
    return jobs


def first_load_done(home: Home) -> bool:
    """Whether the first load has ended; before that, what the clock starts would only slow it down."""
    from lake import delta
    from lake.contracts import table

    return delta.count(home, table("gold.loads")) > 0


def not_now(lake: LakeResource, slot: str) -> dg.SkipReason | None:
    """Why a job that the clock starts would have nothing to do; None when it would.

    During a simulated home's first load it would only slow that down; in a real home, which begins by its sensor, a
    source that is not live cannot be asked.

    Args:
        slot: the source that it asks, as `scrapers.urls` names it.
    """
    from scrapers.live import source_of
    from scrapers.urls import source_urls

    settings = lake.settings()
    home = Home.open(settings)
    if home.simulated and not first_load_done(home):
        return dg.SkipReason("the first load has not ended yet")
    if getattr(source_urls(settings, home), slot) is None:
        return dg.SkipReason(
            f"this home does not ask {slot}: TIDEMARK_SOURCE_{source_of(slot).name.upper()} is not live"
        )
    return None


def _session_of_today(now: datetime) -> date | None:
    today = now.astimezone(NEW_YORK).date()
    return today if xnys().is_session(today) else None


def _index_day(now: datetime) -> date | None:
    """Today in New York, where an index has a session on it."""
    today = now.astimezone(NEW_YORK).date()
    return today if trades(today) else None


class Timetable(NamedTuple):
    """When the clock starts a job, and for which day.

    Attributes:
        day: the partition at an instant; None where there is none, as on a day without a session.
        hourly: whether the job runs more than once for a day.
        thorough: whether Great Expectations judge the staging tables.
    """

    name: str
    job: str
    cron: str
    zone: str
    day: Callable[[datetime], date | None]
    hourly: bool = False
    thorough: bool = True


TIMETABLE = (
    Timetable("companies_before_the_open", "companies", "0 9 * * 1-5", "America/New_York", _session_of_today),
    Timetable(
        "bars_after_the_close",
        "bars_daily",
        "30 17 * * 1-5",
        "America/New_York",
        lambda now: xnys().latest_closed_session(now),
    ),
    Timetable(
        "minutes_after_the_close",
        "bars_minute",
        "40 17 * * 1-5",
        "America/New_York",
        lambda now: xnys().latest_closed_session(now),
    ),
    Timetable(
        "news_after_the_close",
        "news",
        "50 17 * * 1-5",
        "America/New_York",
        lambda now: xnys().latest_closed_session(now),
    ),
    Timetable("indices_after_the_close", "index_bars", "45 17 * * *", "America/New_York", _index_day),
    Timetable("attention_of_yesterday", "attention", "30 6 * * *", "UTC", lambda now: now.date() - timedelta(days=1)),
    Timetable("filings_of_yesterday", "filings", "50 6 * * *", "UTC", lambda now: now.date() - timedelta(days=1)),
    # The run after midnight completes the day that has just ended.
    Timetable(
        "posts_by_the_hour",
        "posts",
        "5 * * * *",
        "Asia/Kolkata",
        lambda now: (now.astimezone(INDIA) - timedelta(minutes=30)).date(),
        hourly=True,
        thorough=False,
    ),
)


def build_schedules(jobs: dict[str, Job]) -> list[dg.ScheduleDefinition]:
    """The timetable's schedules, and the night's maintenance."""
    specs = {spec.name: spec for spec in JOBS}
    timed = [_schedule(entry, jobs[entry.job], specs[entry.job]) for entry in TIMETABLE]

    @dg.schedule(
        job=jobs["maintenance"],
        # At an hour and a minute at which nothing else begins.
        cron_schedule="45 2 * * *",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def maintenance_at_night(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if not first_load_done(Home.open(lake.settings())):
            return dg.SkipReason("the first load has not ended yet")
        return dg.RunRequest(run_key=f"maintenance-{lake.clock().now():%Y-%m-%d}")

    return [*timed, maintenance_at_night]


def _schedule(entry: Timetable, job: Job, spec: JobSpec) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=entry.name,
        job=job,
        cron_schedule=entry.cron,
        execution_timezone=entry.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def timed(lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if (reason := not_now(lake, slot_of(spec, lake.settings()) or "")) is not None:
            return reason
        now = lake.clock().now()
        day = entry.day(now)
        if day is None:
            return dg.SkipReason(f"{now.astimezone(NEW_YORK).date()} is no session")
        mark = f"{now.astimezone(ZoneInfo(entry.zone)):%Y%m%dT%H}" if entry.hourly else str(day)
        tags = {EXPECTATIONS_TAG: "yes"} if entry.thorough else {}
        return dg.RunRequest(run_key=f"{entry.job}-{mark}", partition_key=day.isoformat(), tags=tags)

    return timed
