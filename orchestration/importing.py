"""`tidemark import`: files that a user has, recognised by content, through bronze to gold and the marts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import dagster as dg
import polars as pl

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home, HomeError
from lake.rows import RowAccount
from lake.settings import Settings
from orchestration import orphans, running
from orchestration.assets.marts import EXPECTATIONS_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import LoadSummary, Progress, Step, run_steps
from orchestration.serving import served
from orchestration.steps.files import RawFile, keep, sha256_of
from orchestration.work import Work

if TYPE_CHECKING:
    from scrapers.imports.read import FileRows
    from scrapers.imports.shapes import Basis

IMPORT_TAG = "tidemark/import"
_ENOUGH_BARS = 250


class Said(NamedTuple):
    """The user's word on the files.

    Attributes:
        symbol: whose bars they are.
        basis: what their prices are adjusted for.
    """

    symbol: str | None = None
    basis: Basis | None = None


NOTHING_SAID = Said()


class NothingToImport(ValueError):
    """None of the paths holds a file that can be read; the text says why for each."""


class ImportBusy(RuntimeError):
    """Another import is at work in the home."""


@dataclass(frozen=True)
class FileReport:
    """What a file is, and what becomes of its rows.

    Attributes:
        kind: what its rows are, or the series of an EDGAR log.
        shape: as the mapping names it; empty for a log.
        basis: what its prices are adjusted for.
        symbols: how many it speaks of.
        account: of its rows; None for a log, which is counted in its run.
        rules: rows refused by rule.
        findings: what is wrong with it as a whole.
    """

    kind: str
    shape: str = ""
    basis: str | None = None
    symbols: int | None = None
    account: RowAccount | None = None
    rules: dict[str, int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


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


def recognise(path: Path, said: Said, settings: Settings, now: datetime) -> tuple[RawFile, FileReport]:
    """What a file is, by its content, and what its rows will come to.

    Raises:
        scrapers.imports.recognise.NotRecognised: with what was expected and what was found.
    """
    from scrapers.imports.read import Source, read_file
    from scrapers.imports.recognise import NotRecognised
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
        kind = f"edgar_log_{head.form.series}"
        _allowed(path, kind, settings)
        return RawFile(path, kind, url, head.log_date), FileReport(kind)
    rows = read_file(path, Source(sha256_of(path), now, "import"), path.name, said.symbol, said.basis)
    _allowed(path, rows.kind, settings)
    raw = RawFile(path, rows.kind, url, symbol=rows.symbol, basis=said.basis)
    return raw, _reported(rows)


def _reported(rows: FileRows) -> FileReport:
    from scrapers.imports.read import TABLES

    settled = rows.settled[TABLES[rows.kind]]
    rules = settled.quarantined.group_by("rules").len().sort("rules") if settled.quarantined.height else None
    return FileReport(
        rows.kind,
        ", ".join(sorted({sheet.shape.name for sheet in rows.sheets})),
        ", ".join(sorted({sheet.basis for sheet in rows.sheets if sheet.basis})) or None,
        settled.good["symbol"].n_unique(),
        settled.account,
        {rule: int(count) for rule, count in rules.iter_rows()} if rules is not None else {},
        tuple(f"{verdict.check}: {verdict.detail}" for verdict in rows.verdicts),
    )


def _allowed(path: Path, kind: str, settings: Settings) -> None:
    """Refuse a file of a source that is off.

    Raises:
        NotRecognised: naming the setting.
    """
    from scrapers.imports.recognise import NotRecognised

    source = "sec" if kind.startswith("edgar_log") or kind == "sec_tickers" else "yahoo"
    if getattr(settings, f"source_{source}") == "off":
        raise NotRecognised(
            f"{path.name}: {kind} are {source}'s, and TIDEMARK_SOURCE_{source.upper()} is off: set it to files or live"
        )


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Only one import works in a home; runs that a killed one has left open are ended. Needs the services.

    Raises:
        ImportBusy: when another is at work.
    """
    try:
        lock = running.take(home, "import")
    except running.AlreadyRunning:
        raise ImportBusy(f"another import is at work in {home.root}; let it end, or end it") from None
    try:
        with dg.DagsterInstance.get() as instance:
            orphans.settle(instance, {IMPORT_TAG: "yes"})
        yield
    finally:
        lock.release()


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
    today = clock.now().date()
    work = Work(home, settings, f"import-{clock.now():%Y%m%dT%H%M%S}-{os.getpid()}", today, today, clock=clock)
    with served(home, settings, _needed(recognised)), alone(home):
        keep(work, recognised)
        steps = [replace(step, tags={**step.tags, IMPORT_TAG: "yes"}) for step in import_steps(recognised, work)]
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
    refused = delta.read_quarantine(home, gold).group_by("rules").len().sort("rules")
    disputed = {rule: int(count) for rule, count in refused.iter_rows()}
    silver = delta.count(home, table("silver.bars_daily"))
    return silver - delta.count(home, gold) - sum(disputed.values()), disputed


def import_steps(files: Sequence[RawFile], work: Work) -> list[Step]:
    """The jobs' parts that the files' kinds call for."""
    kinds = {file.kind for file in files}
    steps: list[Step] = []
    if "sec_tickers" in kinds:
        steps.append(Step("tickers", "companies", ("silver.sec_tickers",)))
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
        first, last = _index_days(files, work) or (session, session)
        gold = ("gold.index_bars_daily", "gold.index_bars_minute")
        steps.append(Step("index levels", "index_bars", gold, first, last))
    if "listings" in kinds:
        steps.append(Step("listings", "listings", ("silver.listings", "gold.listings")))
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


def _index_days(files: Sequence[RawFile], work: Work) -> tuple[date, date] | None:
    """The days of New York whose gold minutes of indices the files change."""
    from scrapers.imports.read import Source, read_file, span

    source = Source("0" * 64, work.clock.now(), work.run_id)
    ends = []
    for file in files:
        if file.kind == "index_bars_minute":
            rows = read_file(file.path, source, file.path.name, file.symbol)
            ends.append(span(rows.settled["silver.index_bars_minute"]))
    known = [end for end in ends if end is not None]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None
