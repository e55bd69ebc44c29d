"""Yahoo's v8 chart: daily bars with dividends and splits, and one-minute bars.

Prices of a chart are adjusted for splits (basis `split_adjusted`), so are its dividends; `adjclose` is kept as the
source's own. This module reads one body; `chart_rows` turns many bodies into rows at once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import NoneType
from typing import Literal
from zoneinfo import available_timezones

from lake.market_calendar import CalendarEnd, xbom, xnys
from lake.rows import Refusal
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import (
    RowRefused,
    as_text,
    first_object,
    json_object,
    number,
    positive,
    refusal_of_body,
    text,
    to_instant,
    whole,
)
from scrapers.pages.bodies import Json, by_status, load_json, raise_source_error

Interval = Literal["1d", "1m"]
FIELDS = ("open", "high", "low", "close")
_EARLIEST, _LATEST = -2_208_988_800, 7_258_118_400
_PLACE = re.compile(r"^[A-Z][A-Za-z]+/[A-Za-z_/+-]+$|^UTC$")


@dataclass(slots=True)
class ChartBody:
    """A chart as it came: parallel lists, checked in length and type, and what is known of its trading day.

    Attributes:
        stamps: seconds since 1970, 0 where the source's is no time (then `faults` says so).
        prices: the four price lists, in the order of `FIELDS`.
        faults: place → why that bar cannot be a row.
        events: (kind, seconds, amount) of dividends and splits.
        regular: start and end of the trading period that the body calls current, in seconds.
        last_trade: the source's time of the newest trade, in seconds.
        refused: why the whole body was refused, and the refusal.
    """

    symbol: str = ""
    zone: str = "UTC"
    stamps: list[int] = field(default_factory=list)
    prices: tuple[list[float | None], ...] = ()
    volumes: list[int | None] = field(default_factory=list)
    adjusted: list[float | None] = field(default_factory=list)
    faults: dict[int, Reason] = field(default_factory=dict)
    events: list[tuple[str, int, float]] = field(default_factory=list)
    event_refusals: list[Refusal] = field(default_factory=list)
    regular: tuple[float, float] | None = None
    last_trade: float | None = None
    refused: tuple[Reason, Refusal] | None = None


def read_chart(
    body: bytes, interval: Interval, symbol: str | None = None, status: int | None = None, currency: str = "USD"
) -> ChartBody:
    """Read a chart body.

    Args:
        body: the payload as received.
        interval: the interval asked for; a body of another (as for `range=max`) is refused.
        symbol: the symbol asked for, if it is to be held against the body's.
        status: the response's HTTP status, where known.
        currency: what its prices have to be in; that of its companies, for an index.
    """
    try:
        return _read(body, interval, symbol, status, currency)
    except BodyRefused as refused:
        return ChartBody(refused=(refused.reason, refusal_of_body(refused, body)))
    except RowRefused as refused:
        about = BodyRefused(refused.reason, "in the chart's description")
        return ChartBody(refused=(refused.reason, refusal_of_body(about, body)))


def _read(body: bytes, interval: Interval, symbol: str | None, status: int | None, wanted: str) -> ChartBody:
    result = _result(body, status)
    meta = json_object(result.get("meta"))
    named = text(meta, "symbol")
    if named is None:
        raise BodyRefused(Reason.SYMBOL_MISSING if meta else Reason.UNEXPECTED_SHAPE)
    if symbol is not None and named != symbol:
        raise BodyRefused(Reason.SYMBOL_MISMATCH, named)
    currency = text(meta, "currency")
    if currency != wanted:
        raise BodyRefused(
            Reason.CURRENCY_NOT_USD
            if currency and wanted == "USD"
            else Reason.CURRENCY_OTHER
            if currency
            else Reason.CURRENCY_MISSING,
            str(currency),
        )
    if meta.get("dataGranularity") != interval:
        raise BodyRefused(Reason.WRONG_INTERVAL, str(meta.get("dataGranularity"))[:40])
    zone = text(meta, "exchangeTimezoneName")
    if zone not in known_zones():
        raise BodyRefused(Reason.NO_TIME_ZONE, str(zone)[:60])
    chart = ChartBody(symbol=named, zone=zone or "UTC", last_trade=number(meta, "regularMarketTime"))
    chart.regular = _span(json_object(meta.get("currentTradingPeriod")).get("regular"))
    _read_events(chart, json_object(result.get("events")))
    _read_bars(chart, result)
    if interval == "1m":
        _mark_outside(chart, meta)
    return chart


def _result(body: bytes, status: int | None) -> dict[str, Json]:
    root = json_object(load_json(body, status))
    raise_source_error("finance", json_object(root.get("finance")).get("error"), status)
    answer = json_object(root.get("chart"))
    raise_source_error("chart", answer.get("error"), status)
    result = first_object(answer.get("result"))
    if not result:
        empty = answer.get("result") == []
        raise BodyRefused(by_status(status) or (Reason.EMPTY_RESULT if empty else Reason.UNEXPECTED_SHAPE))
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    return result


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Time zones that are names of places (or UTC): those that every library here knows."""
    return frozenset(name for name in available_timezones() if _PLACE.match(name)) | {"UTC"}


def _read_bars(chart: ChartBody, result: dict[str, Json]) -> None:
    stamps = result.get("timestamp")
    if stamps is None or stamps == []:
        raise BodyRefused(Reason.EMPTY_WINDOW)
    indicators = json_object(result.get("indicators"))
    quote = first_object(indicators.get("quote"))
    if not isinstance(stamps, list):
        raise BodyRefused(Reason.UNEXPECTED_SHAPE, "timestamp")
    size = len(stamps)
    chart.stamps = _stamps(stamps, chart.faults)
    chart.prices = tuple(_numbers(quote.get(name), size, name, chart.faults) for name in FIELDS)
    chart.volumes = _whole_numbers(quote.get("volume"), size, chart.faults)
    adjusted = first_object(indicators.get("adjclose")).get("adjclose")
    chart.adjusted = [None] * size if adjusted is None else _numbers(adjusted, size, "adjclose", chart.faults)


def _stamps(values: list[Json], faults: dict[int, Reason]) -> list[int]:
    if set(map(type, values)) == {int} and min(values) >= _EARLIEST and max(values) <= _LATEST:  # type: ignore[type-var, operator]  # all whole numbers
        return values  # type: ignore[return-value]  # as above
    clean: list[int] = []
    for place, value in enumerate(values):
        if type(value) is int and _EARLIEST <= value <= _LATEST:
            clean.append(value)
        else:
            clean.append(0)
            faults[place] = Reason.WRONG_TYPE
    return clean


def _listed(values: Json, size: int, name: str) -> list[Json]:
    if not isinstance(values, list) or len(values) != size:
        raise BodyRefused(Reason.UNEXPECTED_SHAPE, f"{name} is not as long as timestamp")
    return values


def _numbers(values: Json, size: int, name: str, faults: dict[int, Reason]) -> list[float | None]:
    listed = _listed(values, size, name)
    kinds = set(map(type, listed))
    if kinds <= {float, NoneType}:
        return listed  # type: ignore[return-value]  # every element has just been looked at
    clean: list[float | None] = []
    for place, value in enumerate(listed):
        if value is None or type(value) in (int, float):
            clean.append(None if value is None else float(value))  # type: ignore[arg-type]  # as above
        else:
            clean.append(None)
            faults[place] = Reason.WRONG_TYPE
    return clean


def _whole_numbers(values: Json, size: int, faults: dict[int, Reason]) -> list[int | None]:
    listed = _listed(values, size, "volume")
    if set(map(type, listed)) == {int} and min(listed) >= -(2**63) and max(listed) < 2**63:  # type: ignore[type-var, operator]  # all whole numbers
        return listed  # type: ignore[return-value]  # as above
    clean: list[int | None] = []
    for place, value in enumerate(listed):
        if type(value) is int and abs(value) < 2**63:
            clean.append(value)
        elif value is None:
            clean.append(None)
        elif type(value) is float and value.is_integer() and abs(value) < 2**63:
            clean.append(int(value))
        else:
            clean.append(None)
            faults[place] = Reason.WRONG_TYPE
    return clean


def _read_events(chart: ChartBody, events: dict[str, Json]) -> None:
    for kind, name in (("dividend", "dividends"), ("split", "splits")):
        for event in json_object(events.get(name)).values():
            try:
                if not isinstance(event, dict):
                    raise RowRefused(Reason.NOT_AN_OBJECT)
                chart.events.append((kind, *_event(kind, event)))
            except RowRefused as refused:
                chart.event_refusals.append(
                    Refusal(str(refused.reason), as_text({"symbol": chart.symbol, kind: event}))
                )


def _event(kind: str, event: dict[str, Json]) -> tuple[int, float]:
    at = whole(event, "date")
    if at is None:
        raise RowRefused(Reason.TIME_MISSING)
    to_instant(at)
    if kind == "dividend":
        if text(event, "currency") not in (None, "USD"):
            raise RowRefused(Reason.CURRENCY_NOT_USD)
        amount = positive(event, "amount")
    else:
        new, old = positive(event, "numerator"), positive(event, "denominator")
        amount = new / old if new and old else None
    if not amount or amount == float("inf"):
        raise RowRefused(Reason.AMOUNT_MISSING)
    return at, amount


def _span(period: Json) -> tuple[float, float] | None:
    try:
        start, end = number(json_object(period), "start"), number(json_object(period), "end")
    except RowRefused:
        return None
    return (start, end) if start is not None and end is not None and start < end else None


def _mark_outside(chart: ChartBody, meta: dict[str, Json]) -> None:
    """Name the minutes that are none of the regular session: the print at the close, and what comes before or after."""
    spans = sorted(_stated_hours(meta) or _exchange_hours(chart))
    if not spans:
        raise BodyRefused(Reason.NO_TRADING_HOURS)
    starts = [start for start, _ in spans]
    for place, stamp in enumerate(chart.stamps):
        at = bisect_right(starts, stamp) - 1
        if at < 0 or stamp > spans[at][1]:
            chart.faults.setdefault(place, Reason.OUTSIDE_SESSION)
        elif stamp == spans[at][1]:
            chart.faults.setdefault(place, Reason.CLOSING_PRINT)
        elif stamp % 60:
            chart.faults.setdefault(place, Reason.PARTIAL_BAR)


def _stated_hours(meta: dict[str, Json]) -> list[tuple[float, float]]:
    periods = meta.get("tradingPeriods")
    if isinstance(periods, dict):
        periods = periods.get("regular")
    days = periods if isinstance(periods, list) else []
    spans = [_span(period) for day in days for period in (day if isinstance(day, list) else [day])]
    return [span for span in spans if span is not None]


def _exchange_hours(chart: ChartBody) -> list[tuple[float, float]]:
    known = {"America/New_York": xnys, "Asia/Kolkata": xbom}
    if chart.zone not in known:
        return [chart.regular] if chart.regular else []
    exchange = known[chart.zone]()
    days = {datetime.fromtimestamp(stamp, UTC).astimezone(exchange.zone).date() for stamp in chart.stamps if stamp}
    spans = []
    for day in days:
        try:
            if exchange.is_session(day):
                spans.append((exchange.open_at(day).timestamp(), exchange.close_at(day).timestamp()))
        except CalendarEnd:
            continue
    return spans
