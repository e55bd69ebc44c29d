"""`tidemark import`: files that a user has, recognised by content, through bronze to gold and the marts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TypeAlias

import polars as pl

from lake import delta
from lake.clock import Clock
from lake.contracts import DISPUTED, table
from lake.home import Home, HomeError
from lake.settings import Settings
from orchestration import serving
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import LoadSummary, Progress, Step, run_steps
from orchestration.recognising import NOTHING_SAID, FileReport, Said, files_below, recognise
from orchestration.serving import served
from orchestration.steps.files import RawFile, days_before, keep, kinds_before
from orchestration.work import Work
from spark_jobs.edgar_gold import GOLD

Days: TypeAlias = tuple[date, date]
IMPORT_TAG = "tidemark/import"
_ENOUGH_BARS = 250


class NothingToImport(ValueError):
    """None of the paths holds a file that can be read; the text says why for each."""


class ImportBusy(RuntimeError):
    """Another import is at work in the home."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        files: path → what became of the file.
        refused: path → why it was left out.
        summary: seconds, rows, and what became of the rows in by silver table.
        superseded: bars that gave way to those of a higher basis or a newer import, over all of gold.
        disputed: bars refused on the way to gold, by rule.
        forecast: whether a model was trained on the bars.
    """

    files: dict[str, FileReport]
    refused: dict[str, str]
    summary: LoadSummary
    superseded: int
    disputed: dict[str, int]
    forecast: bool


def alone(home: Home) -> AbstractContextManager[None]:
    """Only one import works in a home; see `orchestration.serving.alone`. Entering raises ImportBusy beside another."""
    return serving.alone(home, "import", IMPORT_TAG, ImportBusy)


def import_files(
    home: Home,
    settings: Settings,
    paths: Sequence[Path],
    said: Said = NOTHING_SAID,
    on_step: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Land files in bronze and carry them to gold and the marts by the same assets that crawls use.

    With `tidemark up` at work its services are used, and runs that write one table take turns.

    Raises:
        HomeError: in a simulated home.
        NothingToImport: when no file was recognised.
        ImportBusy: when another import is at work.
    """
    if home.simulated:
        raise HomeError(
            f"the home at {home.root} is simulated, and real files are never mixed into it: "
            f"set TIDEMARK_HOME to an empty folder and import there"
        )
    clock = Clock.from_settings(settings)
    recognised, told, refused = _recognised(paths, said, settings, clock.now())
    if not recognised:
        raise NothingToImport("\n".join(refused.values()) or "no files below the paths given")
    # Training makes semaphores. Their tracker must outlive the services, with which all ends that was started beside them.
    resource_tracker.ensure_running()
    today = clock.now().date()
    work = Work(home, settings, f"import-{clock.now():%Y%m%dT%H%M%S}-{os.getpid()}", today, today, clock=clock)
    with served(home, settings, _needed(recognised)), alone(home):
        changed = [RawFile(Path(), kind, "") for kind in sorted(kinds_before(work, recognised))]
        days = _index_days(told.values()) or (index_days_held(work) if changed else None)
        changed += days_before(work, recognised)
        keep(work, recognised)
        steps = import_steps([*recognised, *changed], work, days)
        steps = [replace(step, tags={**step.tags, IMPORT_TAG: "yes"}) for step in steps]
        summary = run_steps(home, settings, steps, on_step)
        forecast = _has_enough_bars(home)
        if forecast and any(file.kind == "bars_daily" for file in recognised):
            trained = run_steps(home, settings, [*_forecast_steps(), _marts()], on_step)
            summary = replace(trained, seconds=summary.seconds | trained.seconds, accounts=summary.accounts)
    superseded, disputed = _disputes(home) if any(file.kind == "bars_daily" for file in recognised) else (0, {})
    return ImportReport(told, refused, summary, superseded, disputed, forecast)


def _recognised(
    paths: Sequence[Path], said: Said, settings: Settings, now: datetime
) -> tuple[list[RawFile], dict[str, FileReport], dict[str, str]]:
    from scrapers.imports.recognise import NotRecognised

    recognised: list[RawFile] = []
    told: dict[str, FileReport] = {}
    refused: dict[str, str] = {}
    for path in files_below(paths):
        try:
            raw, told[str(path)] = recognise(path, said, settings, now)
            recognised.append(raw)
        except NotRecognised as error:
            refused[str(path)] = str(error)
    return recognised, told, refused


def _needed(files: Sequence[RawFile]) -> tuple[str, ...]:
    """The services that an import needs."""
    kinds = {file.kind for file in files}
    return (
        "postgres",
        *(("sail",) if any(kind.startswith("edgar_log") for kind in kinds) else ()),
        *(("mlflow",) if "bars_daily" in kinds else ()),
    )


def _disputes(home: Home) -> tuple[int, dict[str, int]]:
    """Of all bars in silver, how many gave way, and how many were refused on the way to gold by which rule."""
    gold = table("gold.bars_daily")
    refused = delta.read_quarantine(home, DISPUTED).group_by("rules").len().sort("rules")
    disputed = {rule: int(count) for rule, count in refused.iter_rows()}
    silver = delta.count(home, table("silver.bars_daily"))
    return silver - delta.count(home, gold) - sum(disputed.values()), disputed


def import_steps(files: Sequence[RawFile], work: Work, index_days: Days | None = None) -> list[Step]:
    """The jobs' parts that the files' kinds call for.

    Args:
        index_days: the days of which gold's minutes of indices change.
    """
    kinds = {file.kind for file in files}
    steps: list[Step] = []
    if "sec_tickers" in kinds:
        steps.append(Step("tickers", "companies", ("silver.mapped_tickers", "silver.sec_tickers")))
    # A file's bars are of any day; the session it is imported on only names the run.
    session = work.calendar.latest_closed_session(work.clock.now())
    if "bars_daily" in kinds:
        silver = ("silver.bars_daily", "silver.corporate_actions")
        steps.append(Step("daily bars", "bars_daily", silver, session, session))
        steps.append(Step("adjusted bars", "bars_daily", ("gold.bars_daily", "gold.corporate_actions")))
    if "bars_minute" in kinds:
        steps.append(Step("minute bars", "bars_minute", ("silver.bars_minute",), session, session))
        steps.append(Step("minutes by origin", "bars_minute", ("gold.bars_minute",)))
    if kinds & {"index_bars_daily", "index_bars_minute"}:
        silver = ("silver.index_bars_daily", "silver.index_bars_minute")
        steps.append(Step("indices", "index_bars", silver, session, session))
        first, last = index_days or (session, session)
        gold = ("gold.index_bars_daily", "gold.index_bars_minute")
        steps.append(Step("index levels", "index_bars", gold, first, last))
    if "listings" in kinds:
        steps.append(Step("listings", "listings", ("silver.listings", "gold.listings")))
    if "filings" in kinds:
        steps.append(Step("filings", "filings", ("silver.filings", "gold.filings")))
    days = sorted({file.log_date for file in files if file.log_date is not None})
    tables = ("silver.edgar_requests", *(known.id for known in GOLD), "gold.log_days")
    steps += [Step(f"log of {day}", "attention", tables, day, day) for day in days]
    if days:
        counted = ("gold.visits_day", "gold.visits_bands", "gold.visits_bands_cik")
        steps.append(Step("visits by day", "attention", counted))
    steps.append(Step("companies", "companies", ("gold.companies", "gold.filers")))
    return [*steps, _marts()]


def _marts() -> Step:
    return Step("marts", "publish", INVENTORY, marts=True, tags={EXPECTATIONS_TAG: "yes"})


def _forecast_steps() -> list[Step]:
    return [Step("forecasts", "bars_daily", ("gold.forecasts", "gold.forecast_scores"))]


def _has_enough_bars(home: Home) -> bool:
    counts = delta.scan(home, table("gold.bars_daily")).group_by("symbol").len().select(pl.col("len").max()).collect()
    longest = counts.item()
    return longest is not None and int(longest) >= _ENOUGH_BARS


def _index_days(told: Iterable[FileReport]) -> Days | None:
    """The days that imported minutes of indices speak of."""
    known = [(file.first, file.last) for file in told if file.kind == "index_bars_minute" and file.first and file.last]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def index_days_held(work: Work) -> Days | None:
    """The days of which silver has imported minutes of indices."""
    files = pl.col("origin") != "yahoo_chart"
    rows = delta.scan(work.home, table("silver.index_bars_minute")).filter(files)
    first, last = rows.select(a=pl.col("session").min(), b=pl.col("session").max()).collect().row(0)
    return (first, last) if first is not None else None
