"""What to ask the chart endpoint for, within what it gives: minutes of the last 30 days, at most eight days at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from lake.market_calendar import Calendar

MINUTE_DAYS, WINDOW_DAYS = 30, 8


def minute_windows(calendar: Calendar, first: date, last: date, now: datetime) -> Iterator[tuple[date, date]]:
    """Windows (first and last day, both included) that hold the sessions whose minutes can still be had.

    Args:
        calendar: the exchange's.
        first, last: the days asked for.
        now: the present instant; days more than 30 back are left out, as the source refuses them.
    """
    days = calendar.sessions(max(first, now.date() - timedelta(days=MINUTE_DAYS - 1)), last) if first <= last else []
    while days:
        held = [day for day in days if day < days[0] + timedelta(days=WINDOW_DAYS)]
        yield held[0], held[-1]
        days = days[len(held) :]


def charts_of(
    symbols: Sequence[str], interval: str, windows: Sequence[tuple[date, date]], currency: str = "USD"
) -> list[dict[str, str]]:
    """What the spider `charts` is asked: each symbol over each window."""
    return [
        {
            "symbol": symbol,
            "interval": interval,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "currency": currency,
        }
        for symbol in symbols
        for start, end in windows
    ]


def days_of(month: str) -> tuple[date, date]:
    """The first and the last day of a month, such as 2026-11.

    Raises:
        ValueError: for a month that is none.
    """
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
