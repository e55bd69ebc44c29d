"""Leakage canaries: does any feature know the future, and would the test notice if one did?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from lake.market_calendar import Calendar
from ml.features import features, labelled, targets
from ml.models import metrics, suspected_leak
from ml.walk_forward import Plan, walk_forward

Build = Callable[[pl.DataFrame, datetime], pl.DataFrame]

_KEYS = ("symbol", "session")
_NOT_FEATURES = ("close", "scale", "known_at")
_PLANTED = "_planted_next_return"


@dataclass(frozen=True)
class Canary:
    """What the canaries found.

    Attributes:
        looking_ahead: features whose past values change with later bars.
        shuffled_r2, shuffled_t: out-of-sample R² and its t-statistic with the targets shuffled over all rows: there is
            nothing to find, so R² above 1 % at t > 3 means that the test itself leaks.
        planted_r2: R² with the next return planted among the features; the alarm has to go off.
    """

    looking_ahead: tuple[str, ...]
    shuffled_r2: float
    shuffled_t: float
    planted_r2: float

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in sentences; empty where nothing is."""
        found = [f"feature {name} looks ahead" for name in self.looking_ahead]
        if suspected_leak(self.shuffled_r2) and self.shuffled_t > 3:
            found.append(f"shuffled targets are forecast with R² {self.shuffled_r2:.4f}: the test leaks")
        if not suspected_leak(self.planted_r2):
            found.append(f"a planted future return gives R² {self.planted_r2:.4f}: the alarm does not go off")
        return tuple(found)


def looking_ahead(
    bars: pl.DataFrame, as_of: datetime, build: Build, cuts: int = 3, companies: int = 100
) -> tuple[str, ...]:
    """Features that change, at some sessions, when the bars after them are taken away or made up.

    Args:
        bars: rows of contract gold.bars_daily.
        as_of: handed to `build`.
        build: gives feature rows with symbol and session, as `features.features` does.
        cuts: how many sessions to look at, spread over the history.
        companies: how many companies to look at; a feature that looks ahead does so for any of them.
    """
    symbols = bars["symbol"].unique().sort()
    bars = bars.filter(pl.col("symbol").is_in(symbols.gather_every(max(1, len(symbols) // companies)).implode()))
    whole = build(bars, as_of)
    names = [name for name in whole.columns if name not in (*_KEYS, *_NOT_FEATURES)]
    sessions: list[date] = whole["session"].unique().sort().to_list()
    picks = [sessions[len(sessions) * (n + 1) // (cuts + 1)] for n in range(cuts)]
    guilty: set[str] = set()
    for cut in picks:
        now = whole.filter(pl.col("session") == cut)
        for other in (bars.filter(pl.col("session") <= cut), _made_up_after(bars, cut)):
            again = build(other, as_of).filter(pl.col("session") == cut)
            both = now.join(again, on=_KEYS, how="full", suffix="_again")
            differs = both.select(_differs(name).any() for name in names)
            guilty.update(name for name in names if differs.item(0, name))
    return tuple(name for name in names if name in guilty)


def _differs(name: str) -> pl.Expr:
    """Whether a column and its second reading differ, or one of them is empty."""
    one, other = pl.col(name), pl.col(f"{name}_again")
    return ((one - other).abs() > 1e-9).fill_null(one.is_null() != other.is_null())


def _made_up_after(bars: pl.DataFrame, cut: date) -> pl.DataFrame:
    """The bars with prices halved or doubled and volumes tripled at random after a session."""
    factor = pl.Series(np.random.default_rng(0).choice([0.5, 1.0, 2.0], bars.height))
    later = pl.col("session") > cut
    prices = ("open", "high", "low", "close", "adj_close")
    return bars.with_columns(
        *(pl.when(later).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name) for name in prices),
        pl.when(later).then(pl.col("volume_shares") * 3).otherwise(pl.col("volume_shares")).alias("volume_shares"),
    )


def leakage_canary(  # noqa: PLR0913 - the last four have defaults, and tests vary each alone
    bars: pl.DataFrame,
    as_of: datetime,
    *,
    build: Build | None = None,
    plan: Plan | None = None,
    calendar: Calendar | None = None,
    seed: int = 7,
) -> Canary:
    """Try to catch a leak in the features, in the walk-forward test, and in the alarm.

    Args:
        bars: rows of contract gold.bars_daily.
        as_of: only what was observed by then counts.
        build: the features to test; ours by default.
        plan: how to walk.
        calendar: the exchange's calendar; New York's by default.
        seed: of the shuffle.

    Raises:
        NotEnoughHistory: where there is too little to test on.
    """

    def ours(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
        return features(frame, now, calendar)

    build = build or ours
    rows = labelled(build(bars, as_of), targets(bars, as_of, calendar))
    skipped = (*_KEYS, *_NOT_FEATURES, "target", "target_session")
    columns = tuple(name for name in rows.columns if name not in skipped)
    order = np.random.default_rng(seed).permutation(rows.height)
    shuffled = metrics(walk_forward(rows.with_columns(rows["target"].gather(order)), columns, plan))
    planted = rows.with_columns(pl.col("target").alias(_PLANTED))
    return Canary(
        looking_ahead=looking_ahead(bars, as_of, build),
        shuffled_r2=shuffled["r2_against_persistence"],
        shuffled_t=shuffled["advantage_t"],
        planted_r2=metrics(walk_forward(planted, (*columns, _PLANTED), plan))["r2_against_persistence"],
    )
