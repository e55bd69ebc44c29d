"""A tick whose run is killed where one step's work is on disk and the next one's is not, at each such place in turn."""

from __future__ import annotations

import signal
from pathlib import Path

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


def test_killed_at_each_boundary_of_a_tick_the_last_run_completes_it(tmp_path: Path) -> None:
    before, tick, after = first_ticks(3)
    with ticks_at_work(tmp_path / "killed") as home:
        home.take(before)
        for boundary in BOUNDARIES:
            process = home.start(tick, kill_after=boundary)
            out, _ = process.communicate(timeout=300)
            assert process.returncode == -signal.SIGKILL, f"not killed after {boundary}:\n{out}"
            assert "taken" not in out, out
        home.take(tick, after)
        found = content_of(home)
    with ticks_at_work(tmp_path / "undisturbed") as home:
        home.take(before, tick, after)
        undisturbed = content_of(home)
    assert found.keys() == undisturbed.keys()
    for name, expected in undisturbed.items():
        assert found[name].equals(expected), name
    assert found["gold.quotes"]["tick"].unique().to_list() == [before, tick, after]
    assert found["mart.quotes"]["tick"].n_unique() == 3
