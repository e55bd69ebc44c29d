"""What the engine writes for EDGAR's tables: Parquet by partition, and gold's counts from requests so written."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from lake import staged
from spark_jobs.edgar_gold import GOLD, VisitDefinition, gold_frames

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.home import Home

# What partition columns are; they come from folder names, so an engine would guess.
_PARTITION = {"series": "CAST(series AS string) AS series", "log_date": "CAST(log_date AS date) AS log_date"}


def new_scratch(home: Home) -> Path:
    """A folder for a load's own files; those of processes that are gone are removed."""
    root = home.landing / "edgar"
    for old in root.glob("*-*"):
        if not psutil.pid_exists(int(old.name.split("-")[0])):
            shutil.rmtree(old, ignore_errors=True)
    path = root / f"{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    return path


def ddl(columns: Mapping[str, str]) -> str:
    """Columns and their types as a schema's text."""
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def write(frame: DataFrame, folder: Path) -> None:
    """Add a frame's rows to a folder, by series and day."""
    frame.write.mode("append").partitionBy("series", "log_date").parquet(str(folder))


def read(spark: SparkSession, folder: Path, columns: Sequence[str]) -> DataFrame:
    """The rows below a folder that is not empty."""
    return spark.read.parquet(str(folder)).selectExpr(*(_PARTITION.get(name, name) for name in columns))


def stage_gold(  # noqa: PLR0913, PLR0917 - a job's surroundings
    spark: SparkSession,
    home: Home,
    requests: DataFrame,
    provenance: DataFrame,
    definition: VisitDefinition,
    scratch: Path,
) -> dict[str, list[staged.StagedFile]]:
    """Count requests into files for each table of gold, by its id; no version names them yet.

    Args:
        spark: a session that sees this machine's files.
        home: whose lake.
        requests: see `gold_frames`.
        provenance: see `gold_frames`.
        definition: what a visit is.
        scratch: a folder of this load, removed by the caller after the commit.
    """
    folders = {known.id: staged.new_folder(home, known, scratch / "staged") for known in GOLD}

    def keep(name: str, frame: DataFrame) -> DataFrame:
        folder = folders.get(name, scratch / name)
        write(frame, folder)
        if next(folder.rglob("*.parquet"), None) is None:
            # Without a row there is no file, and nothing that a schema could be read from.
            return spark.createDataFrame([], frame.schema)
        return read(spark, folder, frame.columns)

    try:
        gold_frames(requests, provenance, definition, keep)
        return {known.id: staged.files_of(known, folders[known.id]) for known in GOLD}
    except BaseException:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        raise
