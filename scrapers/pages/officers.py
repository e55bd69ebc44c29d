"""Officers in Yahoo's quoteSummary: `assetProfile.companyOfficers`, in the source's order."""

from __future__ import annotations

from datetime import date

from scrapers.errors import Reason
from scrapers.pages.base import Records, RowRefused, guarded, json_object, must, number, text, whole
from scrapers.pages.bodies import Json
from scrapers.pages.summary import summary_modules


def read_officers(body: bytes, session: date, symbol: str, status: int | None = None) -> Records:
    """The officers of a company as records of silver.officers.

    Args:
        body: the payload as received.
        session: the trading day whose profile it is.
        symbol: the symbol asked for; the officers of another one are refused.
        status: the response's HTTP status, where known.
    """

    def read(records: Records) -> None:
        modules = json_object(summary_modules(body, status))
        named = json_object(modules.get("price")).get("symbol") or json_object(modules.get("quoteType")).get("symbol")
        listed = json_object(modules.get("assetProfile")).get("companyOfficers")
        currency = json_object(modules.get("financialData")).get("financialCurrency")
        paid_in = currency if isinstance(currency, str) else None

        def row(officer: dict[str, Json], place: int) -> dict[str, object]:
            if named is not None and named != symbol:
                raise RowRefused(Reason.SYMBOL_MISMATCH)
            return _row(officer, place, paid_in) | {"session": session, "symbol": symbol}

        records.read_each(listed if isinstance(listed, list) else [], row)

    return guarded(read, body)


def _row(officer: dict[str, Json], place: int, currency: str | None) -> dict[str, object]:
    pay = number(officer, "totalPay")
    return {
        "place": place + 1,
        "name": must(text(officer, "name"), Reason.NAME_MISSING),
        "title": text(officer, "title"),
        "age": whole(officer, "age"),
        "total_pay": pay,
        "pay_currency": currency if pay is not None else None,
        "fiscal_year": whole(officer, "fiscalYear"),
    }
