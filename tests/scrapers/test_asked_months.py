"""What Alpha Vantage is asked for: the months of which some session is not spoken of to its end, and no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from lake.market_calendar import xnys
from scrapers.asked_months import Answer, answers, lacking_months, months_of
from tests.scrapers.bodies import bronze, encode
from tests.scrapers.test_alphavantage import BAR, META

WEEK = xnys().sessions(date(2026, 10, 28), date(2026, 11, 3))
CLOSES = {day: xnys().close_at(day) for day in WEEK}
LATE = datetime(2026, 11, 3, 20, 59, tzinfo=UTC)  # the last minute of the third of November
OCTOBER = Answer(datetime(2026, 10, 30, 19, 59, tzinfo=UTC), datetime(2026, 10, 30, 20, 30, tzinfo=UTC))


def months(*known: Answer) -> list[str]:
    """The months lacking, where October has an answer and November those given."""
    given = {("AAPL", "2026-10"): [OCTOBER], ("AAPL", "2026-11"): list(known)}
    return [one["month"] for one in lacking_months(given, ["AAPL"], WEEK, CLOSES)]


def test_nothing_known_asks_for_each_month_once() -> None:
    asked = lacking_months({}, ["AAPL", "XOM"], WEEK, CLOSES)
    assert [(one["symbol"], one["month"]) for one in asked] == [
        (symbol, month) for symbol in ("AAPL", "XOM") for month in ("2026-10", "2026-11")
    ]


@pytest.mark.parametrize(
    ("newest", "received_after", "lacking"),
    [
        (LATE, timedelta(0), []),
        (LATE - timedelta(minutes=1), timedelta(hours=1), ["2026-11"]),  # cut before the close
        (LATE - timedelta(minutes=1), timedelta(days=1, minutes=1), []),  # seldom traded: it has no more
        (None, timedelta(days=1, minutes=1), []),
        (None, timedelta(hours=1), ["2026-11"]),
    ],
)
def test_an_answer_speaks_of_a_session_to_its_end_or_a_day_later(
    newest: datetime | None, received_after: timedelta, lacking: list[str]
) -> None:
    assert months(Answer(newest, LATE + received_after)) == lacking


def test_answers_are_series_and_invalid_calls_but_no_notices() -> None:
    def request(symbol: str) -> str:
        return f"alphavantage?month=2026-11&symbol={symbol}"

    good = {"Meta Data": {**META, "2. Symbol": "AAPL"}, "Time Series (1min)": {"2026-11-20 15:59:00": BAR}}
    bodies = bronze(
        (request("AAPL"), encode(good)),
        (request("NOSUCH"), encode({"Error Message": "Invalid API call."})),
        (request("XOM"), encode({"Information": "our standard API rate limit is 25 requests per day."})),
        source="alphavantage_minutes",
    )
    at = bodies["_ingested_at"][0]
    assert answers(bodies) == {
        ("AAPL", "2026-11"): [Answer(datetime(2026, 11, 20, 20, 59, tzinfo=UTC), at)],
        ("NOSUCH", "2026-11"): [Answer(None, at)],
    }


def test_months_of_days() -> None:
    assert months_of(date(2026, 11, 30), date(2026, 11, 30)) == ["2026-11"]
    assert months_of(date(2025, 12, 31), date(2026, 2, 1)) == ["2025-12", "2026-01", "2026-02"]
