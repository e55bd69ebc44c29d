"""What has been asked of the chart endpoint and answered, so that a range asks for what it lacks and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import unquote_plus

import polars as pl

from scrapers.pages.chart import read_chart


class Span(NamedTuple):
    """Days from first to last, both included."""

    first: date
    last: date


def midnight(day: date) -> int:
    """The start of a day in UTC as seconds since 1970; sessions of New York lie within their UTC day."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def daily_charts(bodies: pl.LazyFrame, first: date, last: date) -> pl.LazyFrame:
    """The bodies of bronze.yahoo_chart that were asked for daily bars of any day from first to last.

    Returns:
        The rows, with `symbol`, `starts` and `ends`: what was asked, in seconds since 1970, half-open.
    """
    request = pl.col("request")
    asked = bodies.with_columns(
        request.str.extract(r"[?&]symbol=([^&]*)").alias("symbol"),
        request.str.extract(r"[?&]period1=(-?\d+)").cast(pl.Int64).alias("starts"),
        request.str.extract(r"[?&]period2=(-?\d+)").cast(pl.Int64).alias("ends"),
    )
    return asked.filter(
        request.str.contains("interval=1d", literal=True)
        & (pl.col("starts") < midnight(last + timedelta(days=1)))
        & (pl.col("ends") > midnight(first))
    )


def answered(charts: pl.LazyFrame, proven: set[str]) -> pl.DataFrame:
    """Of charts those that are answers: bars, or a refusal that asking again would not change.

    Args:
        charts: from `daily_charts`.
        proven: SHA-256 of payloads that silver has rows of; the others are read to know what they are.

    Returns:
        Columns symbol, starts, ends, `_ingested_at`.
    """
    about = ("symbol", "starts", "ends", "_ingested_at")
    known = pl.col("_payload_sha256").is_in(proven)
    sure = charts.filter(known).select(about).collect()
    doubtful = charts.filter(~known).select(*about, "body", "_http_status").collect()
    kept = [_is_answer(body, status) for body, status in doubtful.select("body", "_http_status").iter_rows()]
    return pl.concat([sure, doubtful.select(about).filter(pl.Series(kept, dtype=pl.Boolean))])


def _is_answer(body: bytes, status: int | None) -> bool:
    refused = read_chart(body, "1d", None, status).refused
    return refused is None or refused[0].final


def lacking(
    charts: pl.DataFrame, symbols: Iterable[str], sessions: Sequence[date], closes: Mapping[date, datetime]
) -> dict[str, Span]:
    """For each symbol the span of the sessions that no answer speaks of; those that lack none are absent.

    Args:
        charts: from `answered`.
        symbols: who is asked about.
        sessions: the days asked about, ascending.
        closes: session → its close; an answer from before it does not count for that session.
    """
    starts = [midnight(session) for session in sessions]
    spoken: dict[str, list[tuple[int, int, datetime]]] = {}
    for symbol, start, end, at in charts.iter_rows():
        spoken.setdefault(unquote_plus(symbol), []).append((start, end, at))
    found = {}
    for symbol in symbols:
        missing = _missing(spoken.get(symbol, []), sessions, starts, closes)
        if missing:
            found[symbol] = Span(missing[0], missing[-1])
    return found


def _missing(
    spoken: list[tuple[int, int, datetime]],
    sessions: Sequence[date],
    starts: Sequence[int],
    closes: Mapping[date, datetime],
) -> list[date]:
    left = list(zip(sessions, starts, strict=True))
    for start, end, at in spoken:
        left = [(day, begin) for day, begin in left if not (start <= begin < end and at >= closes[day])]
        if not left:
            break
    return [day for day, _ in left]
