"""Every real file there is to import: mapped with the account that stands beside this test, or refused by name.

`imports_expected.csv` has a row a file. That rows in are the file's own is reckoned here by other means.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from scrapers.imports.read import TABLES, FileRows, Source, read_file
from scrapers.imports.recognise import NotRecognised
from scrapers.imports.shapes import SHAPES

SOURCE = Source("a" * 64, datetime(2026, 11, 21, tzinfo=UTC), "run")
FOLDERS = ("alphavantage_json", "daily_ohlcv", "fundamentals", "intraday_1min")
GIVEN = {"plotly_tsla_2015_2018_dirty.csv": "TSLA"}
EXPECTED = {
    row["file"]: row
    for row in csv.DictReader((Path(__file__).parent / "imports_expected.csv").read_text().splitlines())
}
# Shapes of which no real file is at hand; small ones are in test_imports.
UNSEEN = {
    "yfinance_history",
    "alphavantage_days_csv",
    "alphavantage_days",
    "alphavantage_minutes_csv",
    "nse_collection",  # refused by its currency, as are the next two
    "nse_download",
    "yfinance_adjusted",
    "edgar_filings",  # its real files lie beside the logs: see test_import_filings
}


def present(data: Path) -> list[str]:
    files = [path for folder in FOLDERS for path in (data / folder).rglob("*") if path.is_file()]
    files += (data / "tweets").rglob("market_*.csv")
    return sorted(str(path.relative_to(data)) for path in files)


def texts(path: Path) -> Iterator[bytes]:
    if not zipfile.is_zipfile(path):
        yield path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        yield from (archive.read(name) for name in archive.namelist())


def elements(text: bytes) -> int:
    """Rows of a file as its format counts them: lines after the header, elements of a list or of a series."""
    if text[:4] == b"PAR1":
        return pl.read_parquet(text).height
    if text.lstrip()[:1] in {b"[", b"{"}:
        root = json.loads(text)
        return len(root.get("Time Series (1min)", root)) if isinstance(root, dict) else len(root)
    return sum(bool(line.strip()) for line in text.split(b"\n")[1:])


@pytest.fixture(scope="module")
def walked(shared: Path) -> dict[str, FileRows | str]:
    data, found = shared / "data", dict[str, FileRows | str]()
    for name in present(data):
        try:
            found[name] = read_file(data / name, SOURCE, symbol=GIVEN.get(Path(name).name))
        except NotRecognised as error:
            found[name] = str(error)
    return found


def test_every_file_is_expected_and_every_expected_one_is_there(walked: dict[str, FileRows | str]) -> None:
    assert set(walked) == set(EXPECTED)


def test_each_file_has_its_account_or_its_refusal(walked: dict[str, FileRows | str], shared: Path) -> None:
    wrong = {}
    for name, rows in walked.items():
        expected = EXPECTED[name]
        if isinstance(rows, str):
            good = expected["shape"] == "refused" and expected["found"] in rows and "expected" in rows
            if not good and expected["found"] != "symbol_contradicts":
                wrong[name] = rows
            continue
        settled = rows.settled[TABLES[rows.kind]]
        rules = Counter(settled.quarantined["rules"].to_list())
        told = {
            "shape": " ".join(sorted({sheet.shape.name for sheet in rows.sheets})),
            "basis": " ".join(sorted({sheet.basis for sheet in rows.sheets if sheet.basis})),
            **{field: str(count) for field, count in settled.account._asdict().items()},
            "rules": " ".join(f"{rule}={count}" for rule, count in sorted(rules.items())),
            "found": " ".join(sorted({verdict.check for verdict in rows.verdicts})),
        }
        in_file = sum(elements(text) for text in texts(shared / "data" / name))
        if told != {field: expected[field] for field in told} or int(told["rows_in"]) != in_file:
            wrong[name] = f"{told}, {in_file} rows in the file"
    assert wrong == {}


def test_refused_rows_keep_their_text(walked: dict[str, FileRows | str]) -> None:
    for rows in walked.values():
        if isinstance(rows, FileRows):
            for settled in rows.settled.values():
                assert settled.quarantined.filter((pl.col("row") == "") | (pl.col("rules") == "")).is_empty()


def test_every_shape_is_seen_in_a_real_file(walked: dict[str, FileRows | str]) -> None:
    seen = {sheet.shape.name for rows in walked.values() if isinstance(rows, FileRows) for sheet in rows.sheets}
    assert seen == {shape.name for shape in SHAPES} - UNSEEN


def test_every_price_taken_is_the_file_s_own(walked: dict[str, FileRows | str], shared: Path) -> None:
    for name in ("GOOG_2006_2020_yahoo_splitadj.csv", "sp500_2021_2026/KO.csv", "mag7_2013_2023_adjusted/AAPL.csv"):
        rows = walked[f"daily_ohlcv/{name}"]
        assert isinstance(rows, FileRows)
        raw = pl.read_csv(shared / "data" / "daily_ohlcv" / name, try_parse_dates=True)
        joined = rows.settled["silver.bars_daily"].good.join(raw, left_on="session", right_on="Date")
        assert joined.height == raw.height
        for column in ("Open", "High", "Low", "Close", "Volume"):
            mine = "volume_shares" if column == "Volume" else column.lower()
            assert (joined[mine] == joined[column]).all(), (name, column)


def test_mislabelled_columns_are_named_with_the_order_that_fits(walked: dict[str, FileRows | str]) -> None:
    rows = walked["daily_ohlcv/sp500_utilities_2015_2020.csv"]
    assert isinstance(rows, FileRows)
    (verdict,) = [verdict for verdict in rows.verdicts if verdict.rule]
    # The crawl's own header, as its other files have it: high, low, open, close.
    assert verdict.rule == "columns_mislabelled"
    assert "as low,open,high,close or " in verdict.detail
    assert rows.account.rows_out == 0
