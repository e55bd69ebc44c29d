"""Questions to plans: the form, the metric and the time that words mean."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chat_api.build import measures_of
from chat_api.parser import read
from chat_api.plan import (
    AllOf,
    Among,
    Clarification,
    Compare,
    Day,
    Days,
    Definition,
    Known,
    Measure,
    Plan,
    Reading,
    Refusal,
)
from tests.chat_api.reading_context import context, session

CONTEXT = context()


def plan(question: str) -> Plan:
    """The plan of a question that must have one."""
    found = read(question, CONTEXT)
    assert isinstance(found, Plan), found
    return found


def first(question: str) -> Measure:
    """The first measure of a question's plan."""
    value = plan(question).values[0]
    assert isinstance(value, Measure)
    return value


@pytest.mark.parametrize(
    ("question", "metric"),
    [
        ("What is the P/E of Microsoft?", "quote.pe"),
        ("apple price", "quote.price"),
        ("$NVDA beta", "quote.beta"),
        ("Boeing close on 12 November", "bar.close"),
        ("day low of Pfizer", "quote.day_low"),
        ("Pfizer low on 12 November", "bar.low"),
        ("volume of Exxon", "quote.volume"),
        ("volume of Exxon yesterday", "bar.volume"),
        ("how many people does Disney employ", "company.employees"),
        ("visits to Apple's filings yesterday", "attention.visits"),
        ("forecast return for Chevron, next session", "forecast.return"),
        ("sensex sentiment yesterday", "signal.sentiment"),
        ("total market cap of the energy sector", "sector.market_cap"),
    ],
)
def test_the_metric_follows_the_words_and_the_time(question: str, metric: str) -> None:
    assert first(question).metric == metric


def test_a_day_that_was_no_session_is_the_one_before_it_and_says_so() -> None:
    found = plan("AAPL close on 15 November")
    assert first("AAPL close on 15 November").time == Day(day=session(2026, 11, 13))
    assert any("no session" in note for note in found.notes)


def test_a_return_starts_from_the_close_before_its_period() -> None:
    assert first("Exxon return in Q3").time == Days(
        start=session(2026, 7, 1), end=session(2026, 9, 30), base=session(2026, 6, 30)
    )
    since = first("Exxon return since the 4th of July").time
    assert isinstance(since, Days)
    assert since.base == session(2026, 7, 2)


def test_volatility_needs_no_day_before() -> None:
    found = first("Chevron volatility since 1 July")
    assert found.over == "volatility"
    assert isinstance(found.time, Days)
    assert found.time.start == session(2026, 7, 1)


def test_thresholds_joined_by_and_or_and_not() -> None:
    both = plan("companies with P/E under 15 and dividend yield above 3%").where
    assert isinstance(both, AllOf)
    assert [part.type for part in both.parts] == ["compare", "compare"]
    either = plan("stocks with a beta over 2 or a P/E over 80").where
    assert either is not None
    assert either.type == "any"
    without = plan("companies excluding technology with a market cap over 500bn").where
    assert isinstance(without, AllOf)
    assert without.parts[0] == Among(dimension="sector", values=("Technology",), negated=True)


def test_and_with_or_is_not_guessed() -> None:
    mixed = read("companies with P/E under 15 and beta under 1 or dividend yield above 3%", CONTEXT)
    assert isinstance(mixed, Clarification)


def test_both_averages_are_compared() -> None:
    where = plan("stocks closing above both their 50- and 200-day averages").where
    rights = (
        {part.right.metric for part in where.parts if isinstance(part, Compare) and part.right}
        if isinstance(where, AllOf)
        else set()
    )
    assert rights == {"bar.ma_50", "bar.ma_200"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$100bn", 1e11),
        ("100 billion", 1e11),
        ("1.5 trillion dollars", 1.5e12),
        ("2 lakh", 2e5),
        ("3 crore", 3e7),
        ("250k", 2.5e5),
        ("5,000", 5000),
    ],
)
def test_numbers_with_units(text: str, number: float) -> None:
    where = plan(f"companies with a market cap above {text}").where
    assert isinstance(where, Compare)
    assert where.number == pytest.approx(number)


def test_rising_and_falling_have_a_sign() -> None:
    down = plan("energy stocks down over 3% today").where
    assert isinstance(down, AllOf)
    falls = next(part for part in down.parts if isinstance(part, Compare))
    assert (falls.op, falls.number) == ("<", -3)


def test_the_largest_of_a_sector() -> None:
    found = plan("top 3 energy names by market cap")
    assert (found.limit, found.order[0].descending) == (3, True)
    assert Known(left=Measure(metric="quote.market_cap")) in (
        found.where.parts if isinstance(found.where, AllOf) else ()
    )


def test_lowest_first_is_ascending() -> None:
    assert plan("5 lowest betas in technology").order[0].descending is False


def test_an_average_over_companies_is_not_lost() -> None:
    found = plan("average return of energy stocks this month")
    assert found.fold is not None
    assert found.fold.statistic == "average"


def test_a_rank_has_its_field() -> None:
    found = plan("rank of KO within its sector by dividend yield")
    assert found.rank is not None
    assert found.where == Among(dimension="sector", values=("Consumer Defensive",))


def test_a_share_has_part_and_whole() -> None:
    found = plan("Nvidia as a % of the tech sector's market cap")
    assert found.share is not None
    assert found.share.part == Among(dimension="symbol", values=("NVDA",))
    assert found.where == Among(dimension="sector", values=("Technology",))


def test_a_series_over_time() -> None:
    found = plan("plot Apple close this month")
    assert (found.bucket, found.chart) == ("session", True)


def test_several_subjects_keep_their_own_times() -> None:
    found = plan("Forecasts for the ten companies most visited yesterday")
    times = {measure.metric: measure.time for measure in measures_of(found)}
    assert times["attention.visits"] == Day(day=date(2026, 11, 20))
    assert times["forecast.close"] == Day(day=session(2026, 11, 23))


def test_meanings() -> None:
    for question in ("what does beta mean", "define maximum drawdown", "explain skill against persistence"):
        assert isinstance(read(question, CONTEXT), Definition), question


def test_the_state_of_the_data() -> None:
    found = plan("how fresh is the quotes table")
    assert found.entity == "table"
    assert found.where == Among(dimension="table_name", values=("gold.quotes",))


def test_nothing_is_tied_to_one_day() -> None:
    later = context(datetime(2027, 3, 10, 20, tzinfo=UTC))
    found = read("MSFT close last Friday", later)
    assert isinstance(found, Plan)
    assert measures_of(found)[0].time == Day(day=date(2027, 3, 5))


# --- what is not loaded ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Apple price at the 11:30 tick on 17 November",
        "visits to Apple's filings on 14 March 2017",
        "Apple close on 3 March 2019",
        "Exxon return in 2024",
        "headlines about Boeing today",
        "Boeing, 12 Nov, 15:45 minute: high",
        "sensex posts on 2 November",
        "market cap of Apple on 2 November",
        "Visa 200 day average on 2 December 2025",
    ],
)
def test_a_time_that_is_not_loaded_is_refused_with_what_is(question: str) -> None:
    found = read(question, CONTEXT)
    assert isinstance(found, Refusal), found
    assert found.code == "not_loaded", found


def test_a_period_loaded_in_part_gives_no_number() -> None:
    short = context(bars_days=40)
    found = read("Exxon return in Q3", short)
    assert isinstance(found, Refusal)
    assert "loaded from" in found.sentence


def test_a_question_before_anything_is_loaded() -> None:
    empty = context().__class__(now=CONTEXT.now, companies=CONTEXT.companies)
    for question in ("Apple price", "Apple close", "visits to Apple's filings yesterday", "sensex posts today"):
        found: Reading = read(question, empty)
        assert isinstance(found, Refusal), question
