"""Minute bars from Alpha Vantage, a month of a symbol at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from scrapy.http import Request, Response
from web_poet import HttpResponse, PageParams

from scrapers.errors import Reason
from scrapers.hidden import ALPHAVANTAGE_KEY
from scrapers.pages.alphavantage import without_key
from scrapers.pages.objects import SeriesPage
from scrapers.spiders.base import SourceSpider

FUNCTION = "TIME_SERIES_INTRADAY"


class AlphaVantageSpider(SourceSpider):
    """Asks for each of `series`: symbol and month (YYYY-MM), prices as traded, regular hours alone.

    The key comes from the environment; it is in no file and no log, and is cut out of the notices that repeat it.
    """

    name = "alphavantage"
    source = "alphavantage_minutes"
    ends_with: ClassVar[frozenset[Reason]] = frozenset({Reason.DAILY_CAP, Reason.PREMIUM_FUNCTION, Reason.UNAUTHORIZED})

    def requests(self) -> Iterator[Request]:
        """One request a symbol and month."""
        series: Sequence[dict[str, str]] = self.job.params["series"]
        fixed = {"interval": "1min", "outputsize": "full", "adjusted": "false", "extended_hours": "false"}
        for one in series:
            asked = {"function": FUNCTION, "symbol": one["symbol"], "month": one["month"], **fixed}
            key = os.environ.get(ALPHAVANTAGE_KEY) or "sandbox"
            yield self.ask("alphavantage", "/query", {**asked, "apikey": key}, asked, params={"symbol": one["symbol"]})

    def page(self, response: HttpResponse, params: dict[str, Any]) -> SeriesPage:
        """The page object of a series."""
        return SeriesPage(response=response, params=PageParams({"function": FUNCTION, **params}))

    def kept_body(self, response: Response) -> bytes:
        """A body without the key: the notice of the daily cap repeats it."""
        return without_key(response.body, os.environ.get(ALPHAVANTAGE_KEY))
