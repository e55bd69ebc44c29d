"""Tables as plain HTML elements whose cells are text, and bars drawn beside them. No text becomes markup here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nicegui import ui
from nicegui.element import Element

from chat_api.values import signed

Draw = Callable[[], object]


class Head(NamedTuple):
    """A column's heading: numbers stand to the right."""

    label: str
    numeric: bool = False


class Text(Element):
    """An HTML element that holds a text, and only as text."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag)
        self._text = text

    @property
    def text(self) -> str:
        """What it shows."""
        return self._text or ""

    def put(self, text: str) -> None:
        """Show another text; nothing is sent where it is the same."""
        if text != self._text:
            self._text = text
            self.update()


def named(element: Element, name: str) -> Element:
    """Give an element its accessible name. Set as a value, never parsed: the name may hold anything."""
    element.props["aria-label"] = name
    return element


def card(title: str, note: str) -> ui.element:
    """A card with its heading and a line on what it shows; what is drawn within it follows."""
    found = ui.element("article").classes("tm-card")
    with found:
        Text("h2", title)
        Text("div", note).classes("tm-soft")
    return found


def table(name: str, heads: Sequence[Head], rows: Sequence[Sequence[str | Draw]]) -> None:
    """A small table; a cell is text, or a function that draws it.

    Args:
        name: what it shows, for screen readers.
        heads: the columns.
        rows: cells by row.
    """
    with ui.element("div").classes("tm-scroll"), named(ui.element("table").classes("tm-table"), name):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                cell = Text("th", head.label).classes("tm-num" if head.numeric else "")
                cell.props["scope"] = "col"
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for head, value in zip(heads, row, strict=True):
                        _cell(value, "tm-num" if head.numeric else "tm-name")


def _cell(value: str | Draw, classes: str) -> None:
    if isinstance(value, str):
        cell = Text("td", value).classes(classes)
        if classes == "tm-name":
            cell.props["title"] = value
        return
    with ui.element("td").classes(classes):
        value()


def legend(entries: Sequence[tuple[str, str, str]]) -> None:
    """The legend of a chart: kind (line, dashed or area), colour and name of each of its parts."""
    with ui.element("div").classes("tm-legend"):
        for kind, colour, name in entries:
            with ui.element("span"):
                ui.element("i").classes(f"tm-key tm-key-{kind}").style(f"color: {colour}").props("aria-hidden=true")
                Text("span", name)


def web_address(value: object) -> str | None:
    """An address of the web that may stand behind a link; None for anything else, such as a script."""
    if not isinstance(value, str) or any(char.isspace() for char in value):
        return None
    return value if value.startswith(("https://", "http://")) else None


def link(text: str, address: str) -> Draw:
    """A text that leads elsewhere, where its address is one of the web; the text alone where it is not."""

    def draw() -> None:
        safe = web_address(address)
        element = Text("a" if safe else "span", text)
        if safe:
            element.props["href"] = safe
            element.props["target"] = "_blank"
            element.props["rel"] = "noopener noreferrer"

    return draw


def change(value: float | None, unit: str = "percent") -> Draw:
    """A signed change; its colour only repeats the sign."""
    kind = "" if value is None or not round(value, 3) else "tm-rise" if value > 0 else "tm-fall"
    return lambda: Text("span", signed(value, unit)).classes(kind)


def heat(value: float | None, largest: float) -> Draw:
    """A bar to the right for a rise and to the left for a fall, as long as its part of the largest."""

    def draw() -> None:
        width = 0.0 if not value or not largest else min(abs(value) / largest, 1.0) * 100
        with ui.element("div").classes("tm-heat").props("aria-hidden=true"):
            for side, kind in ((-1, "tm-down"), (1, "tm-up")):
                with ui.element("div"):
                    if value and value * side > 0:
                        ui.element("div").classes(f"tm-bar {kind}").style(f"width: {width:.0f}%")

    return draw
