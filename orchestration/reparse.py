"""`tidemark reparse`: silver anew from the bodies in bronze, after a parser was mended; then gold and the marts.

Nothing is asked of any source. Rows whose bodies bronze has given up stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import polars as pl

from lake import delta
from lake.contracts import of_layer, table
from lake.delta import Slice
from orchestration.assets.factory import AGAIN_TAG, TICK_TAG, asset_key
from orchestration.backfill import Progress, Report
from orchestration.backfill_plan import NOT_OF_THE_PAST
from orchestration.importing import import_steps, index_days_held
from orchestration.jobs import JOBS, TOGETHER, JobSpec
from orchestration.journal import WrongBackfill
from orchestration.load import LoadFailed, Step, runner
from orchestration.steps.files import RawFile, kept

if TYPE_CHECKING:
    from lake.home import Home
    from orchestration.work import Work

FILE_KINDS = (
    "edgar_log_v1",
    "edgar_log_v2",
    "bars_daily",
    "bars_minute",
    "index_bars_daily",
    "index_bars_minute",
    "listings",
    "sec_tickers",
    "filings",
)


class Rebuild(NamedTuple):
    """What rests on a bronze table within the job that makes it.

    Attributes:
        by_day: tables that are made by day, in the job's order.
        whole: tables that are made whole, after them.
    """

    spec: JobSpec
    by_day: tuple[str, ...]
    whole: tuple[str, ...]


def sources() -> tuple[str, ...]:
    """What can be read anew: the tables of bronze, and the kinds of files kept."""
    return (
        *(known.name for known in of_layer("bronze") if "body" in known.columns or known.name == "files"),
        *FILE_KINDS,
    )


def make_steps(defs: dg.Definitions, work: Work, source: str) -> list[Step]:
    """The runs that read a source's bodies of the days of `work` anew, and what follows from them.

    Raises:
        WrongBackfill: when there is no such source, or bronze has nothing of those days.
    """
    if source not in sources():
        raise WrongBackfill(f"nothing called {source!r} is kept; there are {', '.join(sources())}")
    if f"bronze.{source}" not in {known.id for known in of_layer("bronze") if "body" in known.columns}:
        return _file_steps(work, source)
    rebuild = rebuilt_from(defs, f"bronze.{source}")
    steps = _day_steps(work, f"bronze.{source}", rebuild)
    if rebuild.whole:
        steps.append(Step("gold", rebuild.spec.name, rebuild.whole))
    return [*steps, Step("marts", "publish", ("gold.loads",), marts=True)]


def rebuilt_from(defs: dg.Definitions, source: str) -> Rebuild:
    """What rests on a table of bronze or silver within the job that makes it."""
    graph = defs.resolve_asset_graph()
    spec = next(spec for spec in JOBS if source in spec.tables)
    names = {asset_key(name): name for name in spec.tables if table(name).layer != "bronze"}
    found, ahead = set[str](), [asset_key(source)]
    while ahead:
        # What is asked of a source because of this table is none of it.
        for child in graph.get(ahead.pop()).child_keys:
            if child in names and names[child] not in found:
                found.add(names[child])
                ahead.append(child)
    ordered = [name for name in spec.tables if name in found and name not in NOT_OF_THE_PAST]
    by_day = tuple(name for name in ordered if graph.get(asset_key(name)).partitions_def)
    return Rebuild(spec, by_day, tuple(name for name in ordered if name not in by_day))


def _day_steps(work: Work, bronze: str, rebuild: Rebuild) -> list[Step]:
    known = table(bronze)
    where = Slice(between=("session", work.first, work.last + timedelta(days=1)))
    held = delta.scan(work.home, known, where).select("session", "tick").unique().sort("session", "tick").collect()
    job, spec = rebuild.spec.name, rebuild.spec
    if spec.chunk == "tick":
        found = [
            Step(f"{tick:%Y-%m-%d %H:%M} UTC", job, rebuild.by_day, session, session, {TICK_TAG: tick.isoformat()})
            for session, tick in held.drop_nulls().iter_rows()
        ]
    elif spec.chunk == "day":
        found = [Step(str(day), job, rebuild.by_day, day, day) for day in held["session"].unique().sort().to_list()]
    else:
        # A range of days lies under its last one, so that a day may be spoken of by a later one's bodies.
        found = [_range(job, rebuild.by_day, days) for days in _ranges(work, spec, bronze)]
    if not found:
        raise WrongBackfill(f"bronze has nothing of {known.name} {_what(work)}; it has {_span(work, bronze)}")
    return found


def _ranges(work: Work, spec: JobSpec, bronze: str) -> list[list[date]]:
    newest = delta.scan(work.home, table(bronze)).select(pl.col("session").max()).collect().item()
    last = min(work.last, newest) if newest is not None else None
    if last is None or last < work.first:
        return []
    if spec.name == "bars_daily":
        days = work.calendar.sessions(work.first, last)
    else:
        days = pl.date_range(work.first, last, eager=True).to_list()
    return [list(group) for _, group in groupby(days, TOGETHER[spec.chunk])]


def _range(job: str, tables: tuple[str, ...], days: Sequence[date]) -> Step:
    name = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return Step(name, job, tables, days[0], days[-1])


def _file_steps(work: Work, source: str) -> list[Step]:
    """The steps of an import, for files that are kept already: logs of the days asked for, other files by their coming."""
    kinds = FILE_KINDS if source == "files" else (source,)
    day = pl.coalesce("log_date", pl.col("_ingested_at").dt.date())
    rows = kept(work, *kinds).filter(day.is_between(work.first, work.last))
    if rows.is_empty():
        raise WrongBackfill(f"bronze keeps no file of {', '.join(kinds)} {_what(work)}")
    fields = ("stored_as", "kind", "_source_url", "log_date", "symbol", "basis")
    files = [RawFile(Path(name), *rest) for name, *rest in rows.select(fields).iter_rows()]
    return [
        replace(step, tags={**step.tags, AGAIN_TAG: "yes"}) for step in import_steps(files, work, index_days_held(work))
    ]


def _what(work: Work) -> str:
    return f"from {work.first} to {work.last}"


def _span(work: Work, bronze: str) -> str:
    ends = delta.scan(work.home, table(bronze)).select(a=pl.col("session").min(), b=pl.col("session").max())
    first, last = ends.collect().row(0)
    return f"days from {first} to {last}" if first is not None else "none at all"


def reparse(home: Home, steps: Sequence[Step], what: Report, on_progress: Callable[[Progress], object]) -> Report:
    """Make the steps; a failure ends it and is in the report. Needs the services.

    Args:
        what: an empty report of the source and its days.
    """
    began = time.monotonic()
    with runner(home) as run:
        for number, step in enumerate(steps, start=1):
            done = number - 1
            left = (time.monotonic() - began) / done * (len(steps) - done) if done else None
            on_progress(Progress(step.name, number, len(steps), what.rows, done / len(steps), left, False))
            at = time.monotonic()
            try:
                ran = run(step)
            except LoadFailed as failure:
                what.failure = str(failure)
                return what
            what.take(step.name, ran, time.monotonic() - at)
    return what
