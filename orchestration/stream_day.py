"""The day that a replay plays: as silver has it, else read from its log by the batch's own code into a scratch lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake.home import Home
from orchestration.work import Work

if TYPE_CHECKING:
    from lake.settings import Settings
    from spark_jobs.live_replay import Played


class StreamError(RuntimeError):
    """A stream cannot be played or put in as asked; the text says what to do."""


def day_to_play(home: Home, settings: Settings, log_date: date, seconds: tuple[int, int], log: Path | None) -> Played:
    """A day's requests, those that the batch counts.

    Args:
        seconds: from the first to before the second of these seconds of the day.
        log: a log of the user's own, read instead of what the lake has.

    Raises:
        StreamError: when the lake has not the day, or the log cannot be read or is of another day.
    """
    from spark_jobs.live_replay import logged

    once = settings.visits_repeats == "once"
    if log is None and (played := logged(home, log_date, seconds, count_repeats=not once)) is not None:
        return played
    with _raw_log(home, settings, log_date, log) as (path, source), _scratch(home) as scratch:
        _load(Work(home, settings, "replay", log_date, log_date), scratch, path)
        found = logged(scratch, log_date, seconds, count_repeats=not once)
    if found is None:
        raise StreamError(f"{source}: none of its lines is a request of {log_date}")
    simulated = home.simulated and log is None
    return replace(found, source=source, simulated=simulated)


@contextmanager
def _raw_log(home: Home, settings: Settings, log_date: date, log: Path | None) -> Iterator[tuple[Path, str]]:
    """The log as a file of this machine, and what to call it."""
    from orchestration.steps.files import kept
    from orchestration.steps.log_days import LOG_KINDS

    if log is not None:
        yield log, log.name
        return
    work = Work(home, settings, "replay", log_date, log_date)
    logs = kept(work, *LOG_KINDS).filter(pl.col("log_date") == log_date).sort("_ingested_at")
    if logs.is_empty():
        raise StreamError(
            f"the lake has no log of {log_date}: load it (`tidemark backfill attention`, `tidemark import`), "
            "or name a log's file with --log"
        )
    newest = logs.row(-1, named=True)
    with home.lake.local(newest["stored_as"]) as path:
        yield path, str(newest["file_name"])


@contextmanager
def _scratch(home: Home) -> Iterator[Home]:
    """A home of one day's tables, beside the home's own."""
    from lake.storage import FolderLake
    from spark_jobs.edgar_staging import scratch_of

    with scratch_of(home) as folder:
        yield Home(folder, home.world, FolderLake(folder / "lake"))


def _load(work: Work, scratch: Home, path: Path) -> None:
    from lake.raw_files import sha256_of
    from orchestration.steps.engine import remote_for
    from spark_jobs.edgar import Day, DaysFailed, run_day
    from spark_jobs.edgar_files import DamagedLog, NotALog, read_head
    from spark_jobs.engine import connected

    try:
        named = read_head(path).log_date
    except (NotALog, DamagedLog) as error:
        raise StreamError(str(error)) from None
    if named is not None and named != work.first:
        raise StreamError(f"{path.name} is a log of {named}, not of {work.first}")
    day = Day(path, work.first, sha256_of(path), datetime.now(UTC))
    try:
        with remote_for(work) as remote, connected(remote) as spark:
            run_day(spark, scratch, day, work.run_id)
    except DaysFailed as error:
        raise StreamError(str(error)) from None
