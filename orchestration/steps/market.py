"""The market's steps: universe, companies, quotes with sectors and coverage, bars with corporate actions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice
from orchestration.steps.common import bodies_of, days, land, since, write_gold, write_silver
from orchestration.steps.imports import as_one, settle_daily_files
from orchestration.work import Outcome, Work


def tick_of(work: Work) -> datetime:
    """The tick a quote run is for: the one asked for, else the session's newest that has passed."""
    if work.tick is not None:
        return work.tick
    passed = [tick for tick in work.calendar.ticks(work.last) if tick <= work.clock.now()]
    if not passed:
        raise ValueError(f"{work.last} has no tick yet: its first is at {work.calendar.open_at(work.last)}")
    return passed[-1]


def tick_slice(work: Work) -> Slice:
    """The slice of a quote run."""
    return Slice({"session": work.last, "tick": tick_of(work)})


def land_universe(work: Work) -> Outcome:
    """The largest companies of each sector, as the screener gives them."""
    return land(work, "bronze.yahoo_screener", "universe", {"per_sector": work.settings.universe_per_sector})


def settle_universe(work: Work) -> Outcome:
    """Membership by session."""
    from scrapers.silver import universe_rows

    settled = universe_rows(bodies_of(work, "bronze.yahoo_screener"), work.settings.universe_per_sector)
    return write_silver(work, "silver.universe", settled, days(work, "session"))


def gold_universe(work: Work) -> Outcome:
    """Membership by session, as people ask for it."""
    where = days(work, "session")
    return write_gold(work, "gold.universe", delta.read(work.home, table("silver.universe"), where), where)


def members(work: Work) -> pl.DataFrame:
    """The universe in force on the last day asked for; for days before the first was taken, that first one.

    Raises:
        LookupError: when none has been collected.
    """
    known = delta.scan(work.home, table("gold.universe"))
    sessions = known.select("session").unique().collect()["session"].to_list()
    if not sessions:
        raise LookupError("no universe has been collected: materialize gold/universe for a session first")
    session = max((day for day in sessions if day <= work.last), default=min(sessions))
    return known.filter(pl.col("session") == session).collect().sort("sector", "rank")


def _symbols(work: Work) -> list[str]:
    return members(work)["symbol"].to_list()


def land_profiles(work: Work) -> Outcome:
    """A summary of every company of the universe."""
    return land(work, "bronze.yahoo_summary", "summary", {"symbols": _symbols(work)})


def settle_profiles(work: Work) -> Outcome:
    """Descriptions and slow figures by session."""
    from scrapers.silver import profiles_rows

    settled = profiles_rows(bodies_of(work, "bronze.yahoo_summary"))
    return write_silver(work, "silver.profiles", settled, days(work, "session"))


def settle_officers(work: Work) -> Outcome:
    """Officers by session, from the profiles' bodies."""
    from scrapers.silver import officers_rows

    settled = officers_rows(bodies_of(work, "bronze.yahoo_summary"))
    return write_silver(work, "silver.officers", settled, days(work, "session"))


def gold_officers(work: Work) -> Outcome:
    """Officers by session, as people ask for them."""
    where = days(work, "session")
    return write_gold(work, "gold.officers", delta.read(work.home, table("silver.officers"), where), where)


def gold_companies(work: Work) -> Outcome:
    """Every company's description with its history; a minimal row for a symbol that is known by its bars alone."""
    from scrapers.gold import companies_scd2, minimal_companies

    profiles = delta.read(work.home, table("silver.profiles"))
    tickers = delta.read(work.home, table("silver.sec_tickers"))
    history = companies_scd2(profiles, tickers)
    bars = delta.scan(work.home, table("silver.bars_daily")).select("symbol", "observed_at", "_run_id")
    minutes = delta.scan(work.home, table("silver.bars_minute")).select("symbol", "observed_at", "_run_id")
    seen = pl.concat([bars, minutes]).sort("observed_at").unique("symbol", keep="first").collect()
    seen = seen.filter(~pl.col("symbol").is_in(history["symbol"].to_list()))
    rows = pl.concat([history, minimal_companies(seen, tickers)]) if seen.height else history
    return write_gold(work, "gold.companies", rows, EVERYTHING)


def land_quotes(work: Work) -> Outcome:
    """Batch quotes of the universe at a tick."""
    tick = tick_of(work)
    params: dict[str, object] = {"tick": tick.isoformat(), "symbols": _symbols(work)}
    if work.simulated:
        params["at"] = tick.isoformat()
    return land(work, "bronze.yahoo_quotes", "quotes", params)


def settle_quotes(work: Work) -> Outcome:
    """Snapshots at the tick."""
    from scrapers.silver import quotes_rows

    where = tick_slice(work)
    settled = quotes_rows(bodies_of(work, "bronze.yahoo_quotes", where), work.last, tick_of(work))
    return write_silver(work, "silver.quotes", settled, where)


def gold_quotes(work: Work) -> Iterator[Outcome]:
    """Snapshots with the slow figures known by then, the sectors over them, and what is missing and why."""
    from scrapers.gold import coverage_gold, quotes_gold, sectors_gold

    where = tick_slice(work)
    quotes = delta.read(work.home, table("silver.quotes"), where)
    refused = delta.read_quarantine(work.home, table("silver.quotes")).filter(pl.col("slice") == where.label)
    known = delta.scan(work.home, table("silver.profiles")).filter(pl.col("session") <= work.last).collect()
    universe = members(work)
    gold = quotes_gold(quotes, known)
    yield write_gold(work, "gold.quotes", gold, where)
    yield write_gold(work, "gold.sectors", sectors_gold(gold, universe), where)
    coverage = coverage_gold(universe, gold, refused, work.last, tick_of(work), work.run_id)
    outcome = write_gold(work, "gold.coverage", coverage, where)
    received = int(coverage["received"].sum())
    yield Outcome(
        outcome.table,
        outcome.written,
        problem=outcome.problem,
        facts={"expected": coverage.height, "received": received},
    )


def land_bars(work: Work) -> Outcome:
    """Daily bars, dividends and splits of the universe over the sessions asked for."""
    params = {"start": work.first.isoformat(), "end": work.last.isoformat(), "symbols": _symbols(work)}
    return land(work, "bronze.yahoo_chart", "bars", params)


def settle_bars(work: Work) -> Iterator[Outcome]:
    """Daily bars and corporate actions from the charts of the sessions asked for, and bars of imported files."""
    from scrapers.silver import bars_rows

    daily = list(settle_daily_files(work))
    bodies = bodies_of(work, "bronze.yahoo_chart", since(work))
    bars, actions = bars_rows(bodies, work.first, work.last)
    where = days(work, "session")
    charts = Slice({"origin": "yahoo_chart", **where.equals}, where.between)
    daily.append(write_silver(work, "silver.bars_daily", bars, charts))
    yield as_one("silver.bars_daily", daily)
    yield write_silver(work, "silver.corporate_actions", actions, days(work, "date"))


def gold_bars(work: Work) -> Iterator[Outcome]:
    """Daily bars with adjusted closes, and the actions they follow from; whole, since a dividend reaches all the past."""
    from scrapers.gold import bars_gold

    actions = delta.read(work.home, table("silver.corporate_actions"))
    bars = bars_gold(delta.read(work.home, table("silver.bars_daily")), actions)
    yield write_gold(work, "gold.bars_daily", bars, EVERYTHING)
    yield write_gold(work, "gold.corporate_actions", actions, EVERYTHING)
