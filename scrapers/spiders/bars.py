"""Daily (or one-minute) bars, dividends and splits, one company a request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.asked import midnight
from scrapers.pages.objects import ChartPage
from scrapers.spiders.base import SourceSpider


class BarsSpider(SourceSpider):
    """Asks for bars of each of `symbols` from `start` to `end`, both included, at `interval` (1d by default).

    `spans` gives single symbols a start and an end of their own: {symbol: [start, end]}. The window is always given as
    two instants: a range of years silently comes back in months.
    """

    name = "bars"
    source = "yahoo_chart"

    def requests(self) -> Iterator[Request]:
        """One request a symbol."""
        interval = self.job.params.get("interval") or "1d"
        whole = [self.job.params["start"], self.job.params["end"]]
        spans: dict[str, list[str]] = self.job.params.get("spans") or {}
        for symbol in self.job.params["symbols"]:
            first, last = map(date.fromisoformat, spans.get(symbol, whole))
            window = {
                "period1": str(midnight(first)),
                "period2": str(midnight(last + timedelta(days=1))),
                "interval": interval,
            }
            yield self.ask(
                "query2",
                f"/v8/finance/chart/{quote(symbol, safe='')}",
                {**window, "events": "div,splits", "includePrePost": "false"},
                {**window, "symbol": symbol},
                params={"interval": interval, "symbol": symbol},
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> ChartPage:
        """The page object of a chart response."""
        return ChartPage(response=response, params=PageParams(params))
