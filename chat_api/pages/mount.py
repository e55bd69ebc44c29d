"""The first page, put on the API's application: ask, answers, market overview."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from nicegui import run, ui

from chat_api.execute import DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.live_reader import Live
from chat_api.overview import Overview
from chat_api.pages import answer_card, market
from chat_api.pages.attention import AttentionPage
from chat_api.pages.data_health import HealthPage
from chat_api.pages.examples import questions
from chat_api.pages.tables import Text, named
from chat_api.reply import Answer
from chat_api.service import MAX_QUESTION, Service
from chat_api.values import at_zone

_STYLE = Path(__file__).with_name("style.css")
_ANSWERS_SHOWN = 8
_LOOK_AGAIN = 20.0
_TROUBLE = (DatabaseDown, NotLoaded, TooSlow, QueryFailed)


class Page:
    """One visitor's page: the conversation and what is drawn."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._conversation: str | None = None
        self._shown: Overview | None = None
        self._asking = False

    def build(self) -> None:
        """Draw the page, then fill it."""
        ui.add_css(_STYLE)
        dark = ui.dark_mode(None)
        with ui.element("main").classes("tm-page"):
            self._header(dark)
            if self._service.simulated:
                Text(
                    "div",
                    "Simulated data: companies' prices, posts, visits and forecasts on this page come from the "
                    "built-in sandbox, not from the market.",
                ).classes("tm-banner").props("role=note")
            self._ask_card()
            # What a screen reader says of a new answer: its sentence, not all its rows.
            self._said = ui.label("").classes("tm-unseen").props("aria-live=polite role=status")
            self._answers = named(ui.element("section").classes("tm-answers"), "Answers")
            self._market = ui.element("div").classes("w-full")
            Text("footer", "Tidemark reads its own tables only. Nothing here is advice.").classes("tm-foot")
        # The page stands at once and fills when it is there; then it looks again whether the marts have changed.
        ui.timer(_LOOK_AGAIN, self._refresh, immediate=True)

    def _header(self, dark: ui.dark_mode) -> None:
        with ui.element("header").classes("tm-top"):
            Text("h1", "Tidemark").classes("tm-word")
            if self._service.simulated:
                Text("span", "Simulated data").classes("tm-mark")
            ui.element("div").classes("tm-grow")
            self._as_of = ui.label("").classes("tm-tag")
            ui.link("Attention", "/attention").classes("tm-tag")
            ui.link("Data health", "/data-health").classes("tm-tag")
            button = ui.button(icon="contrast", color=None, on_click=lambda: dark.set_value(not dark.value)).props(
                "flat round dense"
            )
            named(button, "Switch between dark and light")

    def _ask_card(self) -> None:
        with ui.element("section").classes("tm-card"):
            with ui.element("div").classes("tm-ask"):
                self._box = ui.input(placeholder="Ask about prices, sectors, forecasts, posts or filings").props(
                    f"outlined autofocus clearable maxlength={MAX_QUESTION}"
                )
                named(self._box, "Question")
                self._box.on("keydown.enter", self._ask_typed)
                self._go = (
                    ui.button("Ask", on_click=self._ask_typed, color=None).props("unelevated no-caps").classes("tm-go")
                )
            self._examples = named(ui.element("div").classes("tm-chips"), "Example questions")
            self._wait = ui.linear_progress(show_value=False).props("indeterminate").classes("w-full")
            self._wait.set_visibility(False)

    async def _ask_typed(self) -> None:
        await self._ask(str(self._box.value or ""))

    async def _choose(self, question: str | None, label: str) -> None:
        if question is None:
            self._box.set_value(label)
            self._box.run_method("focus")
            return
        await self._ask(question)

    async def _ask(self, question: str) -> None:
        if self._asking or not question.strip():
            return
        self._asking = True
        self._wait.set_visibility(True)
        answer, trouble = None, "This went wrong here, not with you: `tidemark logs chat` says why."
        try:
            answer = await run.io_bound(self._service.ask, question, self._conversation)
        except DatabaseDown as error:
            trouble = str(error)
        finally:
            self._asking = False
            self._wait.set_visibility(False)
            if answer is None:
                self._trouble(self._answers, trouble)
        if answer is not None:
            self._conversation = answer.conversation_id
            self._box.set_value("")
            self._add(answer)

    def _add(self, answer: Answer) -> None:
        with self._answers:
            holder = ui.element("div").classes("w-full")
        with holder:
            answer_card.draw(answer, self._choose)
        holder.move(target_index=0)
        self._said.set_text(answer.sentence)
        for old in self._answers.default_slot.children[_ANSWERS_SHOWN:]:
            old.delete()

    async def _refresh(self) -> None:
        """Draw the overview again when the marts have changed."""
        try:
            seen = await run.io_bound(self._service.overview)
        except _TROUBLE as error:
            self._shown = None
            self._market.clear()
            self._trouble(self._market, str(error))
            return
        if seen is None or seen is self._shown:
            return
        self._shown = seen
        self._as_of.set_text(f"Prices as of {at_zone(seen.tick)}" if seen.tick else "")
        self._market.clear()
        if seen.loaded:
            with self._market:
                market.draw(seen)
        else:
            self._trouble(
                self._market,
                "Nothing is loaded yet. `make run` makes the first load and takes about a minute; "
                "`tidemark import PATH` takes your own files. This page fills by itself.",
            )
        await self._suggest(seen)

    async def _suggest(self, seen: Overview) -> None:
        asked = await run.io_bound(questions, self._service, seen)
        self._examples.clear()
        with self._examples:
            for question in asked or ():
                ui.button(question, color=None, on_click=lambda q=question: self._ask(q)).props("flat no-caps").classes(
                    "tm-chip"
                )

    @staticmethod
    def _trouble(place: ui.element, text: str) -> None:
        with place, ui.element("article").classes("tm-card").props("role=status"):
            Text("div", text).classes("tm-sentence")


def mount(app: FastAPI, service: Service, live: Live) -> None:
    """Put the pages on an application. Once in a process: the page library keeps its routes globally."""

    @ui.page("/", title="Tidemark")
    def first() -> None:
        Page(service).build()

    @ui.page("/data-health", title="Data health · Tidemark")
    def state_of_the_data() -> None:
        ui.add_css(_STYLE)
        ui.dark_mode(None)
        HealthPage(service.data_health, service.simulated).build()

    @ui.page("/attention", title="Attention · Tidemark")
    def attention() -> None:
        ui.add_css(_STYLE)
        AttentionPage(service, live).build()

    ui.run_with(app, title="Tidemark", dark=None, show_welcome_message=False, reconnect_timeout=5)
