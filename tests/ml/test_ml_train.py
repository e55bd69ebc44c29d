"""Training, the registry, and forecasts: against an MLflow store in a fresh folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.contracts.forecasts import Forecast, ForecastScore
from ml import registry
from ml.predict import NoModel, predict
from ml.registry import not_worse
from ml.scores import scores
from ml.train import TrainReport, content_digest, train
from ml.walk_forward import NotEnoughHistory

NAME = "tidemark-daily-ridge"


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """MLflow's tables, made once: a new store takes seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    registry.mlflow_at(f"sqlite:///{file}").MlflowClient().search_experiments()
    return file.read_bytes()


@pytest.fixture
def store(empty_store: bytes, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "mlflow.db").write_bytes(empty_store)
    return {
        "tracking_uri": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "artifact_location": (tmp_path / "artifacts").as_uri(),
    }


@pytest.fixture
def trained(store: dict[str, str], as_of: datetime) -> Callable[..., TrainReport]:
    def run(bars: pl.DataFrame, **changed: Any) -> TrainReport:
        settings: dict[str, Any] = {"dataset_version": 7, "as_of": as_of, "run_id": "run-1", **store}
        return train(bars, **{**settings, **changed})

    return run


def client(store: dict[str, str]) -> Any:
    return registry.mlflow_at(store["tracking_uri"]).MlflowClient()


def holder(store: dict[str, str], alias: str) -> str:
    return str(client(store).get_model_version_by_alias(NAME, alias).version)


def test_a_training_is_logged_registered_and_champion(market, trained, store):
    bars = market(12, 251)
    report = trained(bars, dataset_version={"gold.bars_daily": 7})
    assert (report.model_name, report.model_version, report.role, report.reused) == (NAME, "1", "champion", False)
    version = client(store).get_model_version_by_alias(NAME, "champion")
    assert str(version.version) == report.model_version
    assert version.tags["tidemark.training_key"] == report.training_key

    run = client(store).get_run(report.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["companies"] == "12"
    assert run.data.params["last_session"] == "2026-11-20"
    assert float(run.data.params["level"]) == 0.9
    assert run.data.metrics["rmse_pct_ridge"] == pytest.approx(report.metrics["rmse_pct_ridge"])
    assert run.data.metrics["rmse_pct_persistence"] > 0
    assert run.data.tags["tidemark.version.gold.bars_daily"] == "7"
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.name == "gold.bars_daily"
    assert '"delta_table_version": 7' in given.dataset.source
    assert content_digest(bars.sort("symbol", "session")).startswith(given.dataset.digest)
    files = {file.path for file in client(store).list_artifacts(report.mlflow_run_id)}
    assert {"actual_against_predicted.png", "walk_forward.json"} <= files

    mlflow = registry.mlflow_at(store["tracking_uri"])
    uri = f"models:/{NAME}@champion"
    assert mlflow.models.get_model_info(uri).signature.inputs.input_names()[:2] == ["ret_1", "ret_2"]
    requirements = Path(mlflow.artifacts.download_artifacts(f"{uri}/requirements.txt")).read_text()
    assert "scikit-learn==" in requirements
    picture = Path(mlflow.artifacts.download_artifacts(f"runs:/{report.mlflow_run_id}/actual_against_predicted.png"))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_forecasts_keep_their_contract(market, trained):
    bars = market(12, 251)
    report = trained(bars)
    for frame in (report.forecasts, report.walk_forward):
        Forecast.validate(frame)
        assert frame["_run_id"].unique().to_list() == ["run-1"]
        assert (frame["observed_at"] == bars["observed_at"].max()).all()
    live = report.forecasts
    assert live.height == 12
    assert live["target_session"].unique().to_list() == [date(2026, 11, 23)]
    assert live["made_at"].unique().to_list() == [datetime(2026, 11, 20, 21, tzinfo=UTC)]
    assert live["last_close"].to_list() == bars.filter(session=date(2026, 11, 20)).sort("symbol")["close"].to_list()
    expected = live["last_close"] * (1 + live["forecast_return_pct"] / 100)
    assert live["forecast_close"].to_list() == pytest.approx(expected.to_list(), rel=1e-6)
    assert (live["interval_high"] > live["forecast_close"]).all()
    walked = report.walk_forward
    assert walked["origin"].unique().to_list() == ["walk_forward"]
    assert walked["made_at"].n_unique() == 63
    assert walked["target_session"].max() == date(2026, 11, 20)
    assert (walked["made_at"].dt.date() < walked["target_session"]).all()


def test_the_same_data_give_the_same_version_again(market, trained, store):
    bars = market(6, 200)
    first = trained(bars)
    later = bars.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.lit("crawl-2").alias("_run_id"))
    second = trained(later, dataset_version=8, run_id="run-2")
    assert second.reused
    assert (second.model_version, second.role) == ("1", "champion")
    columns = [name for name in Forecast.column_names() if name not in ("observed_at", "_run_id")]
    assert_frame_equal(first.forecasts.select(columns), second.forecasts.select(columns), check_exact=True)
    assert_frame_equal(first.walk_forward.select(columns), second.walk_forward.select(columns), check_exact=True)
    assert len(client(store).search_model_versions(f"name = '{NAME}'")) == 1


def test_cut_off_before_the_version_or_the_alias_it_is_made_the_next_time(market, trained, store, monkeypatch):
    bars = market(6, 200)
    cut_off = RuntimeError("cut off")

    def cut(*_args: object, **_kwargs: object) -> None:
        raise cut_off

    kind = type(client(store))
    for step in ("create_model_version", "set_registered_model_alias"):
        with monkeypatch.context() as patch:
            patch.setattr(kind, step, cut)
            with pytest.raises(RuntimeError, match="cut off"):
                trained(bars)
    report = trained(bars)
    assert (report.model_version, report.role, report.reused) == ("1", "champion", True)


def test_new_data_make_a_new_version_and_a_worse_one_is_challenger(market, trained, store, as_of):
    bars = market(10, 300, momentum=0.3)
    older = trained(bars.filter(pl.col("session") < date(2026, 11, 1)))
    newer = trained(bars)
    assert (older.model_version, older.role) == ("1", "champion")
    assert (newer.model_version, newer.role) == ("2", "champion")
    assert holder(store, "champion") == "2"

    forgetful = bars.with_columns(
        *(pl.col(name).shuffle(seed=5).over("symbol") for name in ("open", "high", "low", "volume_shares")),
        pl.col("close").shuffle(seed=5).over("symbol"),
        pl.col("adj_close").shuffle(seed=5).over("symbol").shift(7, fill_value=50.0).over("symbol"),
    )
    worse = trained(forgetful)
    assert (worse.model_version, worse.role) == ("3", "challenger")
    assert worse.forecasts["role"].unique().to_list() == ["challenger"]
    assert holder(store, "champion") == "2"
    assert holder(store, "challenger") == "3"
    again = trained(bars.filter(pl.col("session") < date(2026, 11, 1)))
    assert (again.model_version, again.role, again.reused) == ("1", "challenger", True)

    champion = predict(bars, tracking_uri=store["tracking_uri"], as_of=as_of, run_id="run-1")
    assert_frame_equal(champion, newer.forecasts)


def test_what_the_canaries_doubt_replaces_no_champion(market, trained, store, monkeypatch):
    bars = market(6, 220)
    trained(bars.filter(pl.col("session") < date(2026, 11, 10)))
    from ml import train as module

    real = module.leakage_canary
    monkeypatch.setattr(module, "leakage_canary", lambda *a, **k: replace(real(*a, **k), looking_ahead=("ret_1",)))
    report = trained(bars)
    assert report.role == "challenger"
    assert report.problems == ("feature ret_1 looks ahead",)
    assert report.metrics["canary_problems"] == 1


def test_not_worse_by_hand():
    old = {"2026-01-05": [1.0, 1.0], "2026-01-06": [2.0, 2.0]}
    assert not_worse({"2026-01-06": [1.9, 2.0], "2026-01-07": [99.0, 1.0]}, old)
    assert not_worse({"2026-01-06": [2.001, 2.0]}, old), "a tenth of a per cent counts as equal"
    assert not not_worse({"2026-01-06": [2.1, 2.0]}, old)
    assert not_worse({"2026-01-06": [21.0, 21.0]}, old), "relative to persistence on the same rows"
    assert not_worse({"2027-01-04": [9.0, 1.0]}, old), "without a common session nothing speaks for the old"


def test_predict_without_a_model_or_without_bars_says_so(market, trained, store, as_of):
    bars = market(3, 200)
    settings = {"tracking_uri": store["tracking_uri"], "as_of": as_of, "run_id": "r"}
    with pytest.raises(NoModel, match="train first"):
        predict(bars, **settings)
    trained(bars)
    with pytest.raises(NoModel, match="challenger"):
        predict(bars, alias="challenger", **settings)
    assert predict(bars.head(5), **settings).is_empty()


def test_companies_without_a_forecast_are_named(market, trained):
    bars = market(6, 200)
    ended = (pl.col("symbol") == "S001") & (pl.col("session") > date(2026, 10, 1))
    young = (pl.col("symbol") == "S002") & (pl.col("session") < date(2026, 11, 1))
    report = trained(bars.filter(~ended, ~young))
    assert report.left_out == ("S001", "S002")
    assert report.forecasts["symbol"].to_list() == ["S000", "S003", "S004", "S005"]


def test_too_little_history_registers_nothing(market, trained, store):
    with pytest.raises(NotEnoughHistory):
        trained(market(3, 60))
    assert client(store).search_registered_models() == []


def test_the_digest_is_of_what_bars_say(market):
    bars = market(2, 30)
    assert content_digest(bars) == content_digest(bars.with_columns(pl.lit("other").alias("_run_id")))
    for column, value in {"close": 1.0, "symbol": "ZZZ", "session": date(2000, 1, 3), "volume_shares": None}.items():
        changed = bars.with_columns(
            pl.when(pl.int_range(pl.len()) == 5)
            .then(pl.lit(value))
            .otherwise(column)
            .cast(bars.schema[column])
            .alias(column)
        )
        assert content_digest(changed) != content_digest(bars), column
    nothing = bars.with_columns(pl.lit(None, dtype=pl.Int64).alias("volume_shares"))
    zero = bars.with_columns(pl.lit(0, dtype=pl.Int64).alias("volume_shares"))
    assert content_digest(nothing) != content_digest(zero)


def test_scores_by_hand(bars_of):
    made = datetime(2026, 11, 18, 21, tzinfo=UTC)
    rows = [
        {"symbol": "AAA", "target_session": date(2026, 11, 19), "last_close": 100.0, "forecast_close": 101.0},
        {"symbol": "BBB", "target_session": date(2026, 11, 19), "last_close": 100.0, "forecast_close": 100.0},
        {"symbol": "AAA", "target_session": date(2026, 11, 23), "last_close": 100.0, "forecast_close": 101.0},
    ]
    forecasts = Forecast.validate(
        pl.DataFrame(rows)
        .with_columns(
            model_name=pl.lit(NAME),
            model_version=pl.lit("1"),
            made_at=pl.lit(made),
            role=pl.lit("champion"),
            origin=pl.lit("live"),
            horizon_sessions=pl.lit(1),
            forecast_return_pct=pl.col("forecast_close") - 100,
            interval_low=pl.col("forecast_close") - 2,
            interval_high=pl.col("forecast_close") + 2,
            interval_level_pct=pl.lit(90.0),
            observed_at=pl.lit(made + timedelta(hours=1)),
            _run_id=pl.lit("run-1"),
            _payload_sha256=pl.lit(None, dtype=pl.String),
        )
        .select(Forecast.column_names()),
        cast=True,
    )
    closes = pl.DataFrame(
        {
            "symbol": ["AAA", "BBB"],
            "session": [date(2026, 11, 19)] * 2,
            "close": [104.0, 49.5],
            "split_ratio": [1.0, 2.0],
            "volume_shares": [1, 1],
        }
    )
    bars = bars_of(closes.with_columns(*(pl.col("close").alias(name) for name in ("open", "high", "low"))))
    found = scores(forecasts, bars)
    ForecastScore.validate(found)
    assert found["symbol"].to_list() == ["AAA", "BBB"]
    assert found["actual_close"].to_list() == [104.0, 99.0]
    assert found["absolute_error"].to_list() == [3.0, 1.0]
    assert found["persistence_absolute_error"].to_list() == [4.0, 1.0]
    assert found["within_interval"].to_list() == [False, True]
    assert found["observed_at"].to_list() == [bars["observed_at"][0]] * 2
    assert found["_run_id"].to_list() == ["crawl-1"] * 2


def test_scores_of_a_walk_agree_with_its_metrics(market, trained):
    bars = market(20, 251)
    report = trained(bars, walk_forward_sessions=500)
    found = scores(report.walk_forward, bars)
    assert found.height == report.walk_forward.height == report.metrics["interval_rows"]
    assert found["within_interval"].mean() * 100 == pytest.approx(report.metrics["coverage_pct"], abs=0.1)


def test_the_suspected_leak_is_said(market, trained):
    report = trained(market(10, 251, momentum=0.3))
    assert report.metrics["suspected_leak"] == 1
    assert any("suspected leak" in problem for problem in report.problems)
    assert report.role == "champion", "a suspicion is for people to look into; the canaries found nothing"
