"""Quarantine and row accounting: no row is lost, none is doubled, none is let through wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lake import delta
from lake.contracts.quarantine import Quarantined

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home


class RowsLost(RuntimeError):
    """Rows in are not rows out + duplicates + quarantined."""


class RowAccount(NamedTuple):
    """What became of the rows that came in."""

    rows_in: int
    rows_out: int
    duplicates: int
    quarantined: int

    def check(self, what: str) -> RowAccount:
        """Itself, if it balances.

        Raises:
            RowsLost: with the four numbers.
        """
        if self.rows_in != self.rows_out + self.duplicates + self.quarantined:
            raise RowsLost(
                f"{what}: {self.rows_in} rows in, but {self.rows_out} out + {self.duplicates} duplicates "
                f"+ {self.quarantined} quarantined = {self.rows_out + self.duplicates + self.quarantined}"
            )
        return self

    def __add__(self, other: object) -> RowAccount:
        if not isinstance(other, RowAccount):
            return NotImplemented
        return RowAccount(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Refusal:
    """A piece of a body that could not be read into a row."""

    reason: str
    raw: str
    payload_sha256: str | None = None
    observed_at: datetime | None = None
    run_id: str = ""


@dataclass(frozen=True)
class Settled:
    """Rows judged by their contract.

    Attributes:
        good: rows of the contract, one a key.
        quarantined: columns rules, row, observed_at, _run_id, _payload_sha256.
        account: what became of the rows in.
    """

    good: pl.DataFrame
    quarantined: pl.DataFrame
    account: RowAccount


@lru_cache(maxsize=1)
def _refused_schema() -> dict[str, pl.DataType]:
    """Not at import: Polars would start its threads, and a process that forks may have none."""
    return {name: kind for name, kind in Quarantined.create_empty().schema.items() if name != "slice"}


def settle(table: Table, frame: pl.DataFrame, rows_in: int, refusals: Sequence[Refusal] = ()) -> Settled:
    """Judge rows by a table's contract.

    Exact repeats (provenance apart) and rows outdated by a later observation of the same key are duplicates. Rows
    that contradict each other at the same instant, or break a rule, are quarantined with the names of the rules.

    Args:
        table: whose contract judges.
        frame: the table's columns; missing nullable ones are filled with null.
        rows_in: how many rows the raw material had, refused pieces included.
        refusals: pieces that never became rows.

    Raises:
        RowsLost: when the numbers do not balance.
    """
    rows = _with_all_columns(table, frame)
    facts = [column for column in table.columns if column not in table.provenance]
    kept = rows.sort("observed_at", nulls_last=True, maintain_order=True).unique(
        facts, keep="first", maintain_order=True
    )
    if table.key:
        kept = kept.filter(pl.col("observed_at") == pl.col("observed_at").max().over(list(table.key)))
    good, failure = table.schema.filter(kept, cast=True)
    bad = _refused_rows(table, failure.details())
    pieces = pl.DataFrame(
        [(r.reason, r.raw, r.observed_at, r.run_id, r.payload_sha256) for r in refusals],
        schema=_refused_schema(),
        orient="row",
    )
    refused = pl.concat([bad, pieces])
    account = RowAccount(rows_in, good.height, rows.height - kept.height, refused.height)
    return Settled(good, refused, account.check(table.id))


def _with_all_columns(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None).alias(column) for column in table.columns if column not in frame.columns]
    return frame.with_columns(missing).select(table.columns)


def _refused_rows(table: Table, details: pl.DataFrame) -> pl.DataFrame:
    rules = [name for name in details.columns if name not in table.columns]
    broken = pl.concat_list(
        [pl.when(pl.col(rule).cast(pl.String) == "invalid").then(pl.lit(_rule_name(rule))) for rule in rules]
    )
    provenance = [pl.col("observed_at"), pl.col("_run_id"), pl.col("_payload_sha256")]
    if details.is_empty():
        return pl.DataFrame(schema=_refused_schema())
    return details.select(
        broken.list.drop_nulls().list.unique(maintain_order=True).list.join(",").alias("rules"),
        pl.struct([c for c in table.columns if c not in table.provenance])
        .map_elements(_as_json, return_dtype=pl.String)
        .alias("row"),
        *provenance,
    ).cast(_refused_schema())  # type: ignore[arg-type]


def _rule_name(rule: str) -> str:
    return rule.replace("|", ".")


def _as_json(row: dict[str, object]) -> str:
    return json.dumps(row, default=str, ensure_ascii=False)


def write_settled(home: Home, table: Table, settled: Settled, where: delta.Slice) -> delta.Written:
    """Write a slice's good rows, and its refused rows beside them.

    The quarantine goes first: a kill between the two leaves the old good rows, and the rerun writes both.
    """
    epoch = datetime.fromtimestamp(0, UTC)
    refused = settled.quarantined.with_columns(
        pl.lit(where.label).alias("slice"), pl.col("observed_at").fill_null(epoch), pl.col("_run_id").fill_null("")
    )
    delta.replace_quarantine(home, table, refused, where)
    return delta.replace_slice(home, table, settled.good, where)
