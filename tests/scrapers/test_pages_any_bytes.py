"""Whatever the bytes: rows of the contract and named refusals come out, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers.errors import Reason
from scrapers.pages import (
    Parsed,
    crumb_or_reason,
    parse_chart,
    parse_news_rss,
    parse_news_search,
    parse_posts,
    parse_quotes,
    parse_screener,
    parse_summary,
    parse_tickers,
)
from tests.scrapers.bodies import (
    SESSION,
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

EVENTS = {
    "dividends": {"1": {"amount": 0.5, "date": 1795098600}},
    "splits": {"2": {"date": 1795012200, "numerator": 2, "denominator": 1}},
}
HOURS = [[{"start": 1795185000, "end": 1795208400}]]
STORY = {"title": "A rises", "link": "https://e.example/a", "providerPublishTime": 1795185000, "publisher": "P"}
SEEDS = [
    quotes_body(quote("AAA"), quote("BBB")),
    screener_body(quote("AAA"), quote("BBB")),
    summary_body(),
    chart_body(chart(events=EVENTS)),
    chart_body(chart(meta={"dataGranularity": "1m", "tradingPeriods": HOURS})),
    posts_body(post(1, entities={"hashtags": [{"tag": "x"}]}, referenced_tweets=[{"type": "quoted"}]), post(2)),
    encode({"fields": ["cik", "ticker"], "data": [[1, "A"]]}),
    encode({"0": {"cik_str": 1, "ticker": "A", "title": "A"}}),
    encode({"news": [STORY, {**STORY, "relatedTickers": ["AAA", "BBB"]}], "quotes": []}),
    error_body("finance", "Unauthorized", "Invalid Crumb"),
    error_body("chart", "Not Found", "No data found, symbol may be delisted"),
    b"<html>Will be right back</html>",
    b"Too Many Requests",
    b"<?xml version='1.0'?><rss version='2.0'><channel><item><title>A &amp;lt;b&amp;gt; rises</title>"
    b"<link>https://e.example/a?.tsrc=rss</link><pubDate>Fri, 20 Nov 2026 14:00:00 +0000</pubDate></item></channel></rss>",
]
REASONS = {str(reason) for reason in Reason}
STATUSES = st.sampled_from([None, 200, 302, 400, 401, 403, 404, 422, 429, 500, 503, 599, 999])
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pages(body: bytes, status: int | None) -> list[Parsed]:
    """What every page object makes of a body."""
    daily, minutes = (parse_chart(body, interval, None, None, status) for interval in ("1d", "1m"))
    seen = parse_chart(body, "1d", "ABC", datetime(2026, 11, 20, 18, tzinfo=UTC), status)
    charts = [page for both in (daily, minutes, seen) for page in (both.bars, both.actions)]
    return [
        parse_quotes(body, SESSION, TICK, status),
        parse_summary(body, SESSION, "ABC", status),
        parse_screener(body, SESSION, "Energy", status),
        parse_posts(body, status),
        parse_tickers(body, status),
        parse_news_search(body, SESSION, "ABC", status),
        parse_news_rss(body, SESSION, ("ABC",), status),
        *charts,
    ]


def check(body: bytes, status: int | None) -> None:
    for page in pages(body, status):
        assert page.rows_in == page.rows.height + len(page.refusals)
        assert {refusal.reason for refusal in page.refusals} <= REASONS
        assert page.refused is None or (page.rows.height == 0 and len(page.refusals) <= 1)
        assert all("\x00" not in refusal.raw for refusal in page.refusals)
    crumb = crumb_or_reason(body, status)
    assert isinstance(crumb, str)


@pytest.mark.parametrize("body", SEEDS)
def test_seeds_are_read_by_somebody_or_named_by_all(body: bytes) -> None:
    check(body, 200)
    found = pages(body, 200)
    assert any(page.rows.height for page in found) or {page.refused for page in found if page.rows_in} - {None}


@FEW
@given(st.binary(max_size=400), STATUSES)
def test_random_bytes(body: bytes, status: int | None) -> None:
    check(body, status)


@FEW
@given(st.sampled_from(SEEDS), st.data(), STATUSES)
def test_bodies_with_bytes_cut_changed_or_repeated(body: bytes, data: st.DataObject, status: int | None) -> None:
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    between = data.draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(body[start:end] * 2)))
    check(body[:start] + between + body[end:], status)


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**31, 2**62, 2**63, 2**64 - 1, 1e-320, 1e308, -1e308, 0.5]),
    st.text(max_size=6),
    st.sampled_from(["USD", "NaN", "Infinity", "\x00", "2026-11-19T20:00:00Z", "9999-12-31T23:59:59-12:00", "UTC"]),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"raw": 3, "fmt": "3"}),
    st.just({"raw": {"raw": 1}}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a JSON tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


@settings(FEW, max_examples=400)
@given(st.sampled_from([json.loads(seed) for seed in SEEDS[:11]]), st.data())
def test_bodies_with_one_or_two_values_replaced(tree: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 2))):
        tree = replaced(tree, data.draw(st.sampled_from(places(tree))), data.draw(ODD))
    check(json.dumps(tree).encode(), 200)


@pytest.mark.parametrize("body", [*SEEDS[:11], '{"quoteResponse": {"result": "né €"}}'.encode()])
def test_every_beginning_of_a_good_body_is_named_truncated(body: bytes) -> None:
    for end in range(1, len(body)):
        assert parse_quotes(body[:end], SESSION, TICK).refused is Reason.TRUNCATED_JSON
