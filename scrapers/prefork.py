"""Many crawls from one warm process: `python -m scrapers.prefork PLAN.json` forks a child for each job of a plan.

A crawl's imports cost a second of CPU and its work a tenth of that. So this process imports once and does nothing else:
each child runs one job as `scrapers.crawl` would, in a process of its own with an exit code of its own. Why it is a
plain fork, and what may be imported before it: docs/decisions/0005-shards.md.

It ends with its parent, and the children end with it, however either ends: each holds one end of a pipe.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from lake.imports import uncollected

PRELOADED = (
    "aiohttp",
    "pyarrow",
    "scrapers.crawl",
    "scrapers.crumbs",
    "scrapers.hosts",
    "scrapers.middlewares",
    "scrapers.spiders",
    "scrapy.core.downloader.handlers.http11",
    "scrapy.core.engine",
    "scrapy.core.scheduler",
    "scrapy.core.scraper",
    "scrapy.crawler",
    "scrapy.dupefilters",
    "scrapy.logformatter",
    "scrapy.pqueues",
    "scrapy.squeues",
    "scrapy.spiderloader",
    "scrapy.statscollectors",
    "twisted.internet.asyncioreactor",
)
# For the process and its children: an allocator's own threads and the pools of libraries that a crawl hardly uses.
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "_RJEM_MALLOC_CONF": "background_thread:false",
}
EXIT = "exit.json"


def preload() -> None:
    """Import what a crawl will, Scrapy's own parts among it.

    Nothing imported may start threads of its own or a reactor: a child has none of its parent's threads, and would wait
    for them for ever.
    """
    from scrapy.settings import default_settings as scrapy

    parts = (*scrapy.EXTENSIONS_BASE, *scrapy.DOWNLOADER_MIDDLEWARES_BASE, *scrapy.SPIDER_MIDDLEWARES_BASE)
    for name in (*PRELOADED, *(part.rpartition(".")[0] for part in parts)):
        importlib.import_module(name)


def serve(jobs: Sequence[Path], parallel: int) -> None:
    """Run jobs in children, `parallel` at a time; each leaves `exit.json` beside its job file.

    Args:
        jobs: job files, each in the spool folder of its own.
        parallel: how many run at once.
    """
    wake, told = os.pipe()
    for end in (wake, told):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    ours, theirs = os.pipe()
    waiting, running = deque(jobs), dict[int, tuple[Path, float]]()
    while waiting or running:
        while waiting and len(running) < parallel:
            job = waiting.popleft()
            running[_fork(job, watched=ours, close=(theirs, wake, told))] = (job, time.monotonic())
        _wait(wake)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            job, began = running.pop(pid)
            _note(job, os.waitstatus_to_exitcode(status), time.monotonic() - began)


def _wait(wake: int) -> None:
    """Until a child has ended. When the parent has, end at once: the children see their pipe close."""
    import select

    readable, _, _ = select.select([0, wake], [], [])
    if 0 in readable and not os.read(0, 4096):
        os._exit(1)
    if wake in readable:
        os.read(wake, 4096)


def _note(job: Path, exit_code: int, seconds: float) -> None:
    partial = job.with_name(f"{EXIT}.part")
    partial.write_text(json.dumps({"exit_code": exit_code, "seconds": round(seconds, 3)}))
    partial.replace(job.with_name(EXIT))


def _fork(job: Path, watched: int, close: Sequence[int]) -> int:
    """Start a child for a job; its pid."""
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in close:
            os.close(descriptor)
        code = _crawl(job, watched)
    except BaseException:  # noqa: BLE001 - a child ends here, whatever happens, and not in its parent's code
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _crawl(job: Path, watched: int) -> int:
    from scrapers.crawl import crawl, end_with_parent
    from scrapers.job import Job

    end_with_parent(watched)
    return crawl(Job.read(job))


def main(arguments: list[str]) -> int:
    """The command: a plan, as `scrapers.shards` writes it."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        sys.stderr.write("usage: python -m scrapers.prefork PLAN.json\n")
        return 2
    plan = json.loads(Path(arguments[0]).read_text())
    with uncollected():
        preload()
    serve([Path(job) for job in plan["jobs"]], int(plan["parallel"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
