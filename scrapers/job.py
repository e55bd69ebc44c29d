"""What a crawl is asked and what it reports: plain values that cross from one process to the other as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from lake.contracts import table
from scrapers.errors import Reason
from scrapers.hosts import HostLedger
from scrapers.spool import asked_for
from scrapers.urls import SLOTS, SourceUrls

SPIDER_NAMES = (
    "universe",
    "quotes",
    "summary",
    "bars",
    "charts",
    "posts",
    "edgar",
    "alphavantage",
    "news_search",
    "news_rss",
    "filings",
)
_FINAL = {str(reason) for reason in Reason if reason.final}
BODY = "bronze.yahoo_quotes"  # every bronze table of bodies has the same columns


@dataclass(frozen=True)
class Breaker:
    """When a host is left alone: after that many refusals in a row, for that many seconds the first time."""

    refusals: int = 20
    pause: float = 60.0


@dataclass(frozen=True)
class Job:
    """One crawl.

    Attributes:
        spider: the spider's name.
        params: what the spider asks for; plain JSON values.
        spool: the folder it writes to.
        limits: for each source, requests in flight and seconds between two.
        agents: for each source, what it is told about us.
        clock: the `TIDEMARK_NOW` that gives the crawl its parent's clock.
        hosts: the folder of what crawls know of the hosts together (`scrapers.hosts`).
    """

    spider: str
    params: dict[str, Any]
    spool: str
    run_id: str
    urls: SourceUrls
    limits: dict[str, dict[str, float]]
    agents: dict[str, str]
    clock: str | None = None
    log_level: str = "INFO"
    hosts: str = ""
    breaker: Breaker = Breaker()

    def write(self, path: Path) -> None:
        """Write the job file. No secret is in it: those go by the environment."""
        path.write_text(json.dumps(asdict(self), default=_plain, indent=1))

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read a job file."""
        values = json.loads(path.read_text())
        return cls(**{**values, "urls": SourceUrls(**values["urls"]), "breaker": Breaker(**values["breaker"])})

    def ledger(self) -> HostLedger:
        """What crawls know of this one's hosts together."""
        addresses: dict[str, str] = {slot: url for slot in SLOTS if (url := getattr(self.urls, slot))}
        folder = Path(self.hosts) if self.hosts else Path(self.spool).parent / "hosts"
        return HostLedger(folder, addresses, self.breaker.refusals, self.breaker.pause)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a crawl's parameters are plain values, not {type(value).__name__}")


@dataclass
class Tally:
    """What a crawl counts while it runs.

    Attributes:
        requests: requests sent, repeats and the handshake included.
        received: bodies received.
        good: bodies that are answers.
        refusals: bodies refused, by reason.
        rows_refused: elements of good bodies refused, by reason.
        retries: requests sent again.
        unanswered: what was asked and in the end not answered, and why.
        files: files received, for sources that give files.
    """

    requests: int = 0
    received: int = 0
    good: int = 0
    rows: int = 0
    bytes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    rows_refused: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    renewals: int = 0
    unanswered: dict[str, str] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    finish: str = ""


@dataclass(frozen=True)
class ReceivedFile:
    """A file that a crawl has put down.

    Attributes:
        path: where it is.
        kind: edgar_log_v1, edgar_log_v2 or sec_tickers.
        log_date: the day it covers, for a log.
    """

    path: Path
    kind: str
    url: str
    sha256: str
    bytes: int
    ingested_at: datetime
    log_date: date | None = None


@dataclass(frozen=True)
class CrawlReport:
    """What a crawl did.

    Attributes:
        exit_code: 0 where at least one answer came or nothing was asked, 3 where no host was asked because all are
            left alone, 1 otherwise.
        seconds: wall time of the whole subprocess.
        spool: folder with the bodies, in Parquet files of the bronze contract.
    """

    spider: str
    run_id: str
    exit_code: int
    seconds: float
    requests: int
    received: int
    good: int
    rows: int
    bytes: int
    refusals: Mapping[str, int]
    rows_refused: Mapping[str, int]
    retries: int
    renewals: int
    unanswered: Mapping[str, str]
    files: tuple[ReceivedFile, ...]
    spool: Path

    @property
    def parts(self) -> list[Path]:
        """The spool's Parquet files, in the order they were written."""
        return sorted(self.spool.glob("part-*.parquet"))

    def bodies(self) -> pl.DataFrame:
        """All bodies received, refused ones included, as rows of the bronze contract."""
        empty = table(BODY).schema.create_empty()
        return pl.concat([empty, *(pl.read_parquet(part) for part in self.parts)])

    @property
    def missing(self) -> dict[str, str]:
        """Each symbol that was asked for in a request without an answer, and the exact reason."""
        found: dict[str, str] = {}
        for request, reason in self.unanswered.items():
            asked = asked_for(request)
            symbols = asked.get("symbols") or asked.get("symbol") or ""
            found.update(dict.fromkeys(filter(None, symbols.split(",")), reason))
        return found

    def summary(self) -> dict[str, int | float | str]:
        """The numbers that go into a materialization's metadata."""
        shown = ", ".join(f"{reason} {count}" for reason, count in sorted(self.refusals.items()))
        return {
            "requests": self.requests,
            "bodies": self.received,
            "answers": self.good,
            "retries": self.retries,
            "unanswered": len(self.unanswered),
            "open": sum(reason not in _FINAL for reason in self.unanswered.values()),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 2),
            "refused": shown or "none",
        }


def read_report(job: Job, exit_code: int, seconds: float) -> CrawlReport:
    """The report of a crawl whose process has ended, from its stats file.

    Raises:
        FileNotFoundError: when it ended before it could write one.
    """
    spool = Path(job.spool)
    stats = json.loads((spool / "stats.json").read_text())
    files = tuple(
        ReceivedFile(
            **{
                **entry,
                "path": Path(entry["path"]),
                "ingested_at": datetime.fromisoformat(entry["ingested_at"]),
                "log_date": date.fromisoformat(entry["log_date"]) if entry["log_date"] else None,
            }
        )
        for entry in stats.pop("files")
    )
    stats.pop("finish")
    return CrawlReport(
        spider=job.spider, run_id=job.run_id, exit_code=exit_code, seconds=seconds, files=files, spool=spool, **stats
    )


def write_stats(spool: Path, tally: Tally) -> None:
    """Write the stats file, at once or not at all."""
    partial = spool / "stats.json.part"
    partial.write_text(json.dumps(vars(tally)))
    partial.replace(spool / "stats.json")
