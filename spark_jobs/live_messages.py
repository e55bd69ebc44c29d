"""The live stream's messages: how they are read by the engine and counted, and how starts and ends are told apart.

Functions from DataFrame to DataFrame; expressions are SQL texts. What a message holds: docs/stream.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.live_store import COUNTS, Batch, End, Refused, Start

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

STREAM = "^[a-z0-9][a-z0-9_-]{0,63}$"
_FIELDS = "stream string, seq bigint, at timestamp, clock timestamp, cik bigint, `end` boolean, start string"
_CONTROL = "(start IS NOT NULL OR `end`)"

# Why a line cannot be counted; the first that holds.
REASONS = {
    "not a JSON object with a stream": "stream IS NULL",
    "stream is not a name of a–z, 0–9, _ and -": f"NOT stream RLIKE '{STREAM}'",
    "at is not an instant": "at IS NULL",
    "clock is not a time": f"clock IS NULL AND NOT coalesce({_CONTROL}, false)",
    "cik is not the number of a filer": f"(cik IS NULL OR cik < 1) AND NOT coalesce({_CONTROL}, false)",
}


def read_messages(lines: DataFrame) -> DataFrame:
    """Lines as messages.

    Args:
        lines: `partition` and `line`.

    Returns:
        `partition`, `stream`, `seq`, `at`, `clock` (the second), `cik`, `reason` (null where it can be counted) and
        `other` (the line itself of what is not a visit).
    """
    read = lines.selectExpr("partition", "line", f"from_json(line, '{_FIELDS}') AS m").selectExpr(
        "partition", "line", "m.*"
    )
    reason = "CASE " + " ".join(f"WHEN {text} THEN '{why}'" for why, text in REASONS.items()) + " END"
    judged = read.selectExpr("*", f"{reason} AS reason", f"coalesce({_CONTROL}, false) AS control")
    visit = "reason IS NULL AND NOT control"
    return judged.selectExpr(
        "partition",
        "CASE WHEN reason IS NULL THEN stream END AS stream",
        "seq",
        "at",
        f"CASE WHEN {visit} THEN date_trunc('second', clock) END AS clock",
        f"CASE WHEN {visit} THEN cik END AS cik",
        "reason",
        f"CASE WHEN {visit} THEN NULL ELSE line END AS other",
    )


def counted(messages: DataFrame, marks: Mapping[tuple[str, str], int] | None) -> DataFrame:
    """Visits by partition, stream, second and company; starts, ends and refused lines each as a row of its own.

    Args:
        messages: from `read_messages`.
        marks: (stream, partition) → the highest number counted before, where a partition may bring a message twice;
            None where it cannot, because a partition is read whole or not at all.

    Returns:
        The columns of `COUNTS`, `reason` and `other`.
    """
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    key = ("partition", "stream", "clock", "cik", "reason", "other")
    if marks is None:
        visits, repeats = F.expr("count(*)"), F.expr("0L")
    else:
        entries = ", ".join(f"'{stream}/{part}', {mark}L" for (stream, part), mark in sorted(marks.items()))
        known = f"coalesce(element_at(map({entries}), concat(stream, '/', partition)), -1L)" if entries else "-1L"
        messages = messages.selectExpr("*", f"CASE WHEN seq > {known} THEN seq END AS fresh")
        # Messages without a number are never repeats.
        distinct = "(size(collect_set(fresh)) + count_if(seq IS NULL))"
        visits, repeats = F.expr(f"CAST({distinct} AS bigint)"), F.expr(f"CAST(count(*) - {distinct} AS bigint)")
    return messages.groupBy(*key).agg(
        visits.alias("visits"),
        repeats.alias("repeats"),
        F.expr("min(at)").alias("first_at"),
        F.expr("max(at)").alias("last_at"),
        F.expr("max(seq)").alias("seq"),
    )


def batch_of(query: str, batch_id: int, rows: pa.Table, simulated: bool) -> Batch:
    """A micro-batch as the state takes it.

    Args:
        rows: from `counted`.
        simulated: what is said of streams that do not say it of themselves.
    """
    frame = pl.DataFrame(pl.from_arrow(rows))
    plain = frame.filter(pl.col("other").is_null()).with_columns(pl.col("clock").dt.replace_time_zone(None))
    starts, ends, refused = list[Start](), list[End](), list[Refused]()
    for row in frame.filter(pl.col("other").is_not_null()).iter_rows(named=True):
        message = None if row["reason"] else _control(row["partition"], row["other"])
        if isinstance(message, Start):
            starts.append(message)
        elif isinstance(message, End):
            ends.append(message)
        else:
            why = row["reason"] or message or ""
            refused += [Refused(row["partition"], row["other"], why)] * (row["visits"] + row["repeats"])
    counts = plain.select(pl.col(name).cast(kind) for name, kind in COUNTS.items())
    return Batch(query, batch_id, counts, starts, ends, refused, simulated)


def _control(partition: str, line: str) -> Start | End | str:
    """A start or an end, or why it is neither."""
    try:
        message: dict[str, Any] = json.loads(line)
        at = datetime.fromisoformat(message["at"])
        place = (
            message["stream"],
            partition,
            message.get("seq"),
            at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
        )
        if message.get("end"):
            return End(*place, rows=_rows(message["rows"]))
        about = message["start"]
        replay_of = date.fromisoformat(about["replay_of"]) if about.get("replay_of") else None
        return Start(
            *place,
            kind="replay" if replay_of else "open",
            replay_of=replay_of,
            series=about.get("series"),
            speed=None if about.get("speed") is None else float(about["speed"]),
            repeated=bool(about.get("repeated", False)),
            source=str(about.get("source", "messages")),
            simulated=bool(about["simulated"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return "an end says how many rows its stream has; a start whether it is simulated, and of a replay which date"


def _rows(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value
