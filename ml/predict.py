"""Forecasts by the model that is champion now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from lake.contracts.forecasts import Forecast
from lake.market_calendar import Calendar, xnys
from ml.features import features
from ml.forecasts import Maker, forecast_rows, latest, predicted, target_session
from ml.models import MODEL_NAME
from ml.registry import CHAMPION, mlflow_at


class NoModel(LookupError):
    """No registered model has the alias asked for."""


def predict(  # noqa: PLR0913 - keyword-only, and each is a fact that only the caller knows
    bars: pl.DataFrame,
    *,
    tracking_uri: str,
    as_of: datetime,
    run_id: str,
    next_session: date | Callable[[date], date] | None = None,
    calendar: Calendar | None = None,
    alias: str = CHAMPION,
) -> pl.DataFrame:
    """Forecast the session after the newest one that was known by an instant.

    Args:
        bars: rows of contract gold.bars_daily; 61 bars a company are enough.
        tracking_uri: MLflow's address.
        as_of: only what was observed by then counts.
        run_id: goes into the rows' provenance.
        next_session: as in `train.train`.
        calendar: the exchange's; New York's by default.
        alias: champion or challenger.

    Returns:
        Contract gold.forecasts, origin live; empty where no company has enough bars.

    Raises:
        NoModel: where nothing is registered under the alias.
        mlflow.exceptions.MlflowException: where MLflow cannot be reached.
    """
    calendar = calendar or xnys()
    mlflow = mlflow_at(tracking_uri)
    client = mlflow.MlflowClient()
    models = client.search_registered_models(f"name = '{MODEL_NAME}'")
    if not models or alias not in models[0].aliases:
        raise NoModel(f"{MODEL_NAME} has no {alias}: train first")
    version = str(models[0].aliases[alias])
    uri = f"models:/{MODEL_NAME}@{alias}"
    model, metadata = mlflow.sklearn.load_model(uri), mlflow.models.get_model_info(uri).metadata
    rows = features(bars, as_of, calendar)
    last = rows["session"].max()
    if not isinstance(last, date):
        return Forecast.create_empty()
    target = target_session(next_session, last, calendar)
    maker = Maker(MODEL_NAME, version, alias, float(metadata["interval_level"]), run_id)
    return forecast_rows(predicted(latest(rows, target), model, metadata), maker, "live", calendar)
