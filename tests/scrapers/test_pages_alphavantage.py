"""Alpha Vantage's bodies: recorded series as rows, and each notice of HTTP 200 by its own name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.contracts import table
from scrapers.errors import Reason
from scrapers.pages.alphavantage import parse_series
from tests.scrapers.bodies import encode

META = {"1. Information": "", "2. Symbol": "MSFT", "4. Time Zone": "US/Eastern"}
BAR = {"1. open": "86.4900", "2. high": "86.5000", "3. low": "86.4750", "4. close": "86.5000", "5. volume": "10494"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("daily_cap_200", Reason.DAILY_CAP),
        ("burst_200", Reason.THROTTLED),
        ("premium_param_200", Reason.PREMIUM_FUNCTION),
        ("premium_endpoint_200", Reason.PREMIUM_FUNCTION),
        ("legacy_note_200", Reason.THROTTLED),
        ("bad_call_200", Reason.BAD_REQUEST),
        ("bad_key_200", Reason.UNAUTHORIZED),
    ],
)
def test_each_notice_has_its_own_name(shared: Path, name: str, reason: Reason) -> None:
    notices = json.loads((shared / "data/sources_samples/alphavantage/errors.json").read_text())
    assert parse_series(encode(notices[name]), "TIME_SERIES_DAILY", "MSFT", 200).refused is reason


@pytest.mark.parametrize(
    "path",
    [
        "data/sources_samples/alphavantage/intraday_1min_MSFT_2017-12-18.json",
        "data/intraday_1min/MSFT_1min_alphavantage_2017-12-18.json",
    ],
)
def test_recorded_minutes_are_rows(shared: Path, path: str) -> None:
    body = (shared / path).read_bytes()
    page = parse_series(body, "TIME_SERIES_INTRADAY", "MSFT", 200)
    assert page.rows_in == page.rows.height == len(json.loads(body)["Time Series (1min)"])
    newest = page.rows.sort("minute").row(-1, named=True)
    assert newest["minute"] == datetime(2017, 12, 18, 19, 56, tzinfo=UTC)
    assert (newest["open"], newest["volume_shares"], newest["origin"]) == (86.49, 10494, "alphavantage")


def test_a_day_is_raw_and_minutes_outside_the_session_are_refused() -> None:
    daily = encode({"Meta Data": META, "Time Series (Daily)": {"2026-11-20": BAR}})
    page = parse_series(daily, "TIME_SERIES_DAILY", "MSFT", 200)
    assert page.rows.select("basis", "year", "volume_shares").rows() == [("raw", 2026, 10494)]
    assert set(page.rows.columns) <= set(table("silver.bars_daily").columns)
    stamps = {"2026-11-20 16:00:00": BAR, "2026-11-20 09:30:00": BAR, "2026-11-21 10:00:00": BAR, "noon": BAR}
    minutes = encode({"Meta Data": META, "Time Series (1min)": {**stamps, "2026-11-20 09:31:00": {"1. open": "x"}}})
    page = parse_series(minutes, "TIME_SERIES_INTRADAY", "MSFT", 200)
    assert page.rows["minute"].to_list() == [datetime(2026, 11, 20, 14, 30, tzinfo=UTC)]
    found = sorted(refusal.reason for refusal in page.refusals)
    assert found == ["outside_session", "outside_session", "time_missing", "wrong_type"]
    assert parse_series(minutes, "TIME_SERIES_INTRADAY", "AAPL", 200).refused is Reason.SYMBOL_MISMATCH


def test_a_key_that_a_notice_repeats_is_not_kept() -> None:
    notice = "We have detected your API key as SECRET1 and our standard API rate limit is 25 requests per day."
    page = parse_series(encode({"Information": notice}), "TIME_SERIES_DAILY", "MSFT", 200)
    assert page.refused is Reason.DAILY_CAP
    assert "SECRET1" not in page.refusals[0].raw
