"""Features know the past only, and the target is what came."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.market_calendar import xnys
from ml.canary import leakage_canary, looking_ahead
from ml.features import FEATURES, features, labelled, targets

PLANTED = "planted"


def test_features_by_hand(bars_of, as_of):
    days = xnys().sessions(date(2026, 9, 1), date(2026, 11, 20))[:25]
    closes = [100.0 * 1.01**n for n in range(24)] + [130.0]
    bars = bars_of(
        pl.DataFrame(
            {
                "symbol": "AAA",
                "session": days,
                "open": [c / 1.02 for c in closes],
                "high": [c * 1.05 for c in closes],
                "low": [c / 1.05 for c in closes],
                "close": closes,
                "volume_shares": [1000] * 24 + [2000],
            }
        )
    )
    row = features(bars, as_of).row(-1, named=True)
    last = 130 / (100 * 1.01**23) - 1
    assert row["session"] == days[-1]
    assert row["ret_1"] == pytest.approx(last)
    assert row["ret_2"] == pytest.approx(130 / closes[-3] - 1)
    assert row["ret_20"] == pytest.approx(130 / closes[4] - 1)
    assert row["intraday"] == pytest.approx(0.02)
    assert row["range"] == pytest.approx(2 * math.log(1.05))
    mean = (19 * 0.01 + last) / 20
    assert row["vol_20"] == pytest.approx(math.sqrt((19 * (0.01 - mean) ** 2 + (last - mean) ** 2) / 19))
    assert row["scale"] == pytest.approx(row["vol_20"])
    assert row["volume_ratio"] == pytest.approx(math.log(2000 / 1050))
    assert row["dist_ma_20"] == pytest.approx(130 / (sum(closes[-20:]) / 20) - 1)
    assert row["market_ret_1"] == row["ret_1"]
    weekday = days[-1].strftime("%A").lower()
    assert [row[d] for d in ("tuesday", "wednesday", "thursday", "friday")] == [
        float(d == weekday) for d in ("tuesday", "wednesday", "thursday", "friday")
    ]
    assert features(bars, as_of)["session"].min() == days[20]


def test_the_market_mean_is_over_companies_of_the_session(market, as_of):
    rows = features(market(5, 40), as_of)
    for _, group in rows.group_by("session"):
        assert group["market_ret_1"].to_list() == pytest.approx([group["ret_1"].mean()] * 5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(25, 88),
    seed=st.integers(0, 1000),
    price=st.floats(0.01, 1e5),
    volume=st.integers(0, 10**12),
    split=st.sampled_from([1.0, 2.0, 0.1]),
    gone=st.booleans(),
)
def test_no_future_row_changes_a_past_feature(market, as_of, *, cut, seed, price, volume, split, gone):
    bars = market(3, 90, seed=seed)
    day = bars["session"].unique().sort()[cut]
    later = pl.col("session") > day
    changed = bars.with_columns(
        *(pl.when(later).then(price).otherwise(pl.col(name)).alias(name) for name in ("open", "high", "low", "close")),
        pl.when(later).then(price).otherwise("adj_close").alias("adj_close"),
        pl.when(later).then(volume).otherwise("volume_shares").alias("volume_shares"),
        pl.when(later).then(split).otherwise("split_ratio").alias("split_ratio"),
    )
    if gone:
        changed = changed.filter(~later | (pl.col("symbol") == "S001"))
    before = features(bars, as_of).filter(~later)
    after = features(changed, as_of).filter(~later)
    assert before.height > 0
    assert_frame_equal(before, after, check_exact=True)


def test_a_later_dividend_leaves_the_features_as_they_were(market, as_of):
    bars = market(2, 60)
    restated = bars.with_columns(pl.col("adj_close") * 0.97)
    assert_frame_equal(features(bars, as_of), features(restated, as_of), abs_tol=1e-9)


def test_a_split_is_no_jump_in_volume(market, as_of):
    bars = market(1, 60)
    day = bars["session"].unique().sort()[50]
    after, on = pl.col("session") >= day, pl.col("session") == day
    split = bars.with_columns(
        pl.when(after).then(pl.col("volume_shares") * 10).otherwise("volume_shares").alias("volume_shares"),
        pl.when(on).then(10.0).otherwise(1.0).alias("split_ratio"),
    )
    assert_frame_equal(features(bars, as_of), features(split, as_of), abs_tol=1e-9)


def test_only_what_was_observed_and_closed_by_then_counts(market):
    bars = market(2, 60)
    newest, before = bars["session"].max(), bars["session"].unique().sort()[-2]
    at_noon = datetime(2026, 11, 20, 17, tzinfo=UTC)
    early = bars.with_columns(pl.lit(at_noon - timedelta(days=1)).alias("observed_at"))
    assert features(early, at_noon)["session"].max() == before
    assert features(early, at_noon + timedelta(hours=5))["session"].max() == newest
    assert features(bars, at_noon).is_empty()


def test_the_target_is_the_next_close_of_the_same_share(bars_of, as_of):
    days = [date(2026, 11, 9), date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 20)]
    closes = [100.0, 102.0, 52.0, 53.0]
    bars = bars_of(
        pl.DataFrame(
            {"symbol": "AAA", "session": days, "close": closes, "split_ratio": [1.0, 1.0, 2.0, 1.0]}
        ).with_columns(
            *(pl.col("close").alias(name) for name in ("open", "high", "low")), pl.lit(1).alias("volume_shares")
        )
    )
    found = targets(bars, as_of)
    assert found["session"].to_list() == days[:2], "nine days on is no next session"
    assert found["target_session"].to_list() == days[1:3]
    assert found["target"].to_list() == pytest.approx([0.02, 104 / 102 - 1])
    adjusted = bars.with_columns(pl.lit("split_adjusted").cast(bars.schema["basis"]).alias("basis"))
    assert targets(adjusted, as_of)["target"].to_list() == pytest.approx([0.02, 52 / 102 - 1])


def test_feature_rows_are_labelled_without_the_last(market, as_of):
    bars = market(3, 40)
    rows = features(bars, as_of)
    pairs = labelled(rows, targets(bars, as_of))
    assert pairs.height == rows.height - 3
    assert (pairs["target_session"] > pairs["session"]).all()


def test_canaries_find_nothing_in_our_features(market, as_of):
    found = leakage_canary(market(10, 251), as_of)
    assert found.problems == ()
    assert found.planted_r2 > 0.5
    assert found.shuffled_r2 < 0.01


@pytest.mark.parametrize(
    "planted",
    [
        pl.col("ret_1").shift(-1).over("symbol"),
        pl.col("ret_1").mean().over("symbol"),
        pl.col("market_ret_1").max(),
    ],
    ids=["next return", "mean of all time", "maximum of all time"],
)
def test_a_planted_feature_that_knows_the_future_is_caught(market, as_of, planted):
    def build(bars: pl.DataFrame, now: datetime) -> pl.DataFrame:
        rows = features(bars, now).sort("symbol", "session").with_columns(planted.alias(PLANTED))
        return rows.sort("session", "symbol")

    bars = market(10, 251)
    assert looking_ahead(bars, as_of, build) == (PLANTED,)
    assert any(PLANTED in problem for problem in leakage_canary(bars, as_of, build=build).problems)


def test_every_feature_is_there_and_finite(market, as_of):
    rows = features(market(4, 100), as_of)
    assert set(FEATURES) < set(rows.columns)
    assert rows.select(pl.all_horizontal(pl.col(FEATURES).is_finite()).all()).item()
