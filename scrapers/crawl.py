"""Crawls as subprocesses: `run_crawl` starts one (`scrapers.crawl_process`) and reads what it left.

A crawl is a disposable unit: it writes to its own spool folder, ends with an exit code, and is run again as a whole. It
ends with its parent, however that ends: it holds one end of a pipe and stops when the other is gone.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.clock import Clock
from lake.log_files import bound
from scrapers.errors import Reason, SourceSettingsError
from scrapers.hidden import ALPHAVANTAGE_KEY, hide_from_output
from scrapers.job import SPIDER_NAMES, Breaker, CrawlReport, Job, read_report
from scrapers.urls import NAME_AND_EMAIL, SourceUrls, agents, limits

if TYPE_CHECKING:
    from lake.settings import Settings

log = logging.getLogger("scrapers")

# 2 is wrong use.
DONE, FAILED, LEFT_ALONE = 0, 1, 3
_LARGEST_BODY = 64 * 2**20
_LARGEST_FILE = 8 * 2**30


class CrawlFailed(RuntimeError):
    """A crawl that ended without a single answer, or not by itself. `report` is there where it could still write one."""

    def __init__(self, message: str, report: CrawlReport | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Lines:
    """A log that others may have written to before, and where this crawl's part of it begins."""

    path: Path
    start: int

    @classmethod
    def after_now(cls, path: Path) -> Lines:
        """What will be written from now on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        bound(path)
        return cls(path, path.stat().st_size if path.exists() else 0)

    def last(self, count: int = 5) -> str:
        """The last lines, in one."""
        with self.path.open("rb") as file:
            # Another crawl may have found it too large and emptied it meanwhile.
            file.seek(self.start if self.start <= os.fstat(file.fileno()).st_size else 0)
            text = file.read().decode("utf-8", "replace")
        return " / ".join(text.strip().splitlines()[-count:]) or "it said nothing"


def run_crawl(  # noqa: PLR0913 - a crawl's own words
    spider: str,
    params: dict[str, Any],
    spool: Path,
    urls: SourceUrls,
    settings: Settings,
    *,
    run_id: str | None = None,
    log_file: Path | None = None,
    hosts: Path | None = None,
    timeout: float = 3_600.0,
) -> CrawlReport:
    """Run one crawl in a subprocess and wait for it.

    Args:
        spider: one of `scrapers.spiders.SPIDERS`.
        params: what it asks for; see the spider's docstring. `session` always, `at` for a past instant of the sandbox,
            `timeout` for other seconds that an answer may take than the usual ones.
        spool: a folder of its own; what an earlier crawl left there is removed.
        urls: from `scrapers.urls.source_urls`.
        settings: rates, contact, token and clock.
        run_id: the run that receives the bodies; a new one by default.
        log_file: where the crawl's log lines are appended while it runs; `crawl.log` in the spool by default.
        hosts: the folder of what crawls know of the hosts together; beside the spool by default.
        timeout: seconds after which it is ended.

    Raises:
        CrawlFailed: when no answer came, or the process died; the text says why, or what its log said last. The
            report's exit code is `LEFT_ALONE` where the hosts were not even asked.
        SourceSettingsError: when a source has no address, or no contact to be told.
    """
    if spider not in SPIDER_NAMES:
        raise SourceSettingsError(f"no spider {spider!r}; there are {', '.join(SPIDER_NAMES)}")
    if spider == "posts" and not urls.sandboxed and not settings.x_bearer_token:
        raise SourceSettingsError("TIDEMARK_X_BEARER_TOKEN is not set: the live X API answers nobody without one")
    if spider == "alphavantage" and urls.base("alphavantage") and not urls.sandboxed and not settings.alphavantage_key:
        raise SourceSettingsError("TIDEMARK_ALPHAVANTAGE_KEY is not set: live Alpha Vantage answers nobody without one")
    if spider == "edgar" and not urls.sandboxed and not NAME_AND_EMAIL.fullmatch(settings.contact or ""):
        raise SourceSettingsError(
            f"TIDEMARK_CONTACT={settings.contact or ''}: SEC is told NAME EMAIL, such as 'Jo Doe jo@example.org'"
        )
    run_id = run_id or uuid.uuid4().hex
    job = make_job(spider, params, spool, urls, settings, run_id, hosts or spool.parent / "hosts")
    lines = Lines.after_now(log_file or spool / "crawl.log")
    started = time.monotonic()
    exit_code = _run(job, lines, settings, timeout)
    return _judge(job, exit_code, time.monotonic() - started, lines)


def make_job(  # noqa: PLR0913, PLR0917 - a crawl's own words
    spider: str,
    params: dict[str, Any],
    spool: Path,
    urls: SourceUrls,
    settings: Settings,
    run_id: str,
    hosts: Path,
) -> Job:
    """A job with its empty spool folder, written down there; see `run_crawl`."""
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(parents=True)
    job = Job(
        spider=spider,
        params=params,
        spool=str(spool),
        run_id=run_id,
        urls=urls,
        limits=limits(settings, urls),
        agents=agents(settings, urls),
        clock=Clock.from_settings(settings).setting(),
        hosts=str(hosts),
        breaker=Breaker(settings.host_refusals, settings.host_pause_seconds),
    )
    job.write(spool / "job.json")
    return job


def environment_of(settings: Settings) -> dict[str, str]:
    """What a crawl's process sees; the secrets go this way."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if settings.x_bearer_token:
        environment["TIDEMARK_X_BEARER_TOKEN"] = settings.x_bearer_token.get_secret_value()
    if settings.alphavantage_key:
        environment[ALPHAVANTAGE_KEY] = settings.alphavantage_key.get_secret_value()
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return environment


def _run(job: Job, lines: Lines, settings: Settings, timeout: float) -> int:
    command = [sys.executable, "-m", "scrapers.crawl_process", str(Path(job.spool) / "job.json"), "--with-parent"]
    return run_process(command, job.spider, lines, environment_of(settings), timeout)


def run_process(command: list[str], what: str, lines: Lines, environment: dict[str, str], timeout: float) -> int:
    """Run a command of ours that ends with this process, and wait for it; its exit code.

    Raises:
        CrawlFailed: when it is not done in time; it is ended then, its whole group with it.
    """
    with (
        lines.path.open("ab") as output,
        subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise CrawlFailed(f"{what}: not done after {timeout:.0f} s; {lines.last()}") from None
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the crawl's whole process group: first asked, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue


def _judge(job: Job, exit_code: int, seconds: float, lines: Lines) -> CrawlReport:
    try:
        report = read_report(job, exit_code, seconds)
    except FileNotFoundError:
        raise CrawlFailed(f"{job.spider}: ended with exit code {exit_code}; {lines.last()}") from None
    if exit_code != DONE:
        reasons = Counter(report.unanswered.values())
        shown = ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or lines.last()
        raise CrawlFailed(f"{job.spider}: no answer to {len(report.unanswered)} questions: {shown}", report)
    return report


def scrapy_settings(job: Job) -> dict[str, Any]:
    """Scrapy's settings for a job. robots.txt is not asked: whether a live source may be is the user's opt-in."""
    streams = job.spider == "edgar"
    handlers = dict.fromkeys(("http", "https"), "scrapers.handlers.FileDownloadHandler") if streams else {}
    total = int(sum(limit["concurrency"] for limit in job.limits.values()))
    return {
        "CONCURRENT_REQUESTS": max(total, 8),
        # Scrapy starts that many tasks for every response's output, and ours is a request at most.
        "CONCURRENT_ITEMS": 1,
        "DOWNLOAD_SLOTS": job.limits,
        "DOWNLOAD_HANDLERS": handlers,
        "DOWNLOAD_TIMEOUT": job.params.get("timeout") or (60 if not job.urls.sandboxed or streams else 15),
        "DOWNLOAD_MAXSIZE": _LARGEST_FILE if streams else _LARGEST_BODY,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_FAIL_ON_DATALOSS": False,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
            "scrapers.middlewares.Patience": 550,
            "scrapers.crumbs.CrumbMiddleware": 570,
            # After the crumb, which sends a request on its way anew: each takes one turn.
            "scrapers.middlewares.Politeness": 575,
            "scrapers.middlewares.Judge": 580,
        },
        "HTTPERROR_ALLOW_ALL": True,
        # The sandbox is on this machine, whatever proxy the environment names.
        "HTTPPROXY_ENABLED": not job.urls.sandboxed,
        "LOG_LEVEL": job.log_level,
        "LOG_VERSIONS": [],
        "LOGSTATS_INTERVAL": 0,
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "REMOTE_CONTROL_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "STATS_DUMP": False,
        "TELNETCONSOLE_ENABLED": False,
        "MEMUSAGE_ENABLED": False,
        "SCHEDULER_DISK_QUEUE": "scrapy.squeues.PickleFifoDiskQueue",
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
    }


def crawl(job: Job) -> int:
    """Run a job in this process; once in a process's life.

    Returns:
        The exit code.
    """
    from scrapy.crawler import AsyncCrawlerProcess

    from scrapers.spiders import SPIDERS

    # Imported now and not by the engine: it walks the whole stack, which is deep once the reactor runs.
    importlib.import_module("scrapy.core.downloader.handlers.http11")
    hide_from_output(os.environ.get(ALPHAVANTAGE_KEY))
    process = AsyncCrawlerProcess(scrapy_settings(job))
    # Scrapy's own lines show addresses, and an address may hold a crumb; a callback's error is still told.
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    crawler = process.create_crawler(SPIDERS[job.spider])
    process.crawl(crawler, job=job)
    process.start()
    spider = crawler.spider
    if not (Path(job.spool) / "stats.json").exists() or spider is None:
        return FAILED
    tally = spider.tally  # type: ignore[attr-defined]  # the spider is one of ours
    if tally.finish != "finished":
        return FAILED
    if tally.good or not tally.unanswered:
        return DONE
    return LEFT_ALONE if set(tally.unanswered.values()) == {Reason.HOST_LEFT_ALONE} else FAILED


def end_with_parent(descriptor: int = 0) -> None:
    """Stop at once when the pipe from the parent closes: nobody is left to read what this crawl would find."""

    def watch() -> None:
        while os.read(descriptor, 4096):
            pass
        os._exit(FAILED)

    threading.Thread(target=watch, name="parent", daemon=True).start()
