"""What became of each day of EDGAR's logs: asked for in vain, come and loaded, or come and not to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import table
from lake.contracts.attention import V1_LAST, V2_FIRST
from lake.contracts.log_days import ABSENT, LOADED, STATUSES, UNANSWERED, UNREADABLE
from lake.delta import Slice
from lake.partitions import partitions
from lake.quarantine import refused_by_slice
from orchestration.steps.common import days, write_gold
from orchestration.steps.files import kept
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from spark_jobs.edgar_days import DayReport

LOG_KINDS = ("edgar_log_v1", "edgar_log_v2")
ASKED_IN_VAIN, TABLE, CHECK = "bronze.unanswered_logs", "gold.log_days", "logs_complete"
NEVER_PUBLISHED = "never_published"
_SILVER = "silver.edgar_requests"
# A log that is not there so long after its day is lost; a younger one may be late.
_LATE = timedelta(days=90)


def published(day: date) -> bool:
    """Whether the day lies in one of the two series."""
    return not V1_LAST < day < V2_FIRST


def newest_logs(work: Work) -> pl.DataFrame:
    """Of each day asked for the log that counts, the newest that bronze keeps, by day."""
    logs = kept(work, *LOG_KINDS).filter(pl.col("log_date").is_between(work.first, work.last))
    return logs.sort("_ingested_at", "sha256").unique("log_date", keep="last").sort("log_date")


def unreadable_days(work: Work) -> set[date]:
    """The days asked for whose newest log was found not to be readable; the source may have a sound one by now."""
    known = delta.scan(work.home, table(TABLE), days(work, "log_date"))
    told = known.filter(pl.col("status").cast(pl.String) == UNREADABLE).select("log_date", sha256="_payload_sha256")
    return set(told.collect().join(newest_logs(work), on=["log_date", "sha256"], how="semi")["log_date"])


def lacking_days(work: Work) -> list[date]:
    """The days asked for that are not loaded from their newest log, those apart that the source does not have."""
    logs: dict[date, str] = dict(newest_logs(work).select("log_date", "sha256").iter_rows())
    known = delta.read(work.home, table(TABLE), days(work, "log_date"))
    done = set()
    for day, status, sha, at in known.select("log_date", "status", "_payload_sha256", "observed_at").iter_rows():
        lost = status == ABSENT and day not in logs and at.date() - day > _LATE
        if lost or (status == LOADED and logs.get(day) == sha):
            done.add(day)
    asked = pl.date_range(work.first, work.last, eager=True).to_list()
    return [day for day in asked if published(day) and day not in done]


def spans(found: Sequence[date]) -> list[list[date]]:
    """Days in order as the fewest stretches without a gap."""
    stretches: list[list[date]] = []
    for day in found:
        if stretches and day - stretches[-1][-1] == timedelta(days=1):
            stretches[-1].append(day)
        else:
            stretches.append([day])
    return stretches


def unanswered_rows(work: Work, asked: Mapping[str, date], reasons: Mapping[str, str]) -> pl.DataFrame:
    """Rows of bronze.unanswered_logs.

    Args:
        asked: request → the day it was for.
        reasons: request → why it was not answered.
    """
    now = work.clock.now()
    rows = [
        (asked[request], request, reason, now, work.run_id) for request, reason in reasons.items() if request in asked
    ]
    return pl.DataFrame(rows, schema=table(ASKED_IN_VAIN).schema.create_empty().schema, orient="row")


def gold_log_days(
    work: Work, logs: pl.DataFrame, reports: Sequence[DayReport], failures: Mapping[date, str]
) -> Outcome:
    """The days asked for, each with its counts or the reason why it is not loaded.

    The lines that came in are those that were read; those that went out and those refused are counted in the lake.

    Args:
        logs: of each day the log that was to be loaded.
        reports: of the days that are loaded.
        failures: day → why its log could not be read.
    """
    where = days(work, "log_date")
    known = table(TABLE)
    frame = pl.DataFrame(
        [*_loaded(work, logs, reports), *_unreadable(work, logs, failures), *_without_log(work, logs)],
        schema={
            name: pl.String if name == "status" else kind for name, kind in known.schema.create_empty().schema.items()
        },
        orient="row",
    ).with_columns(pl.col("status").cast(pl.Enum(STATUSES)))
    outcome = write_gold(work, TABLE, frame.select(known.columns).sort("log_date"), where)
    counts = {status: frame.filter(pl.col("status") == status).height for status in STATUSES}
    # What did not come is told by the table of what was asked in vain.
    facts: dict[str, int | float | str] = {**counts, "open": counts[UNREADABLE]}
    finding = Finding(CHECK, not counts[UNANSWERED] + counts[UNREADABLE], False, _reasons(frame))
    return Outcome(outcome.table, outcome.written, problem=outcome.problem, facts=facts, findings=(finding,))


def _reasons(frame: pl.DataFrame) -> dict[str, int | float | str]:
    counts = frame.drop_nulls("reason").group_by("reason").len().sort("reason")
    return {"days": frame.height, **{f"days_{reason}": int(count) for reason, count in counts.iter_rows()}}


def _loaded(work: Work, logs: pl.DataFrame, reports: Sequence[DayReport]) -> list[dict[str, object]]:
    files = {row["log_date"]: row for row in logs.iter_rows(named=True)}
    silver = partitions(work.home, table(_SILVER))
    labels = [Slice({"series": report.series, "log_date": report.log_date}).label for report in reports]
    refused = refused_by_slice(work.home, table(_SILVER), labels)
    return [
        {
            **_of_file(files[report.log_date]),
            "series": report.series,
            "status": LOADED,
            "rows_in": report.rows_in,
            "rows_out": silver[label].rows if label in silver else 0,
            "duplicates": report.duplicates,
            "quarantined": refused.get(label, 0),
            "_run_id": work.run_id,
        }
        for report, label in zip(reports, labels, strict=True)
    ]


def _unreadable(work: Work, logs: pl.DataFrame, failures: Mapping[date, str]) -> list[dict[str, object]]:
    files = logs.filter(pl.col("log_date").is_in(list(failures))).iter_rows(named=True)
    return [
        {
            **_of_file(row),
            "series": _series(row["log_date"]),
            "status": UNREADABLE,
            "reason": UNREADABLE,
            "detail": failures[row["log_date"]],
            "_run_id": work.run_id,
        }
        for row in files
    ]


def _of_file(row: Mapping[str, object]) -> dict[str, object]:
    return {
        "log_date": row["log_date"],
        "file_name": row["file_name"],
        "source_url": row["_source_url"],
        "bytes": row["bytes"],
        "observed_at": row["_ingested_at"],
        "_payload_sha256": row["sha256"],
    }


def _without_log(work: Work, logs: pl.DataFrame) -> list[dict[str, object]]:
    """The days of which bronze has no log: those that were asked for in vain, and those of which there never was one."""
    from scrapers.errors import Reason

    have = set(logs["log_date"])
    vain = delta.read(work.home, table(ASKED_IN_VAIN), days(work, "log_date")).sort("_ingested_at")
    told = {
        day: (reason, at, run)
        for day, reason, at, run in vain.select("log_date", "reason", "_ingested_at", "_run_id").iter_rows()
    }
    never = (NEVER_PUBLISHED, work.clock.now(), work.run_id)
    told |= {day: never for day in pl.date_range(work.first, work.last, eager=True) if not published(day)}
    return [
        {
            "log_date": day,
            "series": _series(day),
            "status": ABSENT if reason in {NEVER_PUBLISHED, Reason.NOT_FOUND} else UNANSWERED,
            "reason": reason,
            "observed_at": at,
            "_run_id": run,
        }
        for day, (reason, at, run) in told.items()
        if day not in have
    ]


def _series(day: date) -> str | None:
    return ("v1" if day <= V1_LAST else "v2") if published(day) else None
