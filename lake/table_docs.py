"""`docs/tables.md`: every table's documentation, made from its contract. `python -m lake.table_docs` writes it."""

from __future__ import annotations

from pathlib import Path

import dataframely as dy

from lake.contracts import TABLES, Table

TARGET = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
_TITLES = {
    "bronze": "Bronze: what was received",
    "silver": "Silver: typed, deduplicated, judged by contract",
    "gold": "Gold: one table per question people ask",
    "mart": "Marts: what PostgreSQL shows",
}


def render() -> str:
    """The whole page."""
    parts = [
        "# Tables",
        "",
        "Made from the contracts in `lake/contracts` by `python -m lake.table_docs`; a test keeps it true.",
        "Times are UTC. Beside every silver table stands a quarantine of the rows it refused, with the rules they broke.",
    ]
    for layer, title in _TITLES.items():
        parts += ["", f"## {title}"]
        for table in TABLES.values():
            if table.layer == layer:
                parts += ["", *_table(table)]
    return "\n".join(parts) + "\n"


def _table(table: Table) -> list[str]:
    facts = [f"from {table.source}", f"written by {table.engine}"]
    if table.key:
        facts.insert(0, "key " + ", ".join(f"`{name}`" for name in table.key))
    if table.partition_by:
        facts.append("partitioned by " + ", ".join(f"`{name}`" for name in table.partition_by))
    if table.hot_days is not None:
        facts.append(f"the newest {table.hot_days} days are held in PostgreSQL")
    if table.retention_days is not None:
        facts.append(f"kept for {table.retention_days} days")
    lines = [f"### {table.id}", "", table.description, "", "; ".join(facts).capitalize() + ".", ""]
    lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for name, column in table.schema.columns().items():
        kind = (table.postgres_type(name) or _type(column)) + ("" if not column.nullable else ", may be empty")
        lines.append(f"| `{name}` | {kind} | {table.unit(name) or ''} | {table.meaning(name) or ''} |")
    rules = [*_rules(table)]
    if rules:
        lines += ["", "Row rules: " + "; ".join(rules) + "."]
    return lines


def _type(column: dy.Column) -> str:
    return {
        "String": "text",
        "Float64": "number",
        "Int64": "whole number",
        "Int32": "whole number",
        "Datetime": "instant",
        "Date": "date",
        "Bool": "yes or no",
        "Binary": "bytes",
        "Enum": "text",
        "List": "list of text",
    }[type(column).__name__]


def _rules(table: Table) -> list[str]:
    named = [f"`{name}`: {text}" for name, text in table.sql_rules.items()]
    bounds = []
    for name, column in table.schema.columns().items():
        limits = [
            f"{sign} {value:g}"
            for attribute, sign in (("min", "≥"), ("min_exclusive", ">"), ("max", "≤"), ("max_exclusive", "<"))
            if (value := getattr(column, attribute, None)) is not None
        ]
        if limits:
            bounds.append(f"`{name}` {' and '.join(limits)}")
    own = []
    for name in dir(table.schema):
        check = getattr(getattr(table.schema, name, None), "validation_fn", None)
        if check is not None and not table.sql_rules:
            own.append(f"`{name}`: {str(check.__doc__).splitlines()[0].rstrip('.')}")
    return [*named, *own, *bounds]


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
