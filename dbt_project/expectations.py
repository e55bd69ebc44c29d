"""Great Expectations over the staging schema before a swap: whole tables, judged by what the contracts say.

There is no second definition here: keys, empty columns, ranges, allowed values and column order come from the
contract of each table. Single rows were judged before, when they went to quarantine or on. The library takes 5 to 11
seconds to import, so this is for loads of a day, not of a tick.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy

from dbt_project.data_docs import build_site, forget, open_context
from lake.contracts.base import Table
from lake.load import STAGING, postgres_columns, staged_tables

_SCHEME = "postgresql+psycopg://"
# Looking for repeated keys sorts a table; PostgreSQL's own 4 MB would send 700,000 keys to disk.
_OPTIONS = f"options=-csearch_path%3D{STAGING}%20-cwork_mem%3D128MB"
_ORDERED = (dy.Int16, dy.Int32, dy.Int64, dy.Float32, dy.Float64, dy.Date)


@dataclass(frozen=True)
class StagingReport:
    """What was found in the staging schema.

    Attributes:
        failures: one line for each expectation that does not hold, naming table, column and how many rows.
        expectations: how many were checked.
        seconds: wall time, the library's import included.
    """

    failures: tuple[str, ...]
    expectations: int
    seconds: float

    @property
    def success(self) -> bool:
        """Whether the marts may be built from it."""
        return not self.failures


@dataclass(frozen=True)
class Expectation:
    """One expectation: its Great Expectations class and arguments."""

    kind: str
    arguments: dict[str, Any]


def expectations(table: Table, rows: int | None = None) -> tuple[Expectation, ...]:
    """What a staging table must be, from its contract; with `rows` also how many it must have."""
    columns = postgres_columns(table)
    found = [Expectation("ExpectTableColumnsToMatchOrderedList", {"column_list": [c.name for c in columns]})]
    if rows is not None:
        found.append(Expectation("ExpectTableRowCountToEqual", {"value": rows}))
    if table.key:
        # The library's own check of compound keys counts in a window over the whole table: seven times slower.
        key = ", ".join(table.key)
        query = f"SELECT {key}, count(*) AS found FROM {{batch}} GROUP BY {key} HAVING count(*) > 1"  # noqa: S608
        about = {"unexpected_rows_query": query, "description": f"no two rows with the same {key}"}
        found.append(Expectation("UnexpectedRowsExpectation", about))
    found += [Expectation("ExpectColumnValuesToNotBeNull", {"column": c.name}) for c in columns if not c.nullable]
    for name, column in table.schema.columns().items():
        # Provenance is ours, not a source's: its form was settled when the row was written.
        if name not in table.provenance:
            found += _of_values(name, column)
    return tuple(found)


def _of_values(name: str, column: dy.Column) -> Iterator[Expectation]:
    if isinstance(column, dy.Enum):
        yield Expectation("ExpectColumnValuesToBeInSet", {"column": name, "value_set": list(column.categories)})
    if isinstance(column, dy.String) and column.regex:
        yield Expectation("ExpectColumnValuesToMatchRegex", {"column": name, "regex": column.regex})
    if isinstance(column, _ORDERED):
        bounds = {
            "min_value": _first(column.min, column.min_exclusive),
            "max_value": _first(column.max, column.max_exclusive),
            "strict_min": column.min is None and column.min_exclusive is not None,
            "strict_max": column.max is None and column.max_exclusive is not None,
        }
        if bounds["min_value"] is not None or bounds["max_value"] is not None:
            yield Expectation("ExpectColumnValuesToBeBetween", {"column": name, **bounds})


def _first(*values: float | date | None) -> float | date | None:
    return next((value for value in values if value is not None), None)


def check_staging(
    dsn: str,
    tables: Sequence[Table] | None = None,
    rows: Mapping[str, int] | None = None,
    docs: Path | None = None,
) -> StagingReport:
    """Hold staging tables against their contracts.

    Args:
        dsn: the owner's libpq URL.
        tables: gold tables; None for all that are staged.
        rows: how many rows each should have, by id, where that is known from the load.
        docs: the folder of the Data Docs, which then show the newest verdict on each table; None makes none.
    """
    started = time.monotonic()
    counts = rows or {}
    expected = {t.name: expectations(t, counts.get(t.id)) for t in tables or staged_tables()}
    failures = tuple(_failures(dsn, expected, docs))
    return StagingReport(failures, sum(map(len, expected.values())), round(time.monotonic() - started, 3))


def _failures(dsn: str, expected: Mapping[str, Sequence[Expectation]], docs: Path | None) -> Iterator[str]:
    # Read when the library is imported: without it the first use writes to its maker's servers.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    context = open_context(docs)
    address = _SCHEME + dsn.partition("://")[2]
    address += ("&" if "?" in address else "?") + _OPTIONS
    source = context.data_sources.add_postgres("staging", connection_string=address)
    try:
        for name, wanted in expected.items():
            try:
                asset = source.add_table_asset(name, table_name=name)
            except TestConnectionError:
                yield f"{STAGING}.{name}: the table is not there"
                continue
            made = [getattr(gx.expectations, expectation.kind)(**expectation.arguments) for expectation in wanted]
            suite = context.suites.add_or_update(gx.ExpectationSuite(name, expectations=made))
            batch = asset.add_batch_definition_whole_table("all")
            judged = gx.ValidationDefinition(name=name, data=batch, suite=suite)
            yield from _of_table(context.validation_definitions.add_or_update(judged), name, docs)
    finally:
        source.get_engine().dispose()
    if docs is not None:
        build_site(context, docs)


def _of_table(definition: Any, name: str, docs: Path | None) -> Iterator[str]:
    """One line for each expectation that fails; what it saw is asked for only then, at a query each."""
    if docs is not None:
        forget(docs, name)
    judged = definition.run(result_format="BOOLEAN_ONLY")
    if judged.success:
        return
    if docs is not None:
        forget(docs, name)
    for result in definition.run(result_format="BASIC").results:
        if not result.success:
            yield f"{STAGING}.{name}: {_line(result)}"


def _line(result: Any) -> str:
    """An expectation in words: `expect_column_values_to_be_between price min_value=0: 3 of 1100 rows, such as …`."""
    settings, said = result.expectation_config.kwargs, result.expectation_config.description
    named = ("min_value", "max_value", "value", "value_set", "regex")
    about = [result.expectation_config.type, str(settings.get("column") or settings.get("column_list") or "")]
    about += [f"{key}={settings[key]}" for key in named if key in settings]
    seen = result.result
    if "unexpected_count" in seen:
        few = seen["partial_unexpected_list"][:3]
        found = f"{seen['unexpected_count']} of {seen['element_count']} rows, such as {few}"
    elif "observed_value" in seen:
        found = f"found {seen['observed_value']}"
    else:
        found = "; ".join(str(error.get("exception_message")) for error in _errors(result.exception_info))
    return f"{said or ' '.join(filter(None, about))}: {found}"


def _errors(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was raised while an expectation was judged: one such record, or one for each metric."""
    if "raised_exception" in info:
        return [info]
    return [entry for entry in info.values() if isinstance(entry, Mapping)]
