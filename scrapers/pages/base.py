"""What all page objects share: the parsed page, refusals of rows, and typed looks into JSON that never fail.

A page object's core is a pure function from bytes to rows of a contract (less provenance). It settles units once, so
that nothing behind it has to know which endpoint writes percent and which a fraction.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson
import polars as pl

from lake.contracts import table
from lake.contracts.base import Table
from lake.rows import Refusal
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.bodies import Json, shown

_INT64 = 2**63
_FIRST, _LAST = -2_208_988_800, 7_258_118_400  # 1900 to 2200, in seconds since 1970


class RowRefused(Exception):
    """One element that cannot become a row. Raised and caught within a page object."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class Parsed:
    """A body, read.

    Attributes:
        rows: the contract's columns less provenance.
        rows_in: elements the body had, those refused included; 1 for a body refused as a whole.
        refusals: one for each element (or body) that did not become a row.
        refused: why the whole body was refused; None where it was read.
        next_token: where the source's next page is, for sources that page.
        total: how many elements the source says there are in all, where it says so.
    """

    rows: pl.DataFrame
    rows_in: int
    refusals: list[Refusal]
    refused: Reason | None = None
    next_token: str | None = None
    total: int | None = None


class Verdict(NamedTuple):
    """What a crawl has to know of a body: whether it is an answer, how much is in it, and where it goes on."""

    refused: Reason | None
    good: int
    rows_refused: dict[str, int]
    next_token: str | None = None
    total: int | None = None


@dataclass
class Records:
    """Rows on their way, a dictionary each, and the elements that did not make it."""

    rows: list[dict[str, object]] = field(default_factory=list)
    rows_in: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    refused: Reason | None = None
    next_token: str | None = None
    total: int | None = None

    @property
    def verdict(self) -> Verdict:
        """What a crawl has to know."""
        rows = {} if self.refused else dict(Counter(refusal.reason for refusal in self.refusals))
        return Verdict(self.refused, len(self.rows), rows, self.next_token, self.total)

    def refuse(self, reason: Reason, raw: object) -> None:
        """Note an element that cannot become a row."""
        self.refusals.append(Refusal(str(reason), as_text(raw)))

    def read_each(self, elements: list[Json], read: Callable[[dict[str, Json], int], dict[str, object]]) -> None:
        """Read each element by a function of the element and its place; the refused ones are noted."""
        for place, element in enumerate(elements):
            self.rows_in += 1
            if not isinstance(element, dict):
                self.refuse(Reason.NOT_AN_OBJECT, element)
                continue
            try:
                self.rows.append(read(element, place))
            except RowRefused as refused:
                self.refuse(refused.reason, element)


def guarded(read: Callable[[Records], None], body: bytes) -> Records:
    """Run a reader; a body it refuses becomes one refused element of that name."""
    records = Records()
    try:
        read(records)
    except BodyRefused as refused:
        return Records([], 1, [refusal_of_body(refused, body)], refused.reason)
    return records


def refusal_of_body(refused: BodyRefused, body: bytes) -> Refusal:
    """A whole body's refusal: its name, what the source said about it, and how the body begins."""
    detail = refused.detail.replace("\x00", "")
    return Refusal(str(refused.reason), f"{detail} | {shown(body)}" if detail else shown(body))


def parsed(records: Records, contract: Table) -> Parsed:
    """Records as a frame of the contract's columns less provenance."""
    frame = pl.DataFrame(records.rows, schema=row_schema(contract.id), orient="row")
    return Parsed(
        frame, records.rows_in, records.refusals, records.refused, next_token=records.next_token, total=records.total
    )


@lru_cache(maxsize=32)
def row_schema(table_id: str) -> pl.Schema:
    """A contract's columns less provenance, with their types."""
    contract = table(table_id)
    whole = contract.schema.create_empty().schema
    return pl.Schema({name: kind for name, kind in whole.items() if name not in contract.provenance})


def as_text(raw: object, length: int = 2_000) -> str:
    """A refused element as text: JSON, cut where it is long."""
    return orjson.dumps(raw, default=str).decode()[:length].replace("\\u0000", "")


def json_object(value: Json | object) -> dict[str, Json]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def first_object(value: Json) -> dict[str, Json]:
    """The first element of a list of objects, else an empty object."""
    return json_object(value[0]) if isinstance(value, list) and value else {}


def _plain(value: Json) -> Json:
    """Yahoo's formatted numbers are `{raw, fmt}`, and `{}` where there is none; it writes infinities as words."""
    if isinstance(value, dict):
        value = value.get("raw") if value else None
    if isinstance(value, str) and value in ("Infinity", "-Infinity", "NaN", ""):
        return None
    return value


def number(source: dict[str, Json], key: str) -> float | None:
    """A number, or None where there is none.

    Raises:
        RowRefused: when something else is there.
    """
    value = _plain(source.get(key))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowRefused(Reason.WRONG_TYPE)
    return float(value)


def positive(source: dict[str, Json], key: str) -> float | None:
    """A number above zero; Yahoo writes 0 where it has no price."""
    value = number(source, key)
    return value if value is not None and value > 0 else None


def whole(source: dict[str, Json], key: str) -> int | None:
    """A whole number that fits 64 bits, or None; a float without a fraction counts as one."""
    value = number(source, key)
    if value is None:
        return None
    if not value.is_integer() or abs(value) >= _INT64:
        raise RowRefused(Reason.WRONG_TYPE)
    exact = _plain(source.get(key))
    return exact if isinstance(exact, int) else int(value)


def text(source: dict[str, Json], key: str) -> str | None:
    """A text without surrounding space and without NUL (which PostgreSQL cannot hold), or None where it is empty."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RowRefused(Reason.WRONG_TYPE)
    return value.replace("\x00", "").strip() or None


def instant(source: dict[str, Json], key: str) -> datetime | None:
    """Seconds since 1970 as an instant in UTC, or None."""
    value = number(source, key)
    return None if value is None else to_instant(value)


def to_instant(seconds: float) -> datetime:
    """Seconds since 1970 as an instant in UTC; only the years 1900 to 2200 are believed."""
    if not _FIRST <= seconds <= _LAST:
        raise RowRefused(Reason.WRONG_TYPE)
    return datetime.fromtimestamp(seconds, UTC)


def must(value: str | None, reason: Reason) -> str:
    """A text that has to be there."""
    if value is None:
        raise RowRefused(reason)
    return value


def require_usd(source: dict[str, Json], key: str = "currency") -> None:
    """Refuse an element whose money is not in dollars: the tables hold USD, and pence are not cents."""
    currency = text(source, key)
    if currency is None:
        raise RowRefused(Reason.CURRENCY_MISSING)
    if currency != "USD":
        raise RowRefused(Reason.CURRENCY_NOT_USD)
