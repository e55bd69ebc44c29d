"""A user's own files, from an empty folder to answers: `tidemark import` as it is typed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from tests.e2e.command import Command

pytestmark = pytest.mark.e2e
REAL = {"TIDEMARK_NOW": ""}
LOG, ROWS = "log20170101_subset_cs320.zip", 174_856


@pytest.fixture(scope="module")
def imported(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, dict[str, Any]]:
    data = shared / "data"
    command = Command(tmp_path_factory.mktemp("import") / "home", REAL)
    paths = [
        data / "edgar_logs" / LOG,
        data / "daily_ohlcv" / "GOOG_2006_2020_yahoo_splitadj.csv",
        data / "daily_ohlcv" / "stocknet_2012_2017",
        data / "intraday_1min" / "GOOGL_1min_alphavantage_ayurn.csv",
        data / "fundamentals" / "sec_cik_ticker_mappings_2021-12-30.csv",
        data / "fundamentals" / "nasdaq_screener" / "us_full_tickers_2026-07-02.zip",
        data / "daily_ohlcv" / "plotly_5tickers_2015_2017.csv",
        data / "daily_ohlcv" / "nse" / "NIFTY50_index_1995_2024.csv",
        data / "intraday_1min" / "nse" / "NIFTY_1min_2024.csv",
        data / "daily_ohlcv" / "nse" / "SBIN.NS_2012_2022.csv",
        data / "daily_ohlcv" / "plotly_tsla_2015_2018_dirty.csv",
    ]
    done = command.run("import", *map(str, paths), "--json")
    assert done.returncode == 1, f"two of the files are refused\n{done.stdout}"
    return command, json.loads(done.stdout[done.stdout.index("{\n") :])


def home_of(command: Command) -> Home:
    return Home.open(load_settings(home=command.home, world=None), create=False)


def test_files_are_recognised_or_refused_by_name(imported: tuple[Command, dict[str, Any]]) -> None:
    report = imported[1]
    kinds = {file["kind"] for file in report["files"].values()}
    assert kinds == {
        "edgar_log_v1",
        "bars_daily",
        "bars_minute",
        "index_bars_daily",
        "index_bars_minute",
        "listings",
        "sec_tickers",
    }
    (rupees, nameless) = [report["refused"][name] for name in sorted(report["refused"])]
    assert "SBIN.NS_2012_2022.csv: currency_not_usd: expected prices in USD; found INR" in rupees
    assert "plotly_tsla_2015_2018_dirty.csv: whose bars are these? Give --symbol" in nameless
    assert home_of(imported[0]).world == "real"


def test_each_file_has_its_account_and_silver_the_sum(imported: tuple[Command, dict[str, Any]]) -> None:
    home, files = home_of(imported[0]), imported[1]["files"].values()
    for kind in ("bars_daily", "bars_minute", "index_bars_daily", "index_bars_minute", "listings"):
        # rows in, out, duplicates, quarantined
        accounts = [file["account"] for file in files if file["kind"] == kind]
        known = table(f"silver.{kind}")
        assert delta.count(home, known) == sum(account[1] for account in accounts), kind
        assert delta.read_quarantine(home, known).height == sum(account[3] for account in accounts), kind
    gold = delta.count(home, table("gold.bars_daily"))
    given_way = imported[1]["superseded"] + sum(imported[1]["disputed"].values())
    assert delta.count(home, table("silver.bars_daily")) == gold + given_way
    # Raw AAPL before the adjusted one; of GOOG one file was downloaded after the split of 2022, the other before it.
    assert imported[1]["superseded"] == 672
    assert imported[1]["disputed"] == {"in_other_shares": 1_258}


def test_visits_equal_duckdb_s_count_to_the_row(
    imported: tuple[Command, dict[str, Any]], shared: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(shared / "data" / "edgar_logs" / LOG) as archive:
        raw = archive.extract("jan1.csv", tmp_path)
    expected = duckdb.sql(
        f"""
        SELECT CAST(CAST(cik AS DOUBLE) AS BIGINT) AS cik,
               CAST(split_part(time, ':', 1) AS INT) * 3600 + CAST(split_part(time, ':', 2) AS INT) * 60
                   + CAST(split_part(time, ':', 3) AS INT) AS second_of_day,
               count(*) AS visits_all
        FROM read_csv('{raw}', all_varchar = true, header = true)
        WHERE TRY_CAST(cik AS DOUBLE) BETWEEN 1 AND 9999999999
        GROUP BY ALL ORDER BY ALL
        """
    ).pl()
    home = home_of(imported[0])
    got = delta.read(home, table("gold.visits_second")).select(expected.columns).sort(expected.columns)
    assert got.cast(expected.schema).equals(expected)
    requests = table("silver.edgar_requests")
    assert delta.count(home, requests) + delta.read_quarantine(home, requests).height == ROWS


def test_bars_reach_gold_and_a_forecast_is_made_of_them(imported: tuple[Command, dict[str, Any]]) -> None:
    home = home_of(imported[0])
    bars = delta.read(home, table("gold.bars_daily"))
    assert set(bars["symbol"]) == {"GOOG", "AAPL", "GOOGL", "TSLA", "COKE", "YHOO"}
    assert bars.select("symbol", "session").is_duplicated().sum() == 0
    assert delta.count(home, table("gold.bars_minute")) == 3_743
    companies = delta.read(home, table("gold.companies"))
    assert set(companies["symbol"]) == {"GOOG", "AAPL", "GOOGL", "TSLA", "COKE", "YHOO"}
    assert delta.count(home, table("gold.index_bars_minute")) == 57_750
    assert delta.count(home, table("gold.listings")) > 7_000
    paid = delta.read(home, table("gold.corporate_actions")).filter(pl.col("symbol") == "AAPL")
    assert paid.height == 11
    forecasts = delta.read(home, table("gold.forecasts"))
    live = forecasts.filter(pl.col("origin").cast(pl.String) == "live")
    assert live.height >= 1
    assert (live["interval_low"] < live["forecast_close"]).all()


def test_nothing_is_left_running_and_the_import_can_be_repeated(
    imported: tuple[Command, dict[str, Any]], shared: Path
) -> None:
    command, _ = imported
    assert command.alive() == []
    bars, files = table("gold.bars_daily"), table("bronze.files")
    columns = [name for name in bars.columns if name not in bars.provenance]
    before = delta.read(home_of(command), bars).select(columns).sort(bars.key)
    kept = delta.count(home_of(command), files)
    again = command.run("import", str(shared / "data" / "daily_ohlcv" / "stocknet_2012_2017"))
    assert again.returncode == 0, again.stdout
    assert delta.read(home_of(command), bars).select(columns).sort(bars.key).equals(before)
    assert delta.count(home_of(command), files) == kept


def test_real_files_are_not_taken_into_a_simulated_home(tmp_path: Path, shared: Path) -> None:
    command = Command(tmp_path / "home", REAL)
    Home.open(load_settings(home=command.home, world="simulated"))
    done = command.run("import", str(shared / "data" / "daily_ohlcv" / "stocknet_2012_2017"))
    assert done.returncode == 2
    assert "is simulated, and real files are never mixed into it" in done.stdout
    assert "TIDEMARK_HOME" in done.stdout
