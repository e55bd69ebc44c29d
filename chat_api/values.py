"""Values on their way out: plain ones for JSON, and as people read them, with unit, sign and time zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from lake.clock import NEW_YORK

Plain = None | bool | int | float | str | list[Any]

_ZONE_NAMES = {"America/New_York": "New York", "Asia/Kolkata": "India", "UTC": "UTC"}
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
ABSENT = "–"


def plain(value: object) -> Plain:
    """A value as JSON holds it: numbers that are none become null, days and instants ISO 8601 (instants in UTC)."""
    result: Plain
    match value:
        case None | bool() | int():
            result = value
        case str():
            result = value.encode("utf-8", "replace").decode()
        case float():
            result = value if math.isfinite(value) else None
        case Decimal():
            result = _plain_decimal(value)
        case datetime():
            result = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            result = value.isoformat()
        case timedelta():
            result = value.total_seconds()
        case dict():
            result = orjson.dumps(value, default=str).decode()
        case list() | tuple():
            result = [plain(part) for part in value]
        case _:
            result = str(value)
    return result


def _plain_decimal(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def plain_rows(rows: Sequence[Sequence[object]]) -> list[list[Plain]]:
    """All values of all rows made plain."""
    return [[plain(value) for value in row] for row in rows]


def at_zone(instant: datetime, zone: str | None = None) -> str:
    """An instant as people of a zone read it, the zone named: `20 Nov 2026, 16:00 New York`."""
    at = instant.astimezone(ZoneInfo(zone) if zone else NEW_YORK)
    seconds = ":%S" if at.second else ""
    return f"{at:%-d %b %Y, %H:%M{seconds}} {_ZONE_NAMES.get(zone or 'America/New_York', zone)}"


def shown(value: Plain, unit: str | None = None, zone: str | None = None) -> str:
    """A plain value as a page shows it. Text stays as it is: the page must treat it as data."""
    match value:
        case None:
            return ABSENT
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value, unit)
        case list():
            return ", ".join(shown(part) for part in value)
        case str() if zone and "T" in value:
            return at_zone(datetime.fromisoformat(value), zone)
    return str(value)


def number(value: float, unit: str | None = None) -> str:
    """A number with thousands separators; large amounts as M, B, T; percent with its sign."""
    if unit is None or unit in ("", "year"):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    if unit == "percent":
        digits = 3 if 0 < abs(value) < 0.1 else 2
        return f"{round(value, digits) or 0.0:,.{digits}f} %".replace("-", "−")
    if unit.startswith("USD"):
        return _money(value)
    if float(value).is_integer():
        return f"{int(value):,}".replace("-", "−")
    return f"{value:,.3f}".replace("-", "−") if abs(value) < 1 else f"{value:,.2f}".replace("-", "−")


def signed(value: float | None, unit: str | None = None) -> str:
    """A change: as `number`, with a plus where it rose."""
    if value is None:
        return ABSENT
    return ("+" if round(value, 3) > 0 else "") + number(value, unit)


def _money(value: float) -> str:
    sign, size = "−" if value < 0 else "", abs(value)
    for scale, letter in _SCALES:
        if size >= scale:
            return f"{sign}${size / scale:,.2f} {letter}"
    return f"{sign}${size:,.2f}" if size >= 1 or size == 0 else f"{sign}${size:.4f}"
