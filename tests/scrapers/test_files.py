"""Files that a user has: recognised by their header, every physical line a row, a duplicate or refused with a rule."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers.files import NotRecognised, Source, daily_bars, kind_of, minute_bars, symbol_of, ticker_rows

SOURCE = Source("a" * 64, datetime(2026, 11, 21, tzinfo=UTC), "run")
DAILY = "Date,Open,High,Low,Close,Adj Close,Volume\n"
MINUTE = "date,1. open,2. high,3. low,4. close,5. volume\n"


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("A.csv", DAILY, "bars_daily_csv"),
        ("b.csv", "stock_symbol,date,open,high,low,close,adj_close,volume\n", "bars_daily_csv"),
        ("C.csv", MINUTE + "2021-09-03 16:42:00,1,1,1,1,2.0\n", "bars_minute_alphavantage_csv"),
        (
            "C.csv",
            "timestamp,open,high,low,close,volume\n2021-09-03 16:42:00,1,1,1,1,2\n",
            "bars_minute_alphavantage_csv",
        ),
        ("d.csv", "CIK,Ticker,Name,Exchange\n", "sec_tickers"),
        ("company_tickers.json", '{"0":{"cik_str":320193,"ticker":"AAPL","title":"Apple Inc."}}', "sec_tickers"),
    ],
)
def test_kinds_are_told_by_content(tmp_path: Path, name: str, text: str, kind: str) -> None:
    assert kind_of(written(tmp_path, name, text)) == kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Date,Open,High,Low,Close,Volume\n2021-01-04,1,1,1,1,1\n", "date,open,high,low,close,volume"),
        ("", "an empty first line"),
        (b"\xff\xfe\x00binary", "not UTF-8"),
    ],
)
def test_other_files_are_refused_with_what_was_expected_and_found(
    tmp_path: Path, text: str | bytes, found: str
) -> None:
    with pytest.raises(NotRecognised) as refused:
        kind_of(written(tmp_path, "X.csv", text))
    assert "x.csv" in str(refused.value).lower()
    assert "Date,Open,High,Low,Close,Adj Close,Volume" in str(refused.value)
    assert found in str(refused.value)


def test_the_symbol_is_given_or_a_column_s_or_the_name_s(tmp_path: Path) -> None:
    plain = written(tmp_path, "GOOG_2006_2020.csv", DAILY)
    column = written(tmp_path, "many.csv", DAILY.replace("\n", ",Name\n"))
    nameless = written(tmp_path, "my bars.csv", DAILY)
    assert symbol_of(plain, "msft") == "MSFT"
    assert symbol_of(plain, None) == "GOOG"
    assert symbol_of(column, None) is None
    with pytest.raises(NotRecognised, match=r"my bars.csv: whose bars are these\? Give --symbol"):
        symbol_of(nameless, None)


def test_daily_lines_are_rows_or_refused_with_a_rule(tmp_path: Path) -> None:
    lines = [
        "2021-01-04,10,12,9,11,10.5,100",
        "2021-01-05,10,12,9,11,10.5,100.0",
        "2021-01-05,10,12,9,11,10.5,100",  # the same again
        "2021-01-06,10,9,12,11,10.5,100",  # high below low
        "2021-01-07,ten,12,9,11,10.5,100",
        "not a date,10,12,9,11,10.5,100",
        "2021-01-08,10,12,9,11",
        "2021-01-11,null,null,null,null,null,null",
        "2021-01-12,10,12,9,11,10.5,1e30",
        "2021-01-13,10,12,9,11,10.5," + "9" * 140_000,
        "",
    ]
    settled = daily_bars(written(tmp_path, "A.csv", DAILY + "\r\n".join(lines)), "A", SOURCE)
    assert settled.account._asdict() == {"rows_in": 10, "rows_out": 2, "duplicates": 1, "quarantined": 7}
    first = settled.good.sort("session").row(0, named=True)
    assert (first["symbol"], first["session"], first["close"], first["source_adj_close"], first["volume_shares"]) == (
        "A",
        date(2021, 1, 4),
        11.0,
        10.5,
        100,
    )
    assert set(settled.quarantined["rules"]) == {
        "range_holds_open_and_close",
        "open_is_not_a_number",
        "date_is_not_iso",
        "wrong_number_of_fields",
        "volume_is_not_a_number",
    }


def test_minutes_are_new_york_s(tmp_path: Path) -> None:
    lines = "2021-09-03 16:42:00,2874.5,2874.5,2874.5,2874.5,286.0\n2021-01-04 09:30:00,1,2,1,2,3\n"
    good = minute_bars(written(tmp_path, "GOOGL_1min.csv", MINUTE + lines), "GOOGL", SOURCE).good.sort("minute")
    assert good["minute"].to_list() == [
        datetime(2021, 1, 4, 14, 30, tzinfo=UTC),
        datetime(2021, 9, 3, 20, 42, tzinfo=UTC),
    ]
    assert good["session"].to_list() == [date(2021, 1, 4), date(2021, 9, 3)]


def test_tickers_are_read_from_the_mapping_s_csv(tmp_path: Path) -> None:
    text = "CIK,Ticker,Name,Exchange\n320193,aapl,Apple Inc.,Nasdaq\nx,BAD,,\n"
    rows, refused, count = ticker_rows(written(tmp_path, "m.csv", text), SOURCE)
    assert rows.select("symbol", "cik", "name").rows() == [("AAPL", 320193, "Apple Inc.")]
    assert ([r.reason for r in refused], count) == (["cik_is_not_a_number"], 2)


field = st.one_of(
    st.floats(allow_nan=True).map(str), st.text("0123456789.,\"'x-e \x00é", max_size=8), st.just("2021-01-04")
)


@given(st.lists(st.lists(field, max_size=9).map(",".join), max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_are_accounted_for(tmp_path: Path, lines: list[str]) -> None:
    path = written(tmp_path, "A.csv", DAILY + "\n".join(lines))
    physical = sum(bool(line.strip()) for line in path.read_bytes().split(b"\n")[1:])
    account = daily_bars(path, "A", SOURCE).account
    assert account.rows_in == account.rows_out + account.duplicates + account.quarantined == physical


@pytest.mark.parametrize("name", ["GOOG_2006_2020_yahoo_splitadj.csv", "GOOG_2012_2021_yahoo_presplit.csv"])
def test_real_daily_files_are_read_whole(shared: Path, name: str) -> None:
    path = shared / "data" / "daily_ohlcv" / name
    settled = daily_bars(path, symbol_of(path, None), SOURCE)
    raw = pl.read_csv(path, try_parse_dates=True)
    assert settled.account.rows_in == raw.height
    assert settled.account.quarantined == 0
    joined = settled.good.join(raw, left_on="session", right_on="Date")
    assert joined.height == settled.good.height == raw["Date"].n_unique()
    assert (joined["close"] == joined["Close"]).all()


def test_mislabelled_columns_are_caught_by_the_range_rule(shared: Path) -> None:
    path = shared / "data" / "daily_ohlcv" / "sp500_utilities_2015_2020.csv"
    assert kind_of(path) == "bars_daily_csv"
    settled = daily_bars(path, symbol_of(path, None), SOURCE)
    rules = settled.quarantined.filter(pl.col("rules").str.contains("range_holds_open_and_close"))
    assert rules.height > 0.9 * settled.account.rows_in
