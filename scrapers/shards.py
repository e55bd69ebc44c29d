"""A crawl in shards: slices of a sector, each a subprocess with a spool, stats and an exit code of its own.

A shard that fails leaves the others whole and is tried again once; what it still lacks is told by symbol.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from lake.contracts import table
from scrapers.crawl import DONE, FAILED, LEFT_ALONE, CrawlFailed, Lines, environment_of, make_job, run_process
from scrapers.job import BODY, CrawlReport, Job, read_report
from scrapers.prefork import ENVIRONMENT, EXIT
from scrapers.spool import asked_for, request_text

if TYPE_CHECKING:
    from lake.settings import Settings
    from scrapers.urls import SourceUrls

TRIES = 2
SHARD_FAILED = "shard_failed"


class Shard(NamedTuple):
    """A slice of a sector.

    Attributes:
        number: from 1.
    """

    sector: str
    number: int

    @property
    def name(self) -> str:
        """A name for people and folders: `Real-Estate-2`."""
        return f"{self.sector.replace(' ', '-')}-{self.number}"


def shard_of(symbol: str, sector: str, per_sector: int) -> Shard:
    """A symbol's shard: the same as long as it stays in its sector, whoever joins or leaves that."""
    return Shard(sector, zlib.crc32(symbol.encode()) % per_sector + 1)


def shards_of(members: Iterable[tuple[str, str]], per_sector: int) -> dict[Shard, list[str]]:
    """Members (symbol, sector) by shard, in their order; shards without a member are left out."""
    found: dict[Shard, list[str]] = {}
    for symbol, sector in members:
        found.setdefault(shard_of(symbol, sector, per_sector), []).append(symbol)
    return dict(sorted(found.items()))


class Unanswered(NamedTuple):
    """A question that got no answer.

    Attributes:
        request: what was asked, as a body's `request` says it.
        reason: a `scrapers.errors.Reason`, or `shard_failed` where the crawl itself did not end well.
        detail: more, in a phrase.
    """

    request: str
    reason: str
    detail: str
    shard: str


@dataclass(frozen=True)
class ShardEnd:
    """How a shard ended, after its last try.

    Attributes:
        exit_code: 0 for done; negative for a signal, as in `subprocess`.
        reports: of each try that could still write one.
        seconds: of all tries.
    """

    shard: Shard
    symbols: tuple[str, ...]
    exit_code: int
    tries: int
    seconds: float
    reports: tuple[CrawlReport, ...]

    @property
    def failed(self) -> bool:
        """Whether it did not end well, even when tried again."""
        return self.exit_code != DONE

    @property
    def how(self) -> str:
        """Its end in a phrase."""
        end = f"signal {-self.exit_code}" if self.exit_code < 0 else f"code {self.exit_code}"
        return f"shard {self.shard.name} ended with {end}, {self.tries} times"


@dataclass(frozen=True)
class ShardsReport:
    """What a sharded crawl did: the sum of its shards.

    Attributes:
        ends: of every shard.
        seconds: wall time of the whole.
        folder: holds every shard's spool, by try.
    """

    spider: str
    run_id: str
    ends: tuple[ShardEnd, ...]
    seconds: float
    folder: Path

    @property
    def failed(self) -> tuple[ShardEnd, ...]:
        """The shards that did not end well."""
        return tuple(end for end in self.ends if end.failed)

    @property
    def unanswered(self) -> list[Unanswered]:
        """What was asked last and not answered; all that a shard was for, where it could not even say that."""
        found = []
        for end in self.ends:
            told = end.reports[-1].unanswered if end.reports else {}
            found += [Unanswered(asked, reason, reason, end.shard.name) for asked, reason in told.items()]
            if end.failed and not told:
                asked = request_text(self.spider, {"symbols": ",".join(end.symbols)})
                found.append(Unanswered(asked, SHARD_FAILED, end.how, end.shard.name))
        return found

    def bodies(self) -> pl.DataFrame:
        """All bodies received by any shard in any try, as rows of the bronze contract."""
        parts = sorted(self.folder.glob("*/*/part-*.parquet"))
        return pl.concat([table(BODY).schema.create_empty(), *(pl.read_parquet(part) for part in parts)])

    def summary(self) -> dict[str, int | float | str]:
        """The numbers that go into a materialization's metadata."""
        reports = [report for end in self.ends for report in end.reports]
        refusals = sum((Counter(report.refusals) for report in reports), Counter[str]())
        missing = {symbol for one in self.unanswered for symbol in asked_for(one.request).get("symbols", "").split(",")}
        return {
            "shards": len(self.ends),
            "shards_retried": sum(end.tries > 1 for end in self.ends),
            "shards_failed": len(self.failed),
            "failures": "; ".join(end.how for end in self.failed) or "none",
            "requests": sum(report.requests for report in reports),
            "bodies": sum(report.received for report in reports),
            "answers": sum(report.good for report in reports),
            "retries": sum(report.retries for report in reports),
            "symbols_unanswered": len(missing - {""}),
            "bytes": sum(report.bytes for report in reports),
            "seconds": round(self.seconds, 2),
            "refused": ", ".join(f"{reason} {count}" for reason, count in sorted(refusals.items())) or "none",
        }


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_shards(  # noqa: PLR0913, PLR0917 - a crawl's own words
    spider: str,
    params: Mapping[str, Any],
    shards: Mapping[Shard, Sequence[str]],
    folder: Path,
    urls: SourceUrls,
    settings: Settings,
    *,
    run_id: str,
    log_file: Path,
    hosts: Path,
    timeout: float = 1_800.0,
) -> ShardsReport:
    """Crawl symbols shard by shard, some at once, each in a subprocess; try once more those that end badly.

    Args:
        spider: one that asks for `symbols`.
        params: what else it asks for; see `scrapers.crawl.run_crawl`.
        shards: the symbols of each.
        folder: of its own; what an earlier crawl left there is removed.
        settings: among them how many run at once.
        log_file: where all of them append their log lines.
        hosts: where what all crawls know of the hosts is kept: one rate, one crumb, one circuit breaker for all shards.
        timeout: seconds after which what still runs is ended.

    Raises:
        SourceSettingsError: when a source has no address, or no contact to be told.
    """
    shutil.rmtree(folder, ignore_errors=True)
    parallel = min(settings.shards_at_once or max(2, cores()), len(shards) or 1)
    plan = _Plan(spider, dict(params), folder, urls, settings, run_id, Lines.after_now(log_file), parallel, hosts)
    began = time.monotonic()
    tries: dict[Shard, list[_Try]] = {shard: [] for shard in shards}
    for number in range(1, TRIES + 1):
        left = [shard for shard, made in tries.items() if not made or made[-1].exit_code not in (DONE, LEFT_ALONE)]
        if not left or (spent := time.monotonic() - began) > timeout:
            break
        for shard, one in zip(left, plan.run(number, {s: shards[s] for s in left}, timeout - spent), strict=True):
            tries[shard].append(one)
    ends = (_end_of(shard, shards[shard], made) for shard, made in tries.items())
    return ShardsReport(spider, run_id, tuple(ends), time.monotonic() - began, folder)


class _Try(NamedTuple):
    exit_code: int
    seconds: float
    report: CrawlReport | None


def _end_of(shard: Shard, symbols: Sequence[str], made: Sequence[_Try]) -> ShardEnd:
    reports = tuple(one.report for one in made if one.report is not None)
    last = made[-1].exit_code if made else FAILED
    return ShardEnd(shard, tuple(symbols), last, len(made), sum(one.seconds for one in made), reports)


@dataclass(frozen=True)
class _Plan:
    spider: str
    params: dict[str, Any]
    folder: Path
    urls: SourceUrls
    settings: Settings
    run_id: str
    lines: Lines
    parallel: int
    hosts: Path

    def run(self, number: int, shards: Mapping[Shard, Sequence[str]], timeout: float) -> list[_Try]:
        """Run shards once; how each ended."""
        jobs = [self._job(shard, number, symbols) for shard, symbols in shards.items()]
        path = self.folder / f"plan-{number}.json"
        path.write_text(
            json.dumps({"jobs": [str(Path(job.spool) / "job.json") for job in jobs], "parallel": self.parallel})
        )
        command = [sys.executable, "-m", "scrapers.prefork", str(path)]
        environment = environment_of(self.settings) | ENVIRONMENT
        try:
            code = run_process(command, self.spider, self.lines, environment, timeout)
        except CrawlFailed:
            code = FAILED
        return [_try_of(job, code or FAILED) for job in jobs]

    def _job(self, shard: Shard, number: int, symbols: Sequence[str]) -> Job:
        spool = self.folder / shard.name / str(number)
        params = {**self.params, "symbols": list(symbols)}
        return make_job(self.spider, params, spool, self.urls, self.settings, self.run_id, self.hosts)


def _try_of(job: Job, otherwise: int) -> _Try:
    """How a shard's try ended; one that was cut off with the whole has the whole's exit code."""
    try:
        end = json.loads((Path(job.spool) / EXIT).read_text())
    except FileNotFoundError:
        end = {"exit_code": otherwise, "seconds": 0.0}
    try:
        report = read_report(job, end["exit_code"], end["seconds"])
    except FileNotFoundError:
        report = None
    return _Try(end["exit_code"], end["seconds"], report)
