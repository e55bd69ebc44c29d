"""EDGAR's logs by day: what was asked in vain, and what became of each day that was asked for."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import Provenance, Table, utc

LOADED, ABSENT, UNANSWERED, UNREADABLE = STATUSES = ("loaded", "absent", "unanswered", "unreadable")
_COUNTS = ("rows_in", "rows_out", "duplicates", "quarantined")


class UnansweredLog(dy.Schema):
    """A day's log that was asked for and did not come, and why; the newest of a day counts."""

    log_date = dy.Date(nullable=False, metadata={"meaning": "the day it was asked for"})
    request = dy.String(nullable=False, metadata={"meaning": "what was asked"})
    reason = dy.String(
        nullable=False, metadata={"meaning": "the refusal's name, or crawl_failed where the crawl itself failed"}
    )
    ingested_at = utc(alias="_ingested_at", nullable=False, metadata={"meaning": "when it was given up"})
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that asked"})


class LogDay(Provenance):
    """What became of a day of EDGAR's logs that was asked for or brought: loaded with its lines counted, or why not.

    A day without a row was never asked for.
    """

    log_date = dy.Date(primary_key=True, metadata={"meaning": "the day the log is of"})
    series = dy.String(
        nullable=True, metadata={"meaning": "v1 or v2; empty for a day of which SEC published no logs at all"}
    )
    status = dy.Enum(
        list(STATUSES),
        nullable=False,
        metadata={
            "meaning": "loaded; absent where the source has none; unanswered where it gave none that time; unreadable "
            "where what came cannot be read"
        },
    )
    reason = dy.String(nullable=True, metadata={"meaning": "why it is not loaded, by its name; empty where it is"})
    detail = dy.String(nullable=True, metadata={"meaning": "what was found in a file that cannot be read"})
    file_name = dy.String(nullable=True, metadata={"meaning": "the file's name where it came from"})
    source_url = dy.String(nullable=True, metadata={"meaning": "where the file came from"})
    bytes = dy.Int64(nullable=True, min=0, metadata={"unit": "bytes", "meaning": "size of the file as it is kept"})
    rows_in = dy.Int64(
        nullable=True, min=0, metadata={"unit": "rows", "meaning": "physical lines less header and blank lines"}
    )
    rows_out = dy.Int64(
        nullable=True, min=0, metadata={"unit": "rows", "meaning": "requests in silver, exact repeats among them"}
    )
    duplicates = dy.Int64(nullable=True, min=0, metadata={"unit": "rows", "meaning": "lines left out as repeats"})
    quarantined = dy.Int64(nullable=True, min=0, metadata={"unit": "rows", "meaning": "lines refused by a rule"})

    @dy.rule()
    def lines_accounted(cls) -> pl.Expr:
        """Lines in are requests out, duplicates and quarantined lines together."""
        together = pl.sum_horizontal("rows_out", "duplicates", "quarantined")
        return pl.col("rows_in").is_null() | (pl.col("rows_in") == together)

    @dy.rule()
    def counted_where_loaded(cls) -> pl.Expr:
        """What is loaded has all its counts, and nothing else has any."""
        loaded = pl.col("status").cast(pl.String) == LOADED
        return pl.all_horizontal(pl.col(name).is_not_null() == loaded for name in _COUNTS)

    @dy.rule()
    def reason_where_not_loaded(cls) -> pl.Expr:
        """What is not loaded has a reason, and what is has none."""
        return (pl.col("status").cast(pl.String) == LOADED) == pl.col("reason").is_null()


LOG_DAYS = (
    Table("unanswered_logs", "bronze", UnansweredLog, "raw", "crawls"),
    Table(
        "log_days",
        "gold",
        LogDay,
        "attention",
        "bronze.files, bronze.unanswered_logs, silver.edgar_requests",
    ),
    Table("log_days", "mart", LogDay, "attention", "gold.log_days", engine="dbt"),
)
