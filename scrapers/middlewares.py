"""What stands between the spiders and the network: judging and spooling every body, the crumb, and patience.

Scrapy's own retry middleware does not honour Retry-After and sees statuses only; a source's throttle notice or garbage
often comes with HTTP 200. So each body is judged by its page object first, and what follows is decided by its name.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Request, Response

from scrapers.errors import BodyRefused, Reason
from scrapers.pages.crumb import read_crumb
from scrapers.urls import Slot

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from scrapers.spiders.base import SourceSpider

log = logging.getLogger("scrapers")

DOWNLOAD_ERRORS = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    OSError,
)
RETRIES = 4
LONGEST_WAIT = 900.0
RENEWALS = 5


class _Middleware:
    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> _Middleware:
        """Scrapy's way of making one."""
        return cls(crawler)

    @property
    def spider(self) -> SourceSpider:
        """The spider that runs."""
        return cast("SourceSpider", self.crawler.spider)


class Judge(_Middleware):
    """Counts every request, judges every body by its page object and spools it, refused ones included."""

    def process_request(self, request: Request) -> None:
        """Note the agent that the source is told; set where the request passes last."""
        agent = self.spider.job.agents.get(request.meta.get("download_slot", ""))
        if agent:
            request.headers[b"User-Agent"] = agent.encode()

    def process_response(self, request: Request, response: Response) -> Response:
        """Judge and spool a body."""
        spider = self.spider
        spider.tally.requests += 1
        if request.meta.get("asked"):
            request.meta["verdict"] = spider.receive(request, response)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """A request without a body counts as sent."""
        del request
        if not isinstance(exception, IgnoreRequest):
            self.spider.tally.requests += 1


class Crumb(_Middleware):
    """Gives requests that need it Yahoo's cookie and crumb; a refused crumb is renewed once, by one for all."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._lock = asyncio.Lock()
        self._generation = 0
        self._crumb: str | None = None
        self._broken: Reason | None = None

    async def process_request(self, request: Request) -> Request | None:
        """Send a request that has no crumb yet on again with one."""
        if not request.meta.get("needs_crumb") or "crumb_generation" in request.meta:
            return None
        await self._ensure(0)
        return self._with_crumb(request)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Renew a crumb that was refused, and ask once more."""
        verdict = request.meta.get("verdict")
        refused = verdict is not None and verdict.refused in (Reason.CRUMB_INVALID, Reason.UNAUTHORIZED)
        if not refused or not request.meta.get("needs_crumb") or request.meta.get("crumb_renewed"):
            return response
        await self._ensure(request.meta["crumb_generation"])
        again = self._with_crumb(request)
        again.meta["crumb_renewed"] = True
        return again

    def _with_crumb(self, request: Request) -> Request:
        url = f"{request.meta['bare_url']}&crumb={quote(self._crumb or '', safe='')}"
        meta = {**request.meta, "crumb_generation": self._generation, "cookiejar": self._generation}
        return request.replace(url=url, meta=meta, dont_filter=True)

    async def _ensure(self, refused: int) -> None:
        """See to it that there is a crumb newer than the refused one.

        Raises:
            IgnoreRequest: when none can be had.
        """
        async with self._lock:
            if self._broken is not None:
                raise IgnoreRequest(str(self._broken))
            if self._generation > refused:
                return
            if self._generation >= RENEWALS:
                self._broken = Reason.CRUMB_INVALID
                raise IgnoreRequest(str(self._broken))
            self._generation += 1
            self.spider.tally.renewals += 1
            try:
                self._crumb = await self._handshake()
            except BodyRefused as problem:
                self._broken = problem.reason
                log.warning("no crumb: %s", problem)
                raise IgnoreRequest(str(problem.reason)) from None

    async def _handshake(self) -> str:
        """A new jar, the cookie, and the crumb that goes with it."""
        urls = self.spider.job.urls
        await self._get(urls.base("cookie"), "cookie")
        answer = await self._get(f"{urls.base('query1')}/v1/test/getcrumb", "query1")
        return read_crumb(answer.body, answer.status)

    async def _get(self, url: str, slot: Slot) -> Response:
        meta: dict[str, Any] = {"download_slot": slot, "cookiejar": self._generation, "handshake": slot}
        request = Request(url, meta=meta, dont_filter=True)
        engine = self.crawler.engine
        if engine is None:
            raise IgnoreRequest(str(Reason.NO_RESPONSE))
        try:
            return await engine.download_async(request)
        except (IgnoreRequest, *DOWNLOAD_ERRORS) as problem:
            raise BodyRefused(Reason.NO_RESPONSE, type(problem).__name__) from problem


class Patience(_Middleware):
    """Asks again for what may well come the next time, after as long as the source says; all of a host wait."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._until: dict[str, float] = {}

    async def process_request(self, request: Request) -> None:
        """Hold a request back while its host wants to be left alone."""
        slot = request.meta.get("download_slot", "")
        while (wait := self._until.get(slot, 0.0) - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Ask again where the refusal is of the passing kind."""
        reason = self._reason(request, response)
        if reason is None or not reason.transient:
            return response
        return await self._again(request, reason, retry_after(response)) or response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Ask again where the connection failed or took too long."""
        if not isinstance(exception, DOWNLOAD_ERRORS):
            return None
        return await self._again(request, Reason.NO_RESPONSE, None)

    def _reason(self, request: Request, response: Response) -> Reason | None:
        if (verdict := request.meta.get("verdict")) is not None:
            return cast("Reason | None", verdict.refused)
        if request.meta.get("handshake") == "query1":
            try:
                read_crumb(response.body, response.status)
            except BodyRefused as problem:
                return problem.reason
        return None

    async def _again(self, request: Request, reason: Reason, told: float | None) -> Request | None:
        tries = request.meta.get("tries", 0) + 1
        wait = told if told is not None else self.spider.backoff * 2 ** (tries - 1)
        if tries > RETRIES or wait > LONGEST_WAIT:
            return None
        self.spider.tally.retries += 1
        log.info("%s, try %d in %.1f s: %s", reason, tries + 1, wait, request.meta.get("asked") or "handshake")
        loop = asyncio.get_running_loop()
        if reason is Reason.THROTTLED:
            slot = request.meta.get("download_slot", "")
            self._until[slot] = max(self._until.get(slot, 0.0), loop.time() + wait)
        await asyncio.sleep(wait)
        return request.replace(meta={**request.meta, "tries": tries}, dont_filter=True)


def retry_after(response: Response) -> float | None:
    """The seconds a source wants to be left alone, from Retry-After (seconds or a date) or X's reset time."""
    headers = response.headers
    told = (headers.get(b"Retry-After") or b"").decode("latin-1").strip()
    if told.isdigit():
        return float(told)
    now = datetime.now(UTC)
    if told:
        try:
            return max(0.0, (parsedate_to_datetime(told) - now).total_seconds())
        except (TypeError, ValueError):
            return None
    reset = (headers.get(b"x-rate-limit-reset") or b"").decode("latin-1").strip()
    if response.status == 429 and reset.isdigit():
        return max(0.0, int(reset) - now.timestamp())
    return None
