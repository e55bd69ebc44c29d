"""SEC's files: a day's access log as it is published, and the ticker mapping. They go to disk, not through memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from scrapy.http import Request, Response
from web_poet import HttpResponse

from scrapers.errors import BodyRefused, Reason
from scrapers.handlers import HEAD
from scrapers.pages.base import Verdict
from scrapers.pages.bodies import by_status, load_json
from scrapers.spiders.base import BodyPage, SourceSpider

V1_LAST, V2_FIRST = date(2017, 6, 30), date(2020, 5, 19)
TICKERS = "/files/company_tickers_exchange.json"


class EdgarSpider(SourceSpider):
    """Asks for the logs of `days`, and for the ticker mapping where `tickers` is true."""

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
        into = self.folder / "files" / Path(path).name
        into.parent.mkdir(exist_ok=True)
        return self.ask(
            "sec",
            path,
            {},
            {"file": path},
            params={"kind": kind},
            meta={"into": into.with_name(into.name + ".part"), "file": into, "kind": kind, "log_date": day},
        )

    def page(self, response: HttpResponse, params: dict[str, Any]) -> BodyPage:
        """Only the beginning is looked at here; what is in the file is another floor's business."""
        return FileHead(bytes(response.body), response.status, params["kind"])

    def receive(self, request: Request, response: Response) -> Verdict:
        """Judge a file by its beginning and, where it is one, put it down under its name."""
        head = FileHead(response.body, response.status, request.meta["kind"])
        verdict = head.verdict()
        size = int(request.meta.get("file_bytes", 0))
        partial, final = request.meta["into"], request.meta["file"]
        if verdict.refused:
            partial.unlink(missing_ok=True)
        else:
            partial.replace(final)
            day = request.meta["log_date"]
            self.tally.files.append(
                {
                    "path": str(final),
                    "kind": request.meta["kind"],
                    "url": response.url,
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

    def __init__(self, head: bytes, status: int | None, kind: str) -> None:
        self._head, self._status, self._kind = head, status, kind

    def verdict(self) -> Verdict:
        """Whether it is a zip (or JSON) as it should be, and what it is where not."""
        wanted = b"{" if self._kind == "sec_tickers" else b"PK"
        if by_status(self._status) is None and self._head.startswith(wanted):
            return Verdict(None, 1, {})
        try:
            load_json(self._head[:HEAD], self._status)
        except BodyRefused as refused:
            return Verdict(refused.reason, 0, {})
        return Verdict(by_status(self._status) or Reason.UNEXPECTED_SHAPE, 0, {})


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
