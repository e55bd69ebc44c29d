"""`tidemark backfill`: days that are over, chunk by chunk through the jobs that load the present.

A chunk is one Dagster run over its partitions. What is done is told from the lake and from a journal beside it, so
that a backfill that was killed goes on where it was. Gold that is made whole, and the marts, follow once at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.delta import Slice
from lake.rows import RowAccount
from orchestration import serving
from orchestration.assets.factory import AGAIN_TAG, TICK_TAG
from orchestration.backfill_plan import Chunk, Plan
from orchestration.journal import BackfillBusy, Journal
from orchestration.load import LoadFailed, Ran, Step, runner
from orchestration.work import Work

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings

BACKFILL_TAG = "tidemark/backfill"


class Progress(NamedTuple):
    """How far a backfill is.

    Attributes:
        name: the chunk, or the step at the end.
        rows: rows of silver made so far.
        share: of all partitions asked for.
        seconds_left: None until the first chunk is done.
        done: whether `name` has ended.
    """

    name: str
    number: int
    of: int
    rows: int
    share: float
    seconds_left: float | None
    done: bool


@dataclass
class Report:
    """What a backfill did.

    Attributes:
        made, already: chunks made now, and those found done.
        rows: rows written by silver table, with what became of the rows that came in.
        unanswered: questions that a source did not answer; a further backfill asks them again.
        seconds: by chunk and by step at the end.
        parts: seconds by what they went into: the crawl, bronze, silver, gold, marts, and Dagster itself.
        failure: why it ended early; empty where it is complete.
    """

    asset: str
    first: date
    last: date
    made: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    accounts: dict[str, RowAccount] = field(default_factory=dict)
    unanswered: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    failure: str = ""

    def take(self, name: str, ran: Ran, seconds: float) -> None:
        """Add what a run told."""
        for known, account in ran.accounts.items():
            before = self.accounts.get(known)
            self.accounts[known] = account if before is None else before + account
        for facts in ran.facts.values():
            unanswered = facts.get("open", 0)
            self.unanswered += unanswered if isinstance(unanswered, int) else 0
        self.seconds[name] = round(seconds, 2)
        for part, share in shares(ran, seconds).items():
            self.parts[part] = round(self.parts.get(part, 0.0) + share, 2)

    @property
    def chunks(self) -> int:
        """How many chunks there were."""
        return len(self.made) + len(self.already)

    @property
    def rows(self) -> int:
        """Rows of the chunks made now, in the job's first silver table."""
        return next((account.rows_out for account in self.accounts.values()), 0)


def alone(home: Home) -> AbstractContextManager[None]:
    """Only one backfill works in a home; see `orchestration.serving.alone`. Entering raises BackfillBusy beside another."""
    return serving.alone(home, "backfill", BACKFILL_TAG, BackfillBusy)


def backfill(
    home: Home, settings: Settings, plan: Plan, on_progress: Callable[[Progress], object], *, again: bool = False
) -> Report:
    """Make what is lacking of a plan; a failure ends it and is in the report. Needs the services.

    Args:
        again: ask anew for what has been answered, as after a correction by the source.
    """
    first, last = min(c.first for c in plan.chunks), max(c.last for c in plan.chunks)
    report = Report(plan.spec.name, first, last)
    with runner(home) as run:
        course = _Course(home, settings, plan, report, on_progress, again)
        try:
            course.run(run)
        except LoadFailed as failure:
            report.failure = str(failure)
    return report


@dataclass
class _Course:
    """A backfill at work."""

    home: Home
    settings: Settings
    plan: Plan
    report: Report
    on_progress: Callable[[Progress], object]
    again: bool
    journal: Journal = field(init=False)
    began: float = field(default_factory=time.monotonic)
    worked: int = 0
    passed: int = 0

    def __post_init__(self) -> None:
        self.journal = Journal(self.home, self.plan.spec.name)

    def run(self, run: Callable[[Step], Ran]) -> None:
        """All chunks, then what is made once."""
        for number, chunk in enumerate(self.plan.chunks, start=1):
            self._tell(chunk.label, number, done=False)
            parts = [chunk] if self.again else lacking_parts(self._work(chunk), self.plan, chunk, self.journal)
            if parts:
                self._make(chunk, parts, run)
            else:
                self.report.already.append(chunk.label)
                self.passed += chunk.days
            self._tell(chunk.label, number, done=True)
        if self.journal.pending:
            self._finish(run)

    def _work(self, chunk: Chunk) -> Work:
        clock = Clock.from_settings(self.settings)
        return Work(self.home, self.settings, "backfill", chunk.first, chunk.last, chunk.tick, clock)

    def _make(self, chunk: Chunk, parts: list[Chunk], run: Callable[[Step], Ran]) -> None:
        tags = {BACKFILL_TAG: "yes", **({AGAIN_TAG: "yes"} if self.again else {})}
        if chunk.tick is not None:
            tags[TICK_TAG] = chunk.tick.isoformat()
        self.journal.begin()
        for part in parts:
            ran = self._timed(Step(part.label, self.plan.spec.name, self.plan.tables, part.first, part.last, tags), run)
            self.report.made.append(part.label)
            if any(facts.get("unanswered_host_left_alone") for facts in ran.facts.values()):
                raise LoadFailed(f"{part.label}: the source turns us away and is left alone for a while")
        self.journal.note(chunk.label, fingerprint(self._work(chunk), self.plan))
        self.worked += chunk.days

    def _timed(self, step: Step, run: Callable[[Step], Ran]) -> Ran:
        began = time.monotonic()
        ran = run(step)
        self.report.take(step.name, ran, time.monotonic() - began)
        return ran

    def _finish(self, run: Callable[[Step], Ran]) -> None:
        spec, tags = self.plan.spec, {BACKFILL_TAG: "yes"}
        steps = [Step("marts", "publish", ("gold.loads",), marts=True, tags=tags)]
        if self.plan.finals:
            steps.insert(0, Step("gold", spec.name, self.plan.finals, tags=tags))
        for step in steps:
            self._tell(step.name, len(self.plan.chunks), done=False)
            self._timed(step, run)
        self.journal.finish()

    def _tell(self, name: str, number: int, *, done: bool) -> None:
        days = sum(chunk.days for chunk in self.plan.chunks)
        left = days - self.worked - self.passed
        seconds = (time.monotonic() - self.began) / self.worked * left if self.worked else None
        share = (days - left) / days
        self.on_progress(Progress(name, number, len(self.plan.chunks), self.report.rows, share, seconds, done))


def shares(ran: Ran, seconds: float) -> dict[str, float]:
    """Where a run's seconds went: its steps by layer, the crawl taken out of bronze, the rest Dagster's own."""
    found: dict[str, float] = {}
    for step, taken in ran.seconds.items():
        layer = step.partition("_")[0]
        found[layer] = found.get(layer, 0.0) + taken
    told = (facts.get("seconds", 0.0) for name, facts in ran.facts.items() if name.startswith("bronze."))
    crawl = sum(value for value in told if isinstance(value, int | float))
    if "bronze" in found:
        found |= {"bronze": found["bronze"] - crawl, "crawl": crawl}
    return found | {"dagster": seconds - sum(ran.seconds.values())}


def lacking_parts(work: Work, plan: Plan, chunk: Chunk, journal: Journal) -> list[Chunk]:
    """What of a chunk is to be made: nothing, all of it, or of logs that were once made the days that failed, alone."""
    if plan.spec.name != "attention" or journal.noted(chunk.label) is None:
        return [] if is_done(work, plan, chunk, journal) else [chunk]
    from orchestration.steps.log_days import lacking_days, spans

    return [Chunk(days[0], days[-1], len(days)) for days in spans(lacking_days(work))]


def is_done(work: Work, plan: Plan, chunk: Chunk, journal: Journal) -> bool:
    """Whether nothing of a chunk is lacking, in bronze or after it."""
    if chunk.tick is not None:
        where = Slice({"session": chunk.first, "tick": chunk.tick})
        came = delta.scan(work.home, table("gold.coverage"), where).filter("received")
        return int(came.select(pl.len()).collect().item()) > 0
    if journal.noted(chunk.label) != fingerprint(work, plan):
        return False
    if plan.spec.name == "bars_minute":
        from orchestration.steps.minutes import lacks

        return not lacks(work)
    if plan.spec.name != "bars_daily":
        return True
    from orchestration.steps.bars import lacking_spans

    return not lacking_spans(work)


def fingerprint(work: Work, plan: Plan) -> str:
    """What bronze holds of the days of a chunk: a change means that silver is to be made anew."""
    import hashlib

    digest = hashlib.sha256()
    if plan.spec.name == "bars_minute" and work.settings.minute_source != "yahoo":
        # Another source is another backfill.
        digest.update(work.settings.minute_source.encode())
    for name in plan.tables:
        known = table(name)
        if known.layer != "bronze":
            continue
        column = "log_date" if "log_date" in known.columns else "session"
        # What was asked in vain has no body to be known by.
        sha = next(name for name in ("sha256", "_payload_sha256", "request") if name in known.columns)
        where = Slice(between=(column, work.first, work.last + timedelta(days=1)))
        rows = delta.scan(work.home, known, where).select(sha, "_run_id").unique().sort(sha, "_run_id").collect()
        digest.update(name.encode())
        for row in rows.iter_rows():
            digest.update("|".join(row).encode())
    return digest.hexdigest()
