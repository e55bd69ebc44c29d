"""Tables that are wrong as a whole though most of their rows look right: made from real files, and caught."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scrapers.imports.read import FileRows, read_file
from tests.scrapers.test_imports import SOURCE

REAL = "stocknet_2012_2017/AAPL.csv"


@pytest.fixture
def real(shared: Path) -> pl.DataFrame:
    return pl.read_csv(shared / "data" / "daily_ohlcv" / REAL, infer_schema=False)


def read(folder: Path, frame: pl.DataFrame) -> FileRows:
    frame.write_csv(folder / "AAPL.csv")
    return read_file(folder / "AAPL.csv", SOURCE)


def shifted(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    return frame.with_columns(pl.col("Date").str.to_date().dt.offset_by(by).cast(pl.String))


def ruled(rows: FileRows) -> dict[str, int]:
    return dict(rows.settled["silver.bars_daily"].quarantined["rules"].value_counts().iter_rows())


def test_the_file_itself_passes(tmp_path: Path, real: pl.DataFrame) -> None:
    rows = read(tmp_path, real)
    assert (ruled(rows), rows.verdicts) == ({}, [])


@pytest.mark.parametrize("by", ["1y", "-1y", "2y", "-6y", "52w", "-104w", "1d", "20y"])
def test_shifted_dates_are_caught_and_no_row_of_them_is_taken(tmp_path: Path, real: pl.DataFrame, by: str) -> None:
    rows = read(tmp_path, shifted(real, by))
    assert set(ruled(rows)) == {"dates_shifted"}
    assert tuple(rows.account) == (real.height, 0, 0, real.height)
    (verdict,) = rows.verdicts
    assert verdict.check == "dates_are_sessions"
    assert "of 1258 days of AAPL are no sessions, as " in verdict.detail


def test_one_stray_day_is_a_row_s_fault(tmp_path: Path, real: pl.DataFrame) -> None:
    stray = pl.when(pl.col("Date") == "2013-01-04").then(pl.lit("2013-01-05")).otherwise("Date").alias("Date")
    rows = read(tmp_path, real.with_columns(stray))
    assert ruled(rows) == {"not_a_session": 1}
    assert [verdict.check for verdict in rows.verdicts] == ["sessions_complete"]


def test_columns_under_each_other_s_names_are_caught(tmp_path: Path, real: pl.DataFrame) -> None:
    rows = read(tmp_path, real.rename({"High": "Low", "Low": "High"}))
    assert ruled(rows) == {"columns_mislabelled": real.height}
    assert "as open,low,high,close or close,low,high,open they would be" in rows.verdicts[0].detail


def test_a_high_below_a_low_is_a_row_s_fault(tmp_path: Path, real: pl.DataFrame) -> None:
    low = pl.when(pl.col("Date") == "2013-01-04").then(pl.lit("1")).otherwise("High").alias("High")
    assert ruled(read(tmp_path, real.with_columns(low))) == {"range_holds_open_and_close": 1}


def test_missing_sessions_are_a_warning_that_names_them(tmp_path: Path, real: pl.DataFrame) -> None:
    gone = [date(2013, 1, 4), date(2014, 7, 3)]
    rows = read(tmp_path, real.filter(~pl.col("Date").str.to_date().is_in(gone)))
    (verdict,) = rows.verdicts
    assert verdict.detail == "AAPL has no row on 2 sessions, as 2013-01-04, 2014-07-03"
    assert (verdict.rule, rows.account.rows_out) == ("", real.height - 2)
