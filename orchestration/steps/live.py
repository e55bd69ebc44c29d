"""The live stream's history into the lake, for what its job has left."""

from __future__ import annotations

import psycopg

from lake import delta, live_history, postgres
from lake.delta import Written
from orchestration.work import Outcome, Work


def write_history(work: Work) -> Outcome:
    """Write what was counted and is not yet in gold.visits_live; the job does the same every half a minute."""
    dsn = postgres.owner_dsn(work.home, work.settings)
    postgres.wait_ready(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = live_history.flush(work.home, connection)
    return Outcome(live_history.HISTORY, Written(delta.version(work.home, live_history.HISTORY) or 0, rows))
