"""Alpha Vantage's time series: minutes and days of a company, and the notices it sends with HTTP 200 instead.

Stamps are naive and mean New York's time, the start of the minute; the newest comes first; numbers are texts under names
such as `1. open`.
A daily series of the free functions is as traded: its basis is raw.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Literal

from lake.clock import NEW_YORK
from lake.contracts import table
from lake.market_calendar import CalendarEnd, xnys
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Parsed, Records, RowRefused, guarded, json_object, parsed
from scrapers.pages.bodies import Json, by_status, load_json

Function = Literal["TIME_SERIES_INTRADAY", "TIME_SERIES_DAILY"]
ORIGIN = "alphavantage"
_SERIES = {"TIME_SERIES_INTRADAY": "Time Series (1min)", "TIME_SERIES_DAILY": "Time Series (Daily)"}
_TABLES = {"TIME_SERIES_INTRADAY": "silver.bars_minute", "TIME_SERIES_DAILY": "silver.bars_daily"}
_ZONES = ("US/Eastern", "America/New_York")
# The burst notice names the daily cap too, so it is looked for first.
_NOTICES = (
    (re.compile(r"spreading out|per second|calls per minute", re.IGNORECASE), Reason.THROTTLED),
    (re.compile(r"requests per day|daily rate limit", re.IGNORECASE), Reason.DAILY_CAP),
    (re.compile(r"premium (feature|endpoint)", re.IGNORECASE), Reason.PREMIUM_FUNCTION),
    (re.compile(r"apikey is invalid|apikey.*missing", re.IGNORECASE), Reason.UNAUTHORIZED),
    (re.compile(r"invalid api call", re.IGNORECASE), Reason.BAD_REQUEST),
)
_KEY = re.compile(rb"(API key as )\w+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def without_key(body: bytes, key: str | None = None) -> bytes:
    """A body without the key that a notice repeats, and without the given one wherever it is."""
    body = _KEY.sub(rb"\1...", body)
    return body.replace(key.encode(), b"...") if key else body


def read_series(  # noqa: PLR0913, PLR0917 - what was asked
    body: bytes,
    function: Function,
    symbol: str,
    status: int | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Records:
    """A series as records of silver.bars_minute or silver.bars_daily; see `parse_series`.

    Args:
        first, last: the days asked about, both included; what is stamped on others is not taken in.
    """

    def read(records: Records) -> None:
        for stamp, values in _series(without_key(body), function, symbol, status).items():
            if not _asked_about(stamp, first, last):
                continue
            records.rows_in += 1
            try:
                records.rows.append(_row(stamp, json_object(values), function, symbol))
            except RowRefused as refused:
                records.refuse(refused.reason, {"symbol": symbol, "stamp": stamp, "values": values})

    # A notice of the cap repeats the key.
    return guarded(read, without_key(body))


def _asked_about(stamp: str, first: date | None, last: date | None) -> bool:
    """Whether a stamp is of the days asked about; one that names no day is told apart later."""
    if (found := _DAY.match(stamp)) is None:
        return True
    day = found.group()
    return (first is None or day >= first.isoformat()) and (last is None or day <= last.isoformat())


def parse_series(body: bytes, function: Function, symbol: str, status: int | None = None) -> Parsed:
    """Rows from a TIME_SERIES_INTRADAY (1min) or TIME_SERIES_DAILY body.

    Args:
        body: the payload as received.
        function: the function asked for.
        symbol: the symbol asked for; a body that names another one is refused.
        status: the response's HTTP status, where known.
    """
    return parsed(read_series(body, function, symbol, status), table(_TABLES[function]))


def _series(body: bytes, function: Function, symbol: str, status: int | None) -> dict[str, Json]:
    root = json_object(load_json(body, status))
    _raise_notice(root)
    about, series = json_object(root.get("Meta Data")), root.get(_SERIES[function])
    if not about or not isinstance(series, dict):
        raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE, ", ".join(root)[:200])
    told = {name.partition(". ")[2]: value for name, value in about.items()}
    if told.get("Symbol") != symbol:
        raise BodyRefused(Reason.SYMBOL_MISMATCH, str(told.get("Symbol"))[:40])
    if told.get("Time Zone") not in _ZONES:
        raise BodyRefused(Reason.NO_TIME_ZONE, str(told.get("Time Zone"))[:60])
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    return series


def _raise_notice(root: dict[str, Json]) -> None:
    for name in ("Information", "Note", "Error Message"):
        if isinstance(notice := root.get(name), str):
            reason = next((known for pattern, known in _NOTICES if pattern.search(notice)), Reason.SOURCE_ERROR)
            raise BodyRefused(reason, notice[:300])


def _row(stamp: str, values: dict[str, Json], function: Function, symbol: str) -> dict[str, object]:
    told = {name.partition(". ")[2]: value for name, value in values.items()}
    row: dict[str, object] = {name: _number(told.get(name)) for name in ("open", "high", "low", "close")}
    row |= {"symbol": symbol, "origin": ORIGIN, "volume_shares": int(_number(told.get("volume")))}
    try:
        if function == "TIME_SERIES_DAILY":
            day = date.fromisoformat(stamp)
            return row | {"session": day, "year": day.year, "basis": "raw"}
        local = datetime.fromisoformat(stamp).replace(tzinfo=NEW_YORK)
    except ValueError:
        raise RowRefused(Reason.TIME_MISSING) from None
    at = local.astimezone(UTC)
    if not _in_regular_hours(at, local.date()):
        raise RowRefused(Reason.OUTSIDE_SESSION)
    return row | {"minute": at, "session": local.date()}


def _in_regular_hours(at: datetime, day: date) -> bool:
    try:
        return xnys().is_session(day) and xnys().open_at(day) <= at < xnys().close_at(day)
    except CalendarEnd:
        return False


def _number(value: Json) -> float:
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise RowRefused(Reason.WRONG_TYPE)
    return found
