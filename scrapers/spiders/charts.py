"""Charts of single symbols over windows of their own: indices, and minutes in the windows that Yahoo allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from scrapers.asked import midnight
from scrapers.pages.objects import ChartPage
from scrapers.spiders.base import SourceSpider


class ChartsSpider(SourceSpider):
    """Asks for each of `charts`: symbol, interval, start and end (days, both included), and the currency expected."""

    name = "charts"
    source = "yahoo_chart"

    def requests(self) -> Iterator[Request]:
        """One request a chart."""
        charts: Sequence[dict[str, str]] = self.job.params["charts"]
        for chart in charts:
            symbol, interval = chart["symbol"], chart["interval"]
            start = midnight(date.fromisoformat(chart["start"]))
            end = midnight(date.fromisoformat(chart["end"]) + timedelta(days=1))
            window = {"period1": str(start), "period2": str(end), "interval": interval}
            yield self.ask(
                "query2",
                f"/v8/finance/chart/{quote(symbol, safe='')}",
                {**window, "events": "div,splits", "includePrePost": "false"},
                {**window, "symbol": symbol},
                params={"interval": interval, "symbol": symbol, "currency": chart.get("currency", "USD")},
            )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> ChartPage:
        """The page object of a chart response."""
        return ChartPage(response=response, params=PageParams(params))
