"""Of several origins one bar: the highest basis, then the newest import; the others counted, contradictions refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import table
from scrapers.gold_bars import GoldBars, actions_chosen, bars_chosen
from scrapers.gold_choice import CONTRADICTS, JUMP, NO_JUMP, OTHER_SHARES
from scrapers.imports.read import Source, read_file
from scrapers.imports.recognise import NotRecognised
from tests.scrapers.test_imports_walk import GIVEN
from tests.scrapers.test_silver_gold import action, bar, frame

OLD, NEW = datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)
# Files that know a split (of IBM a spin-off) of which newer ones, or ones taken later, know nothing.
SCALED = {
    *((symbol, "big_tech_14_2010_2022.csv") for symbol in ("AAPL", "AMZN", "GOOGL", "IBM", "TSLA")),
    *((symbol, f"mag7_2013_2023_adjusted/{symbol}.csv") for symbol in ("AAPL", "AMZN", "GOOGL")),
    *((symbol, f"djia30_2006_2018/{symbol}_2006-01-01_to_2018-01-01.csv") for symbol in ("AMZN", "GOOGL")),
    ("GOOG", "GOOG_2006_2020_yahoo_splitadj.csv"),
    ("GOOGL", "GOOGL_2007_2020_with_indicators.csv"),
}
ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


def chosen(bars: list[dict[str, Any]], *actions: dict[str, Any]) -> GoldBars:
    found = bars_chosen(frame("silver.bars_daily", *bars), frame("silver.corporate_actions", *actions))
    assert len(bars) == found.rows.height + found.choice.superseded + found.choice.refused.height
    assert table("gold.bars_daily").schema.is_valid(found.rows, cast=True)
    return found


def told(found: GoldBars) -> dict[str, int]:
    return dict(found.choice.refused["rules"].value_counts().iter_rows())


def test_raw_is_taken_before_split_adjusted_before_fully_adjusted_however_old() -> None:
    bars = [
        bar(17, 100, "raw", ONE, observed_at=OLD),
        bar(17, 100, "split_adjusted", TWO, observed_at=NEW),
        bar(17, 98, "fully_adjusted", THREE, observed_at=NEW),
        bar(18, 101, "split_adjusted", TWO, observed_at=NEW),
        bar(18, 99, "fully_adjusted", THREE, observed_at=NEW),
    ]
    found = chosen(bars)
    assert found.rows["origin"].to_list() == [ONE, TWO]
    assert (found.choice.superseded, told(found)) == (3, {})


def test_of_one_basis_the_newest_import_is_taken_and_the_same_price_is_superseded() -> None:
    found = chosen(
        [
            bar(17, 100, "split_adjusted", ONE, observed_at=OLD),
            bar(17, 100.05, "split_adjusted", TWO, observed_at=NEW),
        ]
    )
    assert found.rows.select("origin", "close").rows() == [(TWO, 100.05)]
    assert (found.choice.superseded, told(found)) == (1, {})


@pytest.mark.parametrize("part", ["open", "high", "low", "close"])
def test_of_one_basis_another_price_is_a_contradiction(part: str) -> None:
    other = {"close": 100.0, part: {"low": 99.0}.get(part, 101.0)}
    if part in {"open", "close"}:
        other["high"] = 101.0
    found = chosen(
        [bar(17, origin=ONE, observed_at=OLD, **other), bar(17, 100, origin=TWO, observed_at=NEW)]  # type: ignore[arg-type]
    )
    assert found.rows["origin"].to_list() == [TWO]
    assert (found.choice.superseded, told(found)) == (0, {CONTRADICTS: 1})
    assert found.choice.refused.select("origin", part).row(0) == (ONE, other[part])


def test_a_contradiction_below_the_basis_taken_is_one_all_the_same() -> None:
    found = chosen(
        [
            bar(17, 100, "raw", ONE),
            bar(17, 100, origin=TWO, observed_at=OLD),
            bar(17, 120, origin=THREE, observed_at=NEW),
        ]
    )
    assert found.rows["origin"].to_list() == [ONE]
    assert told(found) == {CONTRADICTS: 1}
    assert found.choice.refused["origin"].to_list() == [TWO]


def test_prices_are_compared_in_the_same_shares() -> None:
    # One file ends before the split of the 19th, the other after it.
    early = [bar(day, 400, origin=ONE, observed_at=OLD) for day in (17, 18)]
    late = [bar(day, 100, origin=TWO, observed_at=NEW) for day in (17, 18, 19)]
    found = chosen([*early, *late], action(19, "split", 4))
    assert (found.choice.superseded, told(found)) == (2, {})
    unknown = chosen([*early, *late])
    assert (unknown.choice.superseded, told(unknown)) == (0, {CONTRADICTS: 2})


def test_fully_adjusted_series_of_different_days_differ_by_right() -> None:
    early = [bar(day, 98, "fully_adjusted", ONE, observed_at=OLD) for day in (17, 18)]
    late = [bar(day, 97, "fully_adjusted", TWO, observed_at=NEW) for day in (17, 18, 19)]
    found = chosen([*early, *late])
    assert (found.choice.superseded, told(found)) == (2, {})
    same_end = chosen([*early, bar(19, 98, "fully_adjusted", ONE, observed_at=OLD), *late])
    assert told(same_end) == {CONTRADICTS: 3}


def test_adjusted_prices_presented_as_raw_are_refused() -> None:
    split = action(19, "split", 4)
    wrong = [bar(day, 100 + day, "raw", ONE) for day in (17, 18, 19, 20)]
    right = [bar(day, (100 + day) * (4 if day < 19 else 1), "raw", TWO, observed_at=OLD) for day in (17, 18, 19, 20)]
    found = chosen([*wrong, *right], split)
    assert set(found.rows["origin"]) == {TWO}
    assert told(found) == {NO_JUMP: 4}
    as_adjusted = [bar(b["session"].day, b["close"], "split_adjusted", TWO) for b in right]
    assert told(chosen(as_adjusted, split)) == {JUMP: 4}


def test_a_small_split_tells_nothing() -> None:
    found = chosen([bar(day, 100 + day, "raw", ONE) for day in (17, 18, 19, 20)], action(19, "split", 1.02))
    assert told(found) == {}


def test_a_file_s_dividend_is_in_the_shares_of_its_last_day() -> None:
    bars = [bar(17, 400, origin=ONE), bar(18, 400, origin=ONE), bar(19, 99, origin=TWO), bar(20, 99, origin=TWO)]
    paid = action(18, "dividend", 4, stated_on=date(2026, 11, 18), origin=ONE)
    found = chosen(bars, paid, action(20, "split", 4, origin=TWO, stated_on=date(2026, 11, 20)))
    # 1 − 4 / 400 on the day before; stated in today's shares it would have been 1 − 4 / 100.
    assert found.rows["adj_close"][0] == pytest.approx(100 * 0.99)


def test_an_action_told_twice_counts_once_the_crawled_before_the_newest_file() -> None:
    rows = frame(
        "silver.corporate_actions",
        action(18, "dividend", 4, origin=ONE, observed_at=NEW),
        action(18, "dividend", 5, origin="yahoo_chart", observed_at=OLD),
        action(19, "dividend", 6, origin=ONE, observed_at=OLD),
        action(19, "dividend", 7, origin=TWO, observed_at=NEW),
        action(20, "split", 2, origin=None),
    )
    assert actions_chosen(rows).select("amount", "origin").rows() == [
        (5.0, "yahoo_chart"),
        (7.0, TWO),
        (2.0, "yahoo_chart"),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([17, 18, 19, 20]),
            st.sampled_from([25.0, 100.0, 100.04, 400.0]),
            st.sampled_from(["raw", "split_adjusted", "fully_adjusted"]),
            st.sampled_from([ONE, TWO, THREE, "yahoo_chart"]),
            st.sampled_from([OLD, NEW]),
        ),
        max_size=16,
        unique_by=lambda row: (row[0], row[3]),
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_no_bar_is_lost_or_doubled(rows: list[tuple[int, float, str, str, datetime]], with_split: bool) -> None:
    bars = [bar(day, close, basis, origin, observed_at=at) for day, close, basis, origin, at in rows]
    found = chosen(bars, *([action(19, "split", 4)] if with_split else []))
    assert found.rows.select("symbol", "session").is_duplicated().sum() == 0


def imported(shared: Path, name: str, origin: str, at: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = read_file(shared / "data" / "daily_ohlcv" / name, Source(origin, at, "run"))
    return rows.settled["silver.bars_daily"].good, rows.settled["silver.corporate_actions"].good


def test_real_files_of_one_company_in_three_bases(shared: Path) -> None:
    files = [
        imported(shared, "plotly_5tickers_2015_2017.csv", ONE, OLD),
        imported(shared, "djia30_2006_2018/AAPL_2006-01-01_to_2018-01-01.csv", TWO, OLD),
        imported(shared, "stocknet_2012_2017/AAPL.csv", THREE, NEW),
    ]
    bars = pl.concat([bars for bars, _ in files]).filter(pl.col("symbol") == "AAPL")
    actions = actions_chosen(pl.concat([actions for _, actions in files])).filter(pl.col("symbol") == "AAPL")
    found = bars_chosen(bars, actions)
    counts = {origin[0]: count for origin, count in found.rows["origin"].value_counts().iter_rows()}
    # Raw where the first has it (753 days), else the newer of the two adjusted ones.
    assert counts["1"] == 753
    assert bars.height == found.rows.height + found.choice.superseded + found.choice.refused.height
    assert set(found.choice.refused["rules"]) == {CONTRADICTS}
    assert set(found.choice.refused["origin"]) == {TWO}
    # Vendors' opens differ on some days; closes never by more than rounding.
    assert 0 < found.choice.refused.height < 0.02 * bars.height


def test_two_downloads_before_and_after_a_split_are_known_by_the_split(shared: Path) -> None:
    before, _ = imported(shared, "GOOG_2012_2021_yahoo_presplit.csv", ONE, OLD)
    after, _ = imported(shared, "GOOG_2006_2020_yahoo_splitadj.csv", TWO, NEW)
    found = bars_chosen(pl.concat([before, after]), frame("silver.corporate_actions"))
    both = before.join(after, on="session").height
    assert (told(found), found.choice.superseded) == ({OTHER_SHARES: both}, 0)
    # Where the older goes on alone the price is in other shares: twenty for one.
    assert found.choice.seams.select("session", pl.col("ratio").round(0)).rows() == [(date(2020, 12, 31), 20.0)]
    known = frame("silver.corporate_actions", action(20, "split", 20, symbol="GOOG", date=date(2022, 7, 18)))
    assert bars_chosen(before, known).choice.seams.is_empty()


def test_all_real_files_together(shared: Path) -> None:
    bars, actions, names = [], [], dict[str, str]()
    folder = shared / "data" / "daily_ohlcv"
    for place, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        origin = f"{place:064x}"
        names[origin] = str(path.relative_to(folder))
        try:
            rows = read_file(path, Source(origin, OLD + timedelta(minutes=place), "run"), symbol=GIVEN.get(path.name))
        except NotRecognised:
            continue
        if rows.kind == "bars_daily":
            bars.append(rows.settled["silver.bars_daily"].good)
            actions.append(rows.settled["silver.corporate_actions"].good)
    found = bars_chosen(pl.concat(bars), actions_chosen(pl.concat(actions)))
    assert sum(map(len, bars)) == found.rows.height + found.choice.superseded + found.choice.refused.height
    assert found.choice.superseded > 40_000
    counted = found.choice.refused.group_by("rules", "symbol", "origin").len()
    scaled = counted.filter(pl.col("rules") == OTHER_SHARES)
    assert {(symbol, names[origin]) for symbol, origin in scaled.select("symbol", "origin").iter_rows()} == SCALED
    # What is left are a few days on which vendors differ.
    assert counted.filter(pl.col("rules") == CONTRADICTS)["len"].max() < 20
