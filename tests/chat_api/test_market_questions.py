"""Questions about indices, minutes, coverage and history, answered over the small market, against numbers made here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chat_api.app import build_service
from chat_api.reply import Answer
from chat_api.service import Service
from lake.indices import INDICES
from lake.market_calendar import INDIA, NEW_YORK, xnys
from tests.chat_api import small_marts, small_records
from tests.chat_api.conftest import SmallHome
from tests.chat_api.small_records import INDEX_DAYS, NEWEST, index_sessions, level

DOCS = Path(__file__).parents[2] / "docs" / "questions.md"
NSEI, GSPC = INDICES["^NSEI"], INDICES["^GSPC"]


@pytest.fixture(scope="module")
def service(small_home: SmallHome) -> Iterator[Service]:
    """The offline chat over the small market."""
    small_marts.fill(small_home.owner_dsn)
    made = build_service(small_home.settings, small_home.home)
    made.open()
    yield made
    made.close()


def answer(service: Service, *questions: str) -> Answer:
    """The answer to the last of some questions of one conversation."""
    conversation = None
    for question in questions:
        found = service.ask(question, conversation)
        conversation = found.conversation_id
        assert found.kind == "answer", f"{question}: {found.sentence}"
    return found


def row(service: Service, *questions: str) -> dict[str, Any]:
    """The one row of an answer, by column."""
    found = answer(service, *questions)
    assert found.rows is not None
    assert found.columns is not None
    assert len(found.rows) == 1, found.rows
    return dict(zip((column.name for column in found.columns), found.rows[0], strict=True))


# --- indices --------------------------------------------------------------------------------------------------------


def close_on(symbol: str, day: date) -> float:
    """The made-up close of an index on a day."""
    return level(INDICES[symbol], index_sessions(INDICES[symbol]).index(day))


@pytest.mark.parametrize(
    ("words", "symbol"),
    [
        ("Nifty 50", "^NSEI"), ("nifty", "^NSEI"), ("NIFTY50", "^NSEI"), ("sensex", "^BSESN"), ("BSE Sensex", "^BSESN"), ("bank nifty", "^NSEBANK"),
        ("BankNifty", "^NSEBANK"), ("S&P 500", "^GSPC"), ("s&p500", "^GSPC"), ("SPX", "^GSPC"), ("^GSPC", "^GSPC"),
    ],
)  # fmt: skip
def test_an_index_is_known_by_its_usual_names(service: Service, words: str, symbol: str) -> None:
    got = row(service, f"close of the {words} on 18 November")
    assert (got["symbol"], got["close"]) == (symbol, close_on(symbol, date(2026, 11, 18)))


def test_levels_are_in_points_and_marked_simulated(service: Service) -> None:
    said = answer(service, "close of the Nifty 50")
    assert "points" in said.sentence
    assert "session 2026-11-20" in said.sentence
    assert "Simulated data." in said.sentence


def test_a_return_is_from_the_close_before_the_period(service: Service) -> None:
    got = row(service, "S&P 500 return this month")
    expected = close_on("^GSPC", NEWEST) / close_on("^GSPC", date(2026, 10, 30)) - 1
    assert got["return_pct"] == pytest.approx(100 * expected)


def test_a_change_in_points_is_against_the_session_before(service: Service) -> None:
    assert row(service, "how many points did the sensex gain on 20 November")["close_change"] == pytest.approx(7)


def test_the_highest_close_of_a_period_is_the_indices_own(service: Service) -> None:
    days = [day for day in index_sessions(NSEI) if day.month == 11 and day.year == 2026]
    got = row(service, "highest close of the nifty 50 this month")
    assert got["close_max"] == max(close_on("^NSEI", day) for day in days)


def test_the_level_is_the_newest_minute_in_its_own_time(service: Service) -> None:
    said = answer(service, "level of the Nifty 50")
    minute = NSEI.calendar.close_at(NEWEST).astimezone(INDIA) - timedelta(minutes=1)
    assert f"{minute:%Y-%m-%d %H:%M} India time" in said.sentence
    assert said.rows is not None
    assert said.rows[0][-1] == pytest.approx(level(NSEI, INDEX_DAYS - 1) - 3 + 3.74)


def test_a_minute_is_read_in_the_exchange_s_time(service: Service) -> None:
    got = row(service, "S&P 500 at 10:32 yesterday")
    assert got["close"] == pytest.approx(level(GSPC, INDEX_DAYS - 1) - 3 + 0.62)
    got = row(service, "sensex at 10:32 on 20 November")
    assert got["close"] == pytest.approx(level(INDICES["^BSESN"], INDEX_DAYS - 1) - 3 + 0.77)


def test_two_indices_stand_side_by_side_on_days_of_both(service: Service) -> None:
    found = answer(service, "compare the nifty 50 and the S&P 500 close last Friday")
    assert found.rows is not None
    assert [(one[0], one[2]) for one in found.rows] == [(s, close_on(s, NEWEST)) for s in ("^NSEI", "^GSPC")]
    assert "both exchanges had a session" in found.sentence


def test_a_day_without_session_there_is_the_one_before_and_said(service: Service) -> None:
    holiday = next(day for day in xnys().sessions(date(2026, 10, 1), NEWEST) if not NSEI.calendar.is_session(day))
    before = NSEI.calendar.previous_session(holiday)
    found = answer(service, f"nifty 50 close on {holiday}")
    assert found.rows is not None
    assert found.rows[0][-1] == close_on("^NSEI", before)
    assert str(before) in found.sentence


def test_indices_under_a_condition_are_chosen_from(service: Service) -> None:
    assert answer(service, "which indices closed lower yesterday").rows == ()
    assert row(service, "which index rose most yesterday")["symbol"] == "^GSPC"


@pytest.mark.parametrize(
    "question", ["#nifty50 posts on 20 November", "nifty sentiment on 20 November", "sensex engagement on 20 November"]
)
def test_posts_are_still_asked_by_the_same_words(service: Service, question: str) -> None:
    found = service.ask(question)
    assert "index_bars" not in (found.sql or "")
    assert "ignals" in (found.sql or found.sentence)


def test_an_open_word_says_that_the_index_was_read(service: Service) -> None:
    assert "NIFTY 50 as the index; #nifty50 is its tag" in answer(service, "nifty change yesterday").sentence


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("P/E of the nifty 50", "P/E"), ("S&P 500 sentiment today", "Posts about S&P 500"), ("nifty 50 beta", "beta"), ("sector of the sensex", "sector"),
        ("compare Apple and S&P 500 return this month", "together with companies"), ("forecast for the sensex", "forecast"), ("Dow Jones level", "not in the data"),
        ("compare nifty and S&P 500 at 10:00 on 20 November", "time zones"), ("nifty 50 at 10:32 on 3 November", "2026-11-03"),
    ],
)  # fmt: skip
def test_what_an_index_does_not_have_is_refused_by_name(service: Service, question: str, named: str) -> None:
    found = service.ask(question)
    assert found.kind == "refuse", found.sentence
    assert named in found.sentence


def test_a_follow_up_moves_from_index_to_index_and_from_a_company(service: Service) -> None:
    assert row(service, "close of the Nifty 50", "and the sensex?")["symbol"] == "^BSESN"
    assert (
        row(service, "close of the Nifty 50", "and the sensex?", "its high?")["high"] == close_on("^BSESN", NEWEST) + 20
    )
    assert row(service, "Apple return this month", "and the S&P 500?")["symbol"] == "^GSPC"
    assert row(service, "close of the Nifty 50", "price of Apple")["symbol"] == "AAPL"
    assert row(service, "price of Apple", "and the Nifty 50?")["close"] == pytest.approx(
        level(NSEI, INDEX_DAYS - 1) + 0.74
    )


def test_a_follow_up_narrows_coverage_and_moves_to_another_company(service: Service) -> None:
    assert {one[1] for one in answer(service, "coverage today", "only Energy").rows or ()} == {3}
    assert row(service, "why was Apple missing at the last tick", "and Pfizer?")["reason"] == "throttled"
    assert "No such change" in answer(service, "when did Pfizer change its city", "and Apple?").sentence


def test_a_grouping_that_an_index_does_not_have_is_refused(service: Service) -> None:
    assert service.ask("sensex close by sector").kind == "refuse"


# --- minutes --------------------------------------------------------------------------------------------------------


def test_a_time_between_ticks_is_a_minute(service: Service) -> None:
    found = answer(service, "AAPL at 10:32 yesterday")
    assert found.rows is not None
    assert found.rows[0][-1] == 100.62
    assert "10:32 as the minute" in found.sentence
    assert "2026-11-20 10:32 New York time" in found.sentence


def test_at_a_tick_the_tick_is_read(service: Service) -> None:
    assert "marts.quotes" in (answer(service, "AAPL at 10:30 yesterday").sql or "").replace('"', "")


def test_a_company_without_minutes_is_refused_by_name(service: Service) -> None:
    found = service.ask("Boeing at 10:32 yesterday")
    assert found.kind == "refuse"
    assert "BA" in found.sentence
    assert "AAPL, MSFT" in found.sentence


def test_minutes_are_summed_averaged_listed_and_ordered(service: Service) -> None:
    volumes = [10 + n for n in range(390)]
    got = answer(service, "between 10:00 and 10:59 on 19 November, did Apple or Microsoft trade more shares").rows or ()
    assert [one[-1] for one in got] == [sum(volumes[30:90])] * 2
    assert row(service, "average volume per minute in Apple on 19 November")["volume_shares_average"] == pytest.approx(
        204.5
    )
    listed = answer(service, "minutes on 19 November in which Apple traded over 380 shares").rows or ()
    assert [one[-1] for one in listed] == [volume for volume in volumes if volume > 380]
    busiest = row(service, "busiest minute of Apple on 19 November")
    assert (busiest["volume_shares"], busiest["minute"]) == (399, "2026-11-19T20:59:00Z")


def test_a_span_of_minutes_without_an_aggregate_is_put_back(service: Service) -> None:
    found = service.ask("Apple close between 10:00 and 10:59 on 19 November")
    assert found.kind == "clarify"
    assert "average close" in [choice.label for choice in found.choices or ()]


def test_minutes_of_a_watchlist_are_not_told_as_those_of_all(service: Service) -> None:
    assert service.ask("top 5 companies by volume at 10:32 yesterday").kind == "refuse"
    said = answer(service, "which company had the highest volume in the 10:31 minute yesterday").sentence
    assert "among the 2 companies with minute bars" in said


def test_days_are_ordered_by_a_figure(service: Service) -> None:
    rows = answer(service, "3 days with the highest volume of Apple this month").rows or ()
    assert [one[0] for one in rows] == ["2026-11-20", "2026-11-19", "2026-11-18"]
    returns = {
        day: close_on("^GSPC", day) / close_on("^GSPC", GSPC.calendar.previous_session(day))
        for day in index_sessions(GSPC)[-14:]
    }
    got = row(service, "on which day did the S&P 500 fall most this month")
    assert got["session"] == str(min(returns, key=lambda day: returns[day]))


# --- coverage -------------------------------------------------------------------------------------------------------


def test_who_is_missing_and_why(service: Service) -> None:
    got = row(service, "which companies are missing at the last tick and why")
    assert (got["symbol"], got["reason"]) == ("PFE", "throttled")


def test_gaps_are_the_ticks_that_lack_companies(service: Service) -> None:
    found = answer(service, "gaps today")
    assert found.rows is not None
    lost = xnys().ticks(NEWEST)[2]
    assert [one[0] for one in found.rows] == [t.isoformat().replace("+00:00", "Z") for t in (lost, small_marts.CLOSE)]
    assert [one[3] for one in found.rows] == [30, 1]


def test_coverage_is_counted_by_tick_and_by_sector(service: Service) -> None:
    assert len(answer(service, "coverage today").rows or ()) == 14
    by_sector = {one[0]: one[1:] for one in answer(service, "coverage by sector at the last tick").rows or ()}
    assert by_sector["Healthcare"][2] == 1
    assert sum(values[0] for values in by_sector.values()) == 30


def test_one_company_s_ticks_are_told(service: Service) -> None:
    assert row(service, "why was Pfizer missing at the last tick")["reason"] == "throttled"
    assert row(service, "was Apple missing at the last tick")["received"] is True
    assert row(service, "was Apple missing today")["reason"] == "downtime"


def test_a_time_before_the_record_is_refused_with_its_begin(service: Service) -> None:
    found = service.ask("gaps last month")
    assert found.kind == "refuse"
    assert f"{xnys().open_at(NEWEST).astimezone(NEW_YORK):%Y-%m-%d %H:%M}" in found.sentence


# --- history --------------------------------------------------------------------------------------------------------


def test_who_left_and_who_came_in(service: Service) -> None:
    got = row(service, "who left Energy this week")
    assert (got["symbol"], got["session"], got["change"]) == ("XOM", str(small_records.LEFT), "left")
    got = row(service, "which companies joined Technology this week")
    assert (got["session"], got["change"]) == (str(small_records.NEW), "entered")
    assert answer(service, "who left Technology this week").rows == ()


def test_an_entry_before_the_record_is_not_invented(service: Service) -> None:
    got = row(service, "when did Apple enter the top 100 of Technology")
    assert got["change"] == "in it when the record began"
    changes = answer(service, "when did Exxon enter the top 100 of Energy").rows or ()
    assert [(one[0], one[4]) for one in changes][1:] == [(str(small_records.BACK), "entered")]


def test_places_count_as_being_in(service: Service) -> None:
    """Who leaves the first place moves the others up: they come into the top one."""
    moves = answer(service, "which companies entered or left the top 1 of Energy this week").rows or ()
    expected = [("2026-11-18", "entered"), ("2026-11-18", "left"), ("2026-11-20", "entered"), ("2026-11-20", "left")]
    assert sorted((one[0], one[4]) for one in moves) == expected


def test_a_period_whose_first_session_has_none_before_is_refused(service: Service) -> None:
    found = service.ask("who left Energy last month")
    assert found.kind == "refuse"
    assert "on record from 2026-11-09 to 2026-11-20" in found.sentence


def test_a_description_s_changes_and_what_it_was(service: Service) -> None:
    got = row(service, "when did Pfizer change its city")
    assert (got["city_before"], got["city_after"]) == ("Old Town", "Springfield")
    assert datetime.fromisoformat(got["changed_at"]) == small_records.RENAMED
    assert row(service, "Pfizer's employees on 5 November")["employees"] == 7
    assert row(service, "Pfizer's city on 12 November")["city"] == "Springfield"
    assert row(service, "has Pfizer changed its headquarters")["city_after"] == "Springfield"
    assert row(service, "how did Pfizer's employees change")["employees_before"] == 7
    assert "No such change is on record" in answer(service, "when did Pfizer change its name").sentence
    assert service.ask("what was Apple's sector last month").kind == "clarify", "a time is never left out"


# --- the page -------------------------------------------------------------------------------------------------------


def _blocks(kind: str) -> list[list[str]]:
    return [block.splitlines() for block in re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)]


QUESTIONS = [line for block in _blocks("questions") for line in block]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_page_s_questions_are_answered(service: Service, question: str) -> None:
    found = answer(service, question)
    assert found.rows, found.sentence
    assert found.as_of
    assert "Simulated data." in found.sentence


def test_the_page_s_conversations_are_answered(service: Service) -> None:
    blocks = _blocks("conversation")
    assert blocks
    for block in blocks:
        assert answer(service, *block).rows
