"""Plans to SQL: what the guard lets through, what it reads, and that nothing of a question is in it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlglot
from sqlglot import exp

from chat_api.compiler import PlanError, compile
from chat_api.guard import check, marts_catalog
from chat_api.parser import read
from chat_api.plan import AllOf, Among, Compare, Day, Fold, Largest, Measure, Not, Order, Plan, Rank, Ratio, Share
from tests.chat_api.reading_context import context

CONTEXT = context()
QUESTIONS = (
    "apple p/e", "Exxon return in Q3", "Chevron since the open", "GE volume yesterday", "which stocks fell on each of the last five sessions", "Visa and JPM employees",
    "top 3 energy companies by market cap", "companies with P/E under 15 or beta above 2", "volume today at least double the 3 month average volume", "median dividend yield by sector",
    "how many stocks rose today", "Nvidia as a % of the tech sector's market cap", "what percentage of companies are in the red today", "rank of KO within its sector by dividend yield",
    "rank of energy by total market cap", "sectors by total volume", "median P/E of technology and energy", "plot Apple close this month", "Coca-Cola dividends in 2026 with their dates",
    "number of sessions Boeing ended higher in October", "sensex posts yesterday", "nifty sentiment hour by hour yesterday", "change of sensex sentiment between 19 and 20 november",
    "visits to Apple's filings last week", "most visited company yesterday", "companies with visits above 3x the usual yesterday", "Forecasts for the ten companies most visited yesterday",
    "champion forecast vs actual close for Visa over the last 30 sessions", "mean absolute error of champion and challenger last month", "deepest drawdowns year to date (top 10)",
    "15 most volatile stocks over the last 60 sessions", "home country of today's ten top losers", "how fresh is the quotes table", "which tables are staler than 2 hours", "whats the newest tick in the system",
    "days this month when Boeing closed more than 1% lower", "companies based in New York", "difference in employees between Visa and JPM", "how does the workforce split between sectors? percentages",
    "average return of energy stocks this month", "share of #nifty50 posts yesterday",
)  # fmt: skip


def compiled(question: str) -> str:
    """The SQL of a question that must have a plan."""
    plan = read(question, CONTEXT)
    assert isinstance(plan, Plan), f"{question}: {plan}"
    return compile(plan, CONTEXT).sql


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_form_passes_the_guard_and_is_bounded(question: str) -> None:
    sql = compiled(question)
    check(sql, marts_catalog(), 1000)
    tree = sqlglot.parse_one(sql, dialect="postgres")
    assert tree.args.get("limit") is not None
    assert {
        table.db
        for table in tree.find_all(exp.Table)
        if table.name in {t.name for t in tree.find_all(exp.Table) if t.db}
    } <= {"marts"}
    assert not [
        star for star in tree.find_all(exp.Star) if isinstance(star.parent, exp.Select) and not _within_union(star)
    ]


def _within_union(star: exp.Expression) -> bool:
    # The columns of a chosen subquery are listed inside it.
    return (
        isinstance(star.parent.args["from_"].this, exp.Subquery)
        if star.parent and star.parent.args.get("from_")
        else False
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_columns_are_told_in_the_order_of_the_select(question: str) -> None:
    plan = read(question, CONTEXT)
    assert isinstance(plan, Plan)
    result = compile(plan, CONTEXT)
    tree = sqlglot.parse_one(result.sql, dialect="postgres")
    assert [column.name for column in result.columns] == [e.alias_or_name for e in tree.selects]
    assert len({column.name for column in result.columns}) == len(result.columns)
    assert result.as_of
    assert result.marts


def test_times_are_raw_ranges() -> None:
    sql = compiled("average close of Exxon in Q3")
    assert "session >= DATE '2026-07-01' AND session <= DATE '2026-09-30'" in sql
    assert "date_trunc" not in sql


def test_values_are_quoted() -> None:
    evil = "'); DROP TABLE marts.quotes; --"
    plan = Plan(
        kind="filter",
        entity="company",
        values=(Measure(metric="quote.price"),),
        where=Among(dimension="sector", values=(evil,)),
    )
    sql = compile(plan, CONTEXT).sql
    tree = sqlglot.parse(sql, dialect="postgres")
    assert len(tree) == 1
    assert evil in {node.this for node in tree[0].find_all(exp.Literal)} if tree[0] else False


def test_an_unknown_metric_or_description_is_refused() -> None:
    with pytest.raises(PlanError):
        compile(Plan(kind="lookup", entity="company", values=(Measure(metric="quote.secret"),)), CONTEXT)
    with pytest.raises(PlanError):
        compile(
            Plan(
                kind="filter",
                entity="company",
                values=(Measure(metric="quote.price"),),
                where=Among(dimension="password", values=("x",)),
            ),
            CONTEXT,
        )


def test_a_change_needs_its_earlier_time() -> None:
    with pytest.raises(PlanError):
        compile(
            Plan(
                kind="change",
                entity="company",
                values=(Measure(metric="bar.close", time=Day(day=date(2026, 11, 20)), over="change"),),
            ),
            CONTEXT,
        )


def test_the_two_forms_of_the_logs_are_never_added_up() -> None:
    assert "series = 'v2'" in compiled("visits to Apple's filings last week")


def test_a_share_class_is_found_by_its_filer() -> None:
    held = context()
    plan = read("visits to GOOG and AAPL filings yesterday", held)
    assert isinstance(plan, Plan)
    assert f"cik IN ({held.by_symbol['AAPL'].cik}, {held.by_symbol['GOOG'].cik})" in compile(plan, held).sql


PRICE = Measure(metric="quote.price")
CAP = Measure(metric="quote.market_cap")


@pytest.mark.parametrize(
    "plan",
    [
        Plan(kind="cross_subject", entity="company", values=(CAP, Measure(metric="company.employees")), where=Largest(measure=CAP, limit=5)),
        Plan(kind="filter", entity="company", values=(PRICE,), where=Not(part=Compare(left=PRICE, op=">", number=10))),
        Plan(kind="compare", entity="company", values=(Ratio(over=CAP, under=Measure(metric="company.employees")),), where=Among(dimension="symbol", values=("AAPL", "V"))),
        Plan(kind="rank", entity="company", values=(PRICE,), rank=Rank(of=("AAPL",), descending=False)),
        Plan(kind="share", entity="company", values=(CAP,), share=Share(by="country")),
        Plan(kind="aggregate", entity="company", values=(PRICE,), fold=Fold(statistic="median", by=("industry",))),
        Plan(kind="top_n", entity="company", values=(PRICE,), attributes=("city",), where=AllOf(parts=(Compare(left=PRICE, op="<", right=CAP, factor=0.5),)), order=(Order(value=0),), limit=9999),
    ],
)  # fmt: skip
def test_plans_that_a_model_may_write_pass_the_guard(plan: Plan) -> None:
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    sql = compile(plan, CONTEXT).sql
    check(sql, marts_catalog(), 1000)
    assert "LIMIT 9999" not in sql


def test_the_same_question_on_another_day_reads_other_rows() -> None:
    later = context(datetime(2027, 3, 10, 20, tzinfo=UTC))
    plan = read("GE volume yesterday", later)
    assert isinstance(plan, Plan)
    assert "DATE '2027-03-09'" in compile(plan, later).sql
