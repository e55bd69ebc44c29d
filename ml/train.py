"""Train, test, log and register the daily forecast."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

import numpy as np
import polars as pl

from lake.market_calendar import Calendar, xnys
from ml.canary import Canary, leakage_canary
from ml.features import FEATURES, INPUTS, features, known, labelled, targets
from ml.forecasts import Maker, Origin, forecast_rows, latest, predicted, target_session
from ml.models import MODEL_NAME, fit_ridge, metrics
from ml.plot import actual_against_predicted
from ml.registry import Training, register
from ml.walk_forward import Plan, WalkForward, walk_forward

RECIPE = "daily-ridge 2"


@dataclass(frozen=True)
class TrainReport:
    """What a training gave.

    Attributes:
        model_name, model_version, role: as registered; role is champion or challenger.
        reused: whether the same data had made this version before.
        mlflow_run_id: the run that shows it.
        training_key: identifies data and recipe.
        metrics: see `models.metrics`, with the canaries' figures.
        problems: what the leakage canaries found, and a suspected leak, in sentences; empty where nothing is wrong.
        forecasts: contract gold.forecasts, of the next session (origin live).
        walk_forward: contract gold.forecasts, of the newest test sessions (origin walk_forward).
        left_out: companies without a live forecast, because their bars end earlier or are too few.
    """

    model_name: str
    model_version: str
    role: str
    reused: bool
    mlflow_run_id: str
    training_key: str
    metrics: dict[str, float]
    problems: tuple[str, ...]
    forecasts: pl.DataFrame
    walk_forward: pl.DataFrame
    left_out: tuple[str, ...]


def content_digest(bars: pl.DataFrame) -> str:
    """SHA-256 of what bars say, leaving provenance out: a table loaded a second time has the same one."""
    digest = hashlib.sha256()
    for name in INPUTS:
        column = bars[name]
        if column.dtype.is_numeric():
            absent = column.is_null()
            digest.update(column.fill_null(0).cast(pl.Float64).to_numpy().tobytes())
            digest.update(np.packbits(absent.to_numpy()).tobytes())
        elif column.dtype == pl.Date:
            digest.update(column.cast(pl.Int32).to_numpy().tobytes())
        else:
            digest.update("\n".join(column.cast(pl.String)).encode())
    return digest.hexdigest()


def _training(
    bars: pl.DataFrame, rows: pl.DataFrame, walk: WalkForward, plan: Plan, dataset: dict[str, int]
) -> Training:
    """Fit the final model and gather what is logged; metrics and tags come after."""
    digest = content_digest(bars)
    first, last = (bars["session"].cast(pl.String).sort().item(at) for at in (0, -1))
    companies = bars["symbol"].n_unique()
    return Training(
        key=hashlib.sha256(f"{RECIPE} {plan} {FEATURES} {digest}".encode()).hexdigest(),
        name=f"daily ridge to {last}",
        params={
            **{name: str(value) for name, value in asdict(plan).items()},
            "recipe": RECIPE,
            "features": len(FEATURES),
            "strength": walk.strength,
            "interval_quantile": round(walk.quantile, 6),
            "first_session": first,
            "last_session": last,
            "companies": companies,
            "training_rows": rows.height,
        },
        metrics=metrics(walk),
        tags={
            "tidemark.dataset_digest": digest,
            "tidemark.last_session": last,
            **{f"tidemark.version.{table}": str(version) for table, version in dataset.items()},
        },
        dataset=dataset,
        digest=digest,
        model=fit_ridge(rows, FEATURES, walk.strength),
        columns=FEATURES,
        metadata={"features": list(FEATURES), "interval_quantile": walk.quantile, "interval_level": plan.level},
        walk=walk.rows.select("session", "target", "prediction"),
        picture=lambda: actual_against_predicted(walk.rows, f"{MODEL_NAME}: {companies} companies, test to {last}"),
    )


def _judged(training: Training, canary: Canary, run_id: str) -> Training:
    """The training with the canaries' figures among its metrics, and its problems among its tags."""
    found = {
        "canary_shuffled_r2": canary.shuffled_r2,
        "canary_planted_r2": canary.planted_r2,
        "canary_problems": float(len(canary.problems)),
    }
    return replace(
        training,
        metrics=training.metrics | found,
        tags=training.tags
        | {"tidemark.run_id": run_id, "tidemark.canary": "; ".join(canary.problems) or "nothing found"},
        sound=not canary.problems,
    )


def train(  # noqa: PLR0913 - keyword-only, and each is a fact that only the caller knows
    bars: pl.DataFrame,
    *,
    tracking_uri: str,
    dataset_version: dict[str, int] | int,
    as_of: datetime,
    run_id: str,
    next_session: date | Callable[[date], date] | None = None,
    calendar: Calendar | None = None,
    plan: Plan | None = None,
    walk_forward_sessions: int = 63,
    artifact_location: str | None = None,
) -> TrainReport:
    """Train on what was known by an instant, test by walking forward, log and register in MLflow, and forecast.

    The same data and recipe give the same registered version again, whatever version the table has by then: a
    repeated run changes nothing.

    Args:
        bars: rows of contract gold.bars_daily.
        tracking_uri: MLflow's address.
        dataset_version: the Delta version of gold.bars_daily, or versions by table.
        as_of: only what was observed by then counts.
        run_id: goes into the rows' provenance.
        next_session: the session to forecast, or gives it for the last one known; by default the calendar's next.
        calendar: the exchange's; New York's by default.
        plan: how the walk-forward test walks.
        walk_forward_sessions: how many of the newest test sessions become rows.
        artifact_location: where a new experiment keeps its files; the server's choice by default.

    Raises:
        NotEnoughHistory: where no company has enough sessions.
        mlflow.exceptions.MlflowException: where MLflow cannot be reached.
    """
    calendar, plan = calendar or xnys(), plan or Plan()
    dataset = dataset_version if isinstance(dataset_version, dict) else {"gold.bars_daily": dataset_version}
    bars = known(bars, as_of, calendar)
    rows = features(bars, as_of, calendar)
    pairs = labelled(rows, targets(bars, as_of, calendar))
    walk = walk_forward(pairs, FEATURES, plan)
    training = _training(bars, pairs, walk, plan, dataset)
    canary = leakage_canary(bars, as_of, plan=plan, calendar=calendar)
    training = _judged(training, canary, run_id)
    registered = register(training, tracking_uri=tracking_uri, artifact_location=artifact_location)

    upcoming = latest(rows, target_session(next_session, rows["session"].to_list()[-1], calendar))
    live = predicted(upcoming, training.model, training.metadata)
    tested = walk.rows.filter(pl.col("quantile").is_not_null())
    sessions = tested["session"].unique().sort().tail(walk_forward_sessions)

    maker = Maker(MODEL_NAME, registered.version, registered.role, plan.level, run_id)

    def contract(frame: pl.DataFrame, origin: Origin) -> pl.DataFrame:
        return forecast_rows(frame, maker, origin, calendar)

    leak = ("R² on daily returns above 1 %: a suspected leak",) if training.metrics["suspected_leak"] else ()
    return TrainReport(
        model_name=MODEL_NAME,
        model_version=registered.version,
        role=registered.role,
        reused=registered.reused,
        mlflow_run_id=registered.mlflow_run_id,
        training_key=training.key,
        metrics=training.metrics,
        problems=(*canary.problems, *leak),
        forecasts=contract(live, "live"),
        walk_forward=contract(tested.filter(pl.col("session").is_in(sessions.implode())), "walk_forward"),
        left_out=tuple(sorted(set(bars["symbol"]) - set(live["symbol"]))),
    )
