"""The indices that are collected: their names, exchanges and currencies, and the calendar each follows."""

from __future__ import annotations

from dataclasses import dataclass

from lake.market_calendar import Calendar, xbom, xnys


@dataclass(frozen=True)
class Index:
    """An index.

    Attributes:
        symbol: as Yahoo names it.
        exchange: whose sessions it follows: XNYS or XBOM.
        currency: the currency of its constituents; its own level is in points.
    """

    symbol: str
    name: str
    exchange: str
    currency: str

    @property
    def calendar(self) -> Calendar:
        """The calendar of its exchange."""
        return {"XNYS": xnys, "XBOM": xbom}[self.exchange]()


INDICES: dict[str, Index] = {
    index.symbol: index
    for index in (
        Index("^NSEI", "NIFTY 50", "XBOM", "INR"),
        Index("^BSESN", "SENSEX", "XBOM", "INR"),
        Index("^NSEBANK", "BANK NIFTY", "XBOM", "INR"),
        Index("^GSPC", "S&P 500", "XNYS", "USD"),
    )
}


_ALSO = {"NIFTY": "^NSEI", "NIFTY50": "^NSEI", "BANKNIFTY": "^NSEBANK", "NIFTYBANK": "^NSEBANK", "SP500": "^GSPC"}


def index_named(text: str) -> Index | None:
    """The index that a text names: its symbol, with ^ or without, or one of its names; None for any other text."""
    short = text.strip().upper()
    if found := INDICES.get(short) or INDICES.get(f"^{short}"):
        return found
    bare = short.replace(" ", "")
    by_name = {index.name.replace(" ", ""): index for index in INDICES.values()}
    return by_name.get(bare) or INDICES.get(_ALSO.get(bare, ""))
