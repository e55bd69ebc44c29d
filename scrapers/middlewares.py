"""What stands between the spiders and the network: judging and spooling every body, politeness, and patience.

Scrapy's own retry middleware does not honour Retry-After and sees statuses only; a source's throttle notice or garbage
often comes with HTTP 200. So each body is judged by its page object first, and what follows is decided by its name.
The crumb has a module of its own (`scrapers.crumbs`).
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Request, Response

from scrapers.downloads import HEAD, FileRefused
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.bodies import by_status
from scrapers.pages.crumb import read_crumb

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
LONGEST_TOLD = 900.0
LONGEST_BACKOFF = 60.0


class SourceMiddleware:
    """A downloader middleware that knows the spider it works for."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SourceMiddleware:
        """Scrapy's way of making one."""
        return cls(crawler)

    @property
    def spider(self) -> SourceSpider:
        """The spider that runs."""
        return cast("SourceSpider", self.crawler.spider)


class Judge(SourceMiddleware):
    """Counts every request, judges every body by its page object and spools it, refused ones included."""

    def process_request(self, request: Request) -> None:
        """Note the agent that the source is told; set where the request passes last."""
        job = self.spider.job
        if agent := job.agents.get(slot_of(request)):
            request.headers[b"User-Agent"] = agent.encode()
        if job.urls.sandboxed:
            # The sandbox keeps no count of its own: what it does is a function of what it is sent.
            request.headers[b"X-Sandbox-Attempt"] = str(attempt_of(request)).encode()

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


class Politeness(SourceMiddleware):
    """Asks a host when its turn comes, and not at all while it is left alone; both are known to all crawls of a home."""

    async def process_request(self, request: Request) -> None:
        """Wait for the host's turn.

        Raises:
            IgnoreRequest: when the host is left alone, has said that it answers nothing more, or has been asked as
                often today as it may be.
        """
        slot, hosts = slot_of(request), self.spider.hosts
        limit = self.spider.job.limits.get(slot, {})
        delay, per_day = limit.get("delay", 0.0), int(limit.get("per_day", 0))
        self._refuse_at_once(slot, per_day)
        while not hosts.left_alone(slot):
            if quiet := hosts.quiet(slot):
                await asyncio.sleep(quiet)
                continue
            if wait := hosts.turn(slot, delay):
                await asyncio.sleep(wait)
                if hosts.quiet(slot) or hosts.left_alone(slot):
                    continue
            self._refuse_at_once(slot, per_day)
            if per_day:
                hosts.count_today(slot)
            return
        raise IgnoreRequest(str(Reason.HOST_LEFT_ALONE))

    def _refuse_at_once(self, slot: str, per_day: int) -> None:
        if self.spider.ended is not None:
            raise IgnoreRequest(str(self.spider.ended))
        if per_day and self.spider.hosts.asked_today(slot) >= per_day:
            raise IgnoreRequest(str(Reason.DAILY_CAP))

    def process_response(self, request: Request, response: Response) -> Response:
        """Note what the host's answer says about the host."""
        slot, reason = slot_of(request), reason_of(request, response)
        if reason is None or not reason.of_host:
            self.spider.hosts.answered(slot)
            return response
        told = retry_after(response)
        if reason.block_seconds:
            self.spider.hosts.leave_alone(slot, max(reason.block_seconds, told or 0.0))
            log.warning("%s: %s, left alone for %.0f s", slot, reason, reason.block_seconds)
            return response
        if told is not None and told > LONGEST_TOLD:
            self.spider.hosts.leave_alone(slot, told)
            log.warning("%s: left alone for %.0f s, as it asks", slot, told)
        elif told is not None:
            self.spider.hosts.hush(slot, told)
        self._refused(slot, reason)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """A host that does not answer counts as one that refuses, unless it has given a part of a file."""
        if isinstance(exception, DOWNLOAD_ERRORS) and not went_on(request):
            self._refused(slot_of(request), reason_of_error(exception))

    def _refused(self, slot: str, reason: Reason) -> None:
        if pause := self.spider.hosts.refused(slot):
            log.warning("%s: refused too often in a row (%s), left alone for %.0f s", slot, reason, pause)


class Patience(SourceMiddleware):
    """Asks again for what may well come the next time, after as long as the source says or a growing random while."""

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Ask again where the refusal is of the passing kind."""
        reason = reason_of(request, response)
        if reason is None:
            return response
        return await self._again(request, reason, retry_after(response)) or response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Ask again where the connection failed or took too long."""
        if not isinstance(exception, DOWNLOAD_ERRORS):
            return None
        return await self._again(request, reason_of_error(exception), None)

    async def _again(self, request: Request, reason: Reason, told: float | None) -> Request | None:
        spider = self.spider
        # A download that goes on from where it ended is under way, however often it ends.
        tries = 1 if went_on(request) else request.meta.get("tries", 0) + 1
        if tries > reason.tries or spider.hosts.left_alone(slot_of(request)):
            return None
        # Full jitter: crawls that were refused together do not come back together.
        jitter = spider.random.uniform(0, min(LONGEST_BACKOFF, spider.backoff * 2 ** (tries - 1)))
        wait = jitter + (told or 0.0)
        spider.tally.retries += 1
        log.info("%s, try %d in %.1f s: %s", reason, tries + 1, wait, request.meta.get("asked") or "handshake")
        await asyncio.sleep(wait)
        sent = request.meta.get("sent", 0) + 1
        return request.replace(meta={**request.meta, "tries": tries, "sent": sent}, dont_filter=True)


def slot_of(request: Request) -> str:
    """The source that a request is for."""
    slot: str = request.meta.get("download_slot", "")
    return slot


def attempt_of(request: Request) -> int:
    """How often the same was asked before: repeats, and once more for a renewed crumb."""
    return int(request.meta.get("sent", 0)) + int(request.meta.get("round", 0)) * 10


def went_on(request: Request) -> bool:
    """Whether the last attempt brought more of a file than its beginning."""
    return int(request.meta.get("file_gained", 0)) > HEAD


def reason_of(request: Request, response: Response) -> Reason | None:
    """Why a response is no answer: by its page object, or for the handshake by what it should have brought."""
    if request.meta.get("asked"):
        return cast("Reason | None", request.meta["verdict"].refused)
    step = request.meta.get("handshake")
    if step == "cookie" and not response.headers.getlist(b"Set-Cookie") and b"Cookie" not in request.headers:
        # The address that sets the cookie has no page: its 404 is as it should be.
        named = by_status(response.status)
        return named if named not in (None, Reason.NOT_FOUND) else Reason.COOKIE_MISSING
    if step == "query1":
        try:
            read_crumb(response.body, response.status)
        except BodyRefused as problem:
            return problem.reason
    return None


def reason_of_error(error: BaseException | None) -> Reason:
    """The name of a request's end without a body."""
    if isinstance(error, IgnoreRequest) and str(error) in set(Reason):
        return Reason(str(error))
    if isinstance(error, FileRefused):
        return error.reason
    return Reason.TIMED_OUT if isinstance(error, DownloadTimeoutError) else Reason.NO_RESPONSE


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
