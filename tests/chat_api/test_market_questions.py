"""Questions about indices and minutes, answered over the small market, against numbers made here."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from chat_api.service import Service
from lake.indices import INDICES
from lake.market_calendar import INDIA, xnys
from tests.chat_api.asking import answer, row
from tests.chat_api.small_records import INDEX_DAYS, NEWEST, index_sessions, level

DOCS = Path(__file__).parents[2] / "docs" / "questions.md"
NSEI, GSPC = INDICES["^NSEI"], INDICES["^GSPC"]


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
