"""The adjusted close of real files: our CRSP form reproduces it where it is made so, others are known by their formula."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from scrapers.gold_bars import actions_chosen, bars_gold
from scrapers.imports.adjusted import CLOSE_ENOUGH, OFTEN_ENOUGH, agreements
from scrapers.imports.bars import daily, judged
from scrapers.imports.read import FileRows, Source, read_file, symbol_of
from tests.scrapers.test_imports import SOURCE

# Files that hold an adjusted close and the payments it rests on → the share of days that our form must reproduce.
OBEYED = {
    "yfinance_dirty/EWG-1d-no-bad-divs.csv": ("crsp_with_gains", {"EWG"}),
    "yfinance_dirty/SSNLF-1d-bad-div-fixed.csv": ("crsp", {"SSNLF"}),
    "plotly_5tickers_2015_2017.csv": ("total_return", {"AAPL", "COKE", "GOOGL", "TSLA", "YHOO"}),
    "yfinance_dirty/JENYX-1d-cg-double-count.csv": ("crsp_with_gains", {"JENYX"}),
}
# Of these, symbols whose series is not of the CRSP form, and why.
OTHERWISE = {
    ("plotly_5tickers_2015_2017.csv", "AAPL"): "total_return takes the close of the ex-date",
    ("plotly_5tickers_2015_2017.csv", "COKE"): "total_return takes the close of the ex-date",
    ("yfinance_dirty/JENYX-1d-cg-double-count.csv", "JENYX"): "gains are in the dividends and counted again",
}
# Adjusted closes without the payments they rest on: symbols that paid none are reproduced, the others cannot be.
WITHOUT_PAYMENTS = {
    "GOOG_2006_2020_yahoo_splitadj.csv": set[str](),
    "GOOG_2012_2021_yahoo_presplit.csv": set[str](),
    "stocknet_2012_2017/GOOG.csv": set[str](),
    "stocknet_2012_2017/AAPL.csv": {"AAPL"},
    "big_tech_14_2010_2022.csv": {"AAPL", "CSCO", "IBM", "INTC", "MSFT", "NVDA", "ORCL"},
}
# Its bad dividends, of many times the price, leave nothing of the adjusted close that means anything.
DAMAGED = "yfinance_dirty/SSNLF-1d-bad-div.csv"


def read(shared: Path, name: str) -> FileRows:
    return read_file(shared / "data" / "daily_ohlcv" / name, SOURCE)


def by_symbol(rows: FileRows) -> dict[str, float]:
    """The share of days on which gold's series is the file's own, by symbol."""
    bars = rows.settled["silver.bars_daily"].good
    gold = bars_gold(bars, actions_chosen(rows.settled["silver.corporate_actions"].good))
    both = gold.join(bars.select("symbol", "session", "source_adj_close"), on=["symbol", "session"]).drop_nulls(
        "source_adj_close"
    )
    within = ((pl.col("adj_close") / pl.col("source_adj_close") - 1).abs() <= CLOSE_ENOUGH).mean()
    return dict(both.group_by("symbol").agg(within).iter_rows())


@pytest.mark.parametrize("name", OBEYED)
def test_the_adjusted_close_obeys_the_formula_of_the_mapping(shared: Path, name: str) -> None:
    rows = read(shared, name)
    formula, symbols = OBEYED[name]
    (sheet,) = rows.sheets
    found = agreements(sheet, _bars(rows))
    assert {entry.symbol for entry in found} == symbols
    assert {entry.formula for entry in found} == {formula}
    assert all(entry.holds for entry in found), found
    assert not [verdict for verdict in rows.verdicts if verdict.check == "adjusted_close_follows"]


@pytest.mark.parametrize("name", OBEYED)
def test_our_series_is_the_file_s_own_where_it_is_of_the_crsp_form(shared: Path, name: str) -> None:
    for symbol, share in by_symbol(read(shared, name)).items():
        assert (share < OFTEN_ENOUGH) is ((name, symbol) in OTHERWISE), (symbol, share)


@pytest.mark.parametrize("name", WITHOUT_PAYMENTS)
def test_without_payments_only_those_who_paid_none_can_be_reproduced(shared: Path, name: str) -> None:
    shares = by_symbol(read(shared, name))
    assert {symbol for symbol, share in shares.items() if share < OFTEN_ENOUGH} == WITHOUT_PAYMENTS[name]


def test_a_damaged_adjusted_close_is_told(shared: Path) -> None:
    rows = read(shared, DAMAGED)
    rules = set(rows.settled["silver.bars_daily"].quarantined["rules"])
    assert {"adj_close_is_not_a_number", "source_adj_close.min_exclusive"} <= rules
    (verdict,) = [verdict for verdict in rows.verdicts if verdict.check == "adjusted_close_follows"]
    assert verdict.detail == "the adjusted close of SSNLF is off crsp on 5355 of 5417 days"
    assert set(rows.settled["silver.corporate_actions"].quarantined["rules"]) == {"bar_refused"}


def test_a_formula_that_is_not_kept_is_told(tmp_path: Path) -> None:
    header = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
    lines = [f"2021-01-{day:02},10,10,10,10,10,1,{paid},0" for day, paid in ((4, 0), (5, 0), (6, 1), (7, 0))]
    path = tmp_path / "A.csv"
    path.write_text(header + "\n".join(lines))
    rows = read_file(path, Source("b" * 64, datetime(2026, 11, 21, tzinfo=UTC), "run"))
    (verdict,) = [verdict for verdict in rows.verdicts if verdict.check == "adjusted_close_follows"]
    assert verdict.detail == "the adjusted close of A is off crsp on 2 of 4 days"
    assert rows.account.rows_out == 4


def _bars(rows: FileRows) -> pl.DataFrame:
    (sheet,) = rows.sheets
    return judged(sheet, daily(sheet, symbol_of(sheet), SOURCE.sha256), SOURCE.observed_at.date())[0]
