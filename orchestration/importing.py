"""`tidemark import`: files that a user has, recognised by content, through bronze to gold and the marts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import polars as pl
import psycopg

from lake import delta, postgres
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home, HomeError, is_free
from lake.settings import Settings
from orchestration import running
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import LoadSummary, Progress, Step, run_steps
from orchestration.steps.files import RawFile, keep
from orchestration.work import Work

_ENOUGH_BARS = 250


class NothingToImport(ValueError):
    """None of the paths holds a file that can be read; the text says why for each."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        files: file name → kind.
        refused: file name → why it was left out.
        summary: seconds, rows, and what became of the rows in by silver table.
        forecast: whether a model was trained on the bars.
    """

    files: dict[str, str]
    refused: dict[str, str]
    summary: LoadSummary
    forecast: bool


def files_below(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named, in order.

    Raises:
        FileNotFoundError: naming the path.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return found


def recognise(path: Path, symbol: str | None) -> RawFile:
    """What a file is, by its content.

    Raises:
        scrapers.files.NotRecognised: with what was expected and what was found.
    """
    from scrapers.files import NotRecognised, kind_of, symbol_of
    from spark_jobs.edgar_files import DamagedLog, NotALog, read_head

    url = path.resolve().as_uri() if path.is_absolute() else f"file:{quote(path.name)}"
    try:
        head = read_head(path)
    except NotALog:
        pass
    except DamagedLog as error:
        raise NotRecognised(str(error)) from None
    else:
        if head.log_date is None:
            raise NotRecognised(f"{path.name}: an EDGAR log whose day neither its name (logYYYYMMDD) nor its rows tell")
        return RawFile(path, f"edgar_log_{head.form.series}", url, head.log_date)
    kind = kind_of(path)
    named = symbol_of(path, symbol) if kind.startswith("bars_") else None
    return RawFile(path, kind, url, symbol=named)


def import_files(
    home: Home,
    settings: Settings,
    paths: Sequence[Path],
    symbol: str | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Land files in bronze and carry them to gold and the marts by the same assets that crawls use.

    Raises:
        HomeError: in a simulated home.
        NothingToImport: when no file was recognised.
    """
    from scrapers.files import NotRecognised

    if home.simulated:
        raise HomeError(
            f"the home at {home.root} is simulated, and real files are never mixed into it: "
            f"set TIDEMARK_HOME to an empty folder and import there"
        )
    recognised: list[RawFile] = []
    refused: dict[str, str] = {}
    for path in files_below(paths):
        try:
            recognised.append(recognise(path, symbol))
        except NotRecognised as error:
            refused[path.name] = str(error)
    if not recognised:
        raise NothingToImport("\n".join(refused.values()) or "no files below the paths given")
    clock = Clock.from_settings(settings)
    today = clock.now().date()
    work = Work(home, settings, f"import-{clock.now():%Y%m%dT%H%M%S}-{os.getpid()}", today, today, clock=clock)
    keep(work, recognised)
    steps = import_steps(recognised, work)
    with services(home, settings):
        summary = run_steps(home, settings, steps, on_step)
        forecast = _has_enough_bars(home)
        if forecast and any(file.kind == "bars_daily_csv" for file in recognised):
            trained = run_steps(home, settings, [*_forecast_steps(), _marts()], on_step)
            summary = replace(trained, seconds=summary.seconds | trained.seconds, accounts=summary.accounts)
    return ImportReport({f.path.name: f.kind for f in recognised}, refused, summary, forecast)


def import_steps(files: Sequence[RawFile], work: Work) -> list[Step]:
    """The jobs' parts that the files' kinds call for."""
    kinds = {file.kind for file in files}
    steps: list[Step] = []
    if "sec_tickers" in kinds:
        steps.append(Step("tickers", "companies", ("silver.sec_tickers",)))
    if "bars_daily_csv" in kinds:
        silver = ("silver.bars_daily", "silver.corporate_actions")
        # A file's bars are of any year; the session it is imported on only names the run.
        session = work.calendar.latest_closed_session(work.clock.now())
        steps.append(Step("daily bars", "bars_daily", silver, session, session))
        steps.append(Step("adjusted bars", "bars_daily", ("gold.bars_daily", "gold.corporate_actions")))
    if "bars_minute_alphavantage_csv" in kinds:
        session = work.calendar.latest_closed_session(work.clock.now())
        steps.append(Step("minute bars", "bars_minute", ("silver.bars_minute",), session, session))
        steps.append(Step("minutes by origin", "bars_minute", ("gold.bars_minute",)))
    days = sorted({file.log_date for file in files if file.log_date is not None})
    tables = ("silver.edgar_requests", "gold.visits_second")
    steps += [Step(f"log of {day}", "attention", tables, day, day) for day in days]
    if days:
        steps.append(Step("visits by day", "attention", ("gold.visits_day",)))
    steps.append(Step("companies", "companies", ("gold.companies",)))
    return [*steps, _marts()]


def _marts() -> Step:
    return Step("marts", "publish", INVENTORY, marts=True, tags={EXPECTATIONS_TAG: "yes"})


def _forecast_steps() -> list[Step]:
    return [Step("forecasts", "bars_daily", ("gold.forecasts", "gold.forecast_scores"))]


def _has_enough_bars(home: Home) -> bool:
    counts = delta.scan(home, table("gold.bars_daily")).group_by("symbol").len().select(pl.col("len").max()).collect()
    longest = counts.item()
    return longest is not None and int(longest) >= _ENOUGH_BARS


@contextmanager
def services(home: Home, settings: Settings) -> Iterator[None]:
    """PostgreSQL and a place for MLflow's records: those that run already, else started here and stopped at the end."""
    up = running.is_running(home)
    server = None if up or _answers(home, settings) else _start_postgres(home, settings)
    before = os.environ.get("MLFLOW_TRACKING_URI")
    if not up and before is None:
        os.environ["MLFLOW_TRACKING_URI"] = postgres.owner_dsn(home, settings, "mlflow").replace(
            "postgresql://", "postgresql+psycopg://", 1
        )
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        if server is not None:
            server.stop()


def _answers(home: Home, settings: Settings) -> bool:
    """Whether this home's own PostgreSQL answers, as after an import that was killed."""
    try:
        psycopg.connect(postgres.owner_dsn(home, settings), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_postgres(home: Home, settings: Settings) -> postgres.Running | None:
    """Start it, with ports that no other home's services hold."""
    for name in ("postgres", "spark"):
        if not is_free(home.port(name)):
            home.move_port(name)
    return postgres.start(home, settings)
