"""Visits over time before their band, as a chart's options: constants alone are keys, data are strings and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_GREY = "#8b949e"
VISITS = "#3b82c4"
BAND = "#3fa37a"
HIGH = "#d1605e"
PEAK = "#9aa6b6"
BAND_NAME = "usual: 25th to 75th percentile"
HIGH_NAME = "95th percentile"

Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Banded:
    """What to draw; all parts have one value for each name.

    Attributes:
        names: of the horizontal axis.
        label: what `visits` are.
        p25, p75, p95: the band; None where there is none.
        ticks: the places among the names that are written at the axis.
        peak: a second, thin line; and its label.
    """

    names: Sequence[str]
    label: str
    visits: Numbers
    p25: Numbers
    p75: Numbers
    p95: Numbers
    ticks: Sequence[int] = ()
    peak: Numbers | None = None
    peak_label: str = ""


def options(chart: Banded) -> dict[str, Any]:
    """The chart element's options."""
    lines = [
        _line("", chart.p25, _GREY, 0, stack="band", tooltip={"show": False}),
        _line(
            BAND_NAME,
            [
                None if low is None or high is None else high - low
                for low, high in zip(chart.p25, chart.p75, strict=True)
            ],
            BAND,
            0,
            stack="band",
            tooltip={"show": False},
            areaStyle={"color": BAND, "opacity": 0.28},
        ),
        # The stacked part above is as high as the band is wide: its edges are told by lines that are not seen.
        _line("25th percentile", chart.p25, BAND, 0),
        _line("75th percentile", chart.p75, BAND, 0),
        _line(HIGH_NAME, chart.p95, HIGH, 1.5, kind="dashed"),
    ]
    if chart.peak is not None:
        lines.append(_line(chart.peak_label, chart.peak, PEAK, 1))
    lines.append(_line(chart.label, chart.visits, VISITS, 2))
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": "inherit"},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
        "legend": {"show": False},
        "grid": {"left": 8, "right": 12, "top": 12, "bottom": 4, "containLabel": True},
        "xAxis": {
            "type": "category",
            "data": list(chart.names),
            "boundaryGap": False,
            "axisLabel": {"color": _GREY, "hideOverlap": True, "customValues": list(chart.ticks)},
            "axisLine": {"lineStyle": {"color": _GREY}},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "axisLabel": {"color": _GREY},
            "splitLine": {"lineStyle": {"color": _GREY, "opacity": 0.22}},
        },
        "series": lines,
    }


def legend(chart: Banded) -> list[tuple[str, str, str]]:
    """What the chart shows: its kind (line, dashed or area), colour and name."""
    shown = [("line", VISITS, chart.label)]
    if chart.peak is not None:
        shown.append(("line", PEAK, chart.peak_label))
    return [*shown, ("area", BAND, BAND_NAME), ("dashed", HIGH, HIGH_NAME)]


def _line(name: str, data: Numbers, colour: str, width: float, kind: str = "solid", **more: Any) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "data": list(data),
        "showSymbol": False,
        "itemStyle": {"color": colour},
        "lineStyle": {"width": width, "color": colour, "type": kind, "opacity": 1 if width else 0},
        **more,
    }
