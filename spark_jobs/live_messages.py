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
# Times beyond are mistakes, such as milliseconds taken for seconds; not all of them fit Python's and PostgreSQL's types.
_TIMES = "BETWEEN TIMESTAMP'1990-01-01' AND TIMESTAMP'2200-01-01'"
_SERIES = ("v1", "v2")
_FASTEST = 100_000
_SOURCE_LENGTH = 200

# Why a line cannot be counted; the first that holds.
REASONS = {
    "not a JSON object with a stream": "stream IS NULL",
    "stream is not a name of a–z, 0–9, _ and -": f"NOT stream RLIKE '{STREAM}'",
    "at is not an instant": "at IS NULL",
    "at is not between 1990 and 2200": f"at NOT {_TIMES}",
    "clock is not a time": f"clock IS NULL AND NOT coalesce({_CONTROL}, false)",
    "clock is not between 1990 and 2200": f"clock NOT {_TIMES}",
    "cik is not the number of a filer": f"(cik IS NULL OR cik < 1) AND NOT coalesce({_CONTROL}, false)",
}
# Why a start or an end is neither.
NEITHER = (
    "an end says how many rows its stream has; a start whether it is simulated, of a replay which date, and if it does, "
    f"of which series (v1 or v2) and at what speed (above 0, up to {_FASTEST}); both are numbered from 0 or not at all"
)


def read_messages(lines: DataFrame) -> DataFrame:
    """Lines as messages.

    Args:
        lines: `partition` and `line`.

    Returns:
        `partition`, `stream`, `seq`, `at` (null where it cannot be counted), `clock` (the second), `cik`, `reason` (null
        where it can be counted) and `other` (the line itself of what is not a visit, with U+FFFD for bytes not of UTF-8).
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
        "CASE WHEN reason IS NULL THEN at END AS at",
        f"CASE WHEN {visit} THEN date_trunc('second', clock) END AS clock",
        f"CASE WHEN {visit} THEN cik END AS cik",
        "reason",
        f"CASE WHEN {visit} THEN NULL ELSE make_valid_utf8(line) END AS other",
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
        visits, repeats, seq = F.expr("count(*)"), F.expr("0L"), F.expr("max(seq)")
    else:
        known = "-1L"
        if marks:
            entries = pl.DataFrame(
                [(*place, mark) for place, mark in marks.items()],
                schema={"stream": pl.String, "partition": pl.String, "mark": pl.Int64},
                orient="row",
            )
            frame = messages.sparkSession.createDataFrame(entries.to_arrow(compat_level=pl.CompatLevel.oldest()))
            messages = messages.join(F.broadcast(frame), ["stream", "partition"], "left")
            known = "coalesce(mark, -1L)"
        messages = messages.selectExpr("*", f"CASE WHEN seq > {known} THEN seq END AS fresh")
        # Messages without a number are never repeats.
        distinct = "(size(collect_set(fresh)) + count_if(seq IS NULL))"
        visits, repeats = F.expr(f"CAST({distinct} AS bigint)"), F.expr(f"CAST(count(*) - {distinct} AS bigint)")
        # The highest of those counted: by a repeat's number what came with it would be taken for repeats, too.
        seq = F.expr("max(fresh)")
    return messages.groupBy(*key).agg(
        visits.alias("visits"),
        repeats.alias("repeats"),
        F.expr("min(at)").alias("first_at"),
        F.expr("max(at)").alias("last_at"),
        seq.alias("seq"),
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
        seq = message.get("seq")
        place = (
            message["stream"],
            partition,
            None if seq is None else _whole(seq),
            at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
        )
        if message.get("end"):
            return End(*place, rows=_whole(message["rows"]))
        about = message["start"]
        replay_of = date.fromisoformat(about["replay_of"]) if about.get("replay_of") else None
        source = str(about.get("source", "messages"))[:_SOURCE_LENGTH].replace("\0", "\N{REPLACEMENT CHARACTER}")
        return Start(
            *place,
            kind="replay" if replay_of else "open",
            replay_of=replay_of,
            series=_series(about.get("series")),
            speed=None if about.get("speed") is None else _speed(about["speed"]),
            repeated=bool(about.get("repeated", False)),
            # JSON may hold halves of a surrogate pair, which no UTF-8 does.
            source=source.encode("utf-8", "replace").decode(),
            simulated=bool(about["simulated"]),
        )
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return NEITHER


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError(value)
    return value


def _series(value: object) -> str | None:
    if value is not None and value not in _SERIES:
        raise ValueError(value)
    return None if value is None else str(value)


def _speed(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _FASTEST:
        raise ValueError(value)
    return float(value)
