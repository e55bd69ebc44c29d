"""The market's gold tables on examples small enough to reckon by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from lake.contracts import table
from scrapers.gold import (
    bars_gold,
    companies_scd2,
    coverage_gold,
    minimal_companies,
    quotes_gold,
    sectors_gold,
)
from scrapers.silver import quotes_rows
from tests.scrapers.bodies import SESSION, TICK, bronze, quote, quotes_body

SEEN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def frame(table_id: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of a contract; columns that are not given are null, provenance is filled in."""
    schema = table(table_id).schema.create_empty().schema
    base = {"observed_at": SEEN, "_run_id": "run-1", "_payload_sha256": "0" * 64}
    filled = [{name: {**base, **row}.get(name) for name in schema} for row in rows]
    return pl.DataFrame(filled, schema=schema)


def keeps_contract(table_id: str, rows: pl.DataFrame) -> pl.DataFrame:
    good, failure = table(table_id).schema.filter(rows, cast=True)
    assert good.height == rows.height, failure.counts()
    return rows


def bar(
    day: int, close: float, basis: str = "split_adjusted", origin: str = "yahoo_chart", **more: Any
) -> dict[str, Any]:
    session = date(2026, 11, day)
    prices = {"open": close, "high": close, "low": close, "close": close, "volume_shares": 10}
    return {"symbol": "ABC", "session": session, "basis": basis, "origin": origin, "year": 2026, **prices, **more}


def action(day: int, kind: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"symbol": "ABC", "date": date(2026, 11, day), "kind": kind, "amount": amount, **more}


def gold(bars: list[dict[str, Any]], *actions: dict[str, Any]) -> pl.DataFrame:
    found = bars_gold(frame("silver.bars_daily", *bars), frame("silver.corporate_actions", *actions))
    return keeps_contract("gold.bars_daily", found)


def test_a_dividend_multiplies_the_closes_before_it() -> None:
    found = gold([bar(17, 100), bar(18, 100), bar(19, 99), bar(20, 110)], action(19, "dividend", 2))
    # 1 − 2 / 100 = 0.98 for both days before the ex-date.
    assert found["adj_close"].to_list() == pytest.approx([98, 98, 99, 110])
    assert found["return_pct"].to_list() == [None, *(pytest.approx(x) for x in (0, 100 / 98, 100 / 9))]
    assert found["dividend"].to_list() == [0, 0, 2, 0]
    assert found["close"].to_list() == [100, 100, 99, 110]


def test_two_dividends_multiply() -> None:
    found = gold([bar(17, 100), bar(18, 50), bar(19, 40)], action(18, "dividend", 10), action(19, "dividend", 5))
    # On 18: 1 − 10/100 = 0.9; on 19: 1 − 5/50 = 0.9.
    assert found["adj_close"].to_list() == pytest.approx([81, 45, 40])


def test_a_split_divides_raw_prices_and_leaves_adjusted_ones() -> None:
    raw = gold([bar(18, 400, "raw"), bar(19, 404, "raw"), bar(20, 102, "raw")], action(20, "split", 4))
    assert raw["adj_close"].to_list() == pytest.approx([100, 101, 102])
    assert raw["split_ratio"].to_list() == [1, 1, 4]
    adjusted = gold([bar(18, 100), bar(19, 101), bar(20, 102)], action(20, "split", 4))
    assert adjusted["adj_close"].to_list() == pytest.approx([100, 101, 102])
    assert adjusted["split_ratio"].to_list() == [1, 1, 4]


def test_a_dividend_before_a_split_is_taken_in_the_shares_it_is_stated_in() -> None:
    # The source states dividends in shares of the day it was asked: 0.5 today was 2.0 before the 4:1 split.
    actions = [action(18, "dividend", 0.5), action(19, "split", 4)]
    raw = gold([bar(17, 400, "raw"), bar(18, 396, "raw"), bar(19, 100, "raw")], *actions)
    adjusted = gold([bar(17, 100), bar(18, 99), bar(19, 100)], *actions)
    assert raw["adj_close"].to_list() == pytest.approx([99.5, 99, 100])
    assert adjusted["adj_close"].to_list() == pytest.approx([99.5, 99, 100])
    assert raw["dividend"].to_list() == pytest.approx([0, 2, 0])
    assert adjusted["dividend"].to_list() == pytest.approx([0, 0.5, 0])


def test_a_split_after_the_chart_was_seen_divides_its_prices() -> None:
    before = datetime(2026, 11, 18, 22, tzinfo=UTC)
    found = gold([bar(18, 400, observed_at=before), bar(19, 100)], action(19, "split", 4))
    assert found["adj_close"].to_list() == pytest.approx([100, 100])


def test_the_least_adjusted_origin_is_taken_and_days_of_several_compare() -> None:
    bars = [
        bar(17, 96.04, "fully_adjusted", "file-b"),
        bar(18, 98, "fully_adjusted", "file-b"),
        bar(18, 100, "raw", "file-a"),
        bar(19, 98, "raw", "file-a"),
        bar(19, 97, "fully_adjusted", "file-b"),
    ]
    found = gold(bars, action(19, "dividend", 2))
    assert found["origin"].to_list() == ["file-b", "file-a", "file-a"]
    # The fully adjusted price already holds the dividend of the 19th; the raw one of the 18th does not.
    assert found["adj_close"].to_list() == pytest.approx([96.04, 98, 98])


def test_among_equals_the_newest_observed_is_taken() -> None:
    newer = datetime(2026, 11, 22, tzinfo=UTC)
    found = gold([bar(20, 50, "raw", "file-a"), bar(20, 51, "raw", "file-b", observed_at=newer)])
    assert found.select("origin", "close").rows() == [("file-b", 51.0)]


def test_an_event_on_a_day_without_a_bar_falls_on_the_next() -> None:
    found = gold([bar(18, 100), bar(20, 99)], action(19, "dividend", 1))
    assert found["adj_close"].to_list() == pytest.approx([99, 99])
    assert found["dividend"].to_list() == [0, 1]


def test_an_impossible_dividend_is_no_factor() -> None:
    found = gold([bar(18, 10), bar(19, 9)], action(19, "dividend", 10))
    assert found["adj_close"].to_list() == [10, 9]


def test_no_bars_give_no_rows() -> None:
    assert gold([]).height == 0


def profile(day: int, **more: Any) -> dict[str, Any]:
    base = {
        "symbol": "ABC",
        "session": date(2026, 11, day),
        "name": "ABC Corp.",
        "sector": "Energy",
        "beta": float(day),
    }
    return {**base, "observed_at": datetime(2026, 11, day, 13, tzinfo=UTC), **more}


TICKERS = frame("silver.sec_tickers", {"symbol": "ABC", "cik": 42, "name": "ABC CORP", "exchange": "NYSE"})


def test_only_a_description_that_changes_opens_a_version() -> None:
    profiles = frame(
        "silver.profiles",
        profile(17),
        profile(18),
        profile(19, name="New Corp."),
        profile(20, sector=None, name="New Corp."),
    )
    found = keeps_contract("gold.companies", companies_scd2(profiles, TICKERS))
    opens = [datetime(2026, 11, day, 14, 30, tzinfo=UTC) for day in (17, 19)]
    assert found.select("name", "sector", "valid_from", "valid_to", "is_current", "company_id", "cik").rows() == [
        ("ABC Corp.", "Energy", opens[0], opens[1], False, "42", 42),
        ("New Corp.", "Energy", opens[1], None, True, "42", 42),
    ]


def test_a_history_goes_on_from_the_one_before_and_a_rerun_changes_nothing() -> None:
    early, late = profile(17), profile(19, name="New Corp.")
    whole = companies_scd2(frame("silver.profiles", early, late), TICKERS)
    before = companies_scd2(frame("silver.profiles", early), TICKERS)
    after = companies_scd2(frame("silver.profiles", late), TICKERS, before)
    assert after.equals(whole)
    assert companies_scd2(frame("silver.profiles", late), TICKERS, after).equals(whole)


def named(symbol: str, day: int, cik: int = 42) -> dict[str, Any]:
    """SEC's mapping of a symbol, as a file that was received on a day names it last."""
    return {"symbol": symbol, "cik": cik, "name": "ABC CORP", "observed_at": datetime(2026, 11, day, 6, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("tickers", "ended"),
    [
        pytest.param([named("ABC", 18), named("XYZ", 19)], True, id="renamed"),
        pytest.param([named("ABC", 19), named("XYZ", 19)], False, id="a second class of shares"),
        pytest.param([named("ABC", 18)], False, id="SEC does not know yet"),
        pytest.param([named("ABC", 18), named("XYZ", 19, cik=7)], False, id="another company"),
    ],
)
def test_a_symbol_ends_where_its_company_goes_on_under_another(tickers: list[dict[str, Any]], ended: bool) -> None:
    profiles = frame("silver.profiles", profile(17), profile(18, name="Abc"), profile(19, symbol="XYZ", name="Abc"))
    found = keeps_contract("gold.companies", companies_scd2(profiles, frame("silver.sec_tickers", *tickers)))
    opens = {day: datetime(2026, 11, day, 14, 30, tzinfo=UTC) for day in (17, 18, 19)}
    assert found.select("symbol", "name", "valid_from", "valid_to", "is_current").rows() == [
        ("ABC", "ABC Corp.", opens[17], opens[18], False),
        ("ABC", "Abc", opens[18], opens[19] if ended else None, not ended),
        ("XYZ", "Abc", opens[19], None, True),
    ]


def test_a_symbol_that_still_has_profiles_has_not_ended() -> None:
    profiles = frame("silver.profiles", profile(17), profile(19), profile(19, symbol="XYZ"))
    found = companies_scd2(profiles, frame("silver.sec_tickers", named("ABC", 18), named("XYZ", 19)))
    assert found.select("symbol", "is_current").rows() == [("ABC", True), ("XYZ", True)]


def test_a_company_without_a_name_or_cik_goes_by_its_symbol() -> None:
    found = companies_scd2(frame("silver.profiles", profile(17, name=None)), TICKERS.clear())
    assert found.select("name", "company_id", "cik").rows() == [("ABC", "ABC", None)]


def test_symbols_known_by_their_bars_get_a_row() -> None:
    seen = pl.DataFrame({"symbol": ["ABC", "ZZZ"], "observed_at": [SEEN, SEEN], "_run_id": ["r", "r"]})
    seen = seen.with_columns(pl.col("observed_at").cast(pl.Datetime("us", "UTC")))
    found = keeps_contract("gold.companies", minimal_companies(seen, TICKERS))
    assert found.select("symbol", "name", "company_id", "is_current").rows() == [
        ("ABC", "ABC CORP", "42", True),
        ("ZZZ", "ZZZ", "ZZZ", True),
    ]


def snapshot(symbol: str, price: float, before: float | None, cap: float | None, **more: Any) -> dict[str, Any]:
    change = (price / before - 1) * 100 if before else None
    base = {"symbol": symbol, "tick": TICK, "session": SESSION, "price": price, "previous_close": before}
    return {**base, "market_cap": cap, "change_pct": change, **more}


def test_quotes_take_the_slow_figures_of_the_newest_profile_up_to_their_session() -> None:
    quotes = frame("silver.quotes", snapshot("ABC", 80, 80, 1, high_52w=100, low_52w=64))
    profiles = frame("silver.profiles", profile(18), profile(19), {**profile(20), "session": date(2026, 11, 21)})
    found = keeps_contract("gold.quotes", quotes_gold(quotes, profiles))
    row = found.row(0, named=True)
    assert (row["beta"], row["summary_observed_at"]) == (19.0, datetime(2026, 11, 19, 13, tzinfo=UTC))
    assert (row["distance_high_52w_pct"], row["distance_low_52w_pct"]) == (20.0, 25.0)
    assert row["observed_at"] == SEEN
    alone = quotes_gold(quotes, profiles.clear())
    assert alone["beta"].to_list() == [None]


def members(*symbols: str) -> pl.DataFrame:
    rows = [{"session": SESSION, "symbol": s, "sector": "Energy", "rank": n + 1} for n, s in enumerate(symbols)]
    return frame("gold.universe", *rows)


def test_a_sector_is_weighed_by_its_caps_at_the_previous_close() -> None:
    quotes = frame(
        "gold.quotes",
        snapshot("AAA", 110, 100, 330.0, pe_trailing=10.0, volume_shares=5),  # 300 before, +10 %
        snapshot("BBB", 90, 100, 90.0, pe_trailing=20.0),  # 100 before, −10 %
        snapshot("CCC", 5, None, None),
        snapshot("ZZZ", 5, 4, 9.0),  # no member
    )
    found = keeps_contract("gold.sectors", sectors_gold(quotes, members("AAA", "BBB", "CCC"))).row(0, named=True)
    assert (found["companies"], found["market_cap"], found["pe_median"]) == (3, 420.0, 15.0)
    assert found["change_avg_pct"] == pytest.approx(0)
    assert found["change_cap_weighted_pct"] == pytest.approx((10 * 300 - 10 * 100) / 400)
    assert (found["advancers"], found["decliners"], found["volume_shares"]) == (1, 1, 5)


def test_coverage_says_why_a_company_is_missing() -> None:
    good = ("quotes?symbols=AAA,BBB,CCC", quotes_body(quote("AAA"), quote("BBB", currency="CAD")))
    throttled = ("quotes?symbols=DDD,AAA", b"Too Many Requests")
    settled = quotes_rows(bronze(good, throttled, tick=TICK), SESSION, TICK)
    known = quotes_gold(settled.good, frame("silver.profiles"))
    refused = settled.quarantined.with_columns(pl.lit("x").alias("slice"))
    found = coverage_gold(members("AAA", "BBB", "CCC", "DDD"), known, refused, SESSION, TICK, "run-9")
    assert keeps_contract("gold.coverage", found).select("symbol", "received", "detail").rows() == [
        ("AAA", True, None),
        ("BBB", False, "currency_not_usd"),
        ("CCC", False, "not_in_answer"),
        ("DDD", False, "throttled"),
    ]
    assert found["reason"].to_list()[2:] == ["not_found", "throttled"]


def test_coverage_of_a_tick_without_any_answer() -> None:
    none = frame("gold.quotes")
    refused = quotes_rows(bronze(), SESSION, TICK).quarantined.with_columns(pl.lit("x").alias("slice"))
    found = keeps_contract("gold.coverage", coverage_gold(members("AAA"), none, refused, SESSION, TICK, "run-9"))
    assert found.select("received", "reason", "_run_id").rows() == [(False, "not_found", "run-9")]
