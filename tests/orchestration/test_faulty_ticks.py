"""Ticks from a source of which a tenth of the requests go wrong in every way there is."""

from __future__ import annotations

from pathlib import Path

from tests.sessions import assert_as_quiet, first_ticks, gold_of, session_at_work, take_tick, take_universe

TICKS = 3
PER_SECTOR = 10


def test_three_ticks_under_all_faults_leave_what_quiet_ones_leave(tmp_path: Path) -> None:
    left = {}
    for name, faults in (("quiet", ""), ("faulty", "all:0.1")):
        with session_at_work(tmp_path / name, PER_SECTOR, faults) as work:
            take_universe(work)
            for tick in first_ticks(TICKS):
                take_tick(work, tick)
            left[name] = gold_of(work)
    assert left["quiet"].bodies == left["quiet"].requests
    assert_as_quiet(left["quiet"], left["faulty"], TICKS)
