"""Marts: what PostgreSQL shows to the chat, the pages and any SQL client. Built by dbt from gold.

A mart's columns are its gold table's, with names and sectors joined on where people ask by them.
"""

from __future__ import annotations

import dataframely as dy

from lake.contracts.attention import VisitsDay, VisitsSecond
from lake.contracts.base import SYMBOL, Table, utc
from lake.contracts.forecasts import Forecast
from lake.contracts.market import BarDaily, BarMinute, Company, Coverage, Membership, Quote, Sector
from lake.contracts.operations import QuarantineRule
from lake.contracts.signals import SignalHourly

_NAME = {"meaning": "company name"}
_SECTOR = {"meaning": "sector"}
_INDUSTRY = {"meaning": "industry"}


class QuoteMart(Quote):
    """A company's snapshot at a tick, with its name, sector and industry."""

    name = dy.String(nullable=True, metadata=_NAME)
    sector = dy.String(nullable=True, metadata=_SECTOR)
    industry = dy.String(nullable=True, metadata=_INDUSTRY)


class CompanyMart(Company):
    """A company's description, history kept, with its latest market cap on the version in force."""

    market_cap = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "market cap at the latest tick"})
    officers = dy.String(nullable=True, metadata={"meaning": "officers with their roles, on the version in force"})
    ceo = dy.String(nullable=True, metadata={"meaning": "chief executive officer"})
    cfo = dy.String(nullable=True, metadata={"meaning": "chief financial officer"})


class BarMart(BarDaily):
    """A company's trading day, with its name, sector, industry and moving averages."""

    name = dy.String(nullable=True, metadata=_NAME)
    sector = dy.String(nullable=True, metadata=_SECTOR)
    industry = dy.String(nullable=True, metadata=_INDUSTRY)
    ma_20 = dy.Float64(nullable=True, metadata={"unit": "USD", "meaning": "average close of 20 sessions; empty before"})
    ma_50 = dy.Float64(nullable=True, metadata={"unit": "USD", "meaning": "average close of 50 sessions; empty before"})
    ma_200 = dy.Float64(
        nullable=True, metadata={"unit": "USD", "meaning": "average close of 200 sessions; empty before"}
    )


class BarMinuteMart(BarMinute):
    """A company's minute, with its name."""

    name = dy.String(nullable=True, metadata=_NAME)


class VisitsDayMart(VisitsDay):
    """Visits to a company's filings in a day, with its ticker and name where SEC's mapping has them."""

    symbol = dy.String(nullable=True, regex=SYMBOL, metadata={"meaning": "first ticker of the filer"})
    name = dy.String(nullable=True, metadata=_NAME)
    sector = dy.String(nullable=True, metadata=_SECTOR)


class VisitsSecondMart(VisitsSecond):
    """Visits to a company's filings in a second, with its ticker."""

    symbol = dy.String(nullable=True, regex=SYMBOL, metadata={"meaning": "first ticker of the filer"})


class ForecastMart(Forecast):
    """A forecast, and its score where the actual close is known."""

    name = dy.String(nullable=True, metadata=_NAME)
    sector = dy.String(nullable=True, metadata=_SECTOR)
    actual_close = dy.Float64(nullable=True, metadata={"unit": "USD", "meaning": "the close that came"})
    absolute_error = dy.Float64(
        nullable=True, metadata={"unit": "USD", "meaning": "distance of forecast and actual close"}
    )
    persistence_absolute_error = dy.Float64(
        nullable=True, metadata={"unit": "USD", "meaning": "distance of last and actual close"}
    )
    within_interval = dy.Bool(nullable=True, metadata={"meaning": "whether the actual close lay in the interval"})


class Load(dy.Schema):
    """A table of the lake: how much of it there is, from where, and how fresh it is."""

    table = dy.String(alias="table_name", primary_key=True, metadata={"meaning": "layer and name"})
    layer = dy.String(nullable=False, metadata={"meaning": "bronze, silver or gold"})
    source = dy.String(nullable=False, metadata={"meaning": "what it is made from"})
    rows = dy.Int64(nullable=False, min=0, metadata={"unit": "rows", "meaning": "rows in the lake"})
    quarantined_rows = dy.Int64(
        nullable=False, min=0, metadata={"unit": "rows", "meaning": "rows refused with a reason"}
    )
    version = dy.Int64(nullable=True, metadata={"meaning": "the Delta table's version"})
    loaded_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "when it last changed"})
    first_time = utc(nullable=True, metadata={"unit": "UTC", "meaning": "earliest event time or day it holds"})
    last_time = utc(nullable=True, metadata={"unit": "UTC", "meaning": "latest event time or day it holds"})


LOADS = Table("loads", "gold", Load, "operations", "the lake itself")


def _mart(name: str, schema: type[dy.Schema], group: str, source: str) -> Table:
    return Table(name, "mart", schema, group, source, engine="dbt")


def _sliced(name: str, schema: type[dy.Schema], group: str, source: str) -> Table:
    """A mart that grows with time: a tick or a day renews its own slice and leaves the history alone."""
    return Table(name, "mart", schema, group, source, engine="dbt", slices_of=f"gold.{name}")


MARTS = (
    _mart("companies", CompanyMart, "market", "gold.companies, gold.quotes, gold.officers"),
    _sliced("quotes", QuoteMart, "market", "gold.quotes, gold.companies"),
    _sliced("sectors", Sector, "market", "gold.sectors"),
    _sliced("universe", Membership, "market", "gold.universe"),
    _sliced("coverage", Coverage, "market", "gold.coverage"),
    _mart("bars_daily", BarMart, "market", "gold.bars_daily, gold.companies"),
    _sliced("bars_minute", BarMinuteMart, "market", "gold.bars_minute, gold.companies"),
    _mart("forecasts", ForecastMart, "forecasts", "gold.forecasts, gold.forecast_scores, gold.companies"),
    _mart("signals_hourly", SignalHourly, "signals", "gold.signals_hourly"),
    _sliced("visits_day", VisitsDayMart, "attention", "gold.visits_day, gold.companies, gold.filers"),
    _sliced("visits_second", VisitsSecondMart, "attention", "gold.visits_second, gold.companies, gold.filers"),
    _mart("quarantine", QuarantineRule, "operations", "gold.quarantine"),
    _mart("loads", Load, "operations", "gold.loads"),
)
