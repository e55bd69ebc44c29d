"""MLflow: the experiment, the registered model, its champion and its challenger.

Registering a version is the one step that counts: it comes after everything that it refers to is logged, and carries
the key of the training that made it. A training that was cut off before it leaves a run without a version; the next
one makes the version then. One cut off after it is found again by its key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any

import polars as pl

from ml.models import MODEL_NAME

EXPERIMENT = "tidemark-daily"
CHAMPION = "champion"
CHALLENGER = "challenger"
WALK = "walk_forward.json"
PICTURE = "actual_against_predicted.png"
KEY_TAG = "tidemark.training_key"
TOLERANCE = 1.001

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class Training:
    """What is logged of one training.

    Attributes:
        key: identifies it: the same data and the same recipe give the same key.
        name: of the run.
        params, metrics, tags: as MLflow shows them.
        dataset: name → version of the tables it was trained on.
        digest: of the rows it was trained on.
        model: the fitted pipeline.
        columns: features in the order in which the model takes them.
        metadata: what `predict` needs beside the model.
        walk: test rows (session, target, prediction).
        picture: draws actual against predicted.
        sound: whether the leakage canaries found nothing; what is not sound replaces no champion.
    """

    key: str
    name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    dataset: dict[str, int]
    digest: str
    model: Any
    columns: tuple[str, ...]
    metadata: dict[str, Any]
    walk: pl.DataFrame
    picture: Callable[[], Any]
    sound: bool = True


@dataclass(frozen=True)
class Registered:
    """A model version: its number, champion or challenger, the run that logged it, and whether it was there already."""

    version: str
    role: str
    mlflow_run_id: str
    reused: bool


def mlflow_at(tracking_uri: str) -> Any:
    """MLflow, imported and pointed at a tracking server, with its telemetry off."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    return mlflow


def _experiment(client: Any, artifact_location: str | None) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=artifact_location))


def _requirements() -> list[str]:
    """The exact packages that the model needs; given, because finding them out takes MLflow a fresh process."""
    return [f"{name}=={installed(name)}" for name in ("mlflow", "scikit-learn", "numpy", "skops")]


def by_session(walk: pl.DataFrame) -> dict[str, list[float]]:
    """Each test session's squared errors of the model and of persistence, summed: what two versions compare by."""
    sums = walk.group_by("session").agg(
        ((pl.col("target") - pl.col("prediction")) ** 2).sum().alias("model"),
        (pl.col("target") ** 2).sum().alias("persistence"),
    )
    return {day.isoformat(): [model, persistence] for day, model, persistence in sums.sort("session").iter_rows()}


def not_worse(new: dict[str, list[float]], old: dict[str, list[float]]) -> bool:
    """Whether a version errs no more than another over the test sessions they share.

    Errors are taken relative to persistence's on the same rows, as the companies may differ. A tenth of a per cent is
    within what a shift of the refits does, and counts as equal. Without a common session nothing speaks for the old.
    """
    common = new.keys() & old.keys()

    def relative(sums: dict[str, list[float]]) -> float:
        return sum(sums[day][0] for day in common) / max(sum(sums[day][1] for day in common), 1e-300)

    return not common or relative(new) <= relative(old) * TOLERANCE


def _log(mlflow: Any, training: Training, experiment: str) -> tuple[str, str]:
    """Log a training; returns the run's id and the logged model's."""
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name) for name in training.columns]),
        outputs=Schema([ColSpec(DataType.double)]),
    )
    with mlflow.start_run(experiment_id=experiment, run_name=training.name, tags=training.tags) as run:
        mlflow.log_params(training.params)
        mlflow.log_metrics(training.metrics)
        for table, version in training.dataset.items():
            source = DeltaDatasetSource(path=table, delta_table_version=version)
            # MLflow's class leaves an abstract property open on purpose: its own example makes one like this.
            rows = MetaDataset(source, name=table, digest=training.digest[:32])  # type: ignore[abstract]
            mlflow.log_input(rows, context="training")
        mlflow.log_figure(training.picture(), PICTURE)
        mlflow.log_dict(by_session(training.walk), WALK)
        logged = mlflow.sklearn.log_model(
            training.model,
            name="model",
            signature=signature,
            pip_requirements=_requirements(),
            serialization_format="skops",
            metadata=training.metadata,
        )
        return str(run.info.run_id), str(logged.model_id)


def _role(mlflow: Any, client: Any, version: Any, training: Training) -> str:
    """Give a version its alias: champion if there is none or it is not worse, else challenger."""
    from mlflow.exceptions import MlflowException

    aliases = client.get_registered_model(MODEL_NAME).aliases
    if str(aliases.get(CHAMPION)) == str(version.version):
        return CHAMPION
    if CHAMPION in aliases:
        holder = client.get_model_version(MODEL_NAME, str(aliases[CHAMPION]))
        # An older version met again (the same data once more) does not stand for election a second time.
        if int(holder.version) > int(version.version):
            return CHALLENGER
        try:
            old = json.loads(mlflow.artifacts.load_text(f"runs:/{holder.run_id}/{WALK}"))
        except MlflowException as error:
            raise LookupError(f"the champion's test, {WALK} of run {holder.run_id}, cannot be read") from error
        if not training.sound or not not_worse(by_session(training.walk), old):
            client.set_registered_model_alias(MODEL_NAME, CHALLENGER, version.version)
            return CHALLENGER
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, version.version)
    if str(aliases.get(CHALLENGER)) == str(version.version):
        client.delete_registered_model_alias(MODEL_NAME, CHALLENGER)
    return CHAMPION


def register(training: Training, *, tracking_uri: str, artifact_location: str | None = None) -> Registered:
    """Log and register a training, or find the version that the same training made before.

    Args:
        training: what to log.
        tracking_uri: MLflow's address.
        artifact_location: where a new experiment keeps its files; the server's choice by default.

    Raises:
        mlflow.exceptions.MlflowException: where the server cannot be reached or refuses.
    """
    mlflow = mlflow_at(tracking_uri)
    client = mlflow.MlflowClient()
    found = client.search_model_versions(f"name = '{MODEL_NAME}' and tags.`{KEY_TAG}` = '{training.key}'")
    if found:
        version, reused = min(found, key=lambda v: int(v.version)), True
    else:
        run_id, model_id = _log(mlflow, training, _experiment(client, artifact_location))
        tags = {KEY_TAG: training.key, **training.tags}
        if not client.search_registered_models(f"name = '{MODEL_NAME}'"):
            client.create_registered_model(MODEL_NAME, description="Next session's return, pooled over companies.")
        source = f"models:/{model_id}"
        version = client.create_model_version(MODEL_NAME, source, run_id=run_id, tags=tags, model_id=model_id)
        reused = False
    role = _role(mlflow, client, version, training)
    return Registered(str(version.version), role, str(version.run_id), reused)
