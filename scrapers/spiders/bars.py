"""Daily (or one-minute) bars, dividends and splits, one company a request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.pages.objects import ChartPage
from scrapers.spiders.base import SourceSpider


class BarsSpider(SourceSpider):
    """Asks for bars of each of `symbols` from `start` to `end`, both included, at `interval` (1d by default).

    The window is always given as two instants: a range of years silently comes back in months.
    """

    name = "bars"
    source = "yahoo_chart"

    def requests(self) -> Iterator[Request]:
        """One request a symbol."""
        interval = self.job.params.get("interval") or "1d"
        start = midnight(date.fromisoformat(self.job.params["start"]))
        end = midnight(date.fromisoformat(self.job.params["end"]) + timedelta(days=1))
        window = {"period1": str(start), "period2": str(end), "interval": interval}
        for symbol in self.job.params["symbols"]:
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


def midnight(day: date) -> int:
    """The start of a day in UTC as seconds since 1970; sessions of New York lie within their UTC day."""
    return int(datetime.combine(day, time(), UTC).timestamp())
