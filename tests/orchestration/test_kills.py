"""A tick that is killed where one step's work is on disk and the next one's is not, and then is run again.

Each such place has a tick of its own: the run that follows the kill takes that tick again, and then the next.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.kills import content_of, ticks_at_work
from tests.sessions import first_ticks

BOUNDARIES = (
    "bronze.yahoo_quotes",
    "bronze.unanswered",
    "silver.quotes",
    "gold.quotes",
    "gold.sectors",
    "gold.coverage",
    "gold.quarantine",
    "gold.loads",
    "staged",
    "dbt",
    "marts",
)
TAKEN = first_ticks(len(BOUNDARIES) + 1)


@pytest.fixture
def undisturbed(tmp_path: Path) -> Iterator[dict[str, pl.DataFrame]]:
    """Gold and marts of a home whose ticks were all taken in one go."""
    with ticks_at_work(tmp_path / "undisturbed") as home:
        home.take(*TAKEN)
        yield content_of(home)


def test_killed_at_each_boundary_of_a_tick_the_next_run_completes_it(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    with ticks_at_work(tmp_path / "killed") as home:
        home.take(TAKEN[0])
        left: list[Any] = []
        for boundary, tick in zip(BOUNDARIES, TAKEN[1:], strict=True):
            ended = home.start(*left, tick, kill_after=boundary)
            out, _ = ended.communicate(timeout=300)
            assert ended.returncode == -signal.SIGKILL, f"not killed after {boundary}:\n{out}"
            assert out.count("taken") == len(left), out
            left = [tick]
        home.take(*left)
        found = content_of(home)
    assert found.keys() == undisturbed.keys()
    for name, expected in undisturbed.items():
        assert found[name].equals(expected), name
    assert found["gold.quotes"]["tick"].n_unique() == found["mart.quotes"]["tick"].n_unique() == len(TAKEN)
