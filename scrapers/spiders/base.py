"""What all spiders share: asking, handing each body to its page object and to the spool, and saying how far they are."""

from __future__ import annotations

import logging
import random
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

import scrapy
from scrapy.http import Request, Response
from twisted.python.failure import Failure
from web_poet import HttpResponse

from lake.clock import Clock, parse_start
from scrapers.errors import Reason
from scrapers.job import Job, Tally, write_stats
from scrapers.middlewares import reason_of_error
from scrapers.pages.base import Verdict
from scrapers.spool import Spool, request_text
from scrapers.urls import Slot

log = logging.getLogger("scrapers")
_SAY_EVERY = 2.0  # seconds between two lines on how far it is


class BodyPage(Protocol):
    """A page object as a spider needs it."""

    def verdict(self) -> Verdict:
        """What the body is."""
        ...


class SourceSpider(scrapy.Spider):
    """A spider of one source.

    Attributes:
        source: the bronze table its bodies go to.
        session: the day it asks for.
        tick: the tick it asks for, for sources that have one.
        ends_with: refusals that would meet every further question too: the crawl asks nothing more after one.
        ended: the one that it met.
    """

    source: ClassVar[str]
    ends_with: ClassVar[frozenset[Reason]] = frozenset()

    def __init__(self, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.tally = Tally()
        self.folder = Path(job.spool)
        self.spool = Spool(self.folder, job.run_id)
        self.clock = clock_of(job.clock)
        self.session = date.fromisoformat(job.params["session"])
        at = job.params.get("tick")
        self.tick: datetime | None = datetime.fromisoformat(at).astimezone(UTC) if at else None
        self.backoff = 0.2 if job.urls.sandboxed else 2.0
        self.random = random.Random(f"{job.run_id} {job.spool}")  # noqa: S311 - spreads waits, keeps no secret
        self.hosts = job.ledger()
        self.ended: Reason | None = None
        self._asked = 0
        self._done = 0
        self._said = time.monotonic()

    @abstractmethod
    def requests(self) -> Iterator[Request]:
        """What to ask first."""

    @abstractmethod
    def page(self, response: HttpResponse, params: dict[str, Any]) -> BodyPage:
        """The page object of a response."""

    def further(self, request: Request, verdict: Verdict) -> Iterator[Request]:
        """What to ask after an answer; nothing, unless the source pages."""
        del request, verdict
        return iter(())

    async def start(self) -> AsyncIterator[Any]:
        """Scrapy's entry."""
        for request in list(self.requests()):
            yield request

    def ask(  # noqa: PLR0913 - what makes a request
        self,
        slot: Slot,
        path: str,
        query: dict[str, str],
        asked: dict[str, str],
        *,
        params: dict[str, Any] | None = None,
        crumb: bool = False,
        json_body: bytes | None = None,
        headers: dict[str, str] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Request:
        """A request to a source.

        Args:
            slot: which source.
            path: below its address.
            query: the query's fields.
            asked: what is asked, as the body's `request` will say.
            params: for the page object.
            crumb: whether Yahoo's crumb has to go with it.
            json_body: makes it a POST.
        """
        url = f"{self.job.urls.base(slot)}{path}?{urlencode(query)}"
        sent = dict(headers or {})
        if json_body is not None:
            sent["Content-Type"] = "application/json"
        if self.job.urls.sandboxed:
            sent |= self._for_sandbox(asked)
        self._asked += 1
        about = {
            "asked": request_text(self.name, asked),
            "params": params or {},
            "download_slot": slot,
            "needs_crumb": crumb,
            "bare_url": url,
            **(meta or {}),
        }
        return Request(
            url,
            callback=self.parse,
            errback=self.failed,
            method="GET" if json_body is None else "POST",
            body=json_body or b"",
            headers=sent,
            meta=about,
            dont_filter=True,
        )

    def _for_sandbox(self, asked: dict[str, str]) -> dict[str, str]:
        """The past instant and the changes that are asked about, and the fault (`faults`: symbol, file or * → its name)."""
        faults = self.job.params.get("faults") or {}
        fault = faults.get(asked.get("symbol") or asked.get("symbols") or asked.get("file"), faults.get("*"))
        wishes = {
            "X-Sandbox-At": self.job.params.get("at"),
            "X-Sandbox-Fault": fault,
            "X-Sandbox-Changes": self.job.params.get("changes"),
        }
        return {name: wish for name, wish in wishes.items() if wish}

    def receive(self, request: Request, response: Response) -> Verdict:
        """Judge a body and put it into the spool."""
        body = self.kept_body(response)
        page = HttpResponse(without_query(response.url), body=body, status=response.status)
        verdict = self.page(page, request.meta["params"]).verdict()
        if verdict.refused in self.ends_with and self.ended is None:
            self.ended = verdict.refused
            log.warning("%s: nothing more is asked, %s holds for all of it", self.name, verdict.refused)
        self.keep(request, response)
        self.count(verdict, len(body))
        return verdict

    def kept_body(self, response: Response) -> bytes:
        """A body as it may be kept: without secrets, where a source repeats them."""
        body: bytes = response.body
        return body

    def keep(self, request: Request, response: Response) -> None:
        """Put a body into the spool."""
        self.spool.add(
            source=self.source,
            request=request.meta["asked"],
            session=self.session,
            tick=self.tick,
            url=response.url,
            status=response.status,
            content_type=(response.headers.get(b"Content-Type") or b"").decode("latin-1") or None,
            body=self.kept_body(response),
            at=self.clock.now(),
        )

    def count(self, verdict: Verdict, size: int) -> None:
        """Count a body under what it turned out to be."""
        self.tally.received += 1
        self.tally.bytes += size
        if verdict.refused:
            self.tally.refusals[str(verdict.refused)] += 1
            return
        self.tally.good += 1
        self.tally.rows += verdict.good
        self.tally.rows_refused.update(verdict.rows_refused)

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Request]:
        """A request's last body: an answer, or a refusal that stays."""
        del kwargs
        request = response.request
        if request is None:
            return
        verdict: Verdict = request.meta["verdict"]
        if verdict.refused:
            self.tally.unanswered[request.meta["asked"]] = str(verdict.refused)
        self._progress()
        yield from self.further(request, verdict)

    def failed(self, failure: Failure) -> None:
        """A request that never got a body."""
        error = failure.value
        reason = str(reason_of_error(error))
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        self.tally.unanswered[request.meta["asked"]] = reason
        log.warning("no answer (%s, %s): %s", reason, type(error).__name__, request.meta["asked"][:200])
        self._progress()

    def _progress(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said > _SAY_EVERY or self._done == self._asked:
            self._said = now
            log.info(
                "%s: %d of %d answered or given up, %d good, refused: %s",
                self.name,
                self._done,
                self._asked,
                self.tally.good,
                ", ".join(f"{reason} {count}" for reason, count in self.tally.refusals.items()) or "none",
            )

    def closed(self, reason: str) -> None:
        """Scrapy's exit: the last bodies and the stats go to disk."""
        self.tally.finish = reason
        self.spool.flush()
        write_stats(self.folder, self.tally)


def without_query(url: str) -> str:
    """An address as a page object may see it: the crumb stays out."""
    return url.partition("?")[0]


def clock_of(setting: str | None) -> Clock:
    """The clock that a job names."""
    if not setting:
        return Clock()
    start, anchor, frozen = parse_start(setting)
    return Clock(start, anchor or 0.0, frozen)
