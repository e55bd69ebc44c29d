"""The forecasts' steps: train and forecast the next session; score what has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING
from lake.home import Home
from orchestration.steps.common import write_gold
from orchestration.work import Outcome, Work


def tracking_uri(home: Home) -> str:
    """MLflow's address for a home: `MLFLOW_TRACKING_URI` where set, else the home's own server."""
    import os

    return os.environ.get("MLFLOW_TRACKING_URI") or f"http://127.0.0.1:{home.port('mlflow')}"


def gold_forecasts(work: Work) -> Iterator[Outcome]:
    """Train on the bars known by now, forecast the session after the newest, and score every forecast.

    Forecasts made before the fact are kept for ever. Of the walk-forward ones only those of the newest champion stay:
    they describe a model, not a moment.
    """
    from ml.predict import predict
    from ml.train import train

    known = table("gold.bars_daily")
    bars = delta.read(work.home, known)
    known_by = as_of(work, bars)
    uri = tracking_uri(work.home)
    report = train(
        bars,
        tracking_uri=uri,
        artifact_location=None if uri.startswith("http") else work.home.mlflow.as_uri(),
        dataset_version=delta.version(work.home, known) or 0,
        as_of=known_by,
        run_id=work.run_id,
    )
    live = report.forecasts
    if report.role != "champion":
        # The new model stands beside the champion, which forecasts this session too.
        champion = predict(bars, tracking_uri=uri, as_of=known_by, run_id=work.run_id)
        live = pl.concat([live, champion], how="vertical_relaxed")
    before = delta.read(work.home, table("gold.forecasts"))
    rows = merged(before, live, report.walk_forward, champion=report.role == "champion")
    outcome = write_gold(work, "gold.forecasts", rows, EVERYTHING)
    facts: dict[str, int | float | str] = {name: round(value, 6) for name, value in report.metrics.items()}
    facts |= {
        "model_version": report.model_version,
        "role": report.role,
        "mlflow_run_id": report.mlflow_run_id,
        "problems": "; ".join(report.problems) or "none",
        "left_out": len(report.left_out),
    }
    yield Outcome(outcome.table, outcome.written, problem=outcome.problem, facts=facts)
    yield score(work, rows, bars)


def as_of(work: Work, bars: pl.DataFrame) -> datetime:
    """The instant whose knowledge counts: now, or the newest observation where the clock stands before it."""
    newest = bars["observed_at"].max()
    now = work.clock.now()
    return max(now, newest) if isinstance(newest, datetime) else now


def merged(before: pl.DataFrame, live: pl.DataFrame, tested: pl.DataFrame, *, champion: bool) -> pl.DataFrame:
    """The forecasts to keep; the first observation of a live forecast stays as it was."""
    origin = pl.col("origin").cast(pl.String)
    key = list(table("gold.forecasts").key)
    old_live = before.filter(origin == "live")
    old_tested = before.filter(origin == "walk_forward")
    new_live = live.join(old_live.select(key), on=key, how="anti")
    kept = tested if champion else old_tested
    kept_live = pl.concat([old_live, new_live], how="vertical_relaxed")
    kept = kept.join(kept_live.select(key), on=key, how="anti")
    return pl.concat([kept_live, kept], how="vertical_relaxed").sort(key)


def score(work: Work, forecasts: pl.DataFrame, bars: pl.DataFrame) -> Outcome:
    """Every forecast's error where the actual close is known."""
    from ml.scores import scores

    return write_gold(work, "gold.forecast_scores", scores(forecasts, bars), EVERYTHING)
