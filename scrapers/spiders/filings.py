"""SEC's indices of filings, a quarter each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.pages.filing_index import FilingIndexPage
from scrapers.spiders.base import SourceSpider


class FilingsSpider(SourceSpider):
    """Asks for the master index of each of `quarters`, as 2026Q4."""

    name = "filings"
    source = "edgar_index"

    def requests(self) -> Iterator[Request]:
        """One request a quarter."""
        for quarter in self.job.params["quarters"]:
            year, number = quarter.split("Q")
            yield self.ask(
                "sec",
                f"/Archives/edgar/full-index/{year}/QTR{number}/master.idx",
                {},
                {"quarter": quarter},
                params={"quarter": quarter},
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> FilingIndexPage:
        """The page object of an index."""
        return FilingIndexPage(response=response, params=PageParams(params))
