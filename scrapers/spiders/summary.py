"""Company descriptions and slow figures, one company a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.pages.objects import SummaryPage
from scrapers.pages.summary import MODULES
from scrapers.spiders.base import SourceSpider


class SummarySpider(SourceSpider):
    """Asks for the summary of each of `symbols`."""

    name = "summary"
    source = "yahoo_summary"

    def requests(self) -> Iterator[Request]:
        """One request a symbol."""
        for symbol in self.job.params["symbols"]:
            yield self.ask(
                "query2",
                f"/v10/finance/quoteSummary/{quote(symbol, safe='')}",
                {"modules": ",".join(MODULES), "formatted": "false"},
                {"symbol": symbol},
                params={"session": self.session, "symbol": symbol},
                crumb=True,
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> SummaryPage:
        """The page object of a quoteSummary response."""
        return SummaryPage(response=response, params=PageParams(params))
