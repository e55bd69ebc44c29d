"""Follow-ups: an edit of the plan before, or a question of its own; never half of each."""

from __future__ import annotations

from datetime import date

import pytest

from chat_api.build import measures_of
from chat_api.parser import read
from chat_api.plan import Among, Clarification, Day, Plan, Ratio, Reading, Refusal
from tests.chat_api.reading_context import context

CONTEXT = context()


def ask(*questions: str) -> Reading:
    """The reading of the last of several questions in a row."""
    previous: Plan | None = None
    found: Reading | None = None
    for question in questions:
        found = read(question, CONTEXT, previous)
        if isinstance(found, Plan):
            previous = found
    assert found is not None
    return found


def plan(*questions: str) -> Plan:
    """As `ask`, where a plan must come of it."""
    found = ask(*questions)
    assert isinstance(found, Plan), found
    return found


@pytest.mark.parametrize(
    ("follow", "symbols"),
    [
        ("and Pepsi?", ("PEP",)),
        ("what about Exxon", ("XOM",)),
        ("same for cvx and xom", ("CVX", "XOM")),
        ("put Visa next to it", ("KO", "V")),
    ],
)
def test_other_companies(follow: str, symbols: tuple[str, ...]) -> None:
    found = plan("What does Coca-Cola yield?", follow)
    assert found.where == Among(dimension="symbol", values=symbols)
    assert [measure.metric for measure in measures_of(found)] == ["quote.dividend_yield"]


def test_another_figure_of_the_same_company_at_the_same_time() -> None:
    found = plan("GE close on 2 November", "and the volume?")
    assert [(m.metric, m.time) for m in measures_of(found)] == [("bar.volume", Day(day=date(2026, 11, 2)))]


def test_it_after_two_companies_is_put_back() -> None:
    found = ask("Apple and Visa P/E", "how many employees does it have?")
    assert isinstance(found, Clarification)
    assert len(found.choices) == 3


def test_a_week_later() -> None:
    found = plan("What did GE close at on 2 November?", "a week later?")
    assert measures_of(found)[0].time == Day(day=date(2026, 11, 9))


def test_a_later_day_that_is_not_loaded() -> None:
    assert isinstance(ask("visits to Apple's filings on 20 November", "the day after?"), Refusal)


def test_only_a_sector_and_without_some() -> None:
    first = "5 most volatile companies, last 20 sessions"
    assert "Technology" in repr(plan(first, "only technology").where)
    left_out = plan("market cap of all sectors", "leave out energy and utilities")
    assert left_out.where == Among(dimension="sector", values=("Energy", "Utilities"), negated=True)


def test_the_worst_instead() -> None:
    found = plan("ten best stocks of the day by % change", "the 5 worst instead")
    assert (found.limit, found.order[0].descending) == (5, False)


def test_sorted_by_another_figure() -> None:
    found = plan("companies with a dividend yield above 5%", "sort them by market cap, largest first")
    assert found.order[0].value == 1
    assert [measure.metric for measure in measures_of(found)] == ["quote.dividend_yield", "quote.market_cap"]


def test_fewer_of_them_and_their_number() -> None:
    first = "healthcare companies with a P/E under 20"
    kept = plan(first, "drop the ones without a dividend")
    assert '"not"' in kept.model_dump_json()
    counted = plan(first, "how many is that in total?")
    assert counted.fold is not None
    assert counted.where == plan(first).where


def test_per_employee() -> None:
    found = plan("Exxon and Chevron: market cap", "now divide by number of people, i.e. per employee")
    assert isinstance(found.values[0], Ratio)


def test_the_other_model() -> None:
    found = plan("champion's forecast return for Microsoft, next session", "what does the challenger say?")
    assert {measure.role for measure in measures_of(found)} == {"challenger"}


def test_another_time() -> None:
    found = plan("Boeing volume on 12 November", "and on 13 November?")
    assert measures_of(found)[0].time == Day(day=date(2026, 11, 13))


def test_another_tag() -> None:
    assert plan("how many #nifty50 posts yesterday?", "ok and sensex").where == Among(
        dimension="tag", values=("sensex",)
    )


def test_a_full_question_is_not_an_edit() -> None:
    alone = read("top 3 energy names by market cap", CONTEXT)
    assert ask("What does Coca-Cola yield?", "top 3 energy names by market cap") == alone


@pytest.mark.parametrize("follow", ["so is it a buy?", "great, now set it to 500", "and the weather?", "and blurfl?"])
def test_refused_all_the_same(follow: str) -> None:
    assert isinstance(ask("KO dividend yield", follow), Refusal)


def test_the_other_one_is_put_back() -> None:
    assert isinstance(ask("KO price", "and the other one?"), Clarification)
