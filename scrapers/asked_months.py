"""What Alpha Vantage has been asked and has answered, by symbol and month, so that a range asks for what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import polars as pl

from scrapers.errors import Reason
from scrapers.pages.alphavantage import read_series
from scrapers.spool import asked_for

# After that long the source has what it will ever have of a session, however seldom a share is traded.
_SETTLED = timedelta(days=1)


class Answer(NamedTuple):
    """A body that answers.

    Attributes:
        newest: the last minute it has; None for none.
        at: when it was received.
    """

    newest: datetime | None
    at: datetime


def month_of(day: date) -> str:
    """A day's month, as the source names it."""
    return f"{day:%Y-%m}"


def months_of(first: date, last: date) -> list[str]:
    """The months of the days from first to last, both included."""
    found = [first.replace(day=1)]
    while (following := (found[-1] + timedelta(days=31)).replace(day=1)) <= last:
        found.append(following)
    return [month_of(month) for month in found]


def answers(bodies: pl.DataFrame) -> dict[tuple[str, str], list[Answer]]:
    """The answers among bodies of bronze.alphavantage_minutes, by symbol and month.

    That a call is invalid is one too: the source says so of a symbol that it does not know.
    """
    found: dict[tuple[str, str], list[Answer]] = {}
    for body, request, status, at in bodies.select("body", "request", "_http_status", "_ingested_at").iter_rows():
        asked = asked_for(request)
        records = read_series(body, "TIME_SERIES_INTRADAY", asked.get("symbol", ""), status)
        if records.refused in (None, Reason.BAD_REQUEST):
            stamps = [row["minute"] for row in records.rows if isinstance(row["minute"], datetime)]
            key = (asked.get("symbol", ""), asked.get("month", ""))
            found.setdefault(key, []).append(Answer(max(stamps, default=None), at))
    return found


def lacking_months(
    known: Mapping[tuple[str, str], Sequence[Answer]],
    symbols: Iterable[str],
    sessions: Sequence[date],
    closes: Mapping[date, datetime],
) -> list[dict[str, str]]:
    """The series to ask for: those of a symbol's months of which some session is not spoken of to its end.

    Args:
        known: from `answers`.
        sessions: the days asked about.
        closes: session → its close.
    """
    by_month: dict[str, list[date]] = {}
    for session in sessions:
        by_month.setdefault(month_of(session), []).append(session)
    return [
        {"symbol": symbol, "month": month}
        for symbol in symbols
        for month, days in by_month.items()
        if not all(_spoken(known.get((symbol, month), ()), closes[day]) for day in days)
    ]


def _spoken(given: Sequence[Answer], close: datetime) -> bool:
    last_minute = close - timedelta(minutes=1)
    return any(
        (answer.newest is not None and answer.newest >= last_minute) or answer.at >= close + _SETTLED
        for answer in given
    )
