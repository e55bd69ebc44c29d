"""What a range lacks: no answer is asked for twice, and what was not answered is asked for again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from lake.market_calendar import xnys
from scrapers.asked import Span, answered, daily_charts, lacking, midnight
from tests.scrapers.bodies import bronze, chart, chart_body, error_body

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 20)
SESSIONS = xnys().sessions(FIRST, LAST)
CLOSES = {session: xnys().close_at(session) for session in SESSIONS}
LATER = datetime(2026, 11, 21, tzinfo=UTC)


def request(symbol: str, first: date, last: date, interval: str = "1d") -> str:
    end = midnight(last + timedelta(days=1))
    return f"bars?interval={interval}&period1={midnight(first)}&period2={end}&symbol={symbol}"


def spans(*bodies: pl.DataFrame, symbols: tuple[str, ...] = ("ABC",)) -> dict[str, Span]:
    found = daily_charts(pl.concat(bodies).lazy(), FIRST, LAST)
    return lacking(answered(found, set()), symbols, SESSIONS, CLOSES)


def body(
    symbol: str, first: date, last: date, content: bytes, *, at: datetime = LATER, status: int = 200
) -> pl.DataFrame:
    return bronze((request(symbol, first, last), content), source="yahoo_chart", at=at, status=status)


GOOD = chart_body(chart())


def test_an_answer_of_the_whole_range_leaves_nothing_to_ask() -> None:
    assert spans(body("ABC", FIRST, LAST, GOOD)) == {}
    assert spans(body("ABC", date(2026, 1, 1), LAST, GOOD)) == {}


def test_who_was_never_asked_about_lacks_all_of_it() -> None:
    assert spans(body("ABC", FIRST, LAST, GOOD), symbols=("ABC", "XYZ")) == {"XYZ": Span(SESSIONS[0], SESSIONS[-1])}


def test_answers_of_parts_leave_the_rest() -> None:
    parts = [body("ABC", FIRST, date(2026, 11, 6), GOOD), body("ABC", date(2026, 11, 12), LAST, GOOD)]
    assert spans(*parts) == {"ABC": Span(date(2026, 11, 9), date(2026, 11, 11))}


def test_a_session_that_had_not_closed_is_asked_for_again() -> None:
    during = CLOSES[LAST] - timedelta(hours=1)
    assert spans(body("ABC", FIRST, LAST, GOOD, at=during)) == {"ABC": Span(LAST, LAST)}


def test_refusals_of_the_moment_are_asked_again_and_final_ones_are_not() -> None:
    gone = error_body("chart", "Not Found", "No data found, symbol may be delisted")
    empty = error_body("chart", "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2")
    assert spans(body("ABC", FIRST, LAST, gone, status=404)) == {}
    assert spans(body("ABC", FIRST, LAST, empty, status=400)) == {}
    for refused, status in (
        (b"Edge: Too Many Requests", 429),
        (b"<html>Will be right back</html>", 200),
        (GOOD[:80], 200),
    ):
        assert list(spans(body("ABC", FIRST, LAST, refused, status=status))) == ["ABC"]


def test_bars_of_a_minute_say_nothing_about_days_and_symbols_may_have_signs() -> None:
    minutes = bronze((request("ABC", FIRST, LAST, "1m"), GOOD), source="yahoo_chart", at=LATER)
    signed = body("%5EGSPC", FIRST, LAST, GOOD)
    assert list(spans(minutes, signed, symbols=("ABC", "^GSPC"))) == ["ABC"]


def test_what_silver_has_rows_of_is_not_read_again() -> None:
    unread = body("ABC", FIRST, LAST, b"not a chart")
    found = daily_charts(unread.lazy(), FIRST, LAST)
    assert answered(found, set(unread["_payload_sha256"])).height == 1
    assert answered(found, set()).height == 0
