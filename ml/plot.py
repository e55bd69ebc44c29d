"""The picture that goes with a training run."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl


def actual_against_predicted(rows: pl.DataFrame, title: str) -> Any:
    """Draw actual against predicted returns, every test row and by tenth of the prediction.

    Args:
        rows: symbol, target and prediction (fractions) of the walk-forward test.
        title: what the figure says above.

    Returns:
        A matplotlib figure, drawn without a display.
    """
    from matplotlib.figure import Figure

    predicted, actual = (rows[name].to_numpy() * 100 for name in ("prediction", "target"))
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    cloud, tenths = figure.subplots(1, 2)
    cloud.plot(predicted, actual, ".", markersize=2, alpha=0.3, color="#1f4e79", rasterized=True)
    cloud.axhline(0, color="grey", linewidth=0.5)
    cloud.set(xlabel="predicted daily return, %", ylabel="actual daily return, %", title="every company and session")
    reach = float(np.quantile(np.abs(actual), 0.995)) or 1.0
    cloud.set_ylim(-reach, reach)

    groups = np.array_split(np.argsort(predicted, kind="stable"), 10)
    centres = [float(predicted[g].mean()) for g in groups if len(g)]
    means = [float(actual[g].mean()) for g in groups if len(g)]
    ends = [min(centres), max(centres)]
    tenths.plot(ends, ends, "--", color="grey", linewidth=1, label="what a calibrated forecast gives")
    tenths.plot(centres, means, "o-", color="#b3541e", label="mean of each tenth")
    tenths.set(xlabel="predicted daily return, %", ylabel="mean actual daily return, %", title="by tenth of prediction")
    tenths.legend()
    figure.suptitle(title)
    return figure
