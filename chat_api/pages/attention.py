"""The page on attention: the live thermometer, and below it the logged days. What a log holds is shown as text."""

from __future__ import annotations

from datetime import date

from nicegui import run, ui

from chat_api.attention import AttentionDay, AttentionDays
from chat_api.execute import DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.live_reader import Live
from chat_api.pages import attention_day
from chat_api.pages.tables import Text, named
from chat_api.pages.thermometer import Thermometer
from chat_api.service import Service

_LOOK_AGAIN = 20.0
_TROUBLE = (DatabaseDown, NotLoaded, TooSlow, QueryFailed)


def how_to_begin(days: AttentionDays) -> str:
    """The command for a stream; none where no day is loaded."""
    return f"tidemark replay edgar --date {days.days[0][1]} --speed 10" if days.days else ""


class AttentionPage:
    """One visitor's view of attention."""

    def __init__(self, service: Service, live: Live) -> None:
        self._service = service
        self._thermometer = Thermometer(live)
        self._days: AttentionDays | None = None
        self._chosen: tuple[str, date] | None = None
        self._day: AttentionDay | None = None
        self._trouble = ""

    def build(self) -> None:
        """Draw the page, then fill it."""
        dark = ui.dark_mode(None)
        with ui.element("main").classes("tm-page"):
            with ui.element("header").classes("tm-top"):
                Text("h1", "Attention").classes("tm-word")
                if self._service.simulated:
                    Text("span", "Simulated data").classes("tm-mark")
                ui.element("div").classes("tm-grow")
                ui.link("Questions", "/")
                ui.link("Data health", "/data-health")
                button = ui.button(icon="contrast", color=None, on_click=lambda: dark.set_value(not dark.value))
                named(button.props("flat round dense"), "Switch between dark and light")
            self._thermometer.build()
            with ui.element("div").classes("tm-row"):
                Text("h2", "Logged days").classes("tm-section")
                self._select = ui.select({}, on_change=lambda event: self._choose(event.value)).props(
                    "outlined dense options-dense"
                )
                self._select.props["aria-label"] = "Logged day"
                self._select.set_visibility(False)
            self._body = named(ui.element("section").classes("tm-grid"), "Logged days")
            Text("footer", "Times of the logs are New York's, as logged. Nothing here is advice.").classes("tm-foot")
        ui.timer(_LOOK_AGAIN, self._refresh, immediate=True)

    async def _choose(self, label: str) -> None:
        assert self._days is not None
        chosen = next((day for day in self._days.days if _label(*day) == label), None)
        if chosen is not None and chosen != self._chosen:
            self._chosen = chosen
            await self._read_day()

    async def _refresh(self) -> None:
        """Read the days, and the chosen one, again; draw what has changed."""
        try:
            days = await run.io_bound(self._service.attention_days)
        except _TROUBLE as error:
            self._say(str(error))
            return
        if days is None:
            return
        again = days != self._days
        self._days = days
        self._thermometer.tell_how(how_to_begin(days))
        if not days.days:
            self._say("No day of the log is loaded yet. `make run` loads some; `tidemark import PATH` takes your own.")
            return
        if self._chosen not in days.days:
            self._chosen = days.days[0]
        if again:
            self._select.set_options([_label(*day) for day in days.days], value=_label(*self._chosen))
            self._select.set_visibility(True)
        await self._read_day(again)

    async def _read_day(self, again: bool = False) -> None:
        if self._chosen is None:
            return
        series, day = self._chosen
        try:
            seen = await run.io_bound(self._service.attention_day, day, series)
        except _TROUBLE as error:
            self._say(str(error))
            return
        if seen is None or (seen == self._day and not again and not self._trouble):
            return
        self._day, self._trouble = seen, ""
        self._body.clear()
        with self._body:
            attention_day.draw(seen, self._days)

    def _say(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        self._trouble = trouble
        self._body.clear()
        with self._body, ui.element("article").classes("tm-card tm-wide").props("role=status"):
            Text("div", trouble).classes("tm-sentence")


def _label(series: str, day: date) -> str:
    return f"{day:%a %-d %b %Y} ({series})"
