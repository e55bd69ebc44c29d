"""`backfill` and `reparse`: what they are asked, how far they are, and what they did."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from lake.imports import uncollected
from orchestration.console import Screen, cell

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings
    from orchestration.backfill import Progress, Report
    from orchestration.backfill_plan import Plan


def backfill(  # noqa: PLR0913 - what the command is given
    home: Home,
    settings: Settings,
    screen: Screen,
    asset: str,
    days: tuple[date, date],
    *,
    again: bool = False,
    as_json: bool = False,
) -> int:
    """Fill an asset's days; exit code 1 where it did not come to its end or questions stayed without an answer.

    Raises:
        WrongBackfill: when the asset, the days or the home do not allow it.
    """
    with uncollected():
        from lake.clock import Clock
        from orchestration.backfill import alone
        from orchestration.backfill import backfill as fill
        from orchestration.backfill_plan import check_source, make_plan
        from orchestration.definitions import build_defs
        from orchestration.serving import served

    now = Clock.from_settings(settings).now()
    plan = make_plan(build_defs({"home": str(home.root)}), asset, *days, now, live=not home.simulated)
    check_source(home, settings, plan.spec)
    watch = Watch(screen, plan.spec.name, quiet=as_json)
    began = time.monotonic()
    with served(home, settings, needed(plan)), alone(home):
        try:
            report = fill(home, settings, plan, watch.on_progress, again=again)
        finally:
            watch.close()
    tell(screen, report, time.monotonic() - began, as_json=as_json)
    return 1 if report.failure or report.unanswered else 0


def reparse(  # noqa: PLR0913 - what the command is given
    home: Home, settings: Settings, screen: Screen, source: str, days: tuple[date, date], *, as_json: bool = False
) -> int:
    """Read a source's bodies anew; exit code 1 where it did not come to its end.

    Raises:
        WrongBackfill: when there is no such source, or bronze has nothing of those days.
    """
    with uncollected():
        from lake.clock import Clock
        from orchestration.backfill import Report, alone
        from orchestration.definitions import build_defs
        from orchestration.reparse import make_steps
        from orchestration.reparse import reparse as read_anew
        from orchestration.serving import served
        from orchestration.work import Work

    first, last = in_order(*days)
    work = Work(home, settings, "reparse", first, last, clock=Clock.from_settings(settings))
    steps = make_steps(build_defs({"home": str(home.root)}), work, source)
    watch = Watch(screen, source, quiet=as_json)
    began = time.monotonic()
    with served(home, settings, ("postgres", "sail")), alone(home):
        try:
            report = read_anew(home, steps, Report(source, first, last), watch.on_progress)
        finally:
            watch.close()
    tell(screen, report, time.monotonic() - began, as_json=as_json)
    return 1 if report.failure else 0


def recount(  # noqa: PLR0913 - what the command is given
    home: Home,
    settings: Settings,
    screen: Screen,
    days: tuple[date, date],
    *,
    all_days: bool = False,
    as_json: bool = False,
) -> int:
    """Count visits anew from silver; exit code 1 where it did not come to its end.

    Raises:
        WrongBackfill: when the days are not in order.
    """
    with uncollected():
        from lake.clock import Clock
        from orchestration.backfill import Report, alone
        from orchestration.definitions import build_defs
        from orchestration.recount import days_to_count, make_steps
        from orchestration.reparse import reparse as make
        from orchestration.serving import served
        from orchestration.work import Work

    first, last = in_order(*days)
    work = Work(home, settings, "recount", first, last, clock=Clock.from_settings(settings))
    found = days_to_count(work, all_days=all_days)
    if not found and as_json:
        tell(screen, Report("visits", first, last), 0.0, as_json=True)
        return 0
    if not found:
        screen.say("every day that silver has is counted by this definition of a visit already")
        return 0
    watch = Watch(screen, "visits", quiet=as_json)
    began = time.monotonic()
    with served(home, settings, ("postgres", "sail")), alone(home):
        try:
            steps = make_steps(build_defs({"home": str(home.root)}), found)
            report = make(home, steps, Report("visits", found[0], found[-1]), watch.on_progress)
        finally:
            watch.close()
    tell(screen, report, time.monotonic() - began, as_json=as_json)
    return 1 if report.failure else 0


def in_order(first: date, last: date) -> tuple[date, date]:
    """Two days, the earlier first.

    Raises:
        WrongBackfill: when they are not.
    """
    from orchestration.journal import WrongBackfill

    if first > last:
        raise WrongBackfill(f"--from {first} is after --to {last}")
    return first, last


def needed(plan: Plan) -> tuple[str, ...]:
    """The services that a plan needs; those that the home does not have are left out where they are made."""
    from lake.contracts import table

    spark = any(table(name).engine == "spark" for name in (*plan.tables, *plan.finals))
    return ("postgres", "sandbox", *(("sail",) if spark else ()))


def tell(screen: Screen, report: Report, seconds: float, *, as_json: bool) -> None:
    """Show a report."""
    if as_json:
        screen.json(as_plain(report) | {"seconds_in_all": round(seconds, 1)})
        return
    accounts = [(name, *account) for name, account in report.accounts.items()]
    if accounts:
        screen.table(("table", "in", "out", "duplicates", "quarantined"), accounts, "What became of the rows")
    made = f"made {len(report.made)} chunks, found {len(report.already)} done; " if report.chunks else ""
    screen.say(f"{report.asset} from {report.first} to {report.last}: {made}{seconds:.0f} s")
    if report.unanswered:
        screen.say(f"{report.unanswered} questions had no answer: the same command asks them again")
    if report.failure:
        screen.say(report.failure)
        screen.say("what is done stays: the same command goes on from there")


def as_plain(report: Report) -> dict[str, Any]:
    """A report as plain values."""
    return {
        "asset": report.asset,
        "from": report.first,
        "to": report.last,
        "complete": not report.failure and not report.unanswered,
        "made": report.made,
        "already": report.already,
        "rows": {name: account.rows_out for name, account in report.accounts.items()},
        "accounts": {name: account._asdict() for name, account in report.accounts.items()},
        "unanswered": report.unanswered,
        "seconds": report.seconds,
        "parts": report.parts,
        "failure": report.failure or None,
    }


class Watch:
    """A backfill's course: a bar on a terminal, a line a chunk elsewhere, nothing where a program reads."""

    def __init__(self, screen: Screen, what: str, *, quiet: bool) -> None:
        """Show nothing yet."""
        self.screen, self.quiet = screen, quiet
        self._bar: Bar | None = None
        if screen.terminal and not quiet:
            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[words]}"),
                TimeElapsedColumn(),
                console=screen.console,
                transient=True,
            )
            self._task = self._bar.add_task(what, total=None, words="")
            self._bar.start()

    def say(self, line: str) -> None:
        """A line beside the bar."""
        if not self.quiet:
            self.screen.say(line)

    def on_progress(self, at: Progress) -> None:
        """Show how far it is."""
        left = "" if at.seconds_left is None else f", {_span(at.seconds_left)} left"
        words = f"{cell(at.rows)} rows{left}"
        if self._bar is not None:
            done = at.number if at.done else at.number - 1
            self._bar.update(self._task, description=at.name, completed=done, total=at.of, words=words)
        elif at.done:
            self.say(f"{datetime.now(UTC):%H:%M:%S} {at.number}/{at.of} ({at.share:.0%}) {at.name}: {words}")
        else:
            self.say(f"{datetime.now(UTC):%H:%M:%S} {at.number}/{at.of} {at.name}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
