"""Page objects in web-poet's form: each wraps a response and hands its body to the pure reader of its kind.

They are for whoever holds a response (the spiders); tables are made by the readers themselves, without this framework.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
from web_poet import PageParams, WebPage

from scrapers.pages.alphavantage import parse_series, read_series
from scrapers.pages.base import Parsed, Verdict
from scrapers.pages.chart import read_chart
from scrapers.pages.chart_rows import ParsedChart, parse_chart
from scrapers.pages.crumb import read_crumb
from scrapers.pages.news_rss import parse_news_rss, read_news_rss
from scrapers.pages.news_search import parse_news_search, read_news_search
from scrapers.pages.posts import parse_posts, read_posts
from scrapers.pages.quotes import parse_quotes, read_quotes
from scrapers.pages.screener import parse_screener, read_screener
from scrapers.pages.summary import parse_summary, read_summary
from scrapers.pages.tickers import parse_tickers, read_tickers


@attrs.define
class QuotesPage(WebPage[Parsed]):
    """The page object of a v7 quote response; its params name `session` and `tick`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_quotes(
            bytes(self.response.body), self.params["session"], self.params["tick"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_quotes(
            bytes(self.response.body), self.params["session"], self.params["tick"], self.response.status
        ).verdict


@attrs.define
class ScreenerPage(WebPage[Parsed]):
    """The page object of a screener response; its params name `session` and `sector`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_screener(
            bytes(self.response.body), self.params["session"], self.params["sector"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_screener(
            bytes(self.response.body), self.params["session"], self.params["sector"], self.response.status
        ).verdict


@attrs.define
class SummaryPage(WebPage[Parsed]):
    """The page object of a quoteSummary response; its params name `session` and `symbol`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_summary(
            bytes(self.response.body), self.params["session"], self.params["symbol"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_summary(
            bytes(self.response.body), self.params["session"], self.params["symbol"], self.response.status
        ).verdict


@attrs.define
class CrumbPage(WebPage[str]):
    """The page object of a getcrumb response."""

    async def to_item(self) -> str:
        """The crumb.

        Raises:
            BodyRefused: naming what came instead.
        """
        return read_crumb(bytes(self.response.body), self.response.status)


@attrs.define
class TickersPage(WebPage[Parsed]):
    """The page object of SEC's ticker files."""

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_tickers(bytes(self.response.body), self.response.status)

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_tickers(bytes(self.response.body), self.response.status).verdict


@attrs.define
class PostsPage(WebPage[Parsed]):
    """The page object of a recent search response."""

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_posts(bytes(self.response.body), self.response.status)

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_posts(bytes(self.response.body), self.response.status).verdict


@attrs.define
class SeriesPage(WebPage[Parsed]):
    """The page object of an Alpha Vantage series; its params name `function` and `symbol`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_series(
            bytes(self.response.body), self.params["function"], self.params["symbol"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_series(
            bytes(self.response.body), self.params["function"], self.params["symbol"], self.response.status
        ).verdict


@attrs.define
class NewsSearchPage(WebPage[Parsed]):
    """The page object of a search response; its params name `session` and `symbol`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_news_search(
            bytes(self.response.body), self.params["session"], self.params["symbol"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_news_search(
            bytes(self.response.body), self.params["session"], self.params["symbol"], self.response.status
        ).verdict


@attrs.define
class NewsRssPage(WebPage[Parsed]):
    """The page object of an RSS feed of headlines; its params name `session` and `symbols`."""

    params: PageParams[str, Any]

    async def to_item(self) -> Parsed:
        """The body, read."""
        return parse_news_rss(
            bytes(self.response.body), self.params["session"], self.params["symbols"], self.response.status
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        return read_news_rss(
            bytes(self.response.body), self.params["session"], self.params["symbols"], self.response.status
        ).verdict


@attrs.define
class ChartPage(WebPage[ParsedChart]):
    """The page object of a chart response; its params name `interval`, `symbol` and `as_of`."""

    params: PageParams[str, Any]

    async def to_item(self) -> ParsedChart:
        """The body, read."""
        return parse_chart(
            bytes(self.response.body),
            self.params["interval"],
            self.params.get("symbol"),
            self.params.get("as_of"),
            self.response.status,
        )

    def verdict(self) -> Verdict:
        """What a crawl has to know of the body."""
        chart = read_chart(
            bytes(self.response.body),
            self.params["interval"],
            self.params.get("symbol"),
            self.response.status,
            self.params.get("currency", "USD"),
        )
        faults = dict(Counter(str(reason) for reason in chart.faults.values()))
        return Verdict(chart.refused and chart.refused[0], len(chart.stamps) - len(chart.faults), faults)
