"""The walk knows only what had come, solves what scikit-learn solves, and its intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ml.features import FEATURES, features, labelled, targets
from ml.models import advantage_t, fit_ridge, metrics, suspected_leak
from ml.walk_forward import Moments, NotEnoughHistory, Plan, WalkForward, conformal_quantile, walk_forward


@pytest.fixture
def pairs(market, as_of):
    def make(companies: int, sessions: int, **kwargs: float) -> pl.DataFrame:
        bars = market(companies, sessions, **kwargs)
        return labelled(features(bars, as_of), targets(bars, as_of))

    return make


@pytest.mark.parametrize("strength", [0.001, 1.0, 100.0])
def test_running_sums_give_scikit_learns_ridge(pairs, strength):
    rows = pairs(8, 120)
    x, y = rows.select(FEATURES).to_numpy(), rows["target"].to_numpy()
    moments = Moments.of(x, y, rows["target_session"].cast(pl.Int32).to_numpy().astype(np.int64))
    weights = moments.solve(len(moments.days), strength)
    theirs = fit_ridge(rows, FEATURES, strength).predict(x)
    assert weights[0] + x @ weights[1:] == pytest.approx(theirs, abs=1e-9)
    errors = (
        rows.select("target_session", pl.Series("squared", (y - theirs) ** 2))
        .group_by("target_session")
        .agg(pl.col("squared").sum())
    )
    by_day = errors.sort("target_session")["squared"].to_list()
    assert moments.squared_errors(weights, 0, len(moments.days)).tolist() == pytest.approx(by_day, rel=1e-6, abs=1e-12)


def test_the_strongest_ridge_that_is_as_good_is_chosen(pairs):
    plan = Plan()

    def chosen(rows: pl.DataFrame) -> float:
        known = rows["target_session"].cast(pl.Int32).to_numpy().astype(np.int64)
        moments = Moments.of(rows.select(FEATURES).to_numpy(), rows["target"].to_numpy(), known)
        return moments.strength(len(moments.days), plan)

    assert chosen(pairs(20, 251)) == max(plan.strengths), "there is nothing to fit"
    assert chosen(pairs(20, 251, momentum=0.5)) < 1, "there is"


def test_a_constant_column_gets_no_weight(pairs):
    rows = pairs(3, 80).with_columns(pl.lit(0.3).alias("constant"))
    x, y = rows.select(*FEATURES, "constant").to_numpy(), rows["target"].to_numpy()
    moments = Moments.of(x, y, np.arange(len(y)))
    assert moments.solve(len(y), 0.1)[-1] == 0


def test_predictions_rest_on_targets_that_had_come(pairs):
    rows = pairs(4, 251)
    plan = Plan()
    whole = walk_forward(rows, FEATURES, plan)
    sessions = whole.rows["session"].unique().sort()
    block_start = sessions[2 * plan.refit_every]
    later = pl.col("target_session") > block_start
    noise = np.random.default_rng(3).normal(0, 0.2, rows.height)
    changed = rows.with_columns(pl.when(later).then(pl.Series(noise)).otherwise("target").alias("target"))
    again = walk_forward(changed, FEATURES, plan)
    upto = pl.col("session") < sessions[3 * plan.refit_every]
    columns = ["symbol", "session", "prediction", "mean", "quantile"]
    assert_frame_equal(whole.rows.filter(upto).select(columns), again.rows.filter(upto).select(columns))
    after = ~upto
    assert not whole.rows.filter(after)["prediction"].equals(again.rows.filter(after)["prediction"])


def test_a_planted_effect_is_found_and_flagged_and_noise_is_not(pairs):
    with_momentum = metrics(walk_forward(pairs(20, 251, momentum=0.3), FEATURES))
    without = metrics(walk_forward(pairs(20, 251), FEATURES))
    assert with_momentum["r2_against_persistence"] > 0.03
    assert with_momentum["advantage_t"] > 3
    assert with_momentum["direction_pct"] > 55
    assert with_momentum["rmse_pct_ridge"] < with_momentum["rmse_pct_persistence"]
    assert with_momentum["suspected_leak"] == 1
    assert without["r2_against_persistence"] < 0.01
    assert abs(without["advantage_t"]) < 3
    assert without["suspected_leak"] == 0


def test_intervals_hold_nine_of_ten(pairs):
    found = metrics(walk_forward(pairs(60, 251), FEATURES))
    assert 87 < found["coverage_pct"] < 93
    assert found["interval_rows"] < found["test_rows"], "the first errors only calibrate"


def test_one_company_with_500_rows_is_enough(pairs):
    walk = walk_forward(pairs(1, 500), FEATURES)
    assert walk.rows.height > 200
    assert 80 < metrics(walk)["coverage_pct"] < 97


def test_too_little_history_says_how_much_it_takes(pairs):
    plan = Plan()
    with pytest.raises(NotEnoughHistory, match=f"59 sessions .* takes {plan.least_sessions}"):
        walk_forward(pairs(2, 80), FEATURES, plan)
    walk_forward(pairs(2, plan.least_sessions + 21), FEATURES, plan)


def test_conformal_quantile_by_hand():
    errors = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    assert conformal_quantile(errors, 0.5) == 3.0  # rank ⌈6 × 0.5⌉ = 3
    assert conformal_quantile(errors, 0.9) == 5.0  # rank ⌈5.4⌉ = 6, beyond: the largest
    assert conformal_quantile(np.arange(1.0, 100.0), 0.9) == 90.0


def test_metrics_by_hand():
    rows = pl.DataFrame(
        {
            "session": [1, 1, 2],
            "target": [0.02, -0.01, 0.0],
            "prediction": [0.01, 0.01, 0.0],
            "mean": [0.0, 0.0, 0.0],
            "scale": [0.01, 0.01, 0.01],
            "quantile": [None, 1.5, 1.5],
        }
    )
    found = metrics(WalkForward(rows, 1.0, (1.0,), 1.5))
    assert found["rmse_pct_ridge"] == pytest.approx(100 * ((0.0001 + 0.0004) / 3) ** 0.5)
    assert found["mae_pct_ridge"] == pytest.approx(1.0)
    assert found["mae_pct_persistence"] == pytest.approx(1.0)
    assert found["r2_against_persistence"] == pytest.approx(1 - 0.0005 / 0.0005)
    assert found["direction_pct"] == 50
    assert found["always_up_pct"] == 50
    assert found["coverage_pct"] == 50
    assert found["interval_width_pct"] == pytest.approx(3.0)
    assert found["skill_mae"] == pytest.approx(0.0)
    # gains by session: ((4 − 1) + (1 − 4)) / 2 × 1e-4 = 0 and 0: no spread, nothing to be sure of
    assert advantage_t(rows) == 0
    assert suspected_leak(0.0101)
    assert not suspected_leak(0.0099)
