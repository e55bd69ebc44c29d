"""Officers: from the summaries' bodies to rows, and from questions to the columns that answer them."""

from __future__ import annotations

import pytest

from chat_api.compiler import compile as compile_plan
from chat_api.parser import read
from chat_api.plan import Plan
from scrapers.silver import officers_rows
from tests.chat_api.reading_context import context
from tests.scrapers.bodies import bronze, summary_body

ASKED = "summary?symbol=ABC"
LEADER = {"name": "A. Person", "title": "CEO & Director", "age": 61, "fiscalYear": 2023, "totalPay": {"raw": 16}}


def test_officers_keep_their_order_their_pay_and_its_currency() -> None:
    listed = [LEADER, {"name": " ", "title": "CFO"}, {"name": "B. Person", "totalPay": {}}]
    body = summary_body(assetProfile={"companyOfficers": listed}, financialData={"financialCurrency": "USD"})
    found = officers_rows(bronze((ASKED, body), (ASKED, body)))
    shown = found.good.sort("place").select("place", "name", "title", "age", "total_pay", "pay_currency", "fiscal_year")
    assert shown.rows() == [
        (1, "A. Person", "CEO & Director", 61, 16.0, "USD", 2023),
        (3, "B. Person", None, None, None, None, None),
    ]
    assert found.quarantined["rules"].to_list() == ["name_missing"]
    assert found.account == (6, 2, 3, 1)


def test_a_company_without_officers_has_no_rows_and_no_refusals() -> None:
    found = officers_rows(bronze((ASKED, summary_body())))
    assert found.account == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        ("who is the CEO of Apple?", {"ceo"}),
        ("officers of Nvidia", {"officers"}),
        ("employees and website of Apple", {"employees", "website"}),
    ],
)
def test_they_can_be_asked_for(question: str, columns: set[str]) -> None:
    plan = read(question, context())
    assert isinstance(plan, Plan)
    made = compile_plan(plan, context())
    assert made.marts == ("companies",)
    assert columns <= {column.name for column in made.columns}
