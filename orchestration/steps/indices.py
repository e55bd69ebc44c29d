"""The steps of indices: charts by the day and by the minute, each on its own exchange's calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice, Written
from lake.indices import INDICES
from orchestration.steps.common import bodies_of, days, land, since, write_gold, write_silver
from orchestration.steps.imports import as_one, settle_files
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from lake.rows import Settled
    from scrapers.imports.shapes import Kind

CALENDAR_CHECK = "calendars_known"


def wanted(work: Work) -> list[dict[str, str]]:
    """The charts of the days asked for: of each index its sessions by the day, and by the minute where they are recent.

    Past the end of an exchange's calendar its indices are left out; the check of the calendars says so.
    """
    from scrapers.windows import charts_of, minute_windows

    charts: list[dict[str, str]] = []
    for index in INDICES.values():
        sessions = index.calendar.known_sessions(work.first, work.last)
        if not sessions:
            continue
        charts += charts_of([index.symbol], "1d", [(sessions[0], sessions[-1])], index.currency)
        windows = list(minute_windows(index.calendar, *_newest(sessions, work), work.clock.now()))
        charts += charts_of([index.symbol], "1m", windows, index.currency)
    return charts


def _newest(sessions: list[date], work: Work) -> tuple[date, date]:
    """Of many sessions the newest few: their minutes are what a source still gives at once."""
    kept = sessions[-work.settings.index_minute_sessions :]
    return kept[0], kept[-1]


def land_indices(work: Work) -> Outcome:
    """Charts of the indices over the days asked for; nothing on a day on which no exchange trades."""
    charts = wanted(work)
    if not charts:
        known = table("bronze.yahoo_index")
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), facts={"requests": 0})
    return land(work, "bronze.yahoo_index", "charts", {"charts": charts})


def settle_indices(work: Work) -> Iterator[Outcome]:
    """Bars of the days asked for, by the day and by the minute."""
    from scrapers.indices import index_rows

    bodies = bodies_of(work, "bronze.yahoo_index", since(work))
    where = days(work, "session")
    charts = Slice({"origin": "yahoo_chart", **where.equals}, where.between)
    daily = index_rows(bodies, "1d", work.first, work.last)
    minutes = index_rows(bodies, "1m", work.first, work.last)
    crawled: dict[Kind, Settled] = {"index_bars_daily": daily, "index_bars_minute": minutes}
    found = {"index_bars_daily": (calendars(work.last),)}
    for kind, settled in crawled.items():
        name = f"silver.{kind}"
        outcome = as_one(name, [*settle_files(work, kind), write_silver(work, name, settled, charts)])
        yield replace(outcome, findings=(*outcome.findings, *found.get(kind, ())))


def gold_indices(work: Work) -> Iterator[Outcome]:
    """Levels by the day, whole (a return needs the session before), and by the minute for the days asked for."""
    from scrapers.indices import index_days_gold, index_minutes_gold

    rows = index_days_gold(delta.read(work.home, table("silver.index_bars_daily")))
    yield write_gold(work, "gold.index_bars_daily", rows, EVERYTHING)
    where = days(work, "session")
    minutes = index_minutes_gold(delta.read(work.home, table("silver.index_bars_minute"), where))
    yield write_gold(work, "gold.index_bars_minute", minutes, where)


def trades(day: date) -> bool:
    """Whether the exchange of some index has a session on a day, as far as its calendar speaks of it."""
    return any(index.calendar.known_sessions(day, day) for index in INDICES.values())


def calendars(day: date) -> Finding:
    """The check that each exchange's calendar speaks of a day: India's holidays are announced year by year."""
    ended = {index.exchange for index in INDICES.values() if not index.calendar.knows(day)}
    facts: dict[str, int | float | str] = {}
    if ended:
        left_out = ", ".join(index.symbol for index in INDICES.values() if index.exchange in ended)
        facts = {
            "ended": ", ".join(sorted(ended)),
            "left_out": left_out,
            "what to do": "update exchange_calendars and run scripts/generate_calendar.py",
        }
    return Finding(CALENDAR_CHECK, not ended, bearable=False, facts=facts)
