"""Steps of the daily bars: what is lacking into bronze, every chart's sessions into silver, adjusted series in gold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import DISPUTED, table
from lake.delta import EVERYTHING, Slice, Written
from orchestration.steps.chosen import Chosen
from orchestration.steps.common import RulesBroken, days, kept_rules, land, since, write_gold, write_keeping
from orchestration.steps.imports import as_one, settle_files
from orchestration.steps.market import members
from orchestration.work import Outcome, Work

if TYPE_CHECKING:
    from scrapers.asked import Span

# Ten years of these are some 140,000 rows.
_COMPANIES_AT_ONCE = 50
ORIGIN, BODIES = "yahoo_chart", "bronze.yahoo_chart"


def lacking_spans(work: Work) -> dict[str, Span]:
    """For each company of the universe the sessions asked for that bronze has no answer about.

    A session counts as answered by a body that was received after its close.
    """
    from scrapers.asked import answered, daily_charts, lacking

    charts = daily_charts(delta.scan(work.home, table(BODIES), since(work)), work.first, work.last)
    sessions = work.calendar.sessions(work.first, work.last)
    closes = {session: work.calendar.close_at(session) for session in sessions}
    symbols = members(work)["symbol"].to_list()
    return lacking(answered(charts, _payloads(work)), symbols, sessions, closes)


def land_bars(work: Work) -> Outcome:
    """Daily bars, dividends and splits of the universe over the sessions asked for, where bronze lacks them."""
    known = table(BODIES)
    if work.again:
        spans = dict.fromkeys(members(work)["symbol"].to_list(), (work.first, work.last))
    else:
        spans = {symbol: (span.first, span.last) for symbol, span in lacking_spans(work).items()}
    if not spans:
        return Outcome(known, Written(delta.version(work.home, known) or 0, 0), facts={"asked_for": 0})
    outcome = land(
        work,
        known.id,
        "bars",
        {
            "start": work.first.isoformat(),
            "end": work.last.isoformat(),
            "symbols": list(spans),
            "spans": {symbol: [day.isoformat() for day in span] for symbol, span in spans.items()},
        },
    )
    return Outcome(known, outcome.written, facts={**outcome.facts, "asked_for": len(spans)})


def _payloads(work: Work) -> set[str]:
    """The bodies that silver's bars of the sessions asked for were read from."""
    rows = delta.scan(work.home, table("silver.bars_daily"), _charts(work))
    return set(rows.select(pl.col("_payload_sha256").unique()).collect()["_payload_sha256"])


def _charts(work: Work) -> Slice:
    """The slice of crawled bars of the sessions asked for."""
    where = days(work, "session")
    return Slice({"origin": ORIGIN, **where.equals}, where.between)


def settle_bars(work: Work) -> Iterator[Outcome]:
    """Daily bars and corporate actions from the charts of the sessions asked for, and bars of imported files."""
    from scrapers.asked import daily_charts
    from scrapers.silver import bars_rows

    files = list(settle_files(work, "bars_daily"))
    daily = [outcome for outcome in files if outcome.table.id == "silver.bars_daily"]
    events = [outcome for outcome in files if outcome.table.id == "silver.corporate_actions"]
    stored = delta.scan(work.home, table(BODIES), since(work))
    bodies = daily_charts(stored, work.first, work.last).drop("symbol", "starts", "ends").collect()
    bars, actions = bars_rows(bodies, work.first, work.last)
    kept = set(bodies["_payload_sha256"])
    daily.append(write_keeping(work, "silver.bars_daily", bars, _charts(work), kept))
    yield as_one("silver.bars_daily", daily)
    where = days(work, "date")
    crawled = Slice({"origin": ORIGIN, **where.equals}, where.between)
    events.append(write_keeping(work, "silver.corporate_actions", actions, crawled, kept))
    yield as_one("silver.corporate_actions", events)


def gold_bars(work: Work) -> Iterator[Outcome]:
    """Daily bars with adjusted closes, and the actions they follow from; whole, since a dividend reaches all the past."""
    from scrapers.gold import actions_chosen, bars_chosen

    known = table("gold.bars_daily")
    silver = delta.scan(work.home, table("silver.bars_daily"))
    actions = actions_chosen(delta.read(work.home, table("silver.corporate_actions")))
    symbols = silver.select(pl.col("symbol").unique()).collect()["symbol"].sort().to_list()
    told = Chosen()

    def parts() -> Iterator[pl.DataFrame]:
        for start in range(0, len(symbols), _COMPANIES_AT_ONCE):
            mine = pl.col("symbol").is_in(symbols[start : start + _COMPANIES_AT_ONCE])
            made = bars_chosen(silver.filter(mine).collect(engine="streaming"), actions.filter(mine))
            told.add(made.choice)
            yield kept_rules(known, made.rows)

    if not symbols:
        delta.replace_quarantine(work.home, DISPUTED, told.quarantined(), EVERYTHING)
        yield replace(write_gold(work, known.id, known.schema.create_empty(), EVERYTHING), findings=told.findings())
    else:
        try:
            written = delta.replace_all(work.home, known, parts())
        except RulesBroken as broken:
            yield Outcome(known, Written(delta.version(work.home, known) or 0, 0), problem=str(broken))
        else:
            delta.replace_quarantine(work.home, DISPUTED, told.quarantined(), EVERYTHING)
            yield Outcome(known, written, facts=told.facts(), findings=told.findings())
    yield write_gold(work, "gold.corporate_actions", actions, EVERYTHING)
