"""Yahoo's quoteSummary: a company's description and its slow figures.

Money in the contract is USD. A company that trades in another currency keeps its description and says its currency;
its dividend and target, which are in that currency, stay empty.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import (
    Parsed,
    Records,
    RowRefused,
    first_object,
    guarded,
    instant,
    json_object,
    number,
    parsed,
    text,
    to_instant,
    whole,
)
from scrapers.pages.bodies import Json, by_status, load_json, raise_source_error

PROFILES = table("silver.profiles")
MODULES = (
    "price",
    "summaryDetail",
    "defaultKeyStatistics",
    "assetProfile",
    "calendarEvents",
    "financialData",
)
_READ = (*MODULES, "summaryProfile", "quoteType")


def read_summary(body: bytes, session: date, symbol: str, status: int | None = None) -> Records:
    """A company's profile as a record; see `parse_summary`."""

    def read(records: Records) -> None:
        result = summary_modules(body, status)
        records.read_each([result], lambda modules, _: _row(modules, session, symbol))

    return guarded(read, body)


def parse_summary(body: bytes, session: date, symbol: str, status: int | None = None) -> Parsed:
    """One row of silver.profiles from a quoteSummary body.

    Args:
        body: the payload as received.
        session: the trading day whose profile it is.
        symbol: the symbol asked for; a body that names another one is refused.
        status: the response's HTTP status, where known.
    """
    return parsed(read_summary(body, session, symbol, status), PROFILES)


def summary_modules(body: bytes, status: int | None) -> Json:
    """The modules of a quoteSummary body.

    Raises:
        BodyRefused: naming what came instead.
    """
    root = json_object(load_json(body, status))
    raise_source_error("finance", json_object(root.get("finance")).get("error"), status)
    summary = json_object(root.get("quoteSummary"))
    raise_source_error("quoteSummary", summary.get("error"), status)
    modules = first_object(summary.get("result"))
    if not isinstance(summary.get("result"), list):
        raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE)
    if not any(isinstance(modules.get(name), dict) for name in _READ):
        raise BodyRefused(by_status(status) or Reason.NO_KNOWN_MODULE, ", ".join(modules)[:200])
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    return modules


def _row(modules: dict[str, Json], session: date, symbol: str) -> dict[str, object]:
    price, detail, statistics, calendar, financial, kind = (
        json_object(modules.get(name))
        for name in (
            "price",
            "summaryDetail",
            "defaultKeyStatistics",
            "calendarEvents",
            "financialData",
            "quoteType",
        )
    )
    about = json_object(modules.get("assetProfile")) or json_object(modules.get("summaryProfile"))
    named = text(price, "symbol") or text(kind, "symbol")
    if named is not None and named != symbol:
        raise RowRefused(Reason.SYMBOL_MISMATCH)
    currency = text(price, "currency") or text(detail, "currency")
    in_usd = currency in (None, "USD")
    lines = [line for line in (text(about, "address1"), text(about, "address2")) if line]
    beta = number(detail, "beta")
    ex_dividend = instant(calendar, "exDividendDate") or instant(detail, "exDividendDate")
    return {
        "session": session,
        "symbol": symbol,
        "name": text(price, "longName") or text(price, "shortName") or text(kind, "longName"),
        "sector": text(about, "sector"),
        "industry": text(about, "industry"),
        "exchange": text(price, "exchangeName"),
        "currency": currency,
        "country": text(about, "country"),
        "city": text(about, "city"),
        "address": ", ".join(lines) or None,
        "website": text(about, "website"),
        "employees": whole(about, "fullTimeEmployees"),
        "description": text(about, "longBusinessSummary"),
        "beta": beta if beta is not None else number(statistics, "beta"),
        "forward_dividend": number(detail, "dividendRate") if in_usd else None,
        "target_1y": number(financial, "targetMeanPrice") if in_usd else None,
        "earnings_at": _earnings(calendar),
        "ex_dividend_date": ex_dividend.astimezone(UTC).date() if ex_dividend else None,
    }


def _earnings(calendar: dict[str, Json]) -> datetime | None:
    """The earnings date, or the first of the days Yahoo expects it between."""
    dates = json_object(calendar.get("earnings")).get("earningsDate")
    if not isinstance(dates, list):
        return None
    seconds = [number({"at": value}, "at") for value in dates]
    known = [value for value in seconds if value is not None]
    return to_instant(min(known)) if known else None
