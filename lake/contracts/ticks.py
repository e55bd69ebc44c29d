"""What a tick's crawl asked in vain: the questions that no body in bronze speaks of."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import Table, utc


class Unanswered(dy.Schema):
    """A question to a source that in the end had no answer, and why; the newest of a tick counts."""

    source = dy.String(nullable=False, metadata={"meaning": "the bronze table that lacks the answer"})
    request = dy.String(nullable=False, metadata={"meaning": "what was asked, without cookies, crumbs or keys"})
    tick = utc(nullable=False, metadata={"meaning": "the tick it was asked for", "unit": "UTC"})
    session = dy.Date(nullable=False, metadata={"meaning": "the day it was asked for; locates the partition"})
    shard = dy.String(nullable=False, metadata={"meaning": "the slice of a sector that asked"})
    reason = dy.String(
        nullable=False, metadata={"meaning": "the refusal's name, or shard_failed where the crawl itself failed"}
    )
    detail = dy.String(nullable=False, metadata={"meaning": "more, in a phrase"})
    ingested_at = utc(alias="_ingested_at", nullable=False, metadata={"meaning": "when it was given up"})
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that asked"})


TICKS = (Table("unanswered", "bronze", Unanswered, "raw", "crawls", partition_by=("session",), retention_days=400),)
