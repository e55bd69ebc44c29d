"""The model that is registered, its baselines, and the figures it is judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.walk_forward import FIT_CLIP, Floats, WalkForward

Flags = npt.NDArray[np.bool_]

MODEL_NAME = "tidemark-daily-ridge"
LEAK_R2 = 0.01


def fit_ridge(rows: pl.DataFrame, columns: tuple[str, ...], strength: float) -> Any:
    """Fit the ridge on every labelled row.

    Args:
        rows: labelled feature rows.
        columns: the features, in the order in which the model takes them.
        strength: penalty per row, on standardised features.

    Returns:
        A scikit-learn pipeline (scaler, ridge) that takes an array (n, p) and gives fractions (n,).
    """
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), Ridge(alpha=strength * rows.height))
    x = rows.select(columns).to_numpy().astype(np.float64)
    return model.fit(x, np.clip(rows["target"].to_numpy(), -FIT_CLIP, FIT_CLIP))


def _errors(name: str, errors: Floats) -> dict[str, float]:
    return {
        f"rmse_pct_{name}": float(np.sqrt(np.mean(errors**2)) * 100),
        f"mae_pct_{name}": float(np.mean(np.abs(errors)) * 100),
    }


def _share(hits: Flags, of: Flags) -> float:
    """Percent; 50 where there is nothing to count."""
    return float(100 * hits.sum() / of.sum()) if of.sum() else 50.0


def advantage_t(rows: pl.DataFrame) -> float:
    """How sure it is that the model beats persistence: a t-statistic over sessions.

    Companies of one session move together, so a session's mean difference of squared errors counts once (Diebold and
    Mariano's test, clustered by session). Above 2 is worth a second look, below −2 says worse.
    """
    squared = pl.col("target") ** 2 - (pl.col("target") - pl.col("prediction")) ** 2
    gains = rows.group_by("session").agg(squared.mean().alias("gain"))["gain"].to_numpy()
    spread = float(np.std(gains, ddof=1)) if len(gains) > 1 else 0.0
    return float(np.mean(gains) / (spread / np.sqrt(len(gains)))) if spread > 0 else 0.0


def metrics(walk: WalkForward) -> dict[str, float]:
    """How the ridge did out of sample, beside persistence (no change) and the training mean.

    Returns:
        rmse_pct_* and mae_pct_* (percentage points of daily return) for ridge, persistence and mean;
        r2_against_persistence and r2_against_mean (fractions: 1 − squared error over the baseline's);
        skill_mae (1 − error over persistence's); direction_pct and always_up_pct (shares of moves whose sign was
        right); coverage_pct (the nominal one is a parameter, level); interval_width_pct (median, percent of the
        close); advantage_t; suspected_leak (1 where R² is above 1 %, which daily returns do not give honestly);
        test_rows, test_sessions, interval_rows.
    """
    rows = walk.rows
    target, prediction, mean = (rows[name].to_numpy() for name in ("target", "prediction", "mean"))
    found = {
        **_errors("ridge", target - prediction),
        **_errors("persistence", target),
        **_errors("mean", target - mean),
    }
    r2 = 1 - float(np.sum((target - prediction) ** 2) / np.sum(target**2)) if np.any(target) else 0.0
    moved = target != 0
    with_interval = rows.filter(pl.col("quantile").is_not_null())
    reach = with_interval["quantile"] * with_interval["scale"]
    inside = (with_interval["target"] - with_interval["prediction"]).abs() <= reach
    found |= {
        "r2_against_persistence": r2,
        "r2_against_mean": 1 - found["rmse_pct_ridge"] ** 2 / max(found["rmse_pct_mean"] ** 2, 1e-12),
        "skill_mae": 1 - found["mae_pct_ridge"] / max(found["mae_pct_persistence"], 1e-12),
        "direction_pct": _share((np.sign(target) == np.sign(prediction)) & moved, moved),
        "always_up_pct": _share(target > 0, moved),
        "coverage_pct": float(inside.to_numpy().mean() * 100),
        "interval_width_pct": float(np.median(2 * reach.to_numpy()) * 100),
        "advantage_t": advantage_t(rows),
        "suspected_leak": float(suspected_leak(r2)),
        "test_rows": float(rows.height),
        "test_sessions": float(rows["session"].n_unique()),
        "interval_rows": float(with_interval.height),
    }
    return found


def suspected_leak(r2: float) -> bool:
    """Whether an R² on daily returns is too good to be honest: above 1 %."""
    return r2 > LEAK_R2
