"""From bodies to settled rows: provenance, duplicates, accounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import table
from scrapers.silver import bars_rows, minutes_rows, posts_rows, profiles_rows, quotes_rows, universe_rows
from tests.scrapers.bodies import (
    SEEN,
    SESSION,
    TICK,
    bronze,
    chart,
    chart_body,
    post,
    posts_body,
    quote,
    quotes_body,
    screener_body,
    summary_body,
)

ASKED = "quotes?symbols=AAA,BBB"
DAILY = "bars?interval=1d&period1=1&period2=2&symbol=ABC"


def test_quotes_carry_the_provenance_of_their_body() -> None:
    bodies = bronze((ASKED, quotes_body(quote("AAA"), quote("BBB", currency="CAD"))), tick=TICK)
    settled = quotes_rows(bodies, SESSION, TICK)
    row = settled.good.row(0, named=True)
    assert (row["observed_at"], row["_run_id"]) == (SEEN, "run-1")
    assert row["_payload_sha256"] == bodies["_payload_sha256"][0]
    assert settled.quarantined.select("rules", "observed_at", "_run_id", "_payload_sha256").rows() == [
        ("currency_not_usd", SEEN, "run-1", bodies["_payload_sha256"][0])
    ]
    assert settled.account == (2, 1, 0, 1)


def test_a_repeated_body_counts_its_rows_as_duplicates_and_changes_nothing() -> None:
    body = (ASKED, quotes_body(quote("AAA"), quote("BBB", regularMarketPrice=...)))
    once = bronze(body, tick=TICK)
    later = bronze(body, tick=TICK, at=SEEN + timedelta(minutes=5), run_id="run-2")
    first, both = quotes_rows(once, SESSION, TICK), quotes_rows(pl.concat([later, once]), SESSION, TICK)
    assert first.good.equals(both.good)
    assert first.quarantined.equals(both.quarantined)
    assert (first.account, both.account) == ((2, 1, 0, 1), (4, 1, 2, 1))


def test_of_two_answers_to_one_question_the_newer_holds() -> None:
    earlier = bronze((ASKED, quotes_body(quote("AAA", regularMarketPrice=50))), tick=TICK)
    newer = bronze((ASKED, quotes_body(quote("AAA", regularMarketPrice=51))), tick=TICK, at=SEEN + timedelta(seconds=9))
    settled = quotes_rows(pl.concat([newer, earlier]), SESSION, TICK)
    assert (settled.good["price"].to_list(), settled.account) == ([51.0], (2, 1, 1, 0))


def test_a_refused_body_says_what_had_been_asked() -> None:
    settled = quotes_rows(bronze((ASKED, b"Too Many Requests"), tick=TICK, status=429), SESSION, TICK)
    row = settled.quarantined.row(0, named=True)
    assert (row["rules"], settled.account) == ("throttled", (1, 0, 0, 1))
    assert ASKED in row["row"]


def test_a_row_that_breaks_the_contract_is_quarantined_with_the_rule() -> None:
    settled = quotes_rows(bronze((ASKED, quotes_body(quote("AAA", regularMarketDayLow=99))), tick=TICK), SESSION, TICK)
    assert (settled.quarantined["rules"].to_list(), settled.account) == (["low_not_above_high"], (1, 0, 0, 1))


def test_universe_keeps_the_source_s_ranks_over_pages_and_no_more_than_wanted() -> None:
    first = ("universe?offset=0&sector=Energy&size=2", screener_body(quote("AAA"), quote("BBB")))
    second = ("universe?offset=2&sector=Energy&size=2", screener_body(quote("CCC"), quote("DDD"), start=2))
    settled = universe_rows(bronze(first, second, source="yahoo_screener"), 3)
    assert settled.good.sort("rank").select("symbol", "sector", "rank").rows() == [
        ("AAA", "Energy", 1),
        ("BBB", "Energy", 2),
        ("CCC", "Energy", 3),
    ]
    assert settled.account == (3, 3, 0, 0)


def test_profiles_are_read_for_the_symbol_asked_about() -> None:
    bodies = bronze(("summary?symbol=ABC", summary_body()), ("summary?symbol=XYZ", summary_body()))
    settled = profiles_rows(bodies)
    assert settled.good["symbol"].to_list() == ["ABC"]
    assert settled.quarantined["rules"].to_list() == ["symbol_mismatch"]


def test_bars_and_actions_of_the_days_asked_about() -> None:
    events = {"dividends": {"x": {"amount": 0.5, "date": 1795098600}}}
    bodies = bronze(
        (DAILY, chart_body(chart(events=events))), source="yahoo_chart", at=datetime(2026, 11, 21, tzinfo=UTC)
    )
    bars, actions = bars_rows(bodies)
    assert (bars.account, actions.account) == ((3, 3, 0, 0), (1, 1, 0, 0))
    holed = chart_body(chart(quote={"open": [None, 11.0, 12.0]}, events=events))
    bodies = bronze((DAILY, holed), source="yahoo_chart", at=datetime(2026, 11, 21, tzinfo=UTC))
    assert bars_rows(bodies)[0].account == (3, 2, 0, 1)
    bars, actions = bars_rows(bodies, date(2026, 11, 20), date(2026, 11, 20))
    assert bars.good["session"].to_list() == [date(2026, 11, 20)]
    assert (bars.account, actions.account) == ((1, 1, 0, 0), (0, 0, 0, 0))


def test_a_replayed_tick_s_chart_is_judged_by_its_tick() -> None:
    running = chart_body(chart(meta={"regularMarketTime": 1795197600}))
    bodies = bronze((DAILY, running), source="yahoo_chart", tick=TICK, at=datetime(2026, 11, 30, tzinfo=UTC))
    bars, _ = bars_rows(bodies)
    assert (bars.account, bars.quarantined["rules"].to_list()) == ((3, 2, 0, 1), ["partial_bar"])


def test_minutes_and_days_are_kept_apart_by_what_was_asked() -> None:
    minute = chart_body(chart(stamps=(1795185000, 1795185060), meta={"dataGranularity": "1m"}))
    asked = (DAILY, chart_body(chart())), (DAILY.replace("1d", "1m"), minute)
    bodies = bronze(*asked, source="yahoo_chart", at=datetime(2026, 11, 21, tzinfo=UTC))
    assert bars_rows(bodies)[0].account == (3, 3, 0, 0)
    assert minutes_rows(bodies).good["minute"].dt.time().to_list() == [
        datetime(2026, 11, 20, 14, 30, tzinfo=UTC).time(),
        datetime(2026, 11, 20, 14, 31, tzinfo=UTC).time(),
    ]


def test_posts_of_the_day_with_a_collected_tag() -> None:
    page = posts_body(
        post(1), post(2, text="#other"), post(3, created_at="2026-11-19T10:00:00Z"), post(4, text="#sensex #nifty50")
    )
    second = posts_body(post(4, text="#sensex #nifty50"))
    bodies = bronze(("posts?page=1&tag=nifty50", page), ("posts?page=1&tag=sensex", second), source="x_search")
    settled = posts_rows(bodies, date(2026, 11, 20), date(2026, 11, 20), ("nifty50", "sensex"))
    assert sorted(settled.good["post_id"].to_list()) == ["1001", "1004"]
    assert settled.quarantined["rules"].to_list() == ["no_tag"]
    assert settled.account == (4, 2, 1, 1)


def test_no_bodies_give_no_rows() -> None:
    none = bronze()
    assert quotes_rows(none, SESSION, TICK).account == (0, 0, 0, 0)
    assert [part.account for part in bars_rows(none)] == [(0, 0, 0, 0)] * 2
    assert posts_rows(none).good.schema == table("silver.posts").schema.create_empty().schema


symbols = st.sampled_from(["AAA", "BBB", "bad symbol", ""])
some_quotes = st.lists(
    st.builds(
        lambda symbol, price, currency: quote(symbol, regularMarketPrice=price, currency=currency),
        symbols,
        st.sampled_from([1, 2, 0, "x"]),
        st.sampled_from(["USD", "GBp"]),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(some_quotes, st.integers(1, 3), st.integers(0, 5)), max_size=4))
def test_rows_in_are_rows_out_and_duplicates_and_quarantined(received: list[tuple[list[object], int, int]]) -> None:
    frames = [bronze()]
    rows_in = 0
    for quotes, times, minute in received:
        body = (ASKED, quotes_body(*quotes))
        frames += [bronze(body, tick=TICK, at=SEEN + timedelta(minutes=minute))] * times
        rows_in += times * max(len(quotes), 1)
    settled = quotes_rows(pl.concat(frames), SESSION, TICK)
    assert settled.account.rows_in == rows_in
    assert settled.account.rows_out == settled.good.height
    assert settled.account.quarantined == settled.quarantined.height
    assert rows_in == settled.good.height + settled.account.duplicates + settled.quarantined.height
    assert settled.good["symbol"].is_unique().all()


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_bodies_does_not_matter(order: int) -> None:
    frames = [
        bronze(
            (ASKED, quotes_body(quote("AAA", regularMarketPrice=price))), tick=TICK, at=SEEN + timedelta(seconds=price)
        )
        for price in (1, 2, 3)
    ][::order]
    assert quotes_rows(pl.concat(frames), SESSION, TICK).good["price"].to_list() == [3.0]
