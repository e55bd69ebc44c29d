"""The table of shapes on docs/import.md, made from the mapping: `python -m scrapers.imports.page` writes it."""

from __future__ import annotations

from pathlib import Path

from scrapers.imports.shapes import NOT_TAKEN, SHAPES, Shape

PAGE = Path(__file__).resolve().parents[2] / "docs" / "import.md"
START, END = "<!-- shapes -->\n", "<!-- end of shapes -->\n"
_FORMS = {"alphavantage_minutes": "JSON `Time Series (1min)`", "alphavantage_days": "JSON `Time Series (Daily)`"}


def shapes_table() -> str:
    """A row a shape, and the names by which known files are refused."""
    lines = ["| shape | rows are | told by | basis | currency | adjusted close |", "|---|---|---|---|---|---|"]
    lines += [_row(shape) for shape in SHAPES]
    refused = sorted({f"`{known.reason}`: {known.found}" for known in NOT_TAKEN})
    return "\n".join([*lines, "", "Known, and not taken:", "", *(f"- {entry}" for entry in refused)]) + "\n"


def _row(shape: Shape) -> str:
    told = ", ".join(f"`{name}`" for name in dict.fromkeys(shape.columns.values()))
    if shape.form in _FORMS:
        told = _FORMS[shape.form]
    if shape.closes_in_float32:
        told += "; closes exact in 32 bits, opens not"
    if shape.ignores_rest:
        told += ", …"
    prices = shape.kind.startswith("bars_")
    currency = shape.currency or ("told" if prices else "points" if shape.kind.startswith("index") else "")
    cells = (
        f"`{shape.name}`: {shape.about}",
        f"`{shape.kind}`",
        told,
        shape.basis or "",
        currency,
        shape.adj_close or "",
    )
    return "| " + " | ".join(cells) + " |"


def written(page: str) -> str:
    """The page with the table put in its place."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return before + START + shapes_table() + END + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
