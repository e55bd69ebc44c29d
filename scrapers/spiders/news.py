"""News of companies: by Yahoo's search, and by its RSS headlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.pages.objects import NewsRssPage, NewsSearchPage
from scrapers.spiders.base import SourceSpider

COUNT = 20
# A feed of several symbols does not say which an item is about; only items that name a ticker could be kept.
BATCH = 1


class NewsSearchSpider(SourceSpider):
    """Asks for the newest `count` stories (20 by default) of each of `symbols`."""

    name = "news_search"
    source = "yahoo_search"

    def requests(self) -> Iterator[Request]:
        """One request a symbol."""
        count = str(int(self.job.params.get("count") or COUNT))
        for symbol in self.job.params["symbols"]:
            yield self.ask(
                "search",
                "/v1/finance/search",
                {"q": symbol, "quotesCount": "0", "newsCount": count, "lang": "en-US", "region": "US"},
                {"symbol": symbol, "count": count},
                params={"session": self.session, "symbol": symbol},
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> NewsSearchPage:
        """The page object of a search response."""
        return NewsSearchPage(response=response, params=PageParams(params))


class NewsRssSpider(SourceSpider):
    """Asks for the feed of `symbols`, `batch` at a time (1 by default)."""

    name = "news_rss"
    source = "yahoo_rss"

    def requests(self) -> Iterator[Request]:
        """One request a batch."""
        symbols: list[str] = self.job.params["symbols"]
        size = int(self.job.params.get("batch") or BATCH)
        for start in range(0, len(symbols), size):
            batch = symbols[start : start + size]
            yield self.ask(
                "rss",
                "/rss/2.0/headline",
                {"s": ",".join(batch), "region": "US", "lang": "en-US"},
                {"symbols": ",".join(batch)},
                params={"session": self.session, "symbols": tuple(batch)},
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> NewsRssPage:
        """The page object of a feed."""
        return NewsRssPage(response=response, params=PageParams(params))
