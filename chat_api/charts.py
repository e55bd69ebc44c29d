"""Charts from a closed specification: a line or bars over named columns. Nothing from outside becomes a key.

The pages' chart element evaluates every option whose key starts with a colon, so options are built here alone, from
constants; labels and names go in as data, and tooltips are drawn as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chat_api.plan import ColumnInfo, Plan
from chat_api.values import Plain, at_zone

MAX_BARS = 40
MAX_LINES = 12
_COLOURS = [
    "#3b82c4",
    "#e08a3c",
    "#3fa37a",
    "#b65fa0",
    "#c9b13c",
    "#7a6fd0",
    "#d1605e",
    "#5aa9b5",
    "#8a8f98",
    "#94b04c",
    "#b0784c",
    "#6d8fb3",
]
_GREY = "#8b949e"


class ChartSpec(BaseModel):
    """What to draw.

    Attributes:
        kind: a line over time, or bars over names.
        x: the column of times or names.
        y: the columns of numbers.
        series: the column whose values split the line into several; None for one line for each `y`.
        unit: of the numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["line", "bar"]
    x: str
    y: tuple[str, ...]
    series: str | None = None
    unit: str | None = None


def _numeric(rows: Sequence[Sequence[Plain]], at: int) -> bool:
    values = [row[at] for row in rows if row[at] is not None]
    return bool(values) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def choose(plan: Plan, columns: Sequence[ColumnInfo], rows: Sequence[Sequence[Plain]]) -> ChartSpec | None:
    """The chart that suits an answer; None where a chart says no more than the table.

    Args:
        plan: the question as understood; a chart asked for is drawn wherever it can be.
        columns, rows: the answer.
    """
    if len(rows) < 2 or plan.chart is False:
        return None
    dimensions = [n for n, column in enumerate(columns) if column.role == "dimension"]
    values = [n for n, column in enumerate(columns) if column.role == "value" and _numeric(rows, n)]
    if not dimensions or not values:
        return None
    unit = columns[values[0]].unit
    alike = tuple(columns[n].name for n in values if columns[n].unit == unit)
    if plan.bucket is not None:
        return _line(columns, rows, dimensions, alike)
    if len(rows) > MAX_BARS or (plan.chart is None and unit is None):
        return None
    return ChartSpec(kind="bar", x=columns[_label(dimensions, rows)].name, y=alike[:1], unit=unit)


def _line(
    columns: Sequence[ColumnInfo], rows: Sequence[Sequence[Plain]], dimensions: Sequence[int], y: tuple[str, ...]
) -> ChartSpec | None:
    unit = next(column.unit for column in columns if column.name == y[0])
    time = next((n for n in dimensions if _is_time(rows, n)), None)
    if time is None:
        return None
    split = next((n for n in dimensions if n != time and len({str(row[n]) for row in rows}) > 1), None)
    if split is None:
        return ChartSpec(kind="line", x=columns[time].name, y=y[:MAX_LINES], unit=unit)
    if len({str(row[split]) for row in rows}) > MAX_LINES:
        return None
    return ChartSpec(kind="line", x=columns[time].name, y=y[:1], series=columns[split].name, unit=unit)


def _is_time(rows: Sequence[Sequence[Plain]], at: int) -> bool:
    value = next((row[at] for row in rows if row[at] is not None), None)
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _label(dimensions: Sequence[int], rows: Sequence[Sequence[Plain]]) -> int:
    """The dimension that tells the rows apart, the first that does."""
    return next((n for n in dimensions if len({str(row[n]) for row in rows}) == len(rows)), dimensions[0])


def _tick_text(value: Plain, zone: str | None) -> str:
    if isinstance(value, str) and zone and "T" in value:
        return at_zone(datetime.fromisoformat(value), zone)
    return "" if value is None else str(value)


def options(spec: ChartSpec, columns: Sequence[ColumnInfo], rows: Sequence[Sequence[Plain]]) -> dict[str, Any]:
    """The chart element's options. Every key is a constant of this module; data are strings and numbers."""
    at = {column.name: n for n, column in enumerate(columns)}
    label = {column.name: column.label for column in columns}
    zone = columns[at[spec.x]].zone
    names: list[str] = []
    for row in rows:
        name = _tick_text(row[at[spec.x]], zone)
        if name not in names or spec.kind == "bar":
            names.append(name)
    if spec.series is None:
        lines = [(label[y], [_number(row[at[y]]) for row in rows]) for y in spec.y]
    else:
        lines = _split(spec, at, zone, names, rows)
    return _build(spec.kind, spec.unit, names, lines)


def _split(
    spec: ChartSpec, at: dict[str, int], zone: str | None, names: list[str], rows: Sequence[Sequence[Plain]]
) -> list[tuple[str, list[float | None]]]:
    place = {name: n for n, name in enumerate(names)}
    lines: dict[str, list[float | None]] = {}
    for row in rows:
        line = lines.setdefault(str(row[at[spec.series or ""]]), [None] * len(names))
        line[place[_tick_text(row[at[spec.x]], zone)]] = _number(row[at[spec.y[0]]])
    return list(lines.items())


def _number(value: Plain) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _build(
    kind: str, unit: str | None, names: list[str], lines: list[tuple[str, list[float | None]]]
) -> dict[str, Any]:
    categories = {
        "type": "category",
        "data": names,
        "axisLabel": {"color": _GREY, "hideOverlap": True, "width": 110, "overflow": "truncate"},
        "axisLine": {"lineStyle": {"color": _GREY}},
        "axisTick": {"show": False},
    }
    numbers = {
        "type": "value",
        "scale": kind == "line",
        "name": unit or "",
        "nameLocation": "end" if kind == "line" else "middle",
        "nameGap": 12 if kind == "line" else 26,
        "nameTextStyle": {"color": _GREY},
        "axisLabel": {"color": _GREY},
        "splitLine": {"lineStyle": {"color": _GREY, "opacity": 0.25}},
    }
    flat = kind == "line"
    return {
        "animation": False,
        "color": _COLOURS,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": "inherit"},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
        "legend": {"show": len(lines) > 1, "type": "scroll", "top": 0, "textStyle": {"color": _GREY}},
        "grid": {
            "left": 12,
            "right": 24,
            "top": 40 if flat or len(lines) > 1 else 8,
            "bottom": 8 if kind == "line" else 28,
            "containLabel": True,
        },
        "xAxis": categories if flat else numbers,
        "yAxis": numbers if flat else {**categories, "inverse": True},
        "series": [
            {
                "type": kind,
                "name": name,
                "data": data,
                "showSymbol": len(data) < 30,
                "barMaxWidth": 22,
                "lineStyle": {"width": 2},
            }
            if flat
            else {"type": kind, "name": name, "data": data, "barMaxWidth": 22}
            for name, data in lines
        ],
    }
