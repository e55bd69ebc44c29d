"""What part of a chart a request asks for, within Yahoo's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from lake.market_calendar import xnys
from scrapers.sandbox.world import calendar
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.snapshot import Moment, first_trade

RANGES = {
    "1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653,
    "ytd": None, "max": None,
}  # fmt: skip
_DAY = 86_400


class ChartError(Exception):
    """A request that Yahoo answers with an error body.

    Attributes:
        status: HTTP status.
        code: Yahoo's word for it.
    """

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Window:
    """What part of a chart is asked for, in seconds since 1970, half-open."""

    start: int
    end: int
    interval: str
    range: str = ""


def read_window(query: Mapping[str, str], at: int, range_start: Callable[[str], int]) -> Window:
    """The window of a request.

    Args:
        query: the request's parameters.
        at: the instant served, seconds since 1970.
        range_start: where a named range starts.

    Raises:
        ChartError: for intervals and windows that Yahoo refuses.
    """
    interval = query.get("interval", "1d")
    if interval not in ("1d", "1m"):
        valid = "Valid intervals: [1m, 1d]"
        detail = f"Invalid input - interval={interval} is not supported. {valid}"
        raise ChartError(422, "Unprocessable Entity", detail)
    if "period1" in query:
        start, end = _seconds(query, "period1", 0), _seconds(query, "period2", at)
        if interval == "1m":
            _check_minutes(start, end, at)
        # Nothing lies outside these, and dates far off are no dates.
        return Window(max(0, start), max(0, min(end, at + _DAY)), interval)
    name = query.get("range", "1d")
    if name not in RANGES:
        raise ChartError(422, "Unprocessable Entity", f"Invalid input - range={name} is not supported.")
    # All of a history comes in months, whatever was asked for.
    interval = "1mo" if name == "max" and interval == "1d" else interval
    return Window(range_start(name), at + 1, interval, name)


def _seconds(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise ChartError(400, "Bad Request", f"Invalid input - {name}={text}") from None


def _check_minutes(start: int, end: int, at: int) -> None:
    window = f"1m data not available for startTime={start} and endTime={end}."
    if end - start > 8 * _DAY:
        limit = "Only 8 days worth of 1m granularity data are allowed to be fetched per request."
        raise ChartError(422, "Unprocessable Entity", f"{window} {limit}")
    if start < at - 30 * _DAY:
        raise ChartError(422, "Unprocessable Entity", f"{window} The requested range must be within the last 30 days.")


def range_start(name: str, now: Moment, company: Company) -> int:
    """Where a named range of a company's chart starts, seconds since 1970."""
    if name == "max":
        return first_trade(company)
    if name == "1d":
        return now.opens
    first = date(now.session.year, 1, 1) if name == "ytd" else now.session - timedelta(days=RANGES[name] or 0)
    return int(xnys().open_at(calendar.session_on_or_after(first)).timestamp())
