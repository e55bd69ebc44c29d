"""Page objects on bodies built by hand: units, single bad elements, and the names of refusals."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from web_poet import HttpResponse, PageParams

from scrapers.errors import BodyRefused, Reason
from scrapers.pages import (
    crumb_or_reason,
    parse_chart,
    parse_posts,
    parse_quotes,
    parse_screener,
    parse_summary,
    parse_tickers,
    read_crumb,
)
from scrapers.pages.chart import known_zones
from scrapers.pages.objects import (
    ChartPage,
    CrumbPage,
    PostsPage,
    QuotesPage,
    ScreenerPage,
    SummaryPage,
    TickersPage,
)
from tests.scrapers.bodies import (
    SESSION,
    STAMPS,
    TICK,
    chart,
    chart_body,
    encode,
    error_body,
    post,
    posts_body,
    quote,
    quotes_body,
    screener_body,
    summary_body,
)


def reasons(page: Any) -> list[str]:
    return [refusal.reason for refusal in page.refusals]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": ...}, "symbol_missing"),
        ({"symbol": 7}, "wrong_type"),
        ({"quoteType": "NONE"}, "not_found"),
        ({"regularMarketPrice": ...}, "price_missing"),
        ({"regularMarketPrice": 0}, "price_missing"),
        ({"regularMarketPrice": "12"}, "wrong_type"),
        ({"currency": "GBp"}, "currency_not_usd"),
        ({"currency": ...}, "currency_missing"),
        ({"regularMarketVolume": 1.5}, "wrong_type"),
        ({"regularMarketVolume": 2**63}, "wrong_type"),
        ({"regularMarketTime": 1e18}, "wrong_type"),
        ({"bid": True}, "wrong_type"),
    ],
)
def test_a_bad_quote_is_refused_alone(changes: dict[str, Any], reason: str) -> None:
    page = parse_quotes(quotes_body(quote("AAA"), quote("BBB", **changes), quote("CCC")), SESSION, TICK)
    assert page.rows["symbol"].to_list() == ["AAA", "CCC"]
    assert (page.rows_in, reasons(page), page.refused) == (3, [reason], None)


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"bid": 0}, "bid", None),
        ({"regularMarketPreviousClose": 0}, "previous_close", None),
        ({"trailingPE": "Infinity"}, "pe_trailing", None),
        ({"epsTrailingTwelveMonths": -1}, "pe_trailing", None),
        ({"epsTrailingTwelveMonths": 0}, "pe_trailing", None),
        ({"epsTrailingTwelveMonths": ...}, "pe_trailing", 10.1),
        ({"dividendYield": ...}, "dividend_yield_pct", None),
        ({"dividendYield": 0.41}, "dividend_yield_pct", 0.41),
        ({"regularMarketPrice": {"raw": 9.5, "fmt": "9.50"}}, "price", 9.5),
        ({"marketCap": {}}, "market_cap", None),
        ({"regularMarketVolume": 12.0}, "volume_shares", 12),
    ],
)
def test_units_of_a_quote_are_settled(changes: dict[str, Any], column: str, value: object) -> None:
    page = parse_quotes(quotes_body(quote(**changes)), SESSION, TICK)
    assert page.rows[column].to_list() == [value]


def test_elements_that_are_no_objects_are_counted() -> None:
    page = parse_quotes(quotes_body(quote(), None, [], "x"), SESSION, TICK)
    assert (page.rows_in, reasons(page)) == (4, ["not_an_object"] * 3)


WHOLE = [
    (b"", None, "empty_body"),
    (b" \n", 200, "empty_body"),
    (b"", 429, "throttled"),
    (b"", 503, "server_error"),
    (b"", 302, "redirected"),
    (b"Edge: Too Many Requests", 429, "throttled"),
    (b"Too Many Requests\r\n", 200, "throttled"),
    (b"<html>Will be right back</html>", 200, "maintenance_page"),
    (b'<!DOCTYPE html><form action="/v2/collectConsent">', 200, "consent_page"),
    (b"<html>hello</html>", 200, "html_instead_of_json"),
    (b"<html>hello</html>", 500, "server_error"),
    (b"<h1>Your Request Originates from an Undeclared Automated Tool</h1>", 200, "throttled"),
    (b"hello", 200, "not_json"),
    (b"\xff\xfe\x00", 200, "not_json"),
    (b'{"quoteResponse":{"result":[{"sym', 200, "truncated_json"),
    (b'{"quoteResponse":}', 200, "malformed_json"),
    (b"[" * 2_000, 200, "malformed_json"),
    (b"{}", 200, "unexpected_shape"),
    (b"[]", 200, "unexpected_shape"),
    (b"\xef\xbb\xbf{}", 200, "unexpected_shape"),
    (error_body("finance", "Unauthorized", "Invalid Crumb"), 401, "crumb_invalid"),
    (error_body("finance", "Unauthorized", "Invalid Cookie"), 401, "crumb_invalid"),
    (error_body("finance", "Unauthorized", "User is unable to access this feature"), 401, "unauthorized"),
    (error_body("quoteResponse", "Bad Request", "Too many symbols"), 400, "bad_request"),
    (quotes_body(), 200, "empty_result"),
    (quotes_body(quote()), 500, "server_error"),
]


@pytest.mark.parametrize(("body", "status", "reason"), WHOLE)
def test_a_body_that_is_no_answer_is_named(body: bytes, status: int | None, reason: str) -> None:
    page = parse_quotes(body, SESSION, TICK, status)
    assert (str(page.refused), page.rows_in, page.rows.height, reasons(page)) == (reason, 1, 0, [reason])


@pytest.mark.parametrize(
    ("code", "description", "reason"),
    [
        ("Not Found", "No data found, symbol may be delisted", "delisted"),
        ("Not Found", "Quote not found for ticker symbol: X", "not_found"),
        ("Not Found", "No fundamentals data found for any of the summaryTypes=x", "no_fundamentals"),
        ("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2", "empty_window"),
        ("Unprocessable Entity", "1m data not available for startTime=1 and endTime=2.", "window_refused"),
        ("Something new", "", "source_error"),
    ],
)
def test_a_source_s_own_errors_are_named(code: str, description: str, reason: str) -> None:
    assert str(parse_chart(error_body("chart", code, description)).bars.refused) == reason
    assert str(parse_summary(error_body("quoteSummary", code, description), SESSION, "X").refused) == reason


@pytest.mark.parametrize(
    ("body", "status", "wanted"),
    [
        (b"haT3oykhHqZ", 200, "haT3oykhHqZ"),
        (b"haT3oykhHqZ\n", 200, "haT3oykhHqZ"),
        (b"", 200, Reason.EMPTY_BODY),
        (b"<html></html>", 200, Reason.HTML_INSTEAD_OF_JSON),
        (b"Too Many Requests", 200, Reason.THROTTLED),
        (b"Edge: Too Many Requests", 429, Reason.THROTTLED),
        (b"two words", 200, Reason.CRUMB_INVALID),
        (b"haT3oykhHqZ", 500, Reason.SERVER_ERROR),
        (error_body("finance", "Unauthorized", "Invalid Cookie"), 401, Reason.CRUMB_INVALID),
    ],
)
def test_a_crumb_or_what_came_instead(body: bytes, status: int, wanted: str) -> None:
    assert crumb_or_reason(body, status) == wanted


def test_a_refused_crumb_raises_only_the_named_refusal() -> None:
    with pytest.raises(BodyRefused, match="crumb_invalid"):
        read_crumb(b"no crumb", 200)


def test_screener_ranks_go_on_from_its_offset() -> None:
    body = screener_body(quote("AAA"), quote("FND", quoteType="ETF"), quote("CCC", currency="CAD"), start=100)
    page = parse_screener(body, SESSION, "Energy")
    assert page.rows.select("symbol", "sector", "rank", "market_cap").rows() == [("AAA", "Energy", 101, 5_050_000.0)]
    assert (page.total, reasons(page)) == (500, ["not_equity", "currency_not_usd"])


def test_summary_reads_slow_figures_in_the_contract_s_units() -> None:
    row = parse_summary(summary_body(), SESSION, "ABC").rows.row(0, named=True)
    assert (row["forward_dividend"], row["target_1y"], row["beta"]) == (2.0, 60.0, 1.2)
    assert row["ex_dividend_date"] == date(2025, 2, 10)
    assert row["earnings_at"] == datetime(2025, 4, 30, 10, 59, tzinfo=UTC)
    assert (row["name"], row["sector"], row["employees"], row["address"]) == ("ABC Corp.", "Energy", 7, "1 Way")


def test_summary_of_another_symbol_or_without_known_modules_is_refused() -> None:
    assert reasons(parse_summary(summary_body("XYZ"), SESSION, "ABC")) == ["symbol_mismatch"]
    strange = encode({"quoteSummary": {"result": [{"esgScores": {}}], "error": None}})
    assert parse_summary(strange, SESSION, "ABC").refused is Reason.NO_KNOWN_MODULE


def test_daily_bars_carry_the_exchange_s_date_and_their_basis() -> None:
    events = {
        "dividends": {"1795098600": {"amount": 0.5, "date": 1795098600}},
        "splits": {"1795012200": {"date": 1795012200, "numerator": 3, "denominator": 2}},
    }
    page = parse_chart(chart_body(chart(events=events)), "1d", "ABC")
    assert page.bars.rows["session"].to_list() == [date(2026, 11, day) for day in (18, 19, 20)]
    assert page.bars.rows["basis"].unique().to_list() == ["split_adjusted"]
    assert page.bars.rows["source_adj_close"].to_list() == [10.5, 11.5, 12.5]
    assert page.actions.rows.select("date", "kind", "amount").rows() == [
        (date(2026, 11, 19), "dividend", 0.5),
        (date(2026, 11, 18), "split", 1.5),
    ]


def test_null_and_wrong_bars_are_refused_alone() -> None:
    quote_lists = {"open": [10.0, None, 12.0], "volume": [1, 2, "many"]}
    page = parse_chart(chart_body(chart(quote=quote_lists)))
    assert page.bars.rows["session"].to_list() == [date(2026, 11, 18)]
    assert (page.bars.rows_in, sorted(reasons(page.bars))) == (3, ["null_bar", "wrong_type"])


@pytest.mark.parametrize(
    ("as_of", "last_trade", "kept"),
    [
        (datetime(2026, 11, 20, 18, tzinfo=UTC), 1795197600, 2),  # seen while the session ran
        (datetime(2026, 11, 20, 22, tzinfo=UTC), 1795197600, 3),  # seen after: the last trade was simply early
        (None, 1795197600, 2),
        (None, 1795208401, 3),
        (datetime(2026, 11, 20, 20, 59, tzinfo=UTC), 1795208430, 2),  # the source's clock is ahead, past the close
    ],
)
def test_the_bar_of_a_running_session_is_partial(as_of: datetime | None, last_trade: int, kept: int) -> None:
    page = parse_chart(chart_body(chart(meta={"regularMarketTime": last_trade})), "1d", "ABC", as_of)
    assert page.bars.rows.height == kept
    assert reasons(page.bars) == ["partial_bar"] * (3 - kept)


@pytest.mark.parametrize("stamp", [1795208430, 1795208399 + 86_400], ids=["past the close", "tomorrow"])
def test_a_bar_from_the_future_is_no_finished_session(stamp: int) -> None:
    as_of, ahead = datetime(2026, 11, 20, 20, 59, tzinfo=UTC), {"regularMarketTime": stamp}
    page = parse_chart(chart_body(chart(stamps=(*STAMPS[:2], stamp), meta=ahead)), "1d", "ABC", as_of)
    assert page.bars.rows["session"].to_list() == [date(2026, 11, day) for day in (18, 19)]
    assert reasons(page.bars) == ["partial_bar"]


def test_a_session_that_comes_twice_is_kept_once() -> None:
    page = parse_chart(chart_body(chart(stamps=(*STAMPS, 1795208401))), "1d")
    assert page.bars.rows["session"].to_list() == [date(2026, 11, day) for day in (18, 19, 20)]
    assert page.bars.rows["close"].to_list() == [11.0, 12.0, 13.0]
    assert reasons(page.bars) == ["repeated_session"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"meta": {"dataGranularity": "1mo"}}, "wrong_interval"),
        ({"meta": {"currency": "GBp"}}, "currency_not_usd"),
        ({"meta": {"currency": None}}, "currency_missing"),
        ({"meta": {"symbol": None}}, "symbol_missing"),
        ({"meta": {"symbol": "XYZ"}}, "symbol_mismatch"),
        ({"meta": {"exchangeTimezoneName": "Mars/Olympus"}}, "no_time_zone"),
        ({"quote": {"close": [1.0]}}, "unexpected_shape"),
        ({"stamps": ()}, "empty_window"),
    ],
)
def test_a_chart_that_answers_another_question_is_refused(changes: dict[str, Any], reason: str) -> None:
    page = parse_chart(chart_body(chart(**changes)), "1d", "ABC")
    assert (str(page.bars.refused), page.bars.rows_in) == (reason, 1)


def test_bad_events_are_refused_alone() -> None:
    events = {
        "dividends": {"a": {"amount": 1, "date": 1795098600, "currency": "CAD"}, "b": {"date": 1795098600}, "c": 4},
        "splits": {"d": {"date": 1795098600, "numerator": 2, "denominator": 0}, "e": {"numerator": 2}},
    }
    page = parse_chart(chart_body(chart(events=events)))
    assert (page.actions.rows_in, page.actions.rows.height) == (5, 0)
    assert reasons(page.actions) == [
        "currency_not_usd",
        "amount_missing",
        "not_an_object",
        "amount_missing",
        "time_missing",
    ]


def test_minutes_of_a_half_day_end_at_its_close() -> None:
    # 2026-11-27 closes at 13:00: 12:59, the print at the close, and a trade after hours.
    stamps = (1795802340, 1795802400, 1795806000)
    page = parse_chart(chart_body(chart(stamps=stamps, meta={"dataGranularity": "1m"})), "1m")
    assert page.bars.rows["minute"].to_list() == [datetime(2026, 11, 27, 17, 59, tzinfo=UTC)]
    assert reasons(page.bars) == ["closing_print", "outside_session"]


def test_every_known_zone_is_known_to_the_frames() -> None:
    noon = pl.Series([datetime(2026, 11, 20, 12, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    for zone in known_zones():
        assert noon.dt.convert_time_zone(zone).dt.date().item() == noon.item().astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ...}, "id_missing"),
        ({"text": " "}, "text_missing"),
        ({"created_at": ...}, "time_missing"),
        ({"created_at": "yesterday"}, "wrong_type"),
        ({"created_at": "2026-11-19T20:00:00"}, "wrong_type"),
        ({"author_id": ...}, "author_missing"),
        ({"public_metrics": ...}, "metrics_missing"),
        ({"text": "no tag here, only an &#39;entity"}, "no_tag"),
    ],
)
def test_a_bad_post_is_refused_alone(changes: dict[str, Any], reason: str) -> None:
    page = parse_posts(posts_body(post(1), post(2, **changes)))
    assert page.rows["post_id"].to_list() == ["1001"]
    assert (page.rows_in, reasons(page)) == (2, [reason])


def test_a_post_is_read_under_either_name_of_its_counts() -> None:
    metrics = {"like_count": 1, "repost_count": 5, "reply_count": 0}
    references = [{"type": "retweeted", "id": "5"}]
    page = parse_posts(
        posts_body(
            post(1, public_metrics=metrics, referenced_posts=references, text="RT #Sensex \x00#NIFTY50"),
            post(2, entities={"hashtags": [{"tag": "BankNifty"}]}, text="nothing in the text"),
            next_token="more",
        )
    )
    first, second = page.rows.rows(named=True)
    assert (first["reposts"], first["is_repost"], first["tags"]) == (5, True, ["nifty50", "sensex"])
    assert first["text"] == "RT #Sensex #NIFTY50"
    assert first["day"] == date(2026, 11, 20)  # 01:30 the next day in India
    assert first["author_key"] != "77"
    assert (second["tags"], second["is_repost"], page.next_token) == (["banknifty"], False, "more")


def test_an_empty_page_of_posts_is_an_answer() -> None:
    page = parse_posts(encode({"meta": {"result_count": 0}}))
    assert (page.refused, page.rows_in, page.refusals) == (None, 0, [])


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"type": "https://api.x.com/2/problems/usage-capped"}, 429, "usage_capped"),
        ({"type": "https://api.x.com/2/problems/invalid-request", "detail": "query"}, 400, "bad_request"),
        ({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, None, "throttled"),
        ({"errors": [{"code": [88]}, 3]}, None, "source_error"),
        ({"statuses": [], "search_metadata": {}}, 200, "api_v1_1"),
        ({"title": "Unauthorized", "type": "about:blank"}, 401, "unauthorized"),
    ],
)
def test_problems_of_x_are_named(body: Any, status: int | None, reason: str) -> None:
    assert str(parse_posts(encode(body), status).refused) == reason


def test_ticker_rows_are_refused_alone() -> None:
    body = encode({"fields": ["cik", "name", "ticker"], "data": [[1, "A", "aa"], [2, "B"], [None, "C", "CC"]]})
    page = parse_tickers(body)
    assert page.rows.rows() == [("AA", 1, "A", None)]
    assert reasons(page) == ["not_an_object", "cik_missing"]


def test_page_objects_wrap_the_same_readers() -> None:
    def response(body: bytes, status: int = 200) -> HttpResponse:
        return HttpResponse("https://example.org/x", body=body, status=status)

    def item(page: Any) -> Any:
        return asyncio.run(page.to_item())

    params = PageParams(session=SESSION, tick=TICK, sector="Energy", symbol="ABC", interval="1d")
    quotes = QuotesPage(response=response(quotes_body(quote(), 5)), params=params)
    assert item(quotes).rows.height == 1
    assert quotes.verdict()[:3] == (None, 1, {"not_an_object": 1})
    assert QuotesPage(response=response(b"", 429), params=params).verdict().refused is Reason.THROTTLED
    members = ScreenerPage(response=response(screener_body(quote())), params=params)
    assert (item(members).rows.height, members.verdict().total) == (1, 500)
    profile = SummaryPage(response=response(summary_body()), params=params)
    assert (item(profile).rows.height, profile.verdict().good) == (1, 1)
    bars = ChartPage(response=response(chart_body(chart())), params=params)
    assert (item(bars).bars.rows.height, bars.verdict().good) == (3, 3)
    found = PostsPage(response=response(posts_body(post(), next_token="t")))
    assert (item(found).rows.height, found.verdict().next_token) == (1, "t")
    mapping = TickersPage(response=response(encode({"0": {"cik_str": 5, "ticker": "E", "title": "E Corp"}})))
    assert (item(mapping).rows["cik"].to_list(), mapping.verdict().good) == ([5], 1)
    assert item(CrumbPage(response=response(b"haT3oykhHqZ"))) == "haT3oykhHqZ"
