"""A whole session of 1,100 companies of whose requests a tenth go wrong in every way there is, against a quiet one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lake import delta
from lake.contracts import table
from lake.delta import Slice
from orchestration.work import Work
from tests.sessions import (
    ROOT,
    SESSION,
    assert_as_quiet,
    first_ticks,
    gold_of,
    session_at_work,
    take_tick,
    take_universe,
)

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3 * 3600)]

FOLDER = Path(os.environ.get("TIDEMARK_SOAK", ROOT / ".tidemark-soak")).resolve()
PER_SECTOR = int(os.environ.get("TIDEMARK_SOAK_PER_SECTOR", "100"))


def _taken(work: Work) -> set[object]:
    return set(delta.read(work.home, table("gold.coverage"), Slice({"session": SESSION}))["tick"])


def test_a_session_under_all_faults_is_the_quiet_session_less_what_is_named() -> None:
    left = {}
    for name, faults in (("quiet", ""), ("faulty", "all:0.1")):
        with session_at_work(FOLDER / f"session-{name}-{PER_SECTOR}", PER_SECTOR, faults) as work:
            take_universe(work)
            for tick in (tick for tick in first_ticks() if tick not in _taken(work)):
                take_tick(work, tick)
            left[name] = gold_of(work)
    quiet, faulty = left["quiet"], left["faulty"]
    received, expected = faulty.coverage["received"].sum(), faulty.coverage.height
    sent_again = faulty.bodies - faulty.requests
    sys.stdout.write(
        f"{received} of {expected} snapshots came; {sent_again} of {faulty.bodies} bodies were no answer\n"
    )
    assert_as_quiet(quiet, faulty, len(first_ticks()))
    # Taken again, the session is what it was: what came is not asked for, and nothing is doubled.
    with session_at_work(FOLDER / f"session-faulty-{PER_SECTOR}", PER_SECTOR, "all:0.1") as work:
        take_tick(work, first_ticks()[0])
        assert_as_quiet(quiet, gold_of(work), len(first_ticks()))
