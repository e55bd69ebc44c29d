"""Bars, dividends and splits in the form of Yahoo's v8 chart, its limits and oddities included.

Prices are adjusted for splits that have happened by the instant served, never for dividends; `adjclose` for both.
Numbers pass through 32 bits, as Yahoo's do. The bar of a running session is stamped with its last trade.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from lake.market_calendar import NEW_YORK, xnys
from scrapers.sandbox.world import actions, calendar, us_index
from scrapers.sandbox.world.bars import Bars
from scrapers.sandbox.world.companies import EXCHANGES, Company
from scrapers.sandbox.world.intraday import Minutes, minutes
from scrapers.sandbox.world.noise import Floats, Ints
from scrapers.sandbox.world.snapshot import Moment, Snapshot, first_trade, seen, utc
from scrapers.sandbox.yahoo_quote import tidy
from scrapers.sandbox.yahoo_window import RANGES, ChartError, Window


def chart(seed: int, snapshot: Snapshot, window: Window, events: str) -> dict[str, Any]:
    """One element of `chart.result`.

    Raises:
        ChartError: when the window ends before the company's first trade.
    """
    company, now = snapshot.company, snapshot.moment
    if window.end <= first_trade(company):
        detail = f"Data doesn't exist for startDate = {window.start}, endDate = {window.end}"
        raise ChartError(400, "Bad Request", detail)
    if window.interval == "1m":
        return _minute_chart(seed, snapshot, window)
    # Ten days more, for the close before the first bar.
    first = min(utc(min(window.start, window.end)).astimezone(NEW_YORK).date(), now.session)
    bars = seen(seed, company, max(first - timedelta(days=10), company.first_day), now)
    stamps = _stamps(bars, now)
    inside = np.flatnonzero((stamps >= window.start) & (stamps < window.end))
    result: dict[str, Any] = {"meta": _meta(snapshot, window), "indicators": {"quote": [{}], "adjclose": [{}]}}
    if not len(inside):
        return result
    if inside[0] > 0:
        result["meta"]["chartPreviousClose"] = tidy(float(bars.close[inside[0] - 1]))
    adjusted: Floats = bars.close * dividend_factor(bars)
    at = slice(int(inside[0]), int(inside[-1]) + 1)
    if found := _events(seed, company, bars.cut(at.start, at.stop), stamps[at], events):
        result["events"] = found
    told = stamps[at].copy()
    if now.running and bars.days[at.stop - 1] == now.session.toordinal():
        told[-1] = now.quoted_at
    columns: dict[str, Any] = {
        "timestamp": told, "open": bars.open[at], "high": bars.high[at], "low": bars.low[at],
        "close": bars.close[at], "volume": bars.volume[at], "adjclose": adjusted[at],
    }  # fmt: skip
    if window.interval == "1mo":
        columns = by_month(columns, bars.days[at])
    result["timestamp"] = columns.pop("timestamp")
    result["indicators"]["adjclose"] = [{"adjclose": _single(columns.pop("adjclose"))}]
    result["indicators"]["quote"] = [quote_columns(columns)]
    return result


def quote_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """An element of `indicators.quote`."""
    return {name: values if name == "volume" else _single(values) for name, values in columns.items()}


def _single(values: Floats) -> Floats:
    rounded: Floats = values.astype(np.float32).astype(np.float64)
    return rounded


def _stamps(bars: Bars, now: Moment) -> Ints:
    if not len(bars):
        return bars.days
    years = [calendar.year(n) for n in range(date.fromordinal(int(bars.days[0])).year, now.session.year + 1)]
    days = np.concatenate([year.days for year in years])
    opens = np.concatenate([year.opens for year in years])
    stamps: Ints = opens[np.searchsorted(days, bars.days)]
    if now.running and bars.days[-1] == now.session.toordinal():
        stamps[-1] = now.last_trade
    return stamps


def dividend_factor(bars: Bars) -> Floats:
    """What each close is multiplied with for the dividends after it: 1 − dividend / previous close, each."""
    kept = np.ones(len(bars))
    kept[1:] = 1.0 - bars.dividend[1:] / bars.close[:-1]
    after = np.ones(len(bars))
    after[:-1] = np.cumprod(kept[:0:-1])[::-1]
    return after


def _events(seed: int, company: Company, bars: Bars, stamps: Ints, wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "div" in wanted and bars.dividend.any():
        found["dividends"] = {
            str(stamps[n]): {"amount": tidy(float(bars.dividend[n]), 6), "date": int(stamps[n])}
            for n in np.flatnonzero(bars.dividend)
        }
    if "split" in wanted:
        days = {int(day): int(stamp) for day, stamp in zip(bars.days, stamps, strict=True)}
        splits = {
            str(stamp): {
                "date": stamp,
                "numerator": ratio.numerator,
                "denominator": ratio.denominator,
                "splitRatio": f"{ratio.numerator}:{ratio.denominator}",
            }
            for when, ratio in actions.splits(seed, company)
            if (stamp := days.get(when.toordinal())) is not None
        }
        if splits:
            found["splits"] = splits
    return found


def by_month(columns: Mapping[str, Any], days: Ints) -> dict[str, Any]:
    """Daily columns as monthly ones."""
    months = np.array([(day := date.fromordinal(int(n))).year * 12 + day.month for n in days])
    first = np.flatnonzero(np.diff(months, prepend=-1))
    last = np.append(first[1:], len(months)) - 1
    return {
        "timestamp": columns["timestamp"][first],
        "open": columns["open"][first],
        "high": np.maximum.reduceat(columns["high"], first),
        "low": np.minimum.reduceat(columns["low"], first),
        "close": columns["close"][last],
        "volume": np.add.reduceat(columns["volume"], first),
        "adjclose": columns["adjclose"][last],
    }


def _minute_chart(seed: int, snapshot: Snapshot, window: Window) -> dict[str, Any]:
    company, now = snapshot.company, snapshot.moment
    first = max(utc(min(window.start, window.end)).astimezone(NEW_YORK).date(), company.first_day)
    last = min(utc(window.end).astimezone(NEW_YORK).date(), now.session)
    sessions = xnys().sessions(first, last) if first <= last else []
    rows = [_minute_rows(seed, snapshot, session, minutes(seed, company, session)) for session in sessions]
    result: dict[str, Any] = {"meta": _meta(snapshot, window), "indicators": {"quote": [{}]}}
    if sessions:
        result["meta"]["tradingPeriods"] = [[_period(day, "regular")] for day in sessions]
    columns = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]} if rows else {}
    stamps = columns.pop("timestamp", np.zeros(0, dtype=np.int64))
    inside = (stamps >= window.start) & (stamps < window.end)
    if inside.any():
        result["timestamp"] = stamps[inside]
        result["indicators"]["quote"] = [quote_columns({name: column[inside] for name, column in columns.items()})]
    return result


def _minute_rows(seed: int, snapshot: Snapshot, session: date, path: Minutes) -> dict[str, Any]:
    """A session's complete minutes, and the bar of no volume that Yahoo sends at the close."""
    running = snapshot.moment.running and session == snapshot.moment.session
    done = snapshot.moment.elapsed if running else len(path)
    day = np.array([session.toordinal()], dtype=np.int64)
    ratio = snapshot.factor / float(actions.share_factor(seed, snapshot.company, day)[0])
    extra = [] if running else [float(path.path[-1])]
    volume = np.round(path.volume[:done] / ratio).astype(np.int64)
    return {
        "timestamp": path.opens + 60 * np.arange(done + len(extra), dtype=np.int64),
        "open": np.append(path.path[:-1][:done], extra) * ratio,
        "high": np.append(path.high[:done], extra) * ratio,
        "low": np.append(path.low[:done], extra) * ratio,
        "close": np.append(path.path[1:][:done], extra) * ratio,
        "volume": np.append(volume, np.zeros(len(extra), dtype=np.int64)),
    }


def _period(session: date, part: str) -> dict[str, Any]:
    opens, closes = xnys().open_at(session), xnys().close_at(session)
    start, end = {
        "pre": (opens - timedelta(hours=5, minutes=30), opens),
        "regular": (opens, closes),
        "post": (closes, closes + timedelta(hours=4)),
    }[part]
    local = start.astimezone(NEW_YORK)
    offset = local.utcoffset() or timedelta()
    return {
        "timezone": local.tzname(),
        "start": int(start.timestamp()),
        "end": int(end.timestamp()),
        "gmtoffset": int(offset.total_seconds()),
    }


def _meta(snapshot: Snapshot, window: Window) -> dict[str, Any]:
    company, now = snapshot.company, snapshot.moment
    local = now.at.astimezone(NEW_YORK)
    offset = local.utcoffset() or timedelta()
    today = calendar.session_on_or_after(local.date())
    meta: dict[str, Any] = {
        "currency": "USD",
        "symbol": company.symbol,
        "exchangeName": company.exchange,
        "fullExchangeName": EXCHANGES.get(company.exchange, company.exchange),
        "instrumentType": "INDEX" if company.symbol == us_index.SYMBOL else "EQUITY",
        "firstTradeDate": first_trade(company),
        "regularMarketTime": now.quoted_at,
        "hasPrePostMarketData": True,
        "gmtoffset": int(offset.total_seconds()),
        "timezone": local.tzname(),
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": snapshot.price,
        "fiftyTwoWeekHigh": tidy(float(snapshot.year.high.max())),
        "fiftyTwoWeekLow": tidy(float(snapshot.year.low.min())),
        "regularMarketDayHigh": tidy(snapshot.high),
        "regularMarketDayLow": tidy(snapshot.low),
        "regularMarketVolume": snapshot.volume,
        "longName": company.name,
        "shortName": company.short_name,
        "chartPreviousClose": tidy(snapshot.previous_close or snapshot.open),
        "priceHint": 2 if snapshot.price >= 1 else 4,
        "currentTradingPeriod": {part: _period(today, part) for part in ("pre", "regular", "post")},
        "dataGranularity": window.interval,
        "range": window.range,
        "validRanges": list(RANGES),
    }
    if window.interval == "1m":
        meta |= {"previousClose": tidy(snapshot.previous_close or snapshot.open), "scale": 3}
    return meta
