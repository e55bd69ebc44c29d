"""Recorded exchanges served to the real spiders, and what became of each: `python -m tests.scrapers.recording_server`.

Each recording is asked for once, by the request that the spider of its endpoint makes; where a symbol was recorded
several times, each of its requests gets the next recording. A spider that asks again gets the next one too, and after
the last the last again. So every recorded body passes the spider, the judge and the spool, and its outcome is read off
the spool: rows, or a refusal of the closed list.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from lake.settings import load_settings
from scrapers.crawl import CrawlFailed, run_crawl
from scrapers.job import CrawlReport
from scrapers.pages.base import Verdict
from scrapers.pages.chart import read_chart
from scrapers.pages.news_search import read_news_search
from scrapers.pages.quotes import read_quotes
from scrapers.pages.screener import read_screener
from scrapers.pages.summary import read_summary
from scrapers.spool import asked_for
from tests.scrapers.recordings import Recorded, yahoo_zip
from tests.scrapers.small_source import Asked, Reply, small_source

SESSION = date(2025, 2, 14)
TICK = datetime(2025, 2, 14, 21, tzinfo=UTC)
SECTORS = ("Technology", "Energy", "Utilities", "Healthcare", "Industrials", "Real Estate")
CRUMB = "recordedCrb"
NEVER_ARRIVED = "never arrived"


@dataclass
class Lane:
    """The recordings of one endpoint, by what a request for them is known by."""

    recorded: list[tuple[str, Recorded]] = field(default_factory=list)
    queues: dict[str, deque[Recorded]] = field(default_factory=lambda: defaultdict(deque))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, recorded: Recorded) -> None:
        """One more recording for a key."""
        self.recorded.append((key, recorded))
        self.queues[key].append(recorded)

    def next(self, key: str) -> Recorded | None:
        """The next recording for a key; the last one stays."""
        with self.lock:
            queue = self.queues.get(key)
            if not queue:
                return None
            return queue.popleft() if len(queue) > 1 else queue[0]

    @property
    def keys(self) -> list[str]:
        """Every key, as often as it was recorded."""
        return sorted(key for key, _ in self.recorded)


@dataclass
class Outcomes:
    """What became of the recordings, by endpoint."""

    found: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rows: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)

    def note(self, endpoint: str, verdict: Verdict) -> None:
        """Count a body."""
        self.found[endpoint][str(verdict.refused) if verdict.refused else "rows"] += 1
        self.rows[endpoint] += verdict.good

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "endpoints": {
                name: {"recorded": found.total(), "rows": self.rows[name], "outcomes": dict(sorted(found.items()))}
                for name, found in sorted(self.found.items())
            },
            "not_used": dict(sorted(self.unused.items())),
        }


def endpoint_of(recorded: Recorded) -> str | None:
    """The spider's endpoint that a recording is of; None for one that no spider asks."""
    path = recorded.path
    if path.endswith("/v1/test/getcrumb"):
        return "getcrumb"
    if "/v7/finance/quote" in path:
        return "quotes"
    if "/v10/finance/quoteSummary/" in path:
        return "summary"
    if "/v8/finance/chart/" in path:
        return "minutes" if recorded.query("interval") == "1m" else "bars"
    if "/finance/screener" in path:
        return "universe"
    return "news" if path.endswith("/v1/finance/search") else None


def _key(endpoint: str, recorded: Recorded, place: int) -> str:
    if endpoint == "quotes":
        return recorded.query("symbols") or ""
    if endpoint == "news":
        return recorded.query("q") or ""
    if endpoint == "universe":
        return SECTORS[place % len(SECTORS)]
    return recorded.last


def lanes(recordings: Iterable[Recorded], outcomes: Outcomes) -> dict[str, Lane]:
    """The recordings by endpoint and key; those of no endpoint used are counted."""
    found: dict[str, Lane] = defaultdict(Lane)
    for recorded in recordings:
        endpoint = endpoint_of(recorded)
        if endpoint is None:
            outcomes.unused["/".join(recorded.path.split("/")[:4])] += 1
            continue
        found[endpoint].add(_key(endpoint, recorded, len(found[endpoint].recorded)), recorded)
    return dict(found)


def answer(lanes_: dict[str, Lane], crumb: Reply) -> Callable[[Asked, int], Reply]:
    """The server's side: which recording a request gets."""

    def reply(asked: Asked, _before: int) -> Reply:
        if asked.path.endswith("/getcrumb"):
            return crumb
        for endpoint, key in _asked(asked):
            if endpoint in lanes_ and (recorded := lanes_[endpoint].next(key)) is not None:
                return Reply(recorded.body, recorded.status or 200, {"Content-Type": "application/json"})
        return Reply(b"no such recording", 404)

    return reply


def _asked(asked: Asked) -> Iterator[tuple[str, str]]:
    last = Recorded("", asked.path, None, b"").last
    if "/v7/finance/quote" in asked.path:
        yield "quotes", asked.query.get("symbols", "")
    elif "/quoteSummary/" in asked.path:
        yield "summary", last
    elif "/chart/" in asked.path:
        yield ("minutes" if asked.query.get("interval") == "1m" else "bars"), last
    elif asked.path.endswith("/search"):
        yield "news", asked.query.get("q", "")
    elif "/screener" in asked.path:
        operands = json.loads(asked.body)["query"]["operands"]
        yield "universe", next(o["operands"][1] for o in operands if o["operands"][0] == "sector")


def jobs(lanes_: dict[str, Lane]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """For each endpoint the crawls that ask for all its recordings: endpoint, spider, params."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for symbols in lanes_["quotes"].keys:
        by_size[symbols.count(",") + 1].append(symbols)
    for size, batches in sorted(by_size.items()):
        yield "quotes", "quotes", {"symbols": ",".join(batches).split(","), "batch": size, "tick": TICK.isoformat()}
    yield "summary", "summary", {"symbols": lanes_["summary"].keys}
    window = {"start": "2025-02-10", "end": "2025-02-14"}
    yield "bars", "bars", {"symbols": lanes_["bars"].keys, **window}
    yield "minutes", "bars", {"symbols": lanes_["minutes"].keys, "interval": "1m", **window}
    yield "news", "news_search", {"symbols": lanes_["news"].keys}
    yield "universe", "universe", {"sectors": lanes_["universe"].keys, "per_sector": 250}


def _known_by(endpoint: str, body: dict[str, Any]) -> str:
    asked = asked_for(body["request"])
    return asked.get({"quotes": "symbols", "universe": "sector"}.get(endpoint, "symbol"), "")


def _verdict(endpoint: str, body: dict[str, Any]) -> Verdict:
    raw, status, asked = body["body"], body["_http_status"], asked_for(body["request"])
    if endpoint == "quotes":
        return read_quotes(raw, SESSION, TICK, status).verdict
    if endpoint == "summary":
        return read_summary(raw, SESSION, asked["symbol"], status).verdict
    if endpoint == "news":
        return read_news_search(raw, SESSION, asked.get("symbol"), status).verdict
    if endpoint == "universe":
        return read_screener(raw, SESSION, asked["sector"], status).verdict
    chart = read_chart(raw, asked["interval"], asked["symbol"], status)
    return Verdict(chart.refused and chart.refused[0], len(chart.stamps) - len(chart.faults), {})


def _crawl(spider: str, params: dict[str, Any], spool: Path, source: Any) -> CrawlReport:
    settings = load_settings(home=spool.parent / "home")
    try:
        return run_crawl(spider, {"session": SESSION.isoformat(), **params}, spool, source.urls, settings)
    except CrawlFailed as failure:
        if failure.report is None:
            raise
        return failure.report


def replay(recordings: Iterable[Recorded], folder: Path) -> Outcomes:
    """Serve the recordings to the spiders, and read off the spools what became of each."""
    outcomes = Outcomes()
    held = lanes(recordings, outcomes)
    crumbs = held.pop("getcrumb", Lane())
    verdicts: dict[tuple[str, str, str], Verdict] = {}
    with small_source(answer(held, Reply(CRUMB.encode(), headers={"Content-Type": "text/plain"}))) as source:
        for number, (endpoint, spider, params) in enumerate(jobs(held)):
            report = _crawl(spider, params, folder / f"{number}-{spider}", source)
            for body in report.bodies().iter_rows(named=True):
                known = (endpoint, _known_by(endpoint, body), sha256(body["body"]).hexdigest())
                if known not in verdicts:
                    verdicts[known] = _verdict(endpoint, body)
    for endpoint, lane in held.items():
        for key, recorded in lane.recorded:
            verdict = verdicts.get((endpoint, key, sha256(recorded.body).hexdigest()))
            if verdict is None:
                outcomes.found[endpoint][NEVER_ARRIVED] += 1
            else:
                outcomes.note(endpoint, verdict)
    for number, (_, recorded) in enumerate(crumbs.recorded):
        outcomes.found["getcrumb"][_with_crumb(recorded, folder / f"crumb-{number}")] += 1
    return outcomes


def _with_crumb(recorded: Recorded, spool: Path) -> str:
    """What a crawl makes of a recorded crumb: `crumb`, or why it could ask nothing."""
    quote = b'{"quoteResponse":{"result":[{"symbol":"A","currency":"USD","regularMarketPrice":1.0}],"error":null}}'

    def reply(asked: Asked, _before: int) -> Reply:
        if asked.path.endswith("/getcrumb"):
            return Reply(recorded.body, recorded.status or 200, {"Content-Type": "text/plain"})
        return Reply(quote, headers={"Content-Type": "application/json"})

    with small_source(reply) as source:
        report = _crawl("quotes", {"symbols": ["A"], "tick": TICK.isoformat()}, spool, source)
    return next(iter(report.unanswered.values()), "crumb")


def main() -> int:
    """Replay the zip of the material and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.scrapers.recording_server", description=__doc__)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidemark-replay-") as folder:
        outcomes = replay(yahoo_zip(load_settings().shared), Path(folder))
    found = outcomes.as_dict()
    if given.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return 0
    for name, counts in found["endpoints"].items():
        told = ", ".join(f"{outcome} {count}" for outcome, count in counts["outcomes"].items())
        sys.stdout.write(f"{name}: {counts['recorded']} recorded, {counts['rows']} rows; {told}\n")
    sys.stdout.write(f"not asked by any spider: {found['not_used']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
