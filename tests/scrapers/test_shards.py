"""Sharded crawls: slices that stay, shards that fail alone and are tried again, and an end with the parent's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from lake.settings import load_settings
from scrapers.errors import Reason
from scrapers.prefork import ENVIRONMENT
from scrapers.shards import SHARD_FAILED, TRIES, Shard, ShardsReport, run_shards, shard_of, shards_of
from scrapers.spool import asked_for
from tests.scrapers.bodies import quote, quotes_body
from tests.scrapers.small_source import Asked, Reply, SmallSource, small_source

ROOT = Path(__file__).parents[2]
PARAMS = {"session": "2026-11-20", "tick": "2026-11-20T18:00:00+00:00"}
SHARDS = {Shard("Energy", 1): ["AAA", "BBB"], Shard("Energy", 2): ["CCC"], Shard("Utilities", 1): ["DDD"]}


def hang(asked: Asked) -> Reply:
    """An answer that comes only when nobody can be waiting for it any more."""
    threading.Event().wait(25)
    return good(asked)


def good(asked: Asked) -> Reply:
    if asked.path.endswith("getcrumb"):
        return Reply(b"crumb/for.me", headers={"Content-Type": "text/plain"})
    return Reply(quotes_body(*(quote(symbol) for symbol in asked.query["symbols"].split(","))))


def crawl(source: SmallSource, folder: Path, **given: Any) -> ShardsReport:
    settings = load_settings(home=folder / "home", now="2026-11-20T18:00:07Z!", shards_at_once=2)
    log = folder / "crawl.log"
    return run_shards(
        "quotes",
        PARAMS,
        SHARDS,
        folder / "s",
        source.urls,
        settings,
        run_id="r",
        log_file=log,
        hosts=folder / "hosts",
        **given,
    )


def shard_processes(above: int) -> list[psutil.Process]:
    """The shards that run below a process: the children of the one that forks."""
    found = psutil.Process(above).children()
    forking = [one for one in found if "scrapers.prefork" in " ".join(one.cmdline())]
    return [child for one in forking for child in one.children()]


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_a_symbol_keeps_its_shard_when_others_come_and_go() -> None:
    members = [(f"S{n}", "Energy" if n % 2 else "Real Estate") for n in range(200)]
    whole = shards_of(members, 3)
    fewer = shards_of(members[::3], 3)
    assert len(whole) == 6
    assert sorted(symbol for symbols in whole.values() for symbol in symbols) == sorted(s for s, _ in members)
    assert all(set(symbols) <= set(whole[shard]) for shard, symbols in fewer.items())
    assert min(len(symbols) for symbols in whole.values()) > 10
    assert shard_of("AAPL", "Technology", 3) == shard_of("AAPL", "Technology", 3)
    assert Shard("Real Estate", 2).name == "Real-Estate-2"


def test_the_report_is_the_sum_of_the_shards(tmp_path: Path) -> None:
    with small_source(lambda asked, _: good(asked)) as source:
        report = crawl(source, tmp_path)
    assert {asked_for(request)["symbols"] for request in report.bodies()["request"]} == {"AAA,BBB", "CCC", "DDD"}
    assert (report.failed, report.unanswered) == ((), [])
    assert {end.tries for end in report.ends} == {1}
    told = report.summary()
    assert (told["shards"], told["shards_failed"], told["bodies"], told["symbols_unanswered"]) == (3, 0, 3, 0)


def test_a_killed_shard_leaves_the_others_whole_and_is_tried_again(tmp_path: Path) -> None:
    held = threading.Event()

    def answer(asked: Asked, _: int) -> Reply:
        if asked.query.get("symbols") == "CCC" and not held.is_set():
            held.wait(25)
        return good(asked)

    with small_source(answer) as source:
        found: list[ShardsReport] = []
        thread = threading.Thread(target=lambda: found.append(crawl(source, tmp_path)))
        thread.start()
        until(lambda: len(list(tmp_path.glob("s/*/1/exit.json"))) == 2)
        (victim,) = shard_processes(os.getpid())
        held.set()
        victim.kill()
        thread.join(30)
    (report,) = found
    tries = {end.shard.name: (end.tries, end.exit_code) for end in report.ends}
    assert tries == {"Energy-1": (1, 0), "Energy-2": (2, 0), "Utilities-1": (1, 0)}
    assert json.loads((tmp_path / "s/Energy-2/1/exit.json").read_text())["exit_code"] == -signal.SIGKILL
    answered = {asked_for(request)["symbols"] for request in report.bodies()["request"]}
    assert answered == {"AAA,BBB", "CCC", "DDD"}
    assert report.unanswered == []
    assert report.summary()["shards_retried"] == 1


def test_a_shard_that_fails_twice_names_its_symbols(tmp_path: Path) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        return hang(asked) if asked.query.get("symbols") == "AAA,BBB" else good(asked)

    with small_source(answer) as source:
        found: list[ShardsReport] = []
        thread = threading.Thread(target=lambda: found.append(crawl(source, tmp_path)))
        thread.start()
        for times in (1, 2):
            until(lambda times=times: sum(one.query.get("symbols") == "AAA,BBB" for one in source.asked) == times)
            until(lambda: len(shard_processes(os.getpid())) == 1)
            shard_processes(os.getpid())[0].kill()
        thread.join(30)
    (report,) = found
    (failed,) = report.failed
    assert (failed.shard, failed.tries, failed.exit_code) == (Shard("Energy", 1), 2, -signal.SIGKILL)
    (missing,) = report.unanswered
    assert (asked_for(missing.request)["symbols"], missing.reason) == ("AAA,BBB", SHARD_FAILED)
    assert missing.detail == "shard Energy-1 ended with signal 9, 2 times"
    assert report.summary()["failures"] == missing.detail
    assert report.summary()["symbols_unanswered"] == 2


def test_what_a_source_refuses_is_told_by_request(tmp_path: Path) -> None:
    def answer(asked: Asked, _: int) -> Reply:
        return Reply(b"<html>no</html>", 403) if asked.query.get("symbols") == "DDD" else good(asked)

    with small_source(answer) as source:
        report = crawl(source, tmp_path)
    assert [(asked_for(one.request)["symbols"], one.shard) for one in report.unanswered] == [("DDD", "Utilities-1")]
    assert report.failed[0].exit_code == 1
    bodies = report.bodies()
    asked_in_all = TRIES * (1 + Reason.FORBIDDEN.tries)
    assert sum("DDD" in request for request in bodies["request"]) == asked_in_all, "what each try received is kept"


def test_shards_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    with small_source(lambda asked, _: hang(asked) if "symbols" in asked.query else good(asked)) as source:
        code = (
            "from pathlib import Path\nfrom lake.settings import load_settings\n"
            "from scrapers.shards import Shard, run_shards\nfrom scrapers.urls import SourceUrls\n"
            f"urls = SourceUrls(**{source.urls.as_dict()!r})\nfolder = Path({str(tmp_path)!r})\n"
            f"shards = {{Shard('Energy', n): [f'S{{n}}'] for n in (1, 2)}}\n"
            f"run_shards('quotes', {PARAMS!r}, shards, folder / 's', urls, load_settings(home=folder, shards_at_once=2),"
            " run_id='r', log_file=folder / 'log', hosts=folder / 'hosts')\n"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        until(lambda: sum("symbols" in asked.query for asked in source.asked) == 2)
        below = psutil.Process(parent.pid).children(recursive=True)
        assert len(below) == 3, "one that forks, two shards"
        parent.kill()
        parent.wait()
        gone, alive = psutil.wait_procs(below, timeout=20)
    assert (len(gone), alive) == (3, [])


def test_shards_end_with_the_process_that_forked_them(tmp_path: Path) -> None:
    killed = threading.Event()

    def answer(asked: Asked, _: int) -> Reply:
        return hang(asked) if "symbols" in asked.query and not killed.is_set() else good(asked)

    with small_source(answer) as source:
        found: list[ShardsReport] = []
        thread = threading.Thread(target=lambda: found.append(crawl(source, tmp_path)))
        thread.start()
        until(lambda: sum("symbols" in asked.query for asked in source.asked) == 2)
        shards = shard_processes(os.getpid())
        killed.set()
        shards[0].parent().kill()  # type: ignore[union-attr]
        gone, alive = psutil.wait_procs(shards, timeout=20)
        assert (len(gone), alive) == (2, [])
        thread.join(60)
    assert not found[0].failed, "all three are tried again"


def test_nothing_that_is_imported_before_the_fork_has_threads_that_crawls_wait_for() -> None:
    code = (
        "import json, os, sys\nfrom scrapers import prefork\nprefork.preload()\n"
        "names = [open(f'/proc/self/task/{t}/comm').read().strip() for t in os.listdir('/proc/self/task')]\n"
        "print(json.dumps([sorted(names), 'twisted.internet.reactor' in sys.modules]))"
    )
    if not Path("/proc/self/task").is_dir():
        pytest.skip("threads are counted by /proc")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, check=True
    )
    threads, reactor = json.loads(done.stdout)
    # The second waits for spilled files to delete, which a crawl never has.
    assert set(threads) <= {"python", "polars-ooc-clea"}
    assert len(threads) <= 2
    assert not reactor
