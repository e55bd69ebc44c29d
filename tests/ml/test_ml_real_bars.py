"""Real daily bars give honest figures."""

from __future__ import annotations

import polars as pl
import pytest

from lake.contracts.forecasts import Forecast
from ml.features import FEATURES, features, labelled, targets
from ml.models import metrics
from ml.train import train
from ml.walk_forward import walk_forward

FILES = [
    ("GOOG", "GOOG_2006_2020_yahoo_splitadj.csv"),
    ("AAPL", "stocknet_2012_2017/AAPL.csv"),
    ("GOOG", "stocknet_2012_2017/GOOG.csv"),
]


@pytest.mark.parametrize(("symbol", "name"), FILES, ids=[name for _, name in FILES])
def test_a_real_stock_is_forecast_honestly(downloaded, as_of, symbol, name):
    bars = downloaded(symbol, name)
    walk = walk_forward(labelled(features(bars, as_of), targets(bars, as_of)), FEATURES)
    found = metrics(walk)
    assert -0.05 < found["r2_against_persistence"] < 0.01, "next to nothing is to be had from daily returns"
    assert found["suspected_leak"] == 0
    assert found["rmse_pct_ridge"] == pytest.approx(found["rmse_pct_persistence"], rel=0.03)
    assert 86 < found["coverage_pct"] < 94
    assert 45 < found["direction_pct"] < 58


def test_training_on_real_bars_end_to_end(downloaded, as_of, tmp_path):
    bars = pl.concat([downloaded(*FILES[1]), downloaded(*FILES[2])])
    report = train(
        bars,
        tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        artifact_location=(tmp_path / "artifacts").as_uri(),
        dataset_version=0,
        as_of=as_of,
        run_id="import-1",
    )
    assert report.role == "champion"
    assert report.problems == ()
    Forecast.validate(report.forecasts)
    assert report.forecasts["symbol"].to_list() == ["AAPL", "GOOG"]
    assert str(report.forecasts["target_session"][0]) == "2017-09-05", "Labor Day lies between"
    Forecast.validate(report.walk_forward)
