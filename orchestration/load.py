"""The first load of a simulated home, and running jobs from the command: by the same jobs that sensors start."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

from lake.clock import Clock
from lake.contracts import TABLES
from lake.home import Home
from lake.market_calendar import INDIA, NEW_YORK, Tick, xbom, xnys
from lake.partitions import inventory
from lake.rows import RowAccount
from lake.settings import Settings
from orchestration.assets.factory import RANGE_END, RANGE_START, TICK_TAG, asset_key
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.definitions import build_defs
from orchestration.jobs import INVENTORY, JOBS
from orchestration.sensors import run_key

if TYPE_CHECKING:
    from collections.abc import Iterator


class LoadFailed(RuntimeError):
    """A step of a load failed; the text names it, the error and where to read more."""


class Progress(NamedTuple):
    """A step as it begins or ends.

    Attributes:
        seconds: None while it runs.
    """

    name: str
    number: int
    of: int
    seconds: float | None


@dataclass(frozen=True)
class Step:
    """A job, or a part of it, over days."""

    name: str
    job: str
    tables: tuple[str, ...]
    first: date | None = None
    last: date | None = None
    tags: dict[str, str] = field(default_factory=dict)
    marts: bool = False


@dataclass(frozen=True)
class LoadSummary:
    """What a load did.

    Attributes:
        seconds: by step.
        rows: by table, marts included.
        quarantined: rows refused, by silver table that refused some.
        accounts: what became of the rows that came in, by silver table written.
        tick: the tick loaded, if one was.
    """

    seconds: dict[str, float]
    rows: dict[str, int]
    quarantined: dict[str, int]
    accounts: dict[str, RowAccount]
    tick: Tick | None


def tables_of(job: str) -> tuple[str, ...]:
    """The tables a job makes, beside the inventory and the marts."""
    return next((spec.tables for spec in JOBS if spec.name == job), ())


def first_steps(settings: Settings, clock: Clock) -> list[Step]:
    """EDGAR days (with SEC's tickers, which name the companies), the newest tick, bars, news, posts, forecasts, all marts."""
    calendar, now = xnys(), clock.now()
    tick = calendar.latest_tick(now)
    closed = calendar.latest_closed_session(now)
    bars_from = calendar.next_session(closed - timedelta(days=365 * settings.bars_years))
    log_day = now.date() - timedelta(days=1)
    posts_day = now.astimezone(INDIA).date() - timedelta(days=1)
    forecasts = ("gold.forecasts", "gold.forecast_scores")
    bars = tuple(name for name in tables_of("bars_daily") if name not in forecasts)
    quote_tags = {TICK_TAG: tick.tick.isoformat(), "dagster/run_key": run_key(tick)}
    today = now.astimezone(NEW_YORK).date()
    # Past the end of India's calendar the schedule says so each day; a first load goes without.
    indices = (
        [
            Step(
                "indices",
                "index_bars",
                tables_of("index_bars"),
                today - timedelta(days=365 * settings.bars_years),
                today,
            )
        ]
        if xbom().knows(today)
        else []
    )
    return [
        Step(
            "attention", "attention", tables_of("attention"), log_day - timedelta(days=settings.edgar_days - 1), log_day
        ),
        Step("filings", "filings", tables_of("filings"), log_day, log_day),
        Step("companies", "companies", tables_of("companies"), tick.session, tick.session),
        Step("quotes", "quotes", tables_of("quotes"), tick.session, tick.session, quote_tags),
        Step("daily bars", "bars_daily", bars, bars_from, closed),
        Step("minute bars", "bars_minute", tables_of("bars_minute"), closed, closed),
        *indices,
        Step("news", "news", tables_of("news"), tick.session, tick.session),
        Step("posts", "posts", tables_of("posts"), posts_day, posts_day),
        Step("forecasts", "bars_daily", forecasts),
        Step("marts", "publish", INVENTORY, marts=True, tags={EXPECTATIONS_TAG: "yes"}),
    ]


def first_load(home: Home, settings: Settings, on_step: Callable[[Progress], None] | None = None) -> LoadSummary:
    """Make the first load; repeated, it leaves the same gold.

    Needs PostgreSQL, the sandbox and MLflow running.

    Raises:
        LoadFailed: naming the step.
    """
    clock = Clock.from_settings(settings)
    return run_steps(home, settings, first_steps(settings, clock), on_step, xnys().latest_tick(clock.now()))


def run_steps(
    home: Home,
    settings: Settings,
    steps: Sequence[Step],
    on_step: Callable[[Progress], None] | None = None,
    tick: Tick | None = None,
) -> LoadSummary:
    """Run steps in order in this process, each as a Dagster run; see `first_load`."""
    seconds: dict[str, float] = {}
    accounts: dict[str, RowAccount] = {}
    with runner(home) as run:
        for number, step in enumerate(steps, start=1):
            if on_step:
                on_step(Progress(step.name, number, len(steps), None))
            began = time.monotonic()
            accounts |= run(step).accounts
            seconds[step.name] = round(time.monotonic() - began, 2)
            if on_step:
                on_step(Progress(step.name, number, len(steps), seconds[step.name]))
    rows = inventory(home, tuple(t for t in TABLES.values() if t.layer != "mart" and t.name != "loads"))
    counts = dict(rows.select("table_name", "rows").iter_rows()) | mart_rows(home, settings)
    refused = {name: count for name, count in rows.select("table_name", "quarantined_rows").iter_rows() if count}
    return LoadSummary(seconds, counts, refused, accounts, tick)


class Ran(NamedTuple):
    """What a step's run told.

    Attributes:
        accounts: what became of the rows that came in, by table.
        facts: the numbers and words of each table's materialization.
        seconds: by Dagster's step; what the run took beyond them is Dagster's own.
    """

    accounts: dict[str, RowAccount]
    facts: dict[str, dict[str, object]]
    seconds: dict[str, float]


@contextmanager
def runner(home: Home) -> Iterator[Callable[[Step], Ran]]:
    """A function that makes steps, each a Dagster run in this process.

    Raises:
        LoadFailed: from the function, naming the step.
    """
    defs = build_defs({"home": str(home.root)})
    with _instance() as instance:
        _make_pools(defs, instance)
        yield lambda step: _run(defs, step, instance)


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """The home's Dagster where `DAGSTER_HOME` names it, so that the runs can be looked at; else one in memory."""
    import os

    if not os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance
        return
    with dg.DagsterInstance.get() as instance:
        # Keeps its connections: else each of the thousands of events of a year of sessions opens two.
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=20)
        yield instance


def _make_pools(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """Make the pools' rows before any run needs them: two runs that make one at once fail in Dagster's storage."""
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        known = {info.name for info in storage.get_pool_limits()}
        pools = {pool for assets in defs.resolve_asset_graph().assets_defs for pool in assets.node_def.pools}
        for pool in sorted(pools - known):
            storage.initialize_concurrency_limit_to_default(pool)


def _run(defs: dg.Definitions, step: Step, instance: dg.DagsterInstance) -> Ran:
    job = defs.resolve_job_def(step.job)
    keys = [asset_key(name) for name in step.tables]
    if step.marts:
        keys += [asset_key(name) for name in TABLES if name.startswith("mart.")]
    tags, key = _partition(step)
    result = job.execute_in_process(
        instance=instance, asset_selection=keys, partition_key=key, tags=step.tags | tags, raise_on_error=False
    )
    if not result.success:
        raise LoadFailed(f"{step.name} failed: {_why(result)}; see run {result.run_id} in Dagster")
    return _told(result)


def _told(result: dg.ExecuteInProcessResult) -> Ran:
    """What the run's materializations tell, by table; of a range, each of its partitions tells the same."""
    accounts: dict[str, RowAccount] = {}
    facts: dict[str, dict[str, object]] = {}
    seconds: dict[str, float] = {}
    for event in result.all_events:
        if event.is_step_success and event.step_key is not None:
            seconds[event.step_key] = event.step_success_data.duration_ms / 1000
        if not event.is_step_materialization or event.asset_key is None:
            continue
        name = ".".join(event.asset_key.path)
        if name in facts:
            continue
        told = event.step_materialization_data.materialization.metadata
        facts[name] = {word: value.value for word, value in told.items()}
        if all(word in told for word in RowAccount._fields):
            whole = [value for word in RowAccount._fields if isinstance(value := told[word].value, int)]
            accounts[name] = RowAccount(*whole)
    return Ran(accounts, facts, seconds)


def _partition(step: Step) -> tuple[dict[str, str], str | None]:
    if step.first is None or step.last is None:
        return {}, None
    if step.first == step.last:
        return {}, step.first.isoformat()
    return {RANGE_START: step.first.isoformat(), RANGE_END: step.last.isoformat()}, None


def _why(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                return f"{event.step_key}: {error.message.strip()}"
    return "no step says why"


def mart_rows(home: Home, settings: Settings) -> dict[str, int]:
    """Rows by mart, for the marts that exist."""
    import psycopg

    from lake import postgres

    with psycopg.connect(postgres.owner_dsn(home, settings)) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'").fetchall()
        counts = {}
        for (name,) in names:
            row = connection.execute(f'SELECT count(*) FROM marts."{name}"').fetchone()  # noqa: S608 - a catalog name
            counts[f"mart.{name}"] = int(row[0]) if row else 0
    return counts
