"""The market's steps: universe, companies, bars with corporate actions. Ticks have a module of their own."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from lake import delta
from lake.contracts import SECTORS, Table, table
from lake.delta import EVERYTHING, Slice, Written
from lake.market_calendar import NEW_YORK
from lake.partitions import partitions
from orchestration.steps.common import bodies_of, days, land, write_gold, write_silver
from orchestration.work import Outcome, Work

# How many sessions back a company's slow figures may come from.
_PROFILE_SESSIONS = 10


def _as_of_open(work: Work) -> dict[str, object]:
    """For a session that is over, the instant at which the sandbox is asked: its open."""
    today = work.clock.now().astimezone(NEW_YORK).date()
    return {"at": work.calendar.open_at(work.last).isoformat()} if work.simulated and work.last < today else {}


def land_universe(work: Work) -> Outcome:
    """The largest companies of each sector, as the screener gives them; once a session, whatever runs again."""
    from scrapers.universe import sectors_lacking

    per_sector, known = work.settings.universe_per_sector, table("bronze.yahoo_screener")
    lacking = list(SECTORS) if work.again else sectors_lacking(bodies_of(work, known.id), per_sector)
    if not lacking:
        written = Written(delta.version(work.home, known) or 0, 0)
        return Outcome(known, written, facts={"unchanged": "the session's universe has been taken"})
    return land(work, known.id, "universe", {"per_sector": per_sector, "sectors": lacking, **_as_of_open(work)})


def settle_universe(work: Work) -> Outcome:
    """Membership by session."""
    from scrapers.silver import universe_rows
    from scrapers.universe import newest_taking

    settled = universe_rows(newest_taking(bodies_of(work, "bronze.yahoo_screener")), work.settings.universe_per_sector)
    return write_silver(work, "silver.universe", settled, days(work, "session"))


def gold_universe(work: Work) -> Outcome:
    """Membership by session, as people ask for it."""
    where = days(work, "session")
    return write_gold(work, "gold.universe", delta.read(work.home, table("silver.universe"), where), where)


def members(work: Work, day: date | None = None) -> pl.DataFrame:
    """The universe in force on a day, by default the last asked for; for days before the first was taken, that one.

    Raises:
        LookupError: when none has been collected.
    """
    known = table("gold.universe")
    sessions = _sessions(work, known)
    if not sessions:
        raise LookupError("no universe has been collected: materialize gold/universe for a session first")
    wanted = day or work.last
    session = max((taken for taken in sessions if taken <= wanted), default=min(sessions))
    return delta.read(work.home, known, Slice({"session": session})).sort("sector", "rank")


def _sessions(work: Work, known: Table) -> list[date]:
    """The sessions a table holds, by its log alone."""
    found = (part.where.equals["session"] for part in partitions(work.home, known).values() if part.rows)
    return [day for day in found if isinstance(day, date)]


def newest_profiles(work: Work) -> pl.DataFrame:
    """The profiles of the last sessions up to the one asked for: a company whose profile failed takes an earlier one."""
    known = table("silver.profiles")
    newest = sorted(day for day in _sessions(work, known) if day <= work.last)[-_PROFILE_SESSIONS:]
    if not newest:
        return known.schema.create_empty()
    return delta.read(work.home, known, Slice(between=("session", newest[0], work.last + timedelta(days=1))))


def _symbols(work: Work) -> list[str]:
    return members(work)["symbol"].to_list()


def land_profiles(work: Work) -> Outcome:
    """A summary of every company of the universe."""
    return land(work, "bronze.yahoo_summary", "summary", {"symbols": _symbols(work), **_as_of_open(work)})


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
