"""What a table contract is made of: the column groups every layer shares, and the `Table` around a schema.

A contract is the one definition of a table. The Delta schema, the quarantine, the blocking checks, the dbt
sources, the marts' model contracts and `docs/tables.md` follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import dataframely as dy
import polars as pl

Layer = Literal["bronze", "silver", "gold", "mart"]
Engine = Literal["polars", "spark", "dbt"]

SYMBOL = r"^[A-Z0-9^][A-Z0-9.\-=^]{0,19}$"
SHA256 = r"^[0-9a-f]{64}$"


def utc(**options: object) -> dy.Datetime:
    """An instant: UTC, microseconds."""
    return dy.Datetime(time_zone="UTC", time_unit="us", **options)  # type: ignore[arg-type]


class Provenance(dy.Schema):
    """Where a row comes from and when it was known; left out when two tables are compared."""

    observed_at = utc(
        nullable=False,
        metadata={"meaning": "when the row's newest input was received", "unit": "UTC", "provenance": True},
    )
    run_id = dy.String(
        alias="_run_id",
        nullable=False,
        metadata={"meaning": "the run that received the row's newest input", "provenance": True},
    )
    payload_sha256 = dy.String(
        alias="_payload_sha256",
        nullable=True,
        regex=SHA256,
        metadata={
            "meaning": "SHA-256 of the raw body the row was read from; empty where it rests on several",
            "provenance": True,
        },
    )


def conform(schema: type[dy.Schema], frame: pl.DataFrame) -> pl.DataFrame:
    """A frame's columns in a schema's order and types; others are left out."""
    return frame.select([pl.col(name).cast(kind) for name, kind in schema.create_empty().schema.items()])


@dataclass(frozen=True)
class Table:
    """A named table of one layer: its schema and what storage needs to know beside the schema.

    Attributes:
        partition_by: columns that locate a slice on disk; always a date or a short string.
        engine: the one engine that writes it.
        hot_days: how many days of it PostgreSQL holds; None for all of it.
        sql_rules: row rules as SQL text, for tables that Spark writes (the schema compiles the same text).
        retention_days: how long it is kept; None for ever.
        slices_of: for a mart, the gold table by whose partitions it is renewed; None where it is renewed whole.
    """

    name: str
    layer: Layer
    schema: type[dy.Schema]
    group: str
    source: str
    partition_by: tuple[str, ...] = ()
    engine: Engine = "polars"
    hot_days: int | None = None
    retention_days: int | None = None
    slices_of: str | None = None
    sql_rules: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The layer and the name, as in `gold.quotes`."""
        return f"{self.layer}.{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns."""
        return tuple(self.schema.primary_key())

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in storage order."""
        return tuple(self.schema.column_names())

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame's columns in the contract's order and types; others are left out."""
        return conform(self.schema, frame)

    @property
    def provenance(self) -> tuple[str, ...]:
        """The columns that two equal tables may differ in."""
        return tuple(n for n, c in self.schema.columns().items() if (c.metadata or {}).get("provenance"))

    @property
    def description(self) -> str:
        """The first paragraph of the schema's docstring, on one line."""
        return " ".join((self.schema.__doc__ or "").strip().split("\n\n")[0].split())

    def postgres_type(self, column: str) -> str | None:
        """The type that PostgreSQL holds a column in where it is not the one that follows from the schema."""
        return (self.schema.columns()[column].metadata or {}).get("postgres")

    def unit(self, column: str) -> str | None:
        """The unit of a column, if it has one."""
        return (self.schema.columns()[column].metadata or {}).get("unit")

    def meaning(self, column: str) -> str | None:
        """What a column says, in a phrase."""
        return (self.schema.columns()[column].metadata or {}).get("meaning")
