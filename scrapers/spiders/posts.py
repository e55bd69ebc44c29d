"""Posts by tag, from X's recent search."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy.http import Request
from web_poet import HttpResponse

from scrapers.pages.base import Verdict
from scrapers.pages.objects import PostsPage
from scrapers.spiders.base import SourceSpider

_FIELDS = "author_id,created_at,entities,lang,public_metrics,referenced_tweets"
MOST_PAGES = 200
# The source refuses a window that ends less than ten seconds before it is asked, by its own clock.
_MARGIN = timedelta(seconds=90)


class PostsSpider(SourceSpider):
    """Asks for the posts of each of `tags` from `start` to `end` (instants), page by page, `max_pages` a tag at most.

    The bearer token comes from the environment; it is in no file and no log.
    """

    name = "posts"
    source = "x_search"
    _window: dict[str, str]

    def requests(self) -> Iterator[Request]:
        """The newest page of each tag; none where the window has hardly begun."""
        start, end = (datetime.fromisoformat(self.job.params[name]) for name in ("start", "end"))
        at = self.job.params.get("at")
        now = datetime.fromisoformat(at) if at else self.clock.now()
        end = min(end, now - _MARGIN)
        if end <= start:
            return
        self._window = {"start_time": _stamp(start), "end_time": _stamp(end)}
        for tag in self.job.params["tags"]:
            yield self._ask_page(tag, None, 1)

    def _ask_page(self, tag: str, token: str | None, number: int) -> Request:
        window = self._window
        query = {"query": f"#{tag}", "max_results": "100", "tweet.fields": _FIELDS, **window}
        asked = {"tag": tag, "page": str(number), **window}
        if token:
            query["next_token"] = token
        return self.ask(
            "x",
            "/2/tweets/search/recent",
            query,
            asked,
            headers={"Authorization": f"Bearer {os.environ.get('TIDEMARK_X_BEARER_TOKEN') or 'sandbox'}"},
            meta={"tag": tag, "number": number},
        )

    def further(self, request: Request, verdict: Verdict) -> Iterator[Request]:
        """The tag's next page."""
        number: int = request.meta["number"]
        if verdict.next_token and number < int(self.job.params.get("max_pages") or MOST_PAGES):
            yield self._ask_page(request.meta["tag"], verdict.next_token, number + 1)

    def page(self, response: HttpResponse, params: dict[str, Any]) -> PostsPage:
        """The page object of a search response."""
        del params
        return PostsPage(response=response)


def _stamp(at: datetime) -> str:
    """An instant as the source reads it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
