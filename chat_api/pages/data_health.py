"""The page on the state of the data: ticks, gaps, freshness, quarantine. What a source wrote is shown as text."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import run, ui

from chat_api.data_health import DataHealth, TableLine
from chat_api.execute import DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.pages.tables import Draw, Head, Text, card, named, table
from chat_api.values import ABSENT, at_zone

_LOOK_AGAIN = 20.0
_TROUBLE = (DatabaseDown, NotLoaded, TooSlow, QueryFailed)
_STATES = {"fresh": "as new as it should be", "late": "late", "empty": "empty", "unscheduled": ABSENT}


class HealthPage:
    """One visitor's view of the state of the data."""

    def __init__(self, read: Callable[[], DataHealth], simulated: bool) -> None:
        self._read = read
        self._simulated = simulated

    def build(self) -> None:
        """Draw the page, then fill it."""
        with ui.element("main").classes("tm-page"):
            with ui.element("header").classes("tm-top"):
                Text("h1", "Data health").classes("tm-word")
                if self._simulated:
                    Text("span", "Simulated data").classes("tm-mark")
                ui.element("div").classes("tm-grow")
                ui.link("Questions", "/")
                ui.link("Attention", "/attention")
                ui.link("Data Docs", "/data-docs/")
            self._body = named(ui.element("section").classes("tm-grid"), "State of the data")
            Text("footer", "Times are UTC unless they say otherwise.").classes("tm-foot")
        ui.timer(_LOOK_AGAIN, self._refresh, immediate=True)

    async def _refresh(self) -> None:
        trouble, seen = "", None
        try:
            seen = await run.io_bound(self._read)
        except _TROUBLE as error:
            trouble = str(error)
        self._body.clear()
        with self._body:
            if seen is None:
                with ui.element("article").classes("tm-card tm-wide").props("role=status"):
                    Text("div", trouble).classes("tm-sentence")
                return
            _summary(seen)
            _ticks(seen)
            _missing(seen)
            _tables(seen)
            _refused(seen)


def _summary(seen: DataHealth) -> None:
    late = [line for line in seen.tables if line.state == "late"]
    newest = next((line for line in seen.ticks if line.tick == seen.newest_tick), None)
    with (
        card("At a glance", f"Looked at {at_zone(seen.now)}").classes("tm-wide"),
        ui.element("div").classes("tm-figures"),
    ):
        for label, value in (
            ("newest tick loaded", at_zone(seen.newest_tick) if seen.newest_tick else "none"),
            ("newest tick due", at_zone(seen.due_tick) if seen.due_tick else "none"),
            ("received at it", f"{newest.percent:.1f} %" if newest else ABSENT),
            ("gaps in the ticks shown", f"{len(seen.gaps):,}"),
            ("tables late", f"{len(late):,}"),
            ("rows in quarantine", f"{sum(line.rows for line in seen.refused):,}"),
        ):
            with ui.element("div").classes("tm-figure"):
                Text("b", value)
                Text("span", label)


def _ticks(seen: DataHealth) -> None:
    with card("Ticks", "Companies received of those expected, the newest first"):
        table(
            "Ticks",
            (Head("Tick"), Head("Received", numeric=True), Head("Expected", numeric=True), Head("Share", numeric=True)),
            [
                (at_zone(line.tick), f"{line.received:,}", f"{line.expected:,}", f"{line.percent:.1f} %")
                for line in seen.ticks[:14]
            ],
        )
        if seen.gaps:
            shown = ", ".join(at_zone(tick) for tick in seen.gaps[:6])
            more = f" and {len(seen.gaps) - 6} more" if len(seen.gaps) > 6 else ""
            Text("div", f"Nothing was received at {shown}{more}.").classes("tm-soft")


def _missing(seen: DataHealth) -> None:
    with card("Missing at the newest tick", "Companies by the reason for which they are missing"):
        if not seen.missing:
            Text("div", "None is missing.")
            return
        table(
            "Missing companies",
            (Head("Reason"), Head("Companies", numeric=True), Head("Such as")),
            [(line.reason, f"{line.companies:,}", ", ".join(line.examples)) for line in seen.missing],
        )


def _tables(seen: DataHealth) -> None:
    with card(
        "Tables", "How much there is, how far it reaches, and whether that is what its schedule promises"
    ).classes("tm-wide"):
        table(
            "Tables",
            (
                Head("Table"),
                Head("State"),
                Head("Rows", numeric=True),
                Head("Quarantined", numeric=True),
                Head("Reaches to"),
                Head("Last changed"),
            ),
            [
                (
                    line.table,
                    _state(line),
                    f"{line.rows:,}",
                    f"{line.quarantined_rows:,}",
                    at_zone(line.last_time, "UTC") if line.last_time else ABSENT,
                    at_zone(line.loaded_at, "UTC") if line.loaded_at else ABSENT,
                )
                for line in seen.tables
            ],
        )


def _state(line: TableLine) -> Draw:
    kind = {"fresh": "tm-rise", "late": "tm-fall"}.get(line.state, "")
    return lambda: Text("span", _STATES[line.state]).classes(kind)


def _refused(seen: DataHealth) -> None:
    with card("Quarantine", "Rows refused, by table and rule, with the newest as they came").classes("tm-wide"):
        if not seen.refused:
            Text("div", "No row is in quarantine.")
            return
        table(
            "Quarantine",
            (Head("Table"), Head("Rule"), Head("Rows", numeric=True), Head("Newest"), Head("Sample")),
            [
                (
                    line.table,
                    line.rule,
                    f"{line.rows:,}",
                    at_zone(line.last_observed_at, "UTC"),
                    line.samples[0] if line.samples else ABSENT,
                )
                for line in seen.refused
            ],
        )
