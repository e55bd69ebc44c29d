"""The answer in words: one or two sentences from the plan and its rows. Every number said is in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from chat_api.context import Context
from chat_api.plan import AllOf, ColumnInfo, Compare, Compiled, Condition, Measure, Plan, Value

_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_PLAIN = {"companies", "people", "rows", "posts", "visits", "sessions", "shares"}
_SAID = 3


def shown(value: Any, column: ColumnInfo) -> str:
    """A value as people read it: rounded, with its unit and zone."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        zone = ZoneInfo(column.zone or "UTC")
        place = {"America/New_York": "New York time", "Asia/Kolkata": "India time"}.get(column.zone or "", "UTC")
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M} {place}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return _number(float(value), column.unit, whole=isinstance(value, int) or float(value).is_integer())
    return str(value)


def _number(value: float, unit: str | None, *, whole: bool) -> str:
    if unit == "percent":
        return f"{value:,.2f} %"
    scaled = next(((value / size, name) for size, name in _SCALES if abs(value) >= size), None)
    if unit == "USD" and scaled:
        return f"{scaled[0]:,.2f} {scaled[1]} USD"
    if unit in _PLAIN and scaled and abs(value) >= 1e9:
        return f"{scaled[0]:,.2f} {scaled[1]} {unit}"
    text = (
        f"{value:,.0f}"
        if (whole and abs(value) >= 1) or (unit in _PLAIN and whole)
        else f"{value:,.4g}"
        if abs(value) < 1
        else f"{value:,.2f}"
    )
    suffix = {"ratio": "", "USD per share": " USD a share", None: "", "score −1 to 1": ""}.get(unit, f" {unit}")
    return f"{text}{suffix}"


def _told(value: Any, column: ColumnInfo) -> str:
    """Label and value; a unit that the label already says is not said twice."""
    text = shown(value, column)
    if column.unit and column.unit.rstrip("s") in column.label:
        text = text.removesuffix(f" {column.unit}")
    return f"{column.label} {text}"


def sentence(plan: Plan, compiled: Compiled, rows: Sequence[tuple[Any, ...]], context: Context) -> str:
    """The answer of a plan's rows, with the time they speak of and how words were read."""
    when = f" ({compiled.as_of})"
    said = _none(plan) if not rows else _said(plan, compiled, rows)
    notes = f" Read as: {'; '.join(plan.notes)}." if plan.notes else ""
    mark = " Simulated data." if context.simulated else ""
    return f"{said}{when}.{notes}{mark}"


def _none(plan: Plan) -> str:
    if plan.entity == "coverage" and any(isinstance(part, Compare) for part in _parts(plan)):
        return "Nothing was missing"
    if plan.kind == "history":
        return "No such change is on record" if plan.values[0] in _changes(plan) else "No description is on record"
    if plan.kind in {"filter", "cross_subject"}:
        return "Nothing fits these conditions"
    return "No table fits" if plan.entity == "table" else "There is no such row in what is loaded"


def _parts(plan: Plan) -> tuple[Condition, ...]:
    return () if plan.where is None else plan.where.parts if isinstance(plan.where, AllOf) else (plan.where,)


def _changes(plan: Plan) -> list[Value]:
    """The values that are changes rather than what was in force."""
    return [
        one
        for one in plan.values
        if isinstance(one, Measure) and not (one.metric.startswith("company.") and one.over == "value")
    ]


def _said(plan: Plan, compiled: Compiled, rows: Sequence[tuple[Any, ...]]) -> str:
    columns = compiled.columns
    values = [n for n, column in enumerate(columns) if column.role == "value"]
    if plan.entity == "coverage":
        # What came has no reason to be missing.
        values = [n for n in values if any(row[n] is not None for row in rows)]
    if plan.rank is not None:
        return "; ".join(_ranked(columns, row) for row in rows[:_SAID])
    if plan.share is not None and plan.share.by is None:
        return _share(columns, rows[0])
    if plan.fold is not None and not plan.fold.by:
        column = columns[values[0]]
        return _capital(_told(rows[0][values[0]], column))
    if len(rows) == 1:
        return _one(columns, rows[0], values)
    listed = "; ".join(_one(columns, row, values[:2], short=True) for row in rows[:_SAID])
    return f"{len(rows)} rows: {listed}{' …' if len(rows) > _SAID else ''}"


def _one(columns: tuple[ColumnInfo, ...], row: tuple[Any, ...], values: list[int], *, short: bool = False) -> str:
    who = _who(columns, row)
    parts = [_told(row[n], columns[n]) if not short or len(values) > 1 else shown(row[n], columns[n]) for n in values]
    hidden = {"symbol", "name", "tag", "table_name", "role"} | ({"sector", "cik"} if values else set())
    extra = [
        _told(row[n], column)
        for n, column in enumerate(columns)
        if column.role == "dimension" and column.name not in hidden and not short
    ]
    if short:
        extra = [
            shown(row[n], column)
            for n, column in enumerate(columns)
            if column.role == "dimension"
            and column.name in {"session", "log_date", "target_session", "day", "hour", "tick", "minute", "changed_at"}
        ]
        return f"{' '.join([*extra, who]).strip()} {', '.join(parts)}".strip()
    text = ", ".join([*parts, *extra])
    return f"{who}: {text}" if who and text else who or _capital(text)


def _who(columns: tuple[ColumnInfo, ...], row: tuple[Any, ...]) -> str:
    held = {column.name: row[n] for n, column in enumerate(columns) if column.role == "dimension"}
    if held.get("symbol"):
        return f"{held['name']} ({held['symbol']})" if held.get("name") else str(held["symbol"])
    if held.get("name"):
        return str(held["name"])
    if held.get("tag"):
        return f"#{held['tag']}"
    for name in ("sector", "role", "table_name", "industry", "country", "city", "exchange"):
        if held.get(name):
            return str(held[name])
    return f"CIK {held['cik']}" if held.get("cik") else ""


def _ranked(columns: tuple[ColumnInfo, ...], row: tuple[Any, ...]) -> str:
    held = {column.name: row[n] for n, column in enumerate(columns)}
    value = len(columns) - 1
    return f"{_who(columns, row)} is number {held['rank']} of {held['among']}, with {_told(row[value], columns[value])}"


def _share(columns: tuple[ColumnInfo, ...], row: tuple[Any, ...]) -> str:
    share, part, whole = (shown(row[n], columns[n]) for n in range(3))
    return f"{share}: {part} of {whole}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
