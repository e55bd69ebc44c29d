"""Walk-forward: how a ridge would have forecast the past, refitted every 21 sessions on what was known by then.

Fitting needs only sums over rows, and sums over an expanding window are running sums: so each session's rows are added
up once, and every refit, for every strength of the ridge, solves a small system. The training window at a session's
close holds the rows whose target had come by that close; the strength is chosen on the window's newest fifth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIT_CLIP = 0.25


class NotEnoughHistory(ValueError):
    """Too few sessions to train on one part and test on the rest."""


@dataclass(frozen=True)
class Plan:
    """How the test walks.

    Attributes:
        refit_every: sessions between two fits.
        first_window: least and most sessions in the first training window; it takes half of what there is.
        calibration: sessions of out-of-sample errors before the first interval.
        remember: sessions of out-of-sample errors that an interval rests on.
        level: nominal coverage of the interval.
        strengths: the ridge's penalties to choose from, per training row and on standardised features.
        validation: the newest part of the training window that the strength is chosen on.
    """

    refit_every: int = 21
    first_window: tuple[int, int] = (60, 504)
    calibration: int = 21
    remember: int = 252
    level: float = 0.90
    strengths: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
    validation: float = 0.2

    @property
    def least_sessions(self) -> int:
        """The fewest sessions with a target that this walk needs."""
        return self.first_window[0] + self.calibration + self.refit_every


@dataclass(frozen=True)
class Moments:
    """Running sums over rows by the session at which their target was known.

    Attributes:
        days: those sessions, ascending, as days since 1970.
        cross: running sums of the outer product of [1, features], shape (days + 1, p + 1, p + 1).
        with_target: running sums of [1, features] × target, shape (days + 1, p + 1).
        squares: running sums of target², shape (days + 1,).
    """

    days: Ints
    cross: Floats
    with_target: Floats
    squares: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, day: Ints) -> Moments:
        """Add up rows: features (n, p), targets (n,) clipped to ±25 % for the fit, and the day each was known."""
        order = np.argsort(day, kind="stable")
        ones = np.column_stack([np.ones(len(x)), x])[order]
        clipped = np.clip(y, -FIT_CLIP, FIT_CLIP)[order]
        days, starts = np.unique(day[order], return_index=True)
        width = ones.shape[1]
        cross = np.zeros((len(days) + 1, width, width))
        with_target = np.zeros((len(days) + 1, width))
        squares = np.zeros(len(days) + 1)
        for i, (start, end) in enumerate(zip(starts, [*starts[1:], len(ones)], strict=True)):
            rows, values = ones[start:end], clipped[start:end]
            cross[i + 1] = cross[i] + rows.T @ rows
            with_target[i + 1] = with_target[i] + rows.T @ values
            squares[i + 1] = squares[i] + values @ values
        return cls(days, cross, with_target, squares)

    def until(self, day: int) -> int:
        """How many of the days had come by a day: the index of the running sums then."""
        return int(np.searchsorted(self.days, day, side="right"))

    def solve(self, end: int, strength: float) -> Floats:
        """Intercept and coefficients (p + 1,) of the ridge over the first `end` days.

        The same as scikit-learn's Ridge with alpha = strength × rows on features standardised over those rows.
        """
        rows = self.cross[end, 0, 0]
        mean = self.cross[end, 0, 1:] / rows
        covariance = self.cross[end, 1:, 1:] / rows - np.outer(mean, mean)
        variance = np.diagonal(covariance)
        # A constant column has only rounding for a variance: it gets no coefficient, as in scikit-learn's scaler.
        moves = variance > 1e-12 * np.maximum(mean**2, 1e-12)
        sd = np.where(moves, np.sqrt(np.where(moves, variance, 1.0)), 1.0)
        target_mean = self.with_target[end, 0] / rows
        relation = np.where(moves, (self.with_target[end, 1:] / rows - mean * target_mean) / sd, 0.0)
        correlation = np.where(np.outer(moves, moves), covariance / np.outer(sd, sd), 0.0)
        slopes = np.linalg.solve(correlation + strength * np.eye(len(sd)), relation) / sd
        return np.concatenate([[target_mean - slopes @ mean], slopes])

    def squared_errors(self, weights: Floats, start: int, end: int) -> Floats:
        """Sums of squared errors of a solution on each day from `start` to before `end`."""
        cross = np.diff(self.cross[start : end + 1], axis=0)
        relation = np.diff(self.with_target[start : end + 1], axis=0)
        squares = np.diff(self.squares[start : end + 1])
        found: Floats = squares - 2 * relation @ weights + np.einsum("i,dij,j->d", weights, cross, weights)
        return found

    def strength(self, end: int, plan: Plan) -> float:
        """The strength for the first `end` days, judged on their newest part after a fit on the rest.

        The strongest one that errs no more than a standard error above the best: companies of a session move
        together, so that the days are few and the best by itself is largely luck.
        """
        cut = max(1, int(end * (1 - plan.validation)))
        errors = [self.squared_errors(self.solve(cut, s), cut, end) for s in plan.strengths]
        best = min(errors, key=np.sum)
        chosen = max(range(len(errors)), key=lambda i: (_as_good(errors[i], best), plan.strengths[i]))
        return plan.strengths[chosen]


def _as_good(errors: Floats, best: Floats) -> bool:
    """Whether errors by day are within a standard error of the best ones, day by day compared."""
    excess = errors - best
    spread = float(np.std(excess, ddof=1)) if len(excess) > 1 else 0.0
    return bool(np.mean(excess) <= spread / np.sqrt(len(excess)))


@dataclass(frozen=True)
class WalkForward:
    """What the walk found.

    Attributes:
        rows: one row a company and test session: symbol, session, target_session, close, known_at, scale, target,
            prediction, mean (the training mean, the second baseline) and quantile (what the scale is multiplied by on
            either side; empty while there are too few errors to calibrate on).
        strength: chosen over the whole history, for the final fit.
        strengths: chosen at each refit.
        quantile: for the next session.
    """

    rows: pl.DataFrame
    strength: float
    strengths: tuple[float, ...]
    quantile: float


def conformal_quantile(errors: Floats, level: float) -> float:
    """The split-conformal quantile of absolute errors: the ⌈(n + 1) × level⌉-th smallest, the largest if beyond."""
    rank = min(len(errors), int(np.ceil((len(errors) + 1) * level)))
    return float(np.partition(errors, rank - 1)[rank - 1])


def _days(column: pl.Series) -> Ints:
    values: Ints = column.cast(pl.Int32).to_numpy().astype(np.int64)
    return values


@dataclass(frozen=True)
class _Sample:
    """Labelled rows as arrays: features (n, p), targets, scales, the day of each row and of its target."""

    x: Floats
    y: Floats
    scale: Floats
    day: Ints
    known: Ints


def _walk(moments: Moments, sample: _Sample, plan: Plan) -> dict[str, Any]:
    """Predict each block of sessions from what was known at the close of its first; see `WalkForward`."""
    x, y, scale, day, known = sample.x, sample.y, sample.scale, sample.day, sample.known
    sessions, starts = np.unique(day, return_index=True)
    least, most = plan.first_window
    begin = min(max(len(sessions) // 2, least), most)
    prediction, mean, quantile = (np.full(len(y), np.nan) for _ in range(3))
    chosen: list[float] = []
    error = np.full(len(y), np.nan)

    def calibrated(now: int, upto: int) -> float:
        first = starts[max(begin, upto - plan.remember)]
        last = starts[upto] if upto < len(starts) else len(y)
        past = error[first:last][known[first:last] <= now]
        return conformal_quantile(past, plan.level)

    for at in range(begin, len(sessions), plan.refit_every):
        end = moments.until(int(sessions[at]))
        chosen.append(moments.strength(end, plan))
        weights = moments.solve(end, chosen[-1])
        until = at + plan.refit_every
        block = slice(starts[at], starts[until] if until < len(starts) else len(y))
        prediction[block] = weights[0] + x[block] @ weights[1:]
        mean[block] = moments.with_target[end, 0] / moments.cross[end, 0, 0]
        error[block] = np.abs(y[block] - prediction[block]) / scale[block]
        if at - begin >= plan.calibration:
            quantile[block] = calibrated(int(sessions[at]), at)
    final = calibrated(int(known.max()), len(sessions))
    return {"prediction": prediction, "mean": mean, "quantile": quantile, "strengths": chosen, "final": final}


def walk_forward(rows: pl.DataFrame, columns: tuple[str, ...], plan: Plan | None = None) -> WalkForward:
    """Walk over labelled feature rows (see `features.labelled`), pooled over companies.

    Args:
        rows: sorted by session and symbol, with the columns named, target, target_session, scale, close, known_at.
        columns: the features to use.
        plan: how to walk.

    Raises:
        NotEnoughHistory: saying how many sessions there are and how many it takes.
    """
    plan = plan or Plan()
    sessions = rows["session"].n_unique()
    if sessions < plan.least_sessions:
        raise NotEnoughHistory(
            f"{sessions} sessions have features and a known next close; a walk-forward test takes {plan.least_sessions}"
        )
    x = rows.select(columns).to_numpy().astype(np.float64)
    y = rows["target"].to_numpy().astype(np.float64)
    known = _days(rows["target_session"])
    moments = Moments.of(x, y, known)
    walked = _walk(moments, _Sample(x, y, rows["scale"].to_numpy(), _days(rows["session"]), known), plan)
    kept = rows.select("symbol", "session", "target_session", "close", "known_at", "scale", "target").with_columns(
        *(pl.Series(name, walked[name]).fill_nan(None) for name in ("prediction", "mean", "quantile"))
    )
    return WalkForward(
        rows=kept.filter(pl.col("prediction").is_not_null()),
        strength=moments.strength(len(moments.days), plan),
        strengths=tuple(walked["strengths"]),
        quantile=walked["final"],
    )
