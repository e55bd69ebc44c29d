"""News asked for in plain words: what is searched for is data, what is asked is read, and what is not there is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from chat_api.api import build_api
from chat_api.compiler import compile as compile_plan
from chat_api.context import Context
from chat_api.guard import check, marts_catalog
from chat_api.pages.tables import web_address
from chat_api.parser import read
from chat_api.parser.phrase import take_phrase
from chat_api.plan import Among, Clarification, Plan, Refusal
from chat_api.reply import Answer
from chat_api.service import Service
from chat_api.values import plain
from tests.chat_api.conftest import SmallHome
from tests.chat_api.reading_context import context
from tests.chat_api.test_api_http import HOME, build_service
from tests.conftest import ROOT


def with_news() -> Context:
    return replace(context(), news_days=(date(2026, 11, 9), date(2026, 11, 20)))


CONTEXT = with_news()


def plan(question: str, previous: Plan | None = None) -> Plan:
    found = read(question, CONTEXT, previous)
    assert isinstance(found, Plan), found
    assert found.headlines is not None
    return found


@pytest.mark.parametrize(
    ("question", "rest", "phrase"),
    [
        ("news about Apple mentioning recall", "news about Apple", "recall"),
        ("news about Apple mentioning recall this week", "news about Apple this week", "recall"),
        ("headlines about dividends this week", "headlines this week", "dividends"),
        ("headlines mentioning stock split at Nvidia since Monday", "headlines at Nvidia since Monday", "stock split"),
        ('stories about "price target" on 18 November', "stories on 18 November", "price target"),
        ("news mentioning '; DROP TABLE news; -- about Apple", "news about Apple", "DROP TABLE news"),
        ("news about Apple", "news about Apple", None),
        ("news on the energy sector", "news on the energy sector", None),
        ("headlines about Aple", "headlines about Aple", None),
        ("headlines on Nike with negative sentiment", "headlines on Nike with negative sentiment", None),
        ("Apple price", "Apple price", None),
        ("sensex posts mentioning gold", "sensex posts mentioning gold", None),
    ],
)
def test_what_is_searched_for_is_taken_out_before_the_rest_is_read(
    question: str, rest: str, phrase: str | None
) -> None:
    assert take_phrase(question, CONTEXT) == (rest, phrase)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_searched_for_is_a_literal_of_guarded_sql(words: str) -> None:
    found = read(f"news about Apple mentioning {words}", CONTEXT)
    if isinstance(found, Plan) and found.headlines is not None and found.headlines.search is not None:
        guarded = check(compile_plan(found, CONTEXT).sql, marts_catalog())
        assert guarded.tables == ("news",)


def test_companies_times_and_numbers_are_read() -> None:
    asked = plan("the newest 5 headlines on Boeing and Apple since Monday")
    assert asked.headlines is not None
    assert asked.where == Among(dimension="symbol", values=("BA", "AAPL"))
    assert asked.limit == 5
    assert asked.headlines.time is not None
    assert asked.headlines.time.start == datetime(2026, 11, 16, 5, tzinfo=UTC)
    assert plan("the newest headline on Pfizer").limit == 1
    assert plan("how many headlines about Apple this week").headlines.counted  # type: ignore[union-attr]
    assert plan("headlines by publisher yesterday").headlines.by == "publisher"  # type: ignore[union-attr]
    top = plan("top 3 companies by number of headlines this week")
    assert (top.limit, top.headlines and top.headlines.by) == (3, "symbol")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("mean sentiment of yesterday's news", "sentiment of news"),
        ("P/E of the three companies with the most headlines this week", "other figures"),
        ("headlines about Apple in 2019", "2026-11-09"),
        ("how many headlines about Apple this month", "2026-11-09"),
        ("headlines today", "2026-11-20"),
    ],
)
def test_what_cannot_be_answered_says_what_can(question: str, words: str) -> None:
    found = read(question, CONTEXT)
    assert isinstance(found, Refusal)
    assert found.code == "not_loaded"
    assert words in found.sentence


def test_the_fewest_are_not_told_since_who_has_none_is_not_among_them() -> None:
    assert isinstance(read("which company had the fewest headlines this week", CONTEXT), Refusal)
    assert isinstance(read("companies with the least headlines this week", CONTEXT), Refusal)


def test_nothing_is_counted_over_a_time_collected_in_part_also_not_by_a_follow_up() -> None:
    part = plan("news about Apple this month")
    counted = read("how many is that?", CONTEXT, part)
    assert isinstance(counted, Refusal)
    assert counted.code == "not_loaded"


def test_an_ambiguous_company_is_put_back_with_the_words_searched_for() -> None:
    found = read("news about Johnson mentioning recall", CONTEXT)
    assert isinstance(found, Clarification)
    chosen = plan(found.choices[0].ask or "")
    assert chosen.headlines is not None
    assert (chosen.headlines.search, chosen.where) == ("recall", Among(dimension="symbol", values=("JNJ",)))


def test_follow_ups_go_on_about_the_same_words() -> None:
    first = plan("news about Apple mentioning recall")
    other = plan("and Microsoft?", first)
    assert (other.where, other.headlines) == (Among(dimension="symbol", values=("MSFT",)), first.headlines)
    counted = plan("how many is that?", other)
    assert counted.headlines is not None
    assert (counted.headlines.counted, counted.headlines.search) == (True, "recall")
    price = read("Apple price", CONTEXT, counted)
    assert isinstance(price, Plan)
    assert price.headlines is None


@pytest.fixture(scope="module")
def service(small_home: SmallHome) -> Iterator[Service]:
    service = build_service(small_home.settings, small_home.home)
    service.open()
    yield service
    service.close()


def ask(service: Service, question: str) -> Answer:
    answer = service.ask(question)
    assert answer.kind == "answer", answer
    return answer


def told(answer: Answer) -> list[object]:
    at = [column.name for column in answer.columns].index("headline")
    return [row[at] for row in answer.rows]


def test_headlines_are_found_by_company_and_by_their_words(service: Service) -> None:
    assert told(ask(service, "news about Apple")) == [
        "Apple recalls a charger",
        "Apple's quarter in short",
        "Technology at the close",
    ]
    found = ask(service, "news about Apple mentioning chargers")
    assert told(found) == ["Apple recalls a charger", "Apple's quarter in short"]
    assert "Simulated data" in found.sentence
    assert any("chargers" in note for note in found.notes)
    assert told(ask(service, "headlines about dividends this week")) == [
        "Apple's quarter in short",
        "Exxon Mobil shares trade without their dividend",
    ]
    assert told(ask(service, "news mentioning no such words'); DROP TABLE marts.news; --")) == []


def test_a_story_about_two_companies_is_told_once_and_counts_for_both(service: Service) -> None:
    assert told(ask(service, "news about Apple and Microsoft")).count("Technology at the close") == 1
    assert ask(service, "how many headlines on 20 November").rows == ((4,),)
    by = {row[0]: row[-1] for row in ask(service, "headlines by company on 20 November").rows}
    assert by == {"AAPL": 3, "MSFT": 1, "XOM": 1}


def test_the_document_is_text_and_the_market_shows_the_newest(service: Service) -> None:
    found = service.sql("SELECT document FROM news WHERE symbol = 'XOM'")
    assert found.rows == (('{"title":"Exxon Mobil shares trade without their dividend"}',),)
    assert plain({"a": [1, None]}) == '{"a":[1,null]}'
    lines = TestClient(build_api(service), base_url=HOME).get("/api/overview").json()["headlines"]
    assert [line["symbols"] for line in lines] == ["AAPL", "AAPL", "AAPL, MSFT", "XOM"]


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("https://news.example.com/a", True),
        ("http://news.example.com/a", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        (" https://x", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_become_links(value: str | None, safe: bool) -> None:
    assert (web_address(value) is not None) is safe


def test_the_page_on_news_asks_what_is_answered() -> None:
    page = (ROOT / "docs" / "news.md").read_text(encoding="utf-8")
    questions = page.partition("```text\n")[2].partition("```")[0].splitlines()
    assert len(questions) > 5
    for question in questions:
        guarded = check(compile_plan(plan(question), CONTEXT).sql, marts_catalog())
        assert guarded.tables == ("news",)
    assert check(page.partition("```sql\n")[2].partition("```")[0], marts_catalog(), limit=20).tables == ("news",)
