"""A figure over time."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import FORECAST, SCORED, SECTOR, SIGNAL, is_period
from chat_api.parser.measures.market import minute_series
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import TO_SECTOR, both, named_companies
from chat_api.plan import (
    Among,
    Bucket,
    Day,
    Known,
    Measure,
    Order,
    Plan,
)  # fmt: skip
from chat_api.times import When


def average_a_day(draft: Draft, parts: Parts) -> bool:
    """`on average how many visits a day in …`: one number, not a series."""
    names = {item.value for item in parts.concepts}
    if parts.ask.statistic == "average" and names == {"visits"} and draft.has("bucket", "day") and not parts.chart:
        draft.take("bucket", "day")
        parts.count = False
        return True
    return False


def forecast_pairs(parts: Parts) -> bool:
    names = {cast("str", item.value) for item in parts.concepts}
    return (
        bool(parts.companies)
        and len(parts.companies) == 1
        and is_period(parts.ask.when)
        and bool(names)
        and names <= {"forecast", "forecast_close", "forecast_return", "actual", "interval"}
        and parts.statistic is None
    )


_BUCKETS_OF: dict[str, tuple[Bucket, ...]] = {
    "bar": ("session",),
    "attention": ("day",),
    "signal": ("hour", "day"),
    "sector": ("tick",),
    "quote": ("tick",),
    "forecast": ("session",),
    "minute": ("minute",),
}


def build_series(draft: Draft, parts: Parts) -> Plan:
    buckets = {cast("str", item.value) for item in draft.take("bucket")}
    draft.take("unit", "session", "hour", "tick", "minute", "week", "month")
    draft.take("compare")
    if len(buckets) > 1:
        raise not_understood("several intervals at once")
    bucket = buckets.pop() if buckets else "auto"
    if parts.threshold_values or parts.count or draft.of("sup", "number"):
        raise not_understood("a series with a threshold or an order")
    names = [cast("str", item.value) for item in parts.concepts]
    if not names:
        raise clarify(
            "A series of which figure?", ("close", f"{draft.question} close"), ("volume", f"{draft.question} volume")
        )
    when = parts.ask.when
    if set(names) <= set(SIGNAL) | {"interval"} and (parts.tags or names[0] in SIGNAL):
        return _signal_series(draft, parts, bucket)
    if set(names) <= {"visits"}:
        days = timing.visit_days(draft, when)
        _expect(bucket, {"auto", "day"})
        if not parts.companies or isinstance(days, Day):
            raise clarify("Visits to whose filings, over which days?", ("name a company and a period", None))
        parts.concepts[0].used = True
        return Plan(
            kind="series",
            entity="company",
            values=(Measure(metric="attention.visits", time=days),),
            where=named_companies(parts),
            bucket="day",
            order=(Order(value=None, descending=False),),
            chart=parts.chart or True,
        )
    if set(names) <= set(FORECAST):
        return _forecast_series(draft, parts)
    if bucket == "tick" or (set(names) <= set(SECTOR) | {"pe", "market_cap", "volume"} and not parts.companies):
        return _tick_series(draft, parts, bucket)
    if bucket == "minute" or parts.ask.at_minutes:
        values = tuple(minute_series(draft, cast("str", item.value), parts.ask) for item in parts.concepts)
        for item in parts.concepts:
            item.used = True
        if not parts.companies:
            raise clarify("Of which company?", ("name a company", None))
        timing.minutes_held(draft, parts.companies)
        return Plan(
            kind="series",
            entity="minute",
            values=values,
            where=named_companies(parts),
            bucket="minute",
            order=(Order(value=None, descending=False),),
            chart=True,
        )
    return _bar_series(draft, parts, bucket)


def _expect(bucket: str, allowed: set[str]) -> None:
    if bucket not in allowed:
        raise clarify(
            "That is not known at that interval. Which of these?",
            *[(name, None) for name in sorted(allowed - {"auto"})],
        )


_SERIES_METRIC = {
    "close": "bar.close",
    "price": "bar.close",
    "open": "bar.open",
    "high": "bar.high",
    "low": "bar.low",
    "day_high": "bar.high",
    "day_low": "bar.low",
    "volume": "bar.volume",
    "adj_close": "bar.adj_close",
    "daily_return": "bar.return",
    "return": "bar.return",
    "ma_20": "bar.ma_20",
    "ma_50": "bar.ma_50",
    "ma_200": "bar.ma_200",
    "change_pct": "bar.return",
}


def _bar_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    _expect(bucket, {"auto", "day"})
    if not parts.companies or parts.where is not None or parts.statistic is not None:
        raise clarify("A series of which company?", ("name one or more companies", None))
    metrics = []
    for item in parts.concepts:
        item.used = True
        metric = _SERIES_METRIC.get(cast("str", item.value))
        if metric is None:
            raise clarify(
                "By the day these are known: open, high, low, close, adjusted close, volume, daily return, moving averages. Which?",
                ("close", None),
            )
        metrics.append(metric)
    if not is_period(parts.ask.when):
        question = draft.question.rstrip("?. ")
        raise clarify(
            "Over which period?",
            *[
                (period, f"{question} {period}")
                for period in ("this month", "year to date", "over the last 60 sessions")
            ],
        )
    days = timing.days_of(draft, cast("When", parts.ask.when))
    for metric in metrics:
        timing.enough_before(draft, metric, days.start)
    values = tuple(Measure(metric=metric, time=days) for metric in metrics)
    return Plan(
        kind="series",
        entity="company",
        values=values,
        where=named_companies(parts),
        bucket="session",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _forecast_series(draft: Draft, parts: Parts) -> Plan:
    names = {cast("str", item.value) for item in parts.concepts}
    when = parts.ask.when
    if not parts.companies or not is_period(when):
        raise clarify(
            "Forecasts for which company, over which sessions?",
            ("over the last 20 sessions", f"{draft.question} over the last 20 sessions"),
        )
    days = timing.forecast_sessions(draft, when, parts.ask.role, scored=bool(names & SCORED))
    metrics = list(
        dict.fromkeys(
            metric
            for item in parts.concepts
            for metric in (
                FORECAST[cast("str", item.value)][:1] if item.value == "forecast" else FORECAST[cast("str", item.value)]
            )
        )
    )
    for item in parts.concepts:
        item.used = True
    values = tuple(Measure(metric=metric, time=days, role=parts.ask.role) for metric in metrics)
    known = Known(left=Measure(metric="forecast.actual", time=days, role=parts.ask.role)) if names & SCORED else None
    return Plan(
        kind="series",
        entity="company",
        values=values,
        where=both(named_companies(parts), known),
        bucket="session",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _tick_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    if bucket == "day" or is_period(parts.ask.when):
        measures(draft, "change_weighted", replace(parts.ask, change=False))
    _expect(bucket, {"auto", "tick"})
    span = timing.session_ticks(draft, parts.ask.when)
    at_sector = not parts.companies
    values = []
    for item in parts.concepts:
        item.used = True
        name = cast("str", item.value)
        metric = TO_SECTOR.get(name) if at_sector else measures(draft, name, replace(parts.ask, when=None))[0].metric
        if metric is None or (not at_sector and not metric.startswith("quote.")):
            raise not_understood(f"“{item.text}” at every tick")
        values.append(Measure(metric=metric, time=span))
    draft.take("unit", "sector")
    where = parts.where if at_sector else both(named_companies(parts), parts.where)
    return Plan(
        kind="series",
        entity="sector" if at_sector else "company",
        values=tuple(values),
        where=where,
        bucket="tick",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _signal_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    _expect(bucket, {"auto", "hour", "day"})
    when = parts.ask.when
    if when is None or when.kind in {"hour", "now"}:
        raise clarify("Over which day or days (India time)?", ("today", f"{draft.question} today"))
    time = timing.signal_time(draft, when)
    hourly = bucket == "hour" or (bucket == "auto" and isinstance(time, Day))
    values: list[Measure] = []
    for item in parts.concepts:
        item.used = True
        names = ["signal.low", "signal.high"] if item.value == "interval" else [SIGNAL[cast("str", item.value)]]
        if not hourly and (item.value in {"interval", "posts_per_user"}):
            raise clarify("That is known by the hour.", ("hour by hour", f"{draft.question} hour by hour"))
        values.extend(Measure(metric=name, time=time) for name in names)
    where = Among(dimension="tag", values=tuple(parts.tags)) if parts.tags else None
    return Plan(
        kind="series",
        entity="tag",
        values=tuple(values),
        where=where,
        bucket="hour" if hourly else "day",
        order=(Order(value=None, descending=False),),
        chart=True,
    )
