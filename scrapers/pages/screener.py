"""Yahoo's screener: the POST form that ranks a sector's companies, and the saved screeners, whose rows are the same."""

from __future__ import annotations

from datetime import date

from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import (
    Parsed,
    Records,
    RowRefused,
    first_object,
    guarded,
    json_object,
    must,
    parsed,
    positive,
    require_usd,
    text,
    whole,
)
from scrapers.pages.bodies import Json, by_status, load_json, raise_source_error

UNIVERSE = table("silver.universe")


def read_screener(body: bytes, session: date, sector: str, status: int | None = None) -> Records:
    """Members of a sector as records; see `parse_screener`."""

    def read(records: Records) -> None:
        page = _page(body, status)
        quotes = page["quotes"]
        try:
            start, records.total = whole(page, "start") or 0, whole(page, "total")
        except RowRefused as refused:
            raise BodyRefused(Reason.UNEXPECTED_SHAPE, "start or total") from refused
        records.read_each(
            quotes if isinstance(quotes, list) else [], lambda quote, place: _row(quote, session, sector, start + place)
        )

    return guarded(read, body)


def parse_screener(body: bytes, session: date, sector: str, status: int | None = None) -> Parsed:
    """Rows of silver.universe from a screener body, ranked by their place in the source's order.

    Args:
        body: the payload as received.
        session: the trading day whose universe it is.
        sector: the sector asked for; rows do not name it.
        status: the response's HTTP status, where known.
    """
    return parsed(read_screener(body, session, sector, status), UNIVERSE)


def _page(body: bytes, status: int | None) -> dict[str, Json]:
    finance = json_object(json_object(load_json(body, status)).get("finance"))
    raise_source_error("finance", finance.get("error"), status)
    page = first_object(finance.get("result"))
    if not isinstance(page.get("quotes"), list):
        raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE)
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    return page


def _row(quote: dict[str, Json], session: date, sector: str, place: int) -> dict[str, object]:
    symbol = must(text(quote, "symbol"), Reason.SYMBOL_MISSING)
    if text(quote, "quoteType") != "EQUITY":
        raise RowRefused(Reason.NOT_EQUITY)
    require_usd(quote)
    if not 0 <= place < 2**31 - 1:
        raise RowRefused(Reason.WRONG_TYPE)
    return {
        "session": session,
        "symbol": symbol,
        "sector": sector,
        "rank": place + 1,
        "name": text(quote, "longName") or text(quote, "shortName"),
        "market_cap": positive(quote, "marketCap"),
    }
