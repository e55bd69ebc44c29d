"""One answer on the page: sentence, as-of, choices, chart, table, SQL and CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from chat_api import charts
from chat_api.glossary import TERMS
from chat_api.pages.tables import Text, named, web_address
from chat_api.plan import ColumnInfo
from chat_api.reply import Answer
from chat_api.values import Plain, shown

_PAGE = 12
_ADDRESS = "url"
# The cell's text stands beside its value, so that a column sorts by value. Interpolation escapes it.
_HEAD = (
    '<q-th :props="props"><span :title="props.col.meaning" :class="props.col.meaning ? \'tm-term\' : \'\'">'
    "{{ props.col.label }}</span></q-th>"
)
_MEANINGS = dict(TERMS.values())
_CELL = (
    """<q-td :props="props" :title="props.row[props.col.name + 't']">"""
    """{{ props.row[props.col.name + 't'] }}</q-td>"""
)
# Its address is a value that was looked at here: what is no address of the web is shown as text.
_LINK = (
    """<q-td :props="props"><a v-if="props.row[props.col.name + 'h']" :href="props.row[props.col.name + 'h']" """
    """target="_blank" rel="noopener noreferrer">{{ props.row[props.col.name + 't'] }}</a>"""
    """<span v-else>{{ props.row[props.col.name + 't'] }}</span></q-td>"""
)


def draw(answer: Answer, choose: Callable[[str | None, str], object]) -> None:
    """Draw an answer.

    Args:
        answer: the reply to show.
        choose: called with the full question (or None, when the user has to type) and the label of a choice.
    """
    with ui.element("article").classes("tm-card") as card:
        named(card, "Answer")
        Text("div", answer.question).classes("tm-question")
        Text("div", answer.sentence).classes("tm-sentence")
        if answer.choices:
            with ui.element("div").classes("tm-chips"):
                for choice in answer.choices:
                    ui.button(choice.label, color=None, on_click=lambda c=choice: choose(c.ask, c.label)).props(
                        "flat no-caps"
                    ).classes("tm-chip tm-choice")
        _meta(answer)
        if answer.chart is not None:
            _chart(answer)
        if answer.rows and answer.columns:
            _table(answer.columns, answer.rows)
        if answer.sql:
            with ui.expansion("SQL").classes("w-full").props("dense"):
                Text("pre", answer.sql).classes("tm-sql")


def _meta(answer: Answer) -> None:
    with ui.element("div").classes("tm-meta"):
        if answer.simulated and answer.kind == "answer":
            Text("span", "Simulated data").classes("tm-mark")
        if answer.as_of:
            Text("span", f"As of {answer.as_of}")
        for note in answer.notes:
            Text("span", note)
        if answer.rows:
            count = f"the first {len(answer.rows):,} rows" if answer.truncated else f"{len(answer.rows):,} rows"
            Text("span", "1 row" if len(answer.rows) == 1 else count)
        Text("span", f"{answer.took_ms:.0f} ms")
        if answer.rows:
            ui.link("Download CSV", f"/api/answers/{answer.id}.csv")


def _chart(answer: Answer) -> None:
    assert answer.chart is not None
    options = charts.options(answer.chart, answer.columns, answer.rows)
    bars = len(options["yAxis"].get("data", ())) if answer.chart.kind == "bar" else 0
    chart = ui.echart(options, renderer="svg").classes("w-full").style(f"height: {max(280, 26 * bars + 70)}px")
    chart.props["role"] = "img"
    named(chart, f"Chart: {answer.sentence}")


def _table(columns: Sequence[ColumnInfo], rows: Sequence[Sequence[Plain]]) -> None:
    heads = [
        {
            "name": f"c{n}",
            "field": f"c{n}",
            "label": column.label,
            "meaning": _MEANINGS.get(column.label, ""),
            "sortable": True,
            "align": "right" if _is_number(rows, n) else "left",
        }
        for n, column in enumerate(columns)
    ]
    data: list[dict[str, Any]] = []
    for at, row in enumerate(rows):
        cells: dict[str, Any] = {"id": at}
        for n, (value, column) in enumerate(zip(row, columns, strict=True)):
            cells[f"c{n}"] = value
            cells[f"c{n}t"] = shown(value, column.unit, column.zone)
            if column.name == _ADDRESS:
                cells[f"c{n}h"] = web_address(value)
        data.append(cells)
    grid = ui.table(columns=heads, rows=data, row_key="id", pagination=_PAGE if len(rows) > _PAGE else 0)
    grid.classes("w-full").props("flat dense" + ("" if len(rows) > _PAGE else " hide-bottom"))
    grid.add_slot("header-cell", _HEAD)
    grid.add_slot("body-cell", _CELL)
    for n, column in enumerate(columns):
        if column.name == _ADDRESS:
            grid.add_slot(f"body-cell-c{n}", _LINK)
    named(grid, "Rows of the answer")


def _is_number(rows: Sequence[Sequence[Plain]], at: int) -> bool:
    value = next((row[at] for row in rows if row[at] is not None), None)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
