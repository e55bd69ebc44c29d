"""The live stream's history: what the stream's job has counted, as it was counted."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import Provenance, Table


class VisitsLive(Provenance):
    """Visits to a company's filings in a second of a stream, as they were counted: their sum is the second's count.

    A second that rows came late for has further rows. `_run_id` is the query that counted.
    """

    stream = dy.String(primary_key=True, metadata={"meaning": "the stream, such as edgar-20170101-a1b2c3"})
    log_date = dy.Date(primary_key=True, metadata={"meaning": "date of the stream's own time; a replay's logged date"})
    second_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=86_400,
        metadata={"unit": "seconds", "meaning": "second of that day, in the stream's own time"},
    )
    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer visited"})
    query = dy.String(primary_key=True, metadata={"meaning": "the streaming query that counted: one checkpoint's life"})
    batch_id = dy.Int64(
        primary_key=True, min=0, metadata={"meaning": "the query's last micro-batch that is counted in the row"}
    )
    visits = dy.Int64(nullable=False, min=1, metadata={"unit": "visits", "meaning": "requests, late ones included"})
    late = dy.Int64(
        nullable=False, min=0, metadata={"unit": "visits", "meaning": "those that came after their second was over"}
    )
    replay_of = dy.Date(
        nullable=True, metadata={"meaning": "the day that the stream replays; empty for an open stream"}
    )
    simulated = dy.Bool(nullable=False, metadata={"meaning": "whether the visits were made up"})


LIVE = (
    Table(
        "visits_live",
        "gold",
        VisitsLive,
        "attention",
        "the live stream",
        partition_by=("log_date",),
    ),
)
