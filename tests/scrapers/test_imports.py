"""Files that a user has: recognised by content, every row taken, a duplicate or refused with a rule."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers.imports.read import FileRows, Source, read_file, ticker_rows
from scrapers.imports.recognise import NotRecognised, Sheet, sheets
from scrapers.imports.shapes import SHAPES

SOURCE = Source("a" * 64, datetime(2026, 11, 21, tzinfo=UTC), "run")
DAILY = "Date,Open,High,Low,Close,Adj Close,Volume\n"
PLAIN = "Date,Open,High,Low,Close,Volume\n"
MINUTE = "date,1. open,2. high,3. low,4. close,5. volume\n"


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def only(path: Path) -> Sheet:
    (sheet,) = sheets(path)
    return sheet


def read(folder: Path, name: str, text: str | bytes, symbol: str | None = None) -> FileRows:
    return read_file(written(folder, name, text), SOURCE, symbol=symbol)


@pytest.mark.parametrize(
    ("name", "text", "shape"),
    [
        ("A.csv", DAILY, "yahoo_download"),
        ("b.csv", "stock_symbol,date,open,high,low,close,adj_close,volume\n", "yahoo_download"),
        ("A.csv", PLAIN + "2021-01-04,1,1,1,1,1\n", "ohlcv"),
        ("A.csv", "Close,Volume,Low,High,Date,Open\n1,1,1,1,2021-01-04,1\n", "ohlcv"),
        # Scaled by a factor after the closes were rounded to 32 bits, as yfinance does.
        ("A.csv", PLAIN + "2021-02-26,119.40209003118217,121.6,118.0,118.10668182373047,1\n", "ohlcv_adjusted"),
        ("A.csv", "timestamp,open,high,low,close,volume\n2021-09-03,1,1,1,1,2\n", "alphavantage_days_csv"),
        ("C.csv", MINUTE + "2021-09-03 16:42:00,1,1,1,1,2.0\n", "alphavantage_minutes_csv_dated"),
        ("C.csv", "timestamp,open,high,low,close,volume\n2021-09-03 16:42:00,1,1,1,1,2\n", "alphavantage_minutes_csv"),
        ("d.csv", "CIK,Ticker,Name,Exchange\n", "sec_tickers"),
        ("t.json", '{"0":{"cik_str":320193,"ticker":"AAPL","title":"Apple Inc."}}', "sec_tickers_json"),
        ("t.json", '{"fields":["cik","name","ticker","exchange"],"data":[[1,"A","B","C"]]}', "sec_tickers"),
    ],
)
def test_shapes_are_told_by_content(tmp_path: Path, name: str, text: str, shape: str) -> None:
    assert only(written(tmp_path, name, text)).shape.name == shape


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Date,Open,High,Low,Close\n2021-01-04,1,1,1,1\n", "the columns Date,Open,High,Low,Close"),
        ("", "an empty first line"),
        (b"\xff\xfe\x00binary", "not UTF-8"),
        ('{"a": [1', "expected JSON; found"),
        ("[1, 2]", "JSON without objects"),
        ("1.0,2.0,3.0\n", "no_header"),
        ("Date,A,B,C,D,E\n2021-01-04,1,2,3,4,5\n", "close_only_wide"),
        ("Symbol,Security,GICS Sector\n", "no_day"),
    ],
)
def test_other_files_are_refused_with_what_was_expected_and_found(
    tmp_path: Path, text: str | bytes, found: str
) -> None:
    with pytest.raises(NotRecognised) as refused:
        sheets(written(tmp_path, "X.csv", text))
    assert str(refused.value).startswith("X.csv: expected ")
    assert found in str(refused.value)


def test_bars_of_a_week_or_of_fifteen_minutes_are_no_bars_of_a_day(tmp_path: Path) -> None:
    weeks = "".join(f"2021-{1 + n // 4:02}-{1 + 7 * (n % 4):02},1,1,1,1,1\n" for n in range(16))
    with pytest.raises(NotRecognised, match="found bars of 7 days"):
        sheets(written(tmp_path, "A.csv", PLAIN + weeks))
    quarters = "".join(f"2021-01-04 {9 + n // 4:02}:{15 * (n % 4):02}:00,1,1,1,1,1\n" for n in range(16))
    with pytest.raises(NotRecognised, match="found bars of 15 minutes"):
        sheets(written(tmp_path, "A.csv", PLAIN + quarters))


def test_the_symbol_is_given_or_a_column_s_or_the_name_s(tmp_path: Path) -> None:
    plain = written(tmp_path, "GOOG_2006_2020.csv", DAILY)
    column = written(tmp_path, "many.csv", DAILY.replace("\n", ",Name\n"))
    nameless = written(tmp_path, "my bars.csv", DAILY)
    assert sheets(plain, symbol="msft")[0].symbol == "MSFT"
    assert only(plain).symbol == "GOOG"
    assert only(written(tmp_path, "BRK-B-1d-history.csv", DAILY)).symbol == "BRK-B"
    assert only(column).symbol is None
    assert sheets(nameless, name="IBM.csv")[0].symbol == "IBM"
    with pytest.raises(NotRecognised, match=r"my bars.csv: whose bars are these\? Give --symbol"):
        sheets(nameless)


def test_the_bars_of_an_index_are_no_company_s(tmp_path: Path) -> None:
    for name, symbol in (("NSEI_index.csv", None), ("^NSEI (1).csv", None), ("x.csv", "^NSEI")):
        (sheet,) = sheets(written(tmp_path, name, DAILY), symbol=symbol)
        assert (sheet.kind, sheet.symbol) == ("index_bars_daily", "^NSEI")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("SBIN.NS.csv", DAILY, "INR (a symbol ends in .NS"),
        ("VOD.L.csv", DAILY, "GBp (a symbol ends in .L"),
        ("X.csv", PLAIN + "2021-01-04 00:00:00+05:30,1,1,1,1,1\n", "INR (its stamps are +05:30"),
        ("X.csv", PLAIN + "2021-01-04 00:00:00+09:00,1,1,1,1,1\n", "another currency (its stamps are +09:00"),
        ("m.csv", "Date,Symbol,Series,Prev Close,Open,High,Low,Last,Close,VWAP,Volume\n", "INR (the shape's own"),
    ],
)
def test_prices_in_another_currency_are_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    with pytest.raises(NotRecognised, match="currency_not_usd: expected prices in USD; found") as refused:
        sheets(written(tmp_path, name, text))
    assert why in str(refused.value)


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
        "2021-01-14,,12,9,11,10.5,100",
        "2021-01-15,10,12,9,11,-inf,100",
        "2021-01-16,10,12,9,11,10.5,100",  # a Saturday
        "2031-01-16,10,12,9,11,10.5,100",
        '2021-01-19,"1,010","1,012.5",9,11,10.5,"4,787,699"',
        "",
    ]
    rows = read(tmp_path, "A.csv", DAILY + "\r\n".join(lines)).settled["silver.bars_daily"]
    assert rows.account._asdict() == {"rows_in": 15, "rows_out": 3, "duplicates": 1, "quarantined": 11}
    first, second = rows.good.sort("session").row(0, named=True), rows.good.sort("session").row(2, named=True)
    assert (first["symbol"], first["session"], first["close"], first["source_adj_close"], first["volume_shares"]) == (
        "A",
        date(2021, 1, 4),
        11.0,
        10.5,
        100,
    )
    assert (second["open"], second["volume_shares"]) == (1010.0, 4_787_699)
    found = sorted(rows.quarantined["rules"])
    assert found == sorted(
        [
            "range_holds_open_and_close",
            "open_is_not_a_number",
            "date_is_not_a_day",
            "wrong_number_of_fields",
            "null_bar",
            "volume_is_not_a_number",
            "volume_is_not_a_number",
            "open_is_missing",
            "adj_close_is_not_a_number",
            "not_a_session",
            "date_in_the_future",
        ]
    )
    text = dict(rows.quarantined.select("rules", "row").iter_rows())
    assert text["open_is_not_a_number"] == "2021-01-07,ten,12,9,11,10.5,100"


def test_minutes_are_new_york_s(tmp_path: Path) -> None:
    lines = "2021-09-03 16:42:00,2874.5,2874.5,2874.5,2874.5,286.0\n2021-01-04 09:30:00,1,2,1,2,3\n"
    good = read(tmp_path, "GOOGL_1min.csv", MINUTE + lines).settled["silver.bars_minute"].good.sort("minute")
    assert good["minute"].to_list() == [
        datetime(2021, 1, 4, 14, 30, tzinfo=UTC),
        datetime(2021, 9, 3, 20, 42, tzinfo=UTC),
    ]
    assert good["session"].to_list() == [date(2021, 1, 4), date(2021, 9, 3)]


def test_alpha_vantage_s_json_says_whose_it_is_and_is_as_traded(tmp_path: Path) -> None:
    bar = {"1. open": "1.5", "2. high": "2", "3. low": "1", "4. close": "2", "5. volume": "10"}
    body = {
        "Meta Data": {"2. Symbol": "ibm", "5. Time Zone": "US/Eastern"},
        "Time Series (Daily)": {"2021-01-05": bar, "2021-01-04": {**bar, "4. close": "x"}, "2021-01-06": 7},
    }
    rows = read(tmp_path, "any.json", json.dumps(body)).settled["silver.bars_daily"]
    assert rows.good.select("symbol", "session", "close").rows() == [("IBM", date(2021, 1, 5), 2.0)]
    assert rows.good["basis"].cast(str).to_list() == ["raw"]
    assert sorted(rows.quarantined["rules"]) == ["close_is_not_a_number", "not_an_object"]


def test_a_file_without_volume_of_an_index_is_in_points(tmp_path: Path) -> None:
    text = "Index Name,Date,Open,High,Low,Close\r\nNIFTY 50,01-Apr-24,22455,22529.95,22427.75,22462\r\n"
    rows = read(tmp_path, "any.csv", text + "NIFTY 50,02-Apr-24,-,-,-,22453\r\n").settled["silver.index_bars_daily"]
    assert rows.good.select("symbol", "session", "close", "volume_shares").rows() == [
        ("^NSEI", date(2024, 4, 1), 22462.0, None)
    ]
    assert rows.quarantined["rules"].to_list() == ["open_is_missing"]


def test_a_name_that_contradicts_the_column_is_no_guess(tmp_path: Path) -> None:
    text = "Instrument,Date,Time,Open,High,Low,Close\nNIFTY,20240102,09:15,48203,48282,48152,48160\n"
    with pytest.raises(NotRecognised, match=r"symbol_contradicts: .*--symbol '\^NSEBANK' or --symbol '\^NSEI'"):
        sheets(written(tmp_path, "BANKNIFTY_2024.csv", text))
    rows = read(tmp_path, "BANKNIFTY_2024.csv", text, "^NSEBANK").settled["silver.index_bars_minute"].good
    assert rows.select("symbol", "minute").rows() == [("^NSEBANK", datetime(2024, 1, 2, 3, 45, tzinfo=UTC))]


def test_dividends_and_splits_beside_the_bars_are_actions(tmp_path: Path) -> None:
    header = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
    lines = [
        "2021-01-04,10,10,10,10,9,1,0.0,0.0",
        "2021-01-05,10,10,10,10,9,1,0.5,0.0",
        "2021-01-06,5,5,5,5,5,1,0.0,2.0",
        "2021-01-07,5,5,5,5,5,1,9.0,0.0",  # more than the close before
        "2021-01-08,x,5,5,5,5,1,0.1,0.0",  # its bar is refused
    ]
    rows = read(tmp_path, "A.csv", header + "\n".join(lines)).settled["silver.corporate_actions"]
    assert rows.good.sort("date").select("date", "kind", "amount", "stated_on").rows() == [
        (date(2021, 1, 5), "dividend", 0.5, date(2021, 1, 8)),
        (date(2021, 1, 6), "split", 2.0, date(2021, 1, 8)),
    ]
    assert sorted(rows.quarantined["rules"]) == ["bar_refused", "dividend_not_below_close"]
    assert tuple(rows.account) == (4, 2, 0, 2)


def test_lists_name_their_day_and_exchange_and_are_spelt_as_yahoo_does(tmp_path: Path) -> None:
    rows = [
        {"symbol": "BRK/B ", "name": "B", "lastsale": "$1.5", "marketCap": "0.00", "ipoyear": "", "sector": ""},
        {"symbol": "ABR^D", "name": "A", "lastsale": "$2", "marketCap": "12.00", "ipoyear": "2021", "sector": "x"},
        {"symbol": "NA", "name": "N", "lastsale": "what", "marketCap": "", "ipoyear": "", "sector": "x"},
        {"symbol": "", "name": "N", "lastsale": "", "marketCap": "", "ipoyear": "", "sector": "x"},
    ]
    for row in rows:
        row |= {"country": "", "industry": ""}
    settled = read(tmp_path, "nyse_full_tickers_2026-03-31.json", json.dumps(rows)).settled["silver.listings"]
    assert settled.good.sort("symbol").select("symbol", "date", "exchange", "last_sale", "market_cap").rows() == [
        ("ABR-PD", date(2026, 3, 31), "NYSE", 2.0, 12.0),
        ("BRK-B", date(2026, 3, 31), "NYSE", 1.5, None),
    ]
    assert sorted(settled.quarantined["rules"]) == ["last_sale_is_not_a_number", "symbol_missing"]
    with pytest.raises(NotRecognised, match="whose list is it, and of which day"):
        sheets(written(tmp_path, "list.json", json.dumps(rows)))


def test_members_of_a_zip_are_of_one_kind_and_name_their_own_symbols(tmp_path: Path) -> None:
    line = "2021-01-04,10,12,9,11,10.5,100\n"
    path = tmp_path / "bars.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/AAA.csv", DAILY + line)
        archive.writestr("folder/BBB.csv", DAILY + line)
    rows = read_file(path, SOURCE)
    assert sorted(rows.settled["silver.bars_daily"].good["symbol"]) == ["AAA", "BBB"]
    assert rows.symbol is None
    with pytest.raises(NotRecognised, match="would name 2 files"):
        sheets(path, symbol="AAA")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("t.csv", "CIK,Ticker,Name,Exchange\n")
    with pytest.raises(NotRecognised, match="expected files of one kind in a zip; found bars_daily, sec_tickers"):
        sheets(path)
    damaged = written(tmp_path, "damaged.zip", path.read_bytes().replace(b"2021", b"2922"))
    with pytest.raises(NotRecognised, match="a zip that cannot be read"):
        sheets(damaged)


def test_tickers_are_read_from_the_mapping_s_csv(tmp_path: Path) -> None:
    text = "CIK,Ticker,Name,Exchange\n320193,aapl,Apple Inc.,Nasdaq\nx,BAD,,\n1,NA,Nano,\n"
    rows, refused, count = ticker_rows(written(tmp_path, "m.csv", text), SOURCE)
    assert rows.select("symbol", "cik", "name").rows() == [("AAPL", 320193, "Apple Inc."), ("NA", 1, "Nano")]
    assert ([r.reason for r in refused], count) == (["cik_is_not_a_number"], 3)


def test_each_shape_is_named_once_and_speaks_of_its_contract_s_columns() -> None:
    from lake.contracts import table
    from scrapers.imports.read import TABLES

    own = {"dividend", "split_ratio", "gains", "series", "previous_close", "vwap", "index", "time", "session"}
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)
    for shape in SHAPES:
        named = {*shape.columns, *shape.optional}
        assert named - own <= set(table(TABLES[shape.kind]).columns), shape.name
        assert (shape.basis is not None) == (shape.kind == "bars_daily"), shape.name


field = st.one_of(
    st.floats(allow_nan=True).map(str), st.text("0123456789.,\"'x-e \x00é", max_size=8), st.just("2021-01-04")
)


@given(st.lists(st.lists(field, max_size=9).map(",".join), max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_are_accounted_for(tmp_path: Path, lines: list[str]) -> None:
    path = written(tmp_path, "A.csv", DAILY + "\n".join(lines))
    physical = sum(bool(line.strip()) for line in path.read_bytes().split(b"\n")[1:])
    try:
        account = read_file(path, SOURCE).account
    except NotRecognised:
        # Stamps that all speak of hours are no days.
        assert "," in path.read_text()
        return
    assert account.rows_in == account.rows_out + account.duplicates + account.quarantined == physical
