"""SEC's mapping of tickers to filers: `company_tickers.json` and `company_tickers_exchange.json`."""

from __future__ import annotations

from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Parsed, Records, RowRefused, guarded, must, parsed, text, whole
from scrapers.pages.bodies import Json, by_status, load_json

TICKERS = table("silver.sec_tickers")


def read_tickers(body: bytes, status: int | None = None) -> Records:
    """Tickers as records; see `parse_tickers`."""

    def read(records: Records) -> None:
        records.read_each(_elements(body, status), lambda element, _: _row(element))

    return guarded(read, body)


def parse_tickers(body: bytes, status: int | None = None) -> Parsed:
    """Rows of silver.sec_tickers from either of SEC's two forms."""
    return parsed(read_tickers(body, status), TICKERS)


def _elements(body: bytes, status: int | None) -> list[Json]:
    root = load_json(body, status)
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    if not isinstance(root, dict):
        raise BodyRefused(Reason.UNEXPECTED_SHAPE)
    fields, data = root.get("fields"), root.get("data")
    if isinstance(fields, list) and isinstance(data, list):
        names = [name if isinstance(name, str) else "" for name in fields]
        if not {"cik", "ticker"} <= set(names):
            raise BodyRefused(Reason.UNEXPECTED_SHAPE, "no cik or ticker among the fields")
        # A row that is no list, or too short, stays as it is and is refused by itself.
        return [
            dict(zip(names, row, strict=True)) if isinstance(row, list) and len(row) == len(names) else row
            for row in data
        ]
    elements = list(root.values())
    if not elements or not all(isinstance(element, dict) and "cik_str" in element for element in elements[:1]):
        raise BodyRefused(Reason.UNEXPECTED_SHAPE)
    return elements


def _row(element: dict[str, Json]) -> dict[str, object]:
    symbol = must(text(element, "ticker"), Reason.SYMBOL_MISSING)
    cik = whole(element, "cik" if "cik" in element else "cik_str")
    if cik is None:
        raise RowRefused(Reason.CIK_MISSING)
    return {
        "symbol": symbol.upper(),
        "cik": cik,
        "name": text(element, "name") or text(element, "title"),
        "exchange": text(element, "exchange"),
    }
