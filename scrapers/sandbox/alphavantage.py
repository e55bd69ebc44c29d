"""The sandbox's Alpha Vantage: minutes of the same world, a month or the newest of them, as JSON or CSV.

Whatever is wrong with a request is told with HTTP 200, as the source does. Prices are as traded (`adjusted=false`) or
adjusted for all splits and dividends until now; there are no trades outside the session.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lake.market_calendar import NEW_YORK, xnys
from scrapers.sandbox.replies import json_reply, market_of, sandbox_of
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.intraday import minutes
from scrapers.sandbox.world.noise import Floats
from scrapers.sandbox.world.snapshot import Moment, moment, seen
from scrapers.sandbox.yahoo_chart import dividend_factor
from scrapers.windows import days_of

FUNCTION = "TIME_SERIES_INTRADAY"
_COMPACT, _TRAILING_DAYS = 100, 30
_NAMES = ("1. open", "2. high", "3. low", "4. close", "5. volume")
_PAGE = "https://www.alphavantage.co"
_NO_KEY = (
    "the parameter apikey is invalid or missing. Please claim your free API key on "
    f"({_PAGE}/support/#api-key). It should take less than 20 seconds."
)
Line = tuple[str, str, str, str, str, str]


def query(request: Request) -> Response:
    """The one address: a function and its parameters."""
    sandbox, given = sandbox_of(request), request.query_params
    key = given.get("apikey", "")
    if not key or (sandbox.key is not None and not hmac.compare_digest(key.encode(), sandbox.key.encode())):
        return _wrong(_NO_KEY)
    if given.get("function") != FUNCTION:
        return _wrong(f"This API function ({given.get('function', '')}) does not exist.")
    company = market_of(request).find(given.get("symbol", ""), request.state.at)
    try:
        days = _days(given.get("month"), request.state.at)
    except ValueError:
        company = None
    if company is None or given.get("interval") != "1min":
        return _wrong(
            f"Invalid API call. Please retry or visit the documentation ({_PAGE}/documentation/) for {FUNCTION}."
        )
    lines = list(_lines(sandbox.seed, company, days, moment(request.state.at), given.get("adjusted") != "false"))
    lines.reverse()
    size = "Full size" if given.get("outputsize") == "full" else "Compact"
    lines = lines if size == "Full size" else lines[:_COMPACT]
    return _csv(lines) if given.get("datatype") == "csv" else _json(company.symbol, size, lines)


def _wrong(text: str) -> Response:
    return json_reply({"Error Message": text})


def _days(month: str | None, at: datetime) -> tuple[date, date]:
    """The first and the last day asked about.

    Raises:
        ValueError: for a month that is none.
    """
    today = at.astimezone(NEW_YORK).date()
    if month is None:
        return today - timedelta(days=_TRAILING_DAYS), today
    first, last = days_of(month)
    return first, min(today, last)


def _lines(seed: int, company: Company, days: tuple[date, date], now: Moment, adjusted: bool) -> Iterator[Line]:
    """Stamps with open, high, low, close and volume, the oldest first."""
    first, last = max(days[0], company.first_day), min(days[1], now.session)
    sessions = xnys().sessions(first, last) if first <= last else []
    factors = _factors(seed, company, sessions[0], now) if adjusted and sessions else {}
    for session in sessions:
        path = minutes(seed, company, session)
        done = now.elapsed if now.running and session == now.session else len(path)
        price, shares = factors.get(session, (1.0, 1.0))
        columns: tuple[Floats, ...] = (path.path[:-1], path.high, path.low, path.path[1:])
        texts = [[f"{value:.4f}" for value in column[:done] * price] for column in columns]
        volume = [str(value) for value in np.round(path.volume[:done] / shares).astype(np.int64)]
        begin = datetime.fromtimestamp(path.opens, UTC).astimezone(NEW_YORK).replace(tzinfo=None)
        stamps = [str(begin + timedelta(minutes=minute)) for minute in range(done)]
        yield from zip(stamps, *texts, volume, strict=True)


def _factors(seed: int, company: Company, first: date, now: Moment) -> Mapping[date, tuple[float, float]]:
    """For each session what its prices are multiplied with, and by what its volume is divided."""
    history = seen(seed, company, first, now)
    raw = {day: minutes(seed, company, day) for day in map(date.fromordinal, history.days.tolist())}
    dividends = dividend_factor(history)
    found = {}
    for place, (day, path) in enumerate(raw.items()):
        split = float(history.open[place] / path.path[0])
        found[day] = (split * float(dividends[place]), split)
    return found


def _json(symbol: str, size: str, lines: list[Line]) -> Response:
    about = {
        "1. Information": "Intraday (1min) open, high, low, close prices and volume",
        "2. Symbol": symbol,
        "3. Last Refreshed": lines[0][0] if lines else "",
        "4. Interval": "1min",
        "5. Output Size": size,
        "6. Time Zone": "US/Eastern",
    }
    series = {stamp: dict(zip(_NAMES, values, strict=True)) for stamp, *values in lines}
    return json_reply({"Meta Data": about, "Time Series (1min)": series})


def _csv(lines: list[Line]) -> Response:
    text = "timestamp,open,high,low,close,volume\r\n" + "".join(f"{','.join(line)}\r\n" for line in lines)
    return Response(text, media_type="application/x-download")


ROUTES = [Route("/alphavantage/query", query)]
