"""What dbt must know of the tables, written from the contracts: sources, the marts' model contracts, their tests.

The files are made by `python -m dbt_project generate` and never edited; a test holds that they say what the contracts
say. What belongs to PostgreSQL alone (which columns people filter by) is here, because no contract speaks of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dataframely as dy
import yaml

from lake.contracts import SECTORS, of_layer
from lake.contracts.base import Table
from lake.load import STAGING, postgres_columns, staged_tables
from lake.swap import column_text

MODELS = Path(__file__).parent / "models"
_HEADER = "# Made from the table contracts by `python -m dbt_project generate`; do not edit.\n"

# Beside the unique index on each key: what the questions filter and order by.
_INDEXES: dict[str, list[dict[str, Any]]] = {
    "quotes": [{"columns": ["tick"]}, {"columns": ["session"]}],
    "sectors": [{"columns": ["tick"]}, {"columns": ["session"]}],
    "coverage": [{"columns": ["session"]}],
    "universe": [
        {"columns": ["symbol", "session"]},
        {"columns": ["sector", "session"]},
        {"columns": ["rank", "session"]},
    ],
    "bars_daily": [{"columns": ["session", "symbol"]}],
    "bars_minute": [{"columns": ["session"]}],
    "index_bars_daily": [{"columns": ["session", "symbol"]}],
    "index_bars_minute": [{"columns": ["session"]}],
    "news": [
        {"columns": ["symbol", "published_at"]},
        {"columns": ["published_at"]},
        {"columns": ["session"]},
        {"columns": ["search"], "type": "gin"},
    ],
    "forecasts": [{"columns": ["target_session"]}],
    "signals_hourly": [{"columns": ["hour"]}],
    "visits_day": [{"columns": ["cik", "log_date"]}, {"columns": ["symbol", "log_date"]}],
    "visits_documents": [{"columns": ["log_date", "visits_all"]}, {"columns": ["cik", "log_date"]}],
    # Seconds come in by day, so a block range index finds a stretch of time at no cost.
    "visits_second": [
        {"columns": ["cik", "log_date"]},
        {"columns": ["symbol", "log_date"]},
        {"columns": ["second"], "type": "brin"},
    ],
}


def sources() -> dict[str, Any]:
    """The staging schema as dbt sources, under the name of the layer it holds."""
    tables = [
        {
            "name": table.name,
            "description": table.description,
            "columns": [_column(table, c.name, c.kind, c.nullable, constrained=False) for c in postgres_columns(table)],
        }
        for table in staged_tables()
    ]
    about = "Gold as it was last loaded: whole tables, or their hot period."
    return {"version": 2, "sources": [{"name": "gold", "schema": STAGING, "description": about, "tables": tables}]}


def marts() -> dict[str, Any]:
    """The marts' enforced contracts, indexes and tests."""
    return {"version": 2, "models": [_mart(table) for table in of_layer("mart")]}


def _mart(table: Table) -> dict[str, Any]:
    unique = {"columns": list(table.key), "unique": True}
    return {
        "name": table.name,
        "description": table.description,
        "config": {
            "contract": {"enforced": True},
            "group": table.group,
            "indexes": [unique, *_INDEXES.get(table.name, [])],
        },
        "data_tests": _tests(table),
        "columns": [_column(table, c.name, c.kind, c.nullable, constrained=True) for c in postgres_columns(table)],
    }


def _column(table: Table, name: str, kind: str, nullable: bool, *, constrained: bool) -> dict[str, Any]:
    text: dict[str, Any] = {"name": name, "data_type": kind, "description": column_text(table, name)}
    if unit := table.unit(name):
        text["config"] = {"meta": {"unit": unit}}
    if constrained and not nullable:
        text["constraints"] = [{"type": "not_null"}]
    if constrained and (allowed := _allowed(table, name)):
        text["data_tests"] = [{"accepted_values": {"arguments": {"values": allowed}}}]
    return text


def _allowed(table: Table, name: str) -> list[str]:
    column = table.schema.columns()[name]
    if isinstance(column, dy.Enum):
        return list(column.categories)
    return list(SECTORS) if (table.name, name) == ("sectors", "sector") else []


def _tests(table: Table) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = [
        {"key": {"arguments": {"columns": list(table.key)}}},
        {"rows_of": {"arguments": {"parent": f"ref('stg_{table.name}')", "mart": table.name}}},
    ]
    if "symbol" in table.key and table.group == "market" and table.name != "companies":
        # A company that is quoted before its profile is known has no name yet: worth a word, not a stop.
        about = {"parent": "ref('stg_companies')", "columns": ["symbol"]}
        tests.append({"belongs_to": {"arguments": about, "config": {"severity": "warn"}}})
    return tests


def staging() -> dict[str, Any]:
    """The tests that hold among the staged tables themselves."""
    scores = next(table for table in staged_tables() if table.name == "forecast_scores")
    about = {"parent": "ref('stg_forecasts')", "columns": list(scores.key)}
    return {
        "version": 2,
        "models": [
            {
                "name": "stg_forecast_scores",
                "description": scores.description,
                "data_tests": [
                    {"belongs_to": {"arguments": about}},
                    {"key": {"arguments": {"columns": list(scores.key)}}},
                ],
            },
            {"name": "stg_current_companies", "data_tests": [{"key": {"arguments": {"columns": ["symbol"]}}}]},
        ],
    }


def groups() -> dict[str, Any]:
    """The contracts' groups as dbt's."""
    names = dict.fromkeys(table.group for table in of_layer("mart"))
    return {"version": 2, "groups": [{"name": name, "owner": {"name": "tidemark"}} for name in names]}


def files() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    made = {
        MODELS / "_groups.yml": groups(),
        MODELS / "staging" / "_sources.yml": sources(),
        MODELS / "staging" / "_staging.yml": staging(),
        MODELS / "marts" / "_marts.yml": marts(),
    }
    return {
        path: _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
        for path, content in made.items()
    }


def write() -> tuple[Path, ...]:
    """Write the generated files; the paths of those that changed."""
    changed = []
    for path, text in files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return tuple(changed)
