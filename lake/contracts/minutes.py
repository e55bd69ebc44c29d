"""Minutes of a watchlist: Alpha Vantage's bodies, what was asked in vain, and what came of each company and session."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import SYMBOL, Provenance, Table, utc
from lake.contracts.raw import Body


class UnansweredMinutes(dy.Schema):
    """A question for a company's minutes that in the end had no answer, and why; the newest of a session counts."""

    source = dy.String(nullable=False, metadata={"meaning": "the bronze table that lacks the answer"})
    request = dy.String(nullable=False, metadata={"meaning": "what was asked, without cookies, crumbs or keys"})
    session = dy.Date(nullable=False, metadata={"meaning": "the last day it was asked for; locates the partition"})
    symbol = dy.String(nullable=False, regex=SYMBOL, metadata={"meaning": "the company asked about"})
    first_day = dy.Date(nullable=False, metadata={"meaning": "the first day the question was about"})
    last_day = dy.Date(nullable=False, metadata={"meaning": "the last day the question was about"})
    reason = dy.String(
        nullable=False, metadata={"meaning": "the refusal's name, or crawl_failed where the crawl itself failed"}
    )
    ingested_at = utc(alias="_ingested_at", nullable=False, metadata={"meaning": "when it was given up"})
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that asked"})


class MinuteCoverage(Provenance):
    """Whether the minutes of a watched company came for a session, and if none did, why."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day at the exchange"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker watched"})
    source = dy.String(nullable=False, metadata={"meaning": "who is asked for minutes: yahoo or alphavantage"})
    session_minutes = dy.Int32(nullable=False, min=1, metadata={"unit": "minutes", "meaning": "length of the session"})
    received_minutes = dy.Int32(
        nullable=False,
        min=0,
        metadata={"unit": "minutes", "meaning": "minutes that came; a seldom traded share has few"},
    )
    received = dy.Bool(nullable=False, metadata={"meaning": "whether any minute came"})
    reason = dy.String(
        nullable=True,
        metadata={
            "meaning": "why none did: not_found, refused, throttled, malformed, timed_out or crawl_failed; empty where "
            "received"
        },
    )
    detail = dy.String(nullable=True, metadata={"meaning": "the exact reason; empty where received"})

    @dy.rule()
    def reason_where_missing(cls) -> pl.Expr:
        """What is missing has a reason, and what was received has none."""
        return pl.col("received") == pl.col("reason").is_null()


MINUTE_TABLES = (
    Table(
        "alphavantage_minutes",
        "bronze",
        Body,
        "raw",
        "Alpha Vantage intraday",
        partition_by=("session",),
        retention_days=400,
    ),
    Table(
        "unanswered_minutes",
        "bronze",
        UnansweredMinutes,
        "raw",
        "crawls",
        partition_by=("session",),
        retention_days=400,
    ),
    Table(
        "minute_coverage",
        "gold",
        MinuteCoverage,
        "market",
        "silver.bars_minute, bronze.unanswered_minutes",
        partition_by=("session",),
    ),
)
