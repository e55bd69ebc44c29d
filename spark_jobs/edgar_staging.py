"""What the engine writes for EDGAR's tables: Parquet by partition, and gold's counts from requests so written."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from lake import staged
from spark_jobs.edgar_gold import DOCUMENTS, GOLD, VISITS, VisitDefinition, gold_frames
from spark_jobs.edgar_text import columns_of_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.home import Home
    from spark_jobs.edgar_files import LogForm

# Requests whose groups an engine holds at a time, some hundred bytes each.
COUNTED_ROWS = 8_388_608

# What partition columns are; they come from folder names, so an engine would guess.
_PARTITION = {"series": "CAST(series AS string) AS series", "log_date": "CAST(log_date AS date) AS log_date"}


def ddl(columns: Mapping[str, str]) -> str:
    """Columns and their types as a schema's text."""
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


@dataclass(frozen=True)
class Facts:
    """Columns with a row for each of some days or files, to be joined to what belongs to them.

    Attributes:
        columns: name → SQL type.
        rows: the values.
        key: the columns to join by.
    """

    columns: Mapping[str, str]
    rows: Sequence[tuple[object, ...]]
    key: tuple[str, ...]

    @property
    def keys(self) -> list[dict[str, str]]:
        """The key of each row, as folders' names have it."""
        return [
            {name: str(value) for name, value in zip(self.columns, row, strict=True) if name in self.key}
            for row in self.rows
        ]

    def joined(self, spark: SparkSession, frame: DataFrame) -> DataFrame:
        """A frame's rows with these columns; each row's key is among these."""
        from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

        if len(self.rows) > 1:
            return frame.join(spark.createDataFrame([*self.rows], ddl(self.columns)), [*self.key])
        # Constants cost nothing where a join takes each row up.
        known = zip(self.columns.items(), self.rows[0], strict=True)
        return frame.drop(*self.columns).select(
            "*", *(F.lit(value).cast(kind).alias(name) for (name, kind), value in known)
        )


def new_scratch(home: Home) -> Path:
    """A folder for a load's own files; those of processes that are gone are removed."""
    root = home.landing / "edgar"
    for old in root.glob("*-*"):
        if not psutil.pid_exists(int(old.name.split("-")[0])):
            shutil.rmtree(old, ignore_errors=True)
    path = root / f"{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    return path


def write(frame: DataFrame, folder: Path, partitions: Sequence[Mapping[str, str]]) -> None:
    """Add a frame's rows to a folder, by series and day.

    Args:
        frame: rows of the partitions and no others.
        folder: where; each partition is a folder below it.
        partitions: the series and day of each.
    """
    if len(partitions) > 1:
        frame.write.mode("append").partitionBy("series", "log_date").parquet(str(folder))
        return
    # Told apart by nobody: an engine would look at each row to find the one folder.
    frame.drop(*partitions[0]).write.mode("append").parquet(str(_within(folder, partitions[0])))


def _within(folder: Path, partition: Mapping[str, str]) -> Path:
    return folder.joinpath(*(f"{name}={value}" for name, value in partition.items()))


def read_lines(spark: SparkSession, folder: Path) -> DataFrame:
    """The clean text below a folder: `value`, a whole line, and `file`."""
    # Without lineSep engines end lines at carriage returns too.
    text = spark.read.option("lineSep", "\n").text(str(folder))
    return text.selectExpr("value", "CAST(file AS int) AS file")


def read_text(spark: SparkSession, form: LogForm, folder: Path) -> DataFrame:
    """The clean text below a folder: the form's `columns_of_text`, and `file`."""
    if form.series == "v2":
        return read_lines(spark, folder)
    columns = {**dict.fromkeys(columns_of_text(form), "string"), "file": "int"}
    # Clean text has no quotes that mean anything, and no carriage return, which stands for them here.
    reader = spark.read.schema(ddl(columns)).option("quote", "\r").option("lineSep", "\n")
    return reader.csv(str(folder))


def read(
    spark: SparkSession, folder: Path, columns: Sequence[str], partitions: Sequence[Mapping[str, str]]
) -> DataFrame:
    """The rows below a folder that is not empty, of the partitions that were written there."""
    if len(partitions) > 1:
        return spark.read.parquet(str(folder)).selectExpr(*(_PARTITION.get(name, name) for name in columns))
    (partition,) = partitions
    return _with_constants(spark.read.parquet(str(_within(folder, partition))), columns, partition)


def _with_constants(frame: DataFrame, columns: Sequence[str], partition: Mapping[str, str]) -> DataFrame:
    """Columns of a frame or of the partition that all its rows are of."""
    constants = {"series": f"'{partition['series']}'", "log_date": f"DATE '{partition['log_date']}'"}
    return frame.selectExpr(*(f"{constants[name]} AS {name}" if name in constants else name for name in columns))


def _slices(name: str, rows: int) -> list[str]:
    """Conditions that part a large table's groups, so that an engine holds those of `COUNTED_ROWS` requests at a time."""
    parts = -(-rows // COUNTED_ROWS)
    if parts <= 1:
        return ["true"]
    if name == VISITS.id:
        edges = [86_400 * part // parts for part in range(parts + 1)]
        return [f"second_of_day >= {low} AND second_of_day < {high}" for low, high in pairwise(edges)]
    if name == DOCUMENTS.id:
        return [f"pmod(cik, {parts}) = {part}" for part in range(parts)]
    return ["true"]


def stage_gold(  # noqa: PLR0913, PLR0917 - a job's surroundings
    spark: SparkSession,
    home: Home,
    requests: DataFrame,
    provenance: Facts,
    definition: VisitDefinition,
    scratch: Path,
    rows: int,
) -> dict[str, list[staged.StagedFile]]:
    """Count requests into files for each table of gold, by its id; no version names them yet.

    Args:
        spark: a session that sees this machine's files.
        home: whose lake.
        requests: see `gold_frames`.
        provenance: of each day that the requests are of.
        definition: what a visit is.
        scratch: a folder of this load, removed by the caller after the commit.
        rows: how many requests there are.
    """
    keys = provenance.keys
    day = provenance.key if len(keys) > 1 else ()
    folders = {known.id: staged.new_folder(home, known, scratch / "staged") for known in GOLD}

    def keep(name: str, frame: DataFrame) -> DataFrame:
        folder = folders.get(name, scratch / name)
        for condition in _slices(name, rows):
            write(frame.where(condition), folder, keys)
        columns = [*(name for name in keys[0] if name not in frame.columns), *frame.columns]
        if next(folder.rglob("*.parquet"), None) is None:
            # Without a row there is no file, and nothing that a schema could be read from.
            empty = spark.createDataFrame([], frame.schema)
            return empty if len(keys) > 1 else _with_constants(empty, columns, keys[0])
        return read(spark, folder, columns, keys)

    try:
        gold_frames(requests, lambda frame: provenance.joined(spark, frame), definition, keep, day)
        return {known.id: staged.files_of(known, folders[known.id]) for known in GOLD}
    except BaseException:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        raise
