"""A session's ticks taken step by step in a home of its own, from a sandbox that may misbehave; no daemon, no marts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.steps import market, ticks
from orchestration.work import Work
from tests.sandbox_process import sandbox_running

ROOT = Path(__file__).resolve().parents[1]
SESSION = date(2026, 11, 20)
NOW = "2026-11-21T09:00:00Z!"


@contextmanager
def session_at_work(folder: Path, per_sector: int, faults: str = "") -> Iterator[Work]:
    """The work of a session that is over, in a home whose sandbox runs while the block does.

    Args:
        folder: where the home is or will be.
        per_sector: companies a sector.
        faults: as `TIDEMARK_SANDBOX_FAULTS` has them; empty for a source that always answers.
    """
    settings = load_settings(home=folder / "home", world="simulated", now=NOW, universe_per_sector=per_sector)
    home = Home.open(settings)
    port, log = home.move_port("sandbox"), home.logs / "sandbox.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    given = {"HOME": home.root, "NOW": NOW, "UNIVERSE_PER_SECTOR": per_sector, "SANDBOX_FAULTS": faults}
    env = inherited | {f"TIDEMARK_{name}": str(value) for name, value in given.items()}
    home.logs.mkdir(exist_ok=True)
    with sandbox_running(port, log, env):
        yield Work(home, settings, "morning", SESSION, SESSION, clock=Clock.from_settings(settings))
    # Faults are meant: nothing of them may look like the sandbox's own failure.
    assert "Traceback" not in log.read_text()


def take_universe(work: Work) -> None:
    """The session's members and their profiles, as the job before the open does; nothing where they are there."""
    if delta.count(work.home, table("gold.companies")):
        return
    for step in (market.land_universe, market.settle_universe, market.gold_universe, market.land_profiles):
        step(work)
    for step in (market.settle_profiles, market.gold_companies):
        step(work)


def take_tick(work: Work, tick: datetime) -> None:
    """A tick from its crawl to its coverage, as one run."""
    run = replace(work, tick=tick, run_id=f"tick-{tick:%H%M}")
    list(ticks.land_quotes(run))
    ticks.settle_quotes(run)
    list(ticks.gold_quotes(run))


@dataclass(frozen=True)
class SessionGold:
    """What a session left: gold's tables without what two equal runs may differ in.

    Attributes:
        requests: questions for quotes, each counted once a tick.
        bodies: what came to them, refusals among it.
    """

    quotes: pl.DataFrame
    sectors: pl.DataFrame
    coverage: pl.DataFrame
    universe: pl.DataFrame
    companies: pl.DataFrame
    requests: int
    bodies: int


def gold_of(work: Work) -> SessionGold:
    """Gold of the home, sorted by key."""
    frames = {}
    for name in ("quotes", "sectors", "coverage", "universe", "companies"):
        known = table(f"gold.{name}")
        kept = [column for column in known.columns if column not in known.provenance]
        frames[name] = delta.read(work.home, known).select(kept).sort(known.key)
    bodies = delta.scan(work.home, table("bronze.yahoo_quotes"))
    asked = bodies.select("tick", "request").unique().collect().height
    return SessionGold(**frames, requests=asked, bodies=bodies.select(pl.len()).collect().item())


def first_ticks(count: int | None = None) -> Sequence[datetime]:
    """The session's ticks, or its first ones."""
    return xnys().ticks(SESSION)[:count]


def assert_as_quiet(quiet: SessionGold, faulty: SessionGold, ticks_taken: int, least: float = 0.99) -> None:
    """A session under faults against a quiet one: nearly all of it came, what came is equal, what did not is named.

    Args:
        least: the share of what was expected that must have come.
    """
    assert quiet.coverage["received"].all()
    assert quiet.coverage["tick"].n_unique() == faulty.coverage["tick"].n_unique() == ticks_taken
    assert faulty.bodies > faulty.requests, "some request was answered the second time only"
    assert faulty.universe.equals(quiet.universe)
    expected = quiet.coverage.select("tick", "symbol", "sector")
    assert faulty.coverage.select("tick", "symbol", "sector").equals(expected)
    missing = faulty.coverage.filter(~pl.col("received"))
    assert missing.height <= (1 - least) * expected.height, missing.group_by("tick", "detail").len().rows()
    assert missing.filter(pl.col("reason").is_null() | pl.col("detail").is_null()).is_empty()
    came = quiet.quotes.join(missing, on=["tick", "symbol"], how="anti").sort("symbol", "tick")
    assert faulty.quotes.sort("symbol", "tick").equals(came)
    whole = quiet.sectors.join(missing, on=["tick", "sector"], how="anti")
    assert whole.join(faulty.sectors, on=whole.columns, how="anti", nulls_equal=True).is_empty()
    # A version of a company begins when its profile was received.
    assert faulty.companies.drop("valid_from", "valid_to").equals(quiet.companies.drop("valid_from", "valid_to"))
