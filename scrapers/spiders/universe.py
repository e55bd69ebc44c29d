"""The universe: the largest companies of each sector, from Yahoo's screener."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from scrapy.http import Request
from web_poet import HttpResponse, PageParams

from lake.contracts import SECTORS
from scrapers.pages.base import Verdict
from scrapers.pages.objects import ScreenerPage
from scrapers.spiders.base import SourceSpider

LARGEST_PAGE = 250
_QUERY = {"corsDomain": "finance.yahoo.com", "formatted": "false", "lang": "en-US", "region": "US"}


class UniverseSpider(SourceSpider):
    """Asks for `per_sector` companies of each of `sectors` (all eleven by default), page by page."""

    name = "universe"
    source = "yahoo_screener"

    def requests(self) -> Iterator[Request]:
        """The first page of each sector."""
        for sector in self.job.params.get("sectors") or SECTORS:
            yield self._ask_page(sector, 0)

    def _ask_page(self, sector: str, offset: int) -> Request:
        size = min(LARGEST_PAGE, int(self.job.params["per_sector"]) - offset)
        return self.ask(
            "query1",
            "/v1/finance/screener",
            _QUERY,
            {"sector": sector, "offset": str(offset), "size": str(size)},
            params={"session": self.session, "sector": sector},
            crumb=True,
            json_body=orjson.dumps(question(sector, offset, size)),
            meta={"sector": sector, "reached": offset + size},
        )

    def further(self, request: Request, verdict: Verdict) -> Iterator[Request]:
        """The sector's next page, as long as there are more and more are wanted."""
        reached: int = request.meta["reached"]
        wanted = min(int(self.job.params["per_sector"]), verdict.total or 0)
        if not verdict.refused and reached < wanted:
            yield self._ask_page(request.meta["sector"], reached)

    def page(self, response: HttpResponse, params: dict[str, Any]) -> ScreenerPage:
        """The page object of a screener response."""
        return ScreenerPage(response=response, params=PageParams(params))


def question(sector: str, offset: int, size: int) -> dict[str, Any]:
    """The screener's POST body: US companies of a sector on the two large exchanges, the largest first."""
    exchanges = [{"operator": "EQ", "operands": ["exchange", code]} for code in ("NMS", "NYQ")]
    return {
        "offset": offset,
        "size": size,
        "sortField": "intradaymarketcap",
        "sortType": "DESC",
        "quoteType": "EQUITY",
        "query": {
            "operator": "AND",
            "operands": [
                {"operator": "EQ", "operands": ["region", "us"]},
                {"operator": "OR", "operands": exchanges},
                {"operator": "EQ", "operands": ["sector", sector]},
            ],
        },
        "userId": "",
        "userIdType": "guid",
    }
