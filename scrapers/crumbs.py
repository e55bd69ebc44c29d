"""Yahoo's cookie and crumb on the way to requests: had once, renewed once, by one request of one crawl for all.

They are kept in the hosts' ledger, so that crawls side by side and later ones go on with the same. They are never
logged, and the spool's addresses are without them.
"""

from __future__ import annotations

import asyncio
import logging
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from scrapers.errors import BodyRefused, Reason
from scrapers.hosts import Crumb
from scrapers.middlewares import DOWNLOAD_ERRORS, SourceMiddleware, reason_of, reason_of_error
from scrapers.pages.crumb import read_crumb

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from scrapers.urls import Slot

log = logging.getLogger("scrapers")
# Renewals in a row after which no request was answered: then it is not the crumb.
FRUITLESS = 5


class CrumbMiddleware(SourceMiddleware):
    """Gives requests that need it the crumb and its cookie; a refused crumb is renewed once, by one for all."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._lock = asyncio.Lock()
        self._fruitless = 0
        self._broken: Reason | None = None

    async def process_request(self, request: Request) -> Request | None:
        """Send a request that has no crumb yet on again with one."""
        if not request.meta.get("needs_crumb") or "crumb_generation" in request.meta:
            return None
        return _with_crumb(request, await self._newer_than(0))

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Renew a crumb that was refused, and ask once more."""
        if not request.meta.get("needs_crumb"):
            return response
        reason = reason_of(request, response)
        if reason is None:
            self._fruitless = 0
        if reason not in (Reason.CRUMB_INVALID, Reason.UNAUTHORIZED) or request.meta.get("round"):
            return response
        again = _with_crumb(request, await self._newer_than(request.meta["crumb_generation"]))
        again.meta["round"] = 1
        return again

    async def _newer_than(self, refused: int) -> Crumb:
        """A crumb newer than the refused one: another's, or one fetched now.

        Raises:
            IgnoreRequest: when none can be had.
        """
        hosts = self.spider.hosts
        async with self._lock:
            if self._broken is not None:
                raise IgnoreRequest(str(self._broken))
            if (known := hosts.crumb()).generation > refused:
                return known
            async with hosts.renewing():
                if (known := hosts.crumb()).generation > refused:
                    return known
                try:
                    return await self._renewed(known.generation + 1)
                except BodyRefused as problem:
                    self._broken = problem.reason
                    log.warning("no crumb: %s", problem)
                    raise IgnoreRequest(str(problem.reason)) from None

    async def _renewed(self, generation: int) -> Crumb:
        """Fetch and keep a crumb.

        Raises:
            BodyRefused: naming what came instead, or that renewing has led to nothing too often.
        """
        if self._fruitless >= FRUITLESS:
            raise BodyRefused(Reason.CRUMB_INVALID, f"refused after each of {FRUITLESS} renewals")
        self._fruitless += 1
        self.spider.tally.renewals += 1
        crumb = await self._handshake(generation)
        self.spider.hosts.keep_crumb(crumb)
        return crumb

    async def _handshake(self, generation: int) -> Crumb:
        """A new jar, the cookie, and the crumb that goes with it."""
        urls = self.spider.job.urls
        jar = f"handshake {generation}"
        first = await self._get(urls.base("cookie"), "cookie", jar, generation)
        answer = await self._get(f"{urls.base('query1')}/v1/test/getcrumb", "query1", jar, generation)
        return Crumb(generation, _cookies(first, answer), read_crumb(answer.body, answer.status))

    async def _get(self, url: str, slot: Slot, jar: str, generation: int) -> Response:
        meta: dict[str, Any] = {"download_slot": slot, "cookiejar": jar, "handshake": slot, "round": generation - 1}
        request = Request(url, meta=meta, dont_filter=True)
        engine = self.crawler.engine
        if engine is None:
            raise BodyRefused(Reason.NO_RESPONSE, "the crawl has ended")
        try:
            response = await engine.download_async(request)
        except (IgnoreRequest, *DOWNLOAD_ERRORS) as problem:
            raise BodyRefused(reason_of_error(problem), type(problem).__name__) from problem
        if (reason := reason_of(response.request or request, response)) is not None:
            raise BodyRefused(reason, f"HTTP {response.status} instead of the {slot}'s answer")
        return response


def _with_crumb(request: Request, crumb: Crumb) -> Request:
    url = f"{request.meta['bare_url']}&crumb={quote(crumb.crumb, safe='')}"
    # No jar: the cookie goes with its crumb, whatever the source sets meanwhile.
    meta = {**request.meta, "crumb_generation": crumb.generation, "dont_merge_cookies": True}
    again = request.replace(url=url, meta=meta, dont_filter=True)
    again.headers[b"Cookie"] = crumb.cookie.encode("latin-1")
    return again


def _cookies(first: Response, second: Response) -> str:
    """What the handshake's requests sent and were given, as a Cookie header."""
    jar: SimpleCookie = SimpleCookie()
    for response in (first, second):
        sent = response.request.headers.getlist(b"Cookie") if response.request else []
        for header in (*sent, *response.headers.getlist(b"Set-Cookie")):
            try:
                jar.load(header.decode("latin-1"))
            except CookieError:
                continue
    return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in jar.items())
