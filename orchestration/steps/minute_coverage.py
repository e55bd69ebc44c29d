"""What was asked for minutes in vain, and what came of each watched company in each session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from orchestration.steps.common import days, received_enough, since, write_gold
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from scrapers.job import CrawlReport

UNANSWERED, COVERAGE = "bronze.unanswered_minutes", "gold.minute_coverage"
CHECK = "minutes_complete"


def unanswered_rows(
    work: Work, bodies: str, asked: Sequence[Mapping[str, str]], report: CrawlReport | None
) -> pl.DataFrame:
    """Rows of bronze.unanswered_minutes: the questions without an answer; all of them where a crawl left no report."""
    from scrapers.coverage import CRAWL_FAILED
    from scrapers.spool import asked_for

    now, name = work.clock.now(), bodies.partition(".")[2]
    if report is None:
        symbols = dict.fromkeys(one["symbol"] for one in asked)
        found = [(f"{name}?symbol={symbol}", symbol, work.first, work.last, CRAWL_FAILED) for symbol in symbols]
    else:
        found = [
            (request, question["symbol"], *_span(question), reason)
            for request, reason in report.unanswered.items()
            for question in [asked_for(request)]
        ]
    rows = [
        (name, request, work.last, symbol, first, last, reason, now, work.run_id)
        for request, symbol, first, last, reason in found
    ]
    return pl.DataFrame(rows, schema=table(UNANSWERED).schema.create_empty().schema, orient="row")


def _span(question: Mapping[str, str]) -> tuple[date, date]:
    """The days that a question is about, both included: a month, or seconds since 1970, half-open."""
    from scrapers.windows import days_of

    if "month" in question:
        return days_of(question["month"])
    start, end = (datetime.fromtimestamp(int(question[name]), UTC).date() for name in ("period1", "period2"))
    return start, end - timedelta(days=1)


def gold_minute_coverage(work: Work, symbols: Sequence[str], origin: str) -> Outcome:
    """For each watched company and session whether minutes came, and the reason where none did.

    Args:
        symbols: the watchlist.
        origin: of the rows of the source that is asked now.
    """
    where = days(work, "session")
    sessions = work.calendar.sessions(work.first, work.last)
    lengths = {
        day: (work.calendar.close_at(day) - work.calendar.open_at(day)) // timedelta(minutes=1) for day in sessions
    }
    came = (
        delta.scan(work.home, table("silver.bars_minute"), where)
        .filter((pl.col("origin") == origin) & pl.col("symbol").is_in(list(symbols)))
        .group_by("session", "symbol")
        .agg(
            pl.len().cast(pl.Int32).alias("received_minutes"),
            pl.col("observed_at").max(),
            pl.col("_run_id").sort_by("observed_at").last(),
        )
        .collect()
    )
    expected = pl.DataFrame(
        [(day, symbol, work.settings.minute_source, lengths[day]) for day in sessions for symbol in symbols],
        schema={"session": pl.Date, "symbol": pl.String, "source": pl.String, "session_minutes": pl.Int32},
        orient="row",
    )
    frame = _with_reasons(work, expected.join(came, on=["session", "symbol"], how="left", maintain_order="left"))
    outcome = write_gold(work, COVERAGE, frame, where)
    received = int(frame["received"].sum())
    finding = completeness(frame)
    facts = {**outcome.facts, "expected": frame.height, "received": received}
    return Outcome(outcome.table, outcome.written, problem=outcome.problem, facts=facts, findings=(finding,))


def _with_reasons(work: Work, frame: pl.DataFrame) -> pl.DataFrame:
    """Expected rows with what came, and the newest reason given for those of which nothing came."""
    from scrapers.coverage import CRAWL_FAILED
    from scrapers.errors import NOT_IN_ANSWER, coverage_of

    told: dict[tuple[str, str], list[tuple[date, date, str]]] = {}
    unanswered = delta.read(work.home, table(UNANSWERED), since(work)).sort("_ingested_at")
    for source, symbol, first, last, reason in unanswered.select(
        "source", "symbol", "first_day", "last_day", "reason"
    ).iter_rows():
        told.setdefault((source, symbol), []).append((first, last, reason))
    source = f"{work.settings.minute_source}_minutes"

    def detail(row: dict[str, date | str | int | None]) -> str | None:
        if row["received_minutes"]:
            return None
        given = told.get((source, str(row["symbol"])), [])
        found = [reason for first, last, reason in given if first <= row["session"] <= last]  # type: ignore[operator]  # a date
        return found[-1] if found else NOT_IN_ANSWER

    details = [detail(row) for row in frame.iter_rows(named=True)]
    reasons = [
        None if one is None else CRAWL_FAILED if one == CRAWL_FAILED else str(coverage_of(one)) for one in details
    ]
    return frame.with_columns(
        pl.col("received_minutes").fill_null(0),
        pl.col("received_minutes").is_not_null().alias("received"),
        pl.Series("reason", reasons, dtype=pl.String),
        pl.Series("detail", details, dtype=pl.String),
        pl.col("observed_at").fill_null(work.clock.now()),
        pl.col("_run_id").fill_null(work.run_id),
        pl.lit(None, dtype=pl.String).alias("_payload_sha256"),
    ).sort("session", "symbol")


def completeness(coverage: pl.DataFrame) -> Finding:
    """The check of a watchlist's minutes, what is missing counted by its exact reason; all is well where none is watched."""
    return received_enough(CHECK, coverage, "detail")
