"""Yahoo's POST screener: a tree of conditions over the world's companies, sorted and paged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lake.contracts.market import SECTORS
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.market import Market
from scrapers.sandbox.world.snapshot import Snapshot, snapshot
from scrapers.sandbox.yahoo_quote import Row, quote_row

MAX_SIZE = 250

# What can be known of a company without its price …
_FIXED: dict[str, Callable[[Company], str]] = {
    "sector": lambda company: company.sector,
    "industry": lambda company: company.industry,
    "exchange": lambda company: company.exchange,
    "region": lambda company: "us",  # noqa: ARG005 - everything here trades in New York
}
# … and with it.
_MEASURED: dict[str, Callable[[Snapshot], float]] = {
    "intradaymarketcap": lambda seen: seen.market_cap,
    "intradayprice": lambda seen: seen.price,
    "dayvolume": lambda seen: seen.volume,
    "percentchange": lambda seen: seen.change_fraction * 100,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "EQ": lambda value, limit: value == limit,
    "GT": lambda value, limit: value > limit,
    "GTE": lambda value, limit: value >= limit,
    "LT": lambda value, limit: value < limit,
    "LTE": lambda value, limit: value <= limit,
}


class ScreenerError(ValueError):
    """A body that the screener cannot read."""


def screen(market: Market, at: datetime, body: Any) -> Row:
    """One element of `finance.result`: the page asked for, and the total.

    Raises:
        ScreenerError: naming what is wrong with the body.
    """
    size, offset, sort = _paging(body)
    query = body.get("query")
    named = _sectors_named(query)
    sectors = [name for name in SECTORS if name in named] if named else SECTORS
    pool = [company for name in sectors for company in market.of_sector(name, at)]
    # Conditions on what is fixed first: prices are made only for what passes them.
    candidates = [company for company in pool if holds(query, company, None)]
    seen = [
        found
        for company in candidates
        if (found := snapshot(market.seed, company, at, market.changes.ahead)) is not None
    ]
    passed = [found for found in seen if holds(query, found.company, found)]
    descending = str(body.get("sortType", "DESC")).upper() == "DESC"
    measure = _MEASURED[sort]
    passed.sort(key=lambda found: (-measure(found) if descending else measure(found), found.company.symbol))
    page = passed[offset : offset + size]
    return {
        "start": offset,
        "count": len(page),
        "total": len(passed),
        "quotes": [quote_row(market.seed, found) for found in page],
        "useRecords": False,
    }


def _paging(body: Any) -> tuple[int, int, str]:
    if not isinstance(body, dict):
        raise ScreenerError("the body is not an object")
    size, offset = body.get("size", 25), body.get("offset", 0)
    sort = str(body.get("sortField", "intradaymarketcap")).lower()
    if not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
        raise ScreenerError(f"size must be between 1 and {MAX_SIZE}, not {size!r}")
    if not isinstance(offset, int) or offset < 0:
        raise ScreenerError(f"offset must not be negative, not {offset!r}")
    if sort not in _MEASURED:
        raise ScreenerError(f"sortField {sort!r} is not one of {', '.join(_MEASURED)}")
    return size, offset, sort


def _sectors_named(node: Any) -> set[str]:
    """Sectors of an AND's own EQ conditions: a way to leave the other ten out early."""
    if not isinstance(node, dict):
        return set()
    operands = node.get("operands", [])
    if str(node.get("operator", "")).upper() == "EQ":
        return {str(operands[1])} if len(operands) == 2 and operands[0] == "sector" else set()
    if str(node.get("operator", "")).upper() != "AND":
        return set()
    return {name for operand in operands for name in _sectors_named(operand)}


def holds(node: Any, company: Company, seen: Snapshot | None) -> bool:
    """Whether a company meets a tree of conditions; without its snapshot, those on prices count as met.

    Raises:
        ScreenerError: naming an operator or field that the screener does not know.
    """
    if not isinstance(node, dict) or not isinstance(node.get("operands"), list):
        raise ScreenerError("query needs operator and operands")
    operator, operands = str(node.get("operator", "")).upper(), node["operands"]
    if operator == "AND":
        return all(holds(operand, company, seen) for operand in operands)
    if operator == "OR":
        return any(holds(operand, company, seen) for operand in operands)
    if not operands or not isinstance(operands[0], str):
        raise ScreenerError(f"{operator or 'an operator'} needs a field and a value")
    field, values = operands[0].lower(), operands[1:]
    if field in _FIXED and operator == "EQ" and len(values) == 1:
        return _FIXED[field](company).lower() == str(values[0]).lower()
    if field not in _MEASURED or not all(isinstance(value, int | float) for value in values):
        raise ScreenerError(f"no condition {operator} on {field!r}")
    if seen is None:
        return True
    value = _MEASURED[field](seen)
    if operator == "BTWN" and len(values) == 2:
        return bool(values[0] <= value <= values[1])
    if operator in _COMPARE and len(values) == 1:
        return _COMPARE[operator](value, values[0])
    raise ScreenerError(f"no condition {operator} with {len(values)} values")
