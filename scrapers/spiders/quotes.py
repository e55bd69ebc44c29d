"""Quotes of the universe at a tick, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.pages.objects import QuotesPage
from scrapers.spiders.base import SourceSpider

BATCH = 250


class QuotesSpider(SourceSpider):
    """Asks for `symbols` at `tick`, `batch` at a time (250 by default)."""

    name = "quotes"
    source = "yahoo_quotes"

    def requests(self) -> Iterator[Request]:
        """One request a batch."""
        symbols: list[str] = self.job.params["symbols"]
        size = min(int(self.job.params.get("batch") or BATCH), BATCH)
        for start in range(0, len(symbols), size):
            batch = ",".join(symbols[start : start + size])
            yield self.ask(
                "query1",
                "/v7/finance/quote",
                {"symbols": batch, "formatted": "false"},
                {"symbols": batch},
                params={"session": self.session, "tick": self.tick},
                crumb=True,
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> QuotesPage:
        """The page object of a quote response."""
        return QuotesPage(response=response, params=PageParams(params))
