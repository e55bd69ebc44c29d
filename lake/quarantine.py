"""What quarantine holds, by table and rule: rows of the contract `QuarantineRule`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts.base import conform
from lake.contracts.operations import QuarantineRule

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home

_SAMPLES = 3
_LONGEST = 400


def by_rule(home: Home, tables: Iterable[Table], known: pl.DataFrame | None = None) -> pl.DataFrame:
    """How many rows each rule refused, by table.

    Args:
        home: whose quarantine.
        tables: the tables beside which a quarantine may stand.
        known: an earlier result; a table whose quarantine has not changed since is taken from it.
    """
    empty = QuarantineRule.create_empty()
    known = empty if known is None else known
    found: list[pl.DataFrame] = [empty]
    for table in tables:
        version = delta.quarantine_version(home, table)
        if version is None:
            continue
        before = known.filter((pl.col("table_name") == table.id) & (pl.col("version") == version))
        found.append(before if before.height else _count(home, table, version))
    return pl.concat(found).sort("table_name", "rule")


def refused_by_slice(home: Home, table: Table, labels: Iterable[str]) -> dict[str, int]:
    """How many rows a table refused of some slices, by the slice's label; those without any are left out."""
    refused = home.lake.quarantine(table)
    if not refused.exists():
        return {}
    rows = pl.scan_delta(refused.open()).filter(pl.col("slice").is_in(list(labels)))
    return dict(rows.group_by("slice").len().collect().iter_rows())


def _count(home: Home, table: Table, version: int) -> pl.DataFrame:
    # A piece lies in two slices where days were loaded by one range and again by another: it is one piece still. Two
    # equal pieces of one slice are two.
    piece = ["rules", "row", "observed_at", "_payload_sha256"]
    refused = delta.read_quarantine(home, table).group_by([*piece, "slice"]).len().group_by(piece)
    counted = (
        refused.agg(pl.col("len").max())
        .sort("observed_at", "row", descending=True)
        .group_by(pl.col("rules").alias("rule"), maintain_order=True)
        .agg(
            pl.col("len").sum().cast(pl.Int64).alias("rows"),
            pl.col("observed_at").min().alias("first_observed_at"),
            pl.col("observed_at").max().alias("last_observed_at"),
            pl.col("row").head(_SAMPLES).str.slice(0, _LONGEST).alias("samples"),
        )
        .with_columns(pl.col("samples").map_elements(_as_json, return_dtype=pl.String))
        .with_columns(pl.lit(table.id).alias("table_name"), pl.lit(version, dtype=pl.Int64).alias("version"))
    )
    return conform(QuarantineRule, counted)


def _as_json(texts: pl.Series) -> str:
    return json.dumps(texts.to_list(), ensure_ascii=False)
