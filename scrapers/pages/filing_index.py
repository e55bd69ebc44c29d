"""SEC's index of a quarter's filings (master.idx), as a crawl receives it."""

from __future__ import annotations

from typing import Any

import attrs
import polars as pl
from web_poet import PageParams, WebPage

from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.imports.cells import TEXT, Part
from scrapers.imports.filing_cells import cells_of
from scrapers.imports.filings import REASON, typed
from scrapers.pages.base import Parsed, Verdict, refusal_of_body
from scrapers.pages.bodies import by_status, load_json

INDEX = table("silver.filing_index")


def parse_filing_index(body: bytes, quarter: str, status: int | None = None) -> Parsed:
    """Rows of silver.filing_index from a master index.

    Args:
        body: the payload as received.
        quarter: whose index was asked for, as 2026Q4.
        status: the response's HTTP status, where known.
    """
    empty = INDEX.schema.create_empty().drop(INDEX.provenance)
    try:
        rows = _rows(body, status)
    except BodyRefused as refused:
        return Parsed(empty, 1, [refusal_of_body(refused, body)], refused.reason)
    told, ragged = rows
    from lake.rows import Refusal

    bad = told.filter(pl.col(REASON).is_not_null()).select(REASON, TEXT)
    refusals = [Refusal(reason, text) for reason, text in bad.iter_rows()]
    refusals += [Refusal("wrong_number_of_fields", text) for text in ragged]
    good = told.filter(pl.col(REASON).is_null()).with_columns(pl.lit(quarter).alias("quarter"))
    return Parsed(good.select(empty.columns), told.height + len(ragged), refusals)


def _rows(body: bytes, status: int | None) -> tuple[pl.DataFrame, list[str]]:
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    cells = cells_of(Part("master.idx", body)) if body.lstrip().startswith(b"Description:") else None
    if cells is None:
        # Names what came instead: a page, a notice, nothing.
        load_json(body, status)
        raise BodyRefused(Reason.UNEXPECTED_SHAPE)
    if not body.endswith(b"\n"):
        raise BodyRefused(Reason.UNEXPECTED_SHAPE, "it ends within a line")
    return typed(cells), cells.ragged


@attrs.define
class FilingIndexPage(WebPage[Parsed]):
    """The page object of a master index; its params name `quarter`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_filing_index(bytes(self.response.body), self.params["quarter"], self.response.status)

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        read = parse_filing_index(bytes(self.response.body), self.params["quarter"], self.response.status)
        counts: dict[str, int] = {}
        for refusal in read.refusals:
            counts[refusal.reason] = counts.get(refusal.reason, 0) + 1
        return Verdict(read.refused, read.rows.height, {} if read.refused else counts)
