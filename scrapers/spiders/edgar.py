"""SEC's files: a day's access log as it is published, and the ticker mapping. They go to disk, not through memory."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from scrapy.http import Request, Response
from web_poet import HttpResponse

from lake.contracts.attention import V1_LAST, V2_FIRST
from scrapers.downloads import Download
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Verdict
from scrapers.pages.bodies import by_status, load_json
from scrapers.spiders.base import BodyPage, SourceSpider, without_query
from scrapers.spool import request_text

log = logging.getLogger("scrapers")

TICKERS = "/files/company_tickers_exchange.json"
_UNDECLARED = re.compile(rb"undeclared automated tool", re.IGNORECASE)
_TOO_FAST = re.compile(rb"request rate threshold exceeded", re.IGNORECASE)


class EdgarSpider(SourceSpider):
    """Asks for the logs of `days`, and for the ticker mapping where `tickers` is true.

    Files are put into the folder `downloads`; one that is there in part goes on, however the crawl before ended.
    """

    name = "edgar"
    source = "files"

    def requests(self) -> Iterator[Request]:
        """One request a file."""
        for text in self.job.params.get("days") or ():
            day = date.fromisoformat(text)
            yield self._ask_file(log_path(day), log_kind(day), day)
        if self.job.params.get("tickers"):
            yield self._ask_file(TICKERS, "sec_tickers", None)

    def _ask_file(self, path: str, kind: str, day: date | None) -> Request:
        into = Path(self.job.params.get("downloads") or self.folder / "files") / Path(path).name
        download = Download(into, b"{" if kind == "sec_tickers" else b"PK")
        return self.ask(
            "sec",
            path,
            {},
            {"file": path},
            params={"kind": kind},
            meta={"download": download, "kind": kind, "log_date": day},
        )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> BodyPage:
        """Only the beginning is looked at here; what is in the file is another floor's business."""
        return FileHead(bytes(response.body), response.status, params["kind"])

    def receive(self, request: Request, response: Response) -> Verdict:
        """Judge a file by its beginning and its checksums, and tell of it where it is whole."""
        damage = request.meta.get("file_damage")
        head = FileHead(response.body, response.status, request.meta["kind"], damage)
        verdict = head.verdict()
        if damage:
            log.warning("%s: %s", request.url, damage)
        size = int(request.meta.get("file_bytes", 0)) if verdict.refused is None else len(response.body)
        if verdict.refused is None:
            day = request.meta["log_date"]
            self.tally.files.append(
                {
                    "path": str(request.meta["download"].path),
                    "kind": request.meta["kind"],
                    "url": without_query(response.url),
                    "sha256": request.meta["file_sha256"],
                    "bytes": size,
                    "ingested_at": self.clock.now().isoformat(),
                    "log_date": day.isoformat() if day else None,
                }
            )
        self.count(verdict, size)
        return verdict


class FileHead:
    """The beginning of a file, as a page object that only tells a file from a refusal."""

    def __init__(self, head: bytes, status: int | None, kind: str, damage: str | None = None) -> None:
        self._head, self._status, self._kind, self._damage = head, status, kind, damage

    def verdict(self) -> Verdict:
        """Whether it is a whole zip (or JSON) as it should be, and what it is where not."""
        wanted = b"{" if self._kind == "sec_tickers" else b"PK"
        refused = self._refused() if by_status(self._status) or not self._head.startswith(wanted) else None
        if refused is None and self._damage:
            refused = Reason.DAMAGED_ZIP
        return Verdict(refused, int(refused is None), {})

    def _refused(self) -> Reason:
        if _UNDECLARED.search(self._head):
            return Reason.UNDECLARED_AGENT
        if _TOO_FAST.search(self._head):
            return Reason.RATE_EXCEEDED
        try:
            load_json(self._head, self._status)
        except BodyRefused as refused:
            return _OF_FILES.get(refused.reason, refused.reason) if self._kind != "sec_tickers" else refused.reason
        return by_status(self._status) or Reason.UNEXPECTED_SHAPE


# Nobody expected JSON.
_OF_FILES = {
    Reason.HTML_INSTEAD_OF_JSON: Reason.HTML_INSTEAD_OF_FILE,
    Reason.NOT_JSON: Reason.NOT_A_ZIP,
    Reason.TRUNCATED_JSON: Reason.NOT_A_ZIP,
    Reason.MALFORMED_JSON: Reason.NOT_A_ZIP,
}


def log_request(day: date) -> str:
    """The question for the log of a day, as a crawl's report names it."""
    return request_text(EdgarSpider.name, {"file": log_path(day)})


def log_path(day: date) -> str:
    """Where the log of a day is."""
    quarter = (day.month + 2) // 3
    return f"/dera/data/Public-EDGAR-log-file-data/{day.year}/Qtr{quarter}/log{day:%Y%m%d}.zip"


def log_kind(day: date) -> str:
    """Which of the two forms the log of a day has.

    Raises:
        ValueError: for a day between the two, of which there are no logs.
    """
    if day <= V1_LAST:
        return "edgar_log_v1"
    if day >= V2_FIRST:
        return "edgar_log_v2"
    raise ValueError(f"there are no EDGAR logs between {V1_LAST} and {V2_FIRST}: {day}")
