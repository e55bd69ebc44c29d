"""Every field of a company and its quote can be asked by its name: a column that the vocabulary forgets fails here."""

from __future__ import annotations

import dataframely as dy
import pytest

from chat_api.compiler import compile
from chat_api.guard import check, marts_catalog
from chat_api.parser import read
from chat_api.plan import Clarification, Compiled, Measure, Plan
from chat_api.vocabulary import METRICS
from lake.contracts import table
from lake.contracts.base import Provenance
from tests.chat_api.reading_context import context

CONTEXT = context()
# What says which row it is, not what is in it: asked about with a time, or as a company's history.
KEYS = {"symbol", "tick", "session", "company_id", "valid_from", "valid_to", "is_current", *Provenance.columns()}
NUMBERS = (dy.Float64, dy.Int64)


def fields(name: str) -> list[str]:
    """The columns of a mart that say something."""
    return [column for column in table(name).schema.columns() if column not in KEYS]


QUOTE, COMPANY = fields("mart.quotes"), fields("mart.companies")
PROFILE = fields("silver.profiles")


def labels(column: str) -> list[str]:
    """What people call a column, of the quote's or the company's metrics."""
    return [m.label for m in METRICS.values() if m.column == column and m.subject in {"quote", "company"}]


def answered(question: str) -> tuple[Plan, Compiled]:
    """The plan of a question that must have one, and its SQL, which passes the guard."""
    plan = read(question, CONTEXT)
    assert isinstance(plan, Plan), f"{question}: {plan}"
    compiled = compile(plan, CONTEXT)
    check(compiled.sql, marts_catalog(), 1000)
    return plan, compiled


@pytest.mark.parametrize("column", sorted({*QUOTE, *COMPANY, *PROFILE}))
def test_a_field_is_answered_for_one_and_for_several(column: str) -> None:
    assert labels(column), f"no metric of the vocabulary reads {column}"
    for who, symbols in (("Apple", 1), ("Apple, Microsoft and Exxon", 3)):
        plan, compiled = answered(f"{labels(column)[0]} of {who}")
        assert column in [one.name for one in compiled.columns], compiled.columns
        assert "where" in plan.model_dump(exclude_none=True)
        assert compiled.sql.count("'XOM'") == (0 if symbols == 1 else compiled.sql.count("'AAPL'"))


def _numeric(name: str) -> list[str]:
    columns = table(name).schema.columns()
    return [column for column in fields(name) if isinstance(columns[column], NUMBERS) and column != "cik"]


@pytest.mark.parametrize("column", sorted({*_numeric("mart.quotes"), *_numeric("mart.companies")}))
def test_a_numeric_field_orders_and_filters(column: str) -> None:
    label = labels(column)[0]
    plan, _ = answered(f"5 companies with the highest {label}")
    first = plan.values[0]
    assert isinstance(first, Measure)
    assert METRICS[first.metric].column == column
    assert plan.limit == 5
    assert plan.order[0].descending
    plan, compiled = answered(f"companies with {label} above 3")
    assert f".{column} > 3" in compiled.sql


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        ("52 week range of Apple", ["low_52w", "high_52w"]),
        ("what's Apple's day range", ["day_low", "day_high"]),
        ("trading range of Apple and Exxon today", ["day_low", "day_high"]),
    ],
)
def test_a_range_is_its_two_ends(question: str, columns: list[str]) -> None:
    _, compiled = answered(question)
    assert [one.name for one in compiled.columns if one.role == "value"] == columns
    assert {one.unit for one in compiled.columns if one.role == "value"} == {"USD"}


def test_an_order_by_a_range_is_put_back() -> None:
    found = read("5 companies with the highest 52 week range", CONTEXT)
    assert isinstance(found, Clarification)
    assert all(isinstance(read(choice.ask or "", CONTEXT), Plan) for choice in found.choices)
