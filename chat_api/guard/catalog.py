"""What there is to ask about: the marts with their columns and types, as the contracts define them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from lake.contracts import of_layer

SCHEMA = "marts"


@dataclass(frozen=True)
class Catalog:
    """Tables of the schema `marts`: name → column → PostgreSQL type, columns in storage order."""

    tables: Mapping[str, Mapping[str, str]]

    def mapping(self) -> dict[str, object]:
        """The catalog as sqlglot takes a schema."""
        return {SCHEMA: {name: dict(columns) for name, columns in self.tables.items()}}


def _postgres_type(kind: pl.DataType) -> str:
    match kind:
        case pl.Datetime():
            return "timestamptz"
        case pl.Date():
            return "date"
        case pl.Boolean():
            return "boolean"
        case pl.List():
            return "text[]"
    if kind.is_integer():
        return "bigint"
    return "double precision" if kind.is_float() else "text"


@lru_cache(maxsize=1)
def marts_catalog() -> Catalog:
    """The catalog of all marts, from their contracts."""
    return Catalog(
        {
            table.name: {
                column: table.postgres_type(column) or _postgres_type(kind)
                for column, kind in table.schema.create_empty().collect_schema().items()
            }
            for table in of_layer("mart")
        }
    )
