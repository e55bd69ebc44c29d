"""What happens to companies overnight, by the steps that the assets run, from a running sandbox to gold.

Two homes go through the same two sessions: nothing happens in one; in the other, before the second session, a company
is renamed, one splits its shares and one moves to another sector. What is expected of each is in docs/faults.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import polars as pl
import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.steps import attention, bars, files, market, tickers, ticks
from orchestration.work import Outcome, Work
from tests.sandbox_process import free_port, sandbox_running

ROOT = Path(__file__).parents[2]
BEFORE, AFTER = date(2026, 11, 23), date(2026, 11, 24)
FIRST_TICK, LAST_TICK = xnys().open_at(AFTER), xnys().close_at(AFTER)
CHANGES = f"rename:AAPL>AAPX@{AFTER}, split:MSFT:4@{AFTER}, leave:XOM>Utilities@{AFTER}"
# The largest three of a sector are collected: who moves in moves one out, and makes room where it was.
TOUCHED = ["AAPL", "AAPX", "MSFT", "XOM", "SO", "DUK", "TTE"]


@contextmanager
def at_work(folder: Path, now: str, changes: str = "", per_sector: int = 3) -> Iterator[Work]:
    """A run's work in a simulated home whose sandbox is up, at an instant that stands still."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    world = {
        "TIDEMARK_HOME": str(folder / "home"),
        "TIDEMARK_NOW": now,
        "TIDEMARK_UNIVERSE_PER_SECTOR": str(per_sector),
        "TIDEMARK_EDGAR_ROWS_PER_DAY": "200",
        "TIDEMARK_SHARDS_PER_SECTOR": "1",
        "TIDEMARK_SHARDS_AT_ONCE": "1",
        "TIDEMARK_PORT_SANDBOX": str(port),
        "TIDEMARK_SANDBOX_CHANGES": changes,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.items():
            patch.setenv(name, value)
        with sandbox_running(port, folder / "sandbox.log"):
            settings = load_settings()
            home, clock = Home.open(settings), Clock.from_settings(settings)
            day = clock.now().date()
            yield Work(home, settings, f"run-{clock.now():%d-%H%M}", day, day, None, clock)


def met(*outcomes: Outcome) -> None:
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []


def take_universe(work: Work) -> None:
    market.land_universe(work)
    met(market.settle_universe(work), market.gold_universe(work))


def take_companies(work: Work) -> None:
    """The universe, the profiles, SEC's tickers and the companies of a session."""
    take_universe(work)
    market.land_profiles(work)
    met(market.settle_profiles(work))
    yesterday = work.first - timedelta(days=1)
    met(*attention.land_logs(replace(work, first=yesterday, last=yesterday)))
    met(tickers.settle_tickers(work), market.gold_companies(work))


def take_tick(work: Work, tick: datetime) -> dict[str, int | float | str]:
    """A tick's quotes; what the check of its coverage counts."""
    at = replace(work, tick=tick, run_id=f"run-{tick:%d-%H%M}")
    met(*ticks.land_quotes(at))
    met(ticks.settle_quotes(at))
    outcomes = list(ticks.gold_quotes(at))
    met(*outcomes)
    return dict(outcomes[-1].findings[0].facts)


def take_bars(work: Work) -> None:
    bars.land_bars(work)
    met(*bars.settle_bars(work), *bars.gold_bars(work))


def two_sessions(folder: Path, changes: str = "") -> Home:
    """A home that has been through both sessions: of the second, a tick with yesterday's universe and one with its own."""
    with at_work(folder, f"{BEFORE}T22:30:00Z!", changes) as work:
        take_companies(work)
        take_tick(work, xnys().close_at(BEFORE))
        take_bars(replace(work, first=date(2026, 11, 16)))
    with at_work(folder, f"{AFTER}T22:30:00Z!", changes) as work:
        take_tick(work, FIRST_TICK)
        take_companies(work)
        take_tick(work, LAST_TICK)
        take_bars(work)
        return work.home


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return two_sessions(tmp_path_factory.mktemp("quiet"))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return two_sessions(tmp_path_factory.mktemp("changed"), CHANGES)


def rows(home: Home, name: str, *symbols: str) -> pl.DataFrame:
    """A table's rows, of some symbols alone where any are named, less provenance."""
    known = table(name)
    frame = delta.read(home, known).drop(known.provenance)
    frame = frame.filter(pl.col("symbol").is_in(symbols)) if symbols else frame
    return frame.sort(known.key)


def row(home: Home, name: str, symbol: str, **key: object) -> dict[str, object]:
    """The one row of a symbol and the rest of a key."""
    found = rows(home, name, symbol).filter(**key)
    assert found.height == 1, found
    return found.row(0, named=True)


def missing(home: Home, tick: datetime) -> list[tuple[object, ...]]:
    found = rows(home, "gold.coverage").filter(~pl.col("received"), tick=tick)
    return found.select("symbol", "sector", "reason", "detail").rows()


def test_rename_ends_one_symbol_and_goes_on_under_another(quiet: Home, changed: Home) -> None:
    # Yesterday's universe asks for the old symbol; the session's own has the new one.
    assert missing(changed, FIRST_TICK) == [("AAPL", "Technology", "not_found", "not_in_answer")]
    assert missing(changed, LAST_TICK) == missing(quiet, FIRST_TICK) == []
    assert rows(changed, "gold.quotes", "AAPL")["tick"].to_list() == [xnys().close_at(BEFORE)]
    expected = row(quiet, "gold.quotes", "AAPL", tick=LAST_TICK) | {"symbol": "AAPX"}
    assert rows(changed, "gold.quotes", "AAPX").rows(named=True) == [
        expected | {"summary_observed_at": row(changed, "gold.quotes", "AAPX")["summary_observed_at"]}
    ]
    member = row(quiet, "gold.universe", "AAPL", session=AFTER) | {"symbol": "AAPX"}
    assert rows(changed, "gold.universe", "AAPX").rows(named=True) == [member]

    opened = xnys().open_at(BEFORE)
    known = rows(changed, "gold.companies", "AAPL", "AAPX")
    assert known.select("company_id", "cik", "symbol", "valid_from", "valid_to", "is_current").rows() == [
        ("320193", 320193, "AAPL", opened, FIRST_TICK, False),
        ("320193", 320193, "AAPX", FIRST_TICK, None, True),
    ]
    described = known.drop("symbol", "valid_from", "valid_to", "is_current")
    assert described.row(0) == described.row(1)

    bars_before = rows(quiet, "gold.bars_daily", "AAPL").filter(pl.col("session") <= BEFORE)
    assert rows(changed, "gold.bars_daily", "AAPL").equals(bars_before)
    day = row(quiet, "gold.bars_daily", "AAPL", session=AFTER) | {"symbol": "AAPX", "return_pct": None}
    assert rows(changed, "gold.bars_daily", "AAPX").rows(named=True) == [day]


def test_a_renamed_company_s_history_is_there_under_its_new_symbol(quiet: Home, changed: Home, tmp_path: Path) -> None:
    shutil.copytree(changed.root.parent, tmp_path / "copy")
    with at_work(tmp_path / "copy", f"{AFTER}T23:00:00Z!", CHANGES) as work:
        take_bars(replace(work, first=date(2026, 11, 16)))
        found = rows(work.home, "gold.bars_daily", "AAPX")
    assert found.drop("symbol").equals(rows(quiet, "gold.bars_daily", "AAPL").drop("symbol"))
    assert found.height == 7


def test_split_divides_from_its_day_on_and_nothing_jumps(quiet: Home, changed: Home) -> None:
    actions = rows(changed, "gold.corporate_actions", "MSFT")
    assert actions.select("symbol", "date", "kind", "amount").rows() == [("MSFT", AFTER, "split", 4.0)]
    for tick in (FIRST_TICK, LAST_TICK):
        old, new = (row(home, "gold.quotes", "MSFT", tick=tick) for home in (quiet, changed))
        for name in ("price", "previous_close", "open", "day_high", "day_low", "high_52w", "low_52w"):
            assert new[name] == pytest.approx(old[name] / 4, abs=0.0051), name  # type: ignore[operator]  # a number
        # A cent's rounding apart, what does not depend on the number of shares is what it was.
        assert new["change_pct"] == pytest.approx(old["change_pct"], abs=0.01)
        assert new["market_cap"] == pytest.approx(old["market_cap"], rel=1e-4)
        assert new["volume_shares"] == pytest.approx(old["volume_shares"] * 4, rel=1e-3)  # type: ignore[operator]
        assert new["eps"] == pytest.approx(old["eps"] / 4, abs=0.0051)  # type: ignore[operator]
    old, new = (row(home, "gold.quotes", "MSFT", tick=LAST_TICK) for home in (quiet, changed))
    assert new["target_1y"] == pytest.approx(old["target_1y"] / 4, abs=0.0051)  # type: ignore[operator]

    before, after = (rows(home, "gold.bars_daily", "MSFT") for home in (quiet, changed))
    asked = ["session", "open", "high", "low", "close", "volume_shares", "dividend"]
    earlier = pl.col("session") <= BEFORE
    assert after.filter(earlier).select(asked).equals(before.filter(earlier).select(asked))
    assert after["split_ratio"].to_list() == [1.0] * (after.height - 1) + [4.0]
    assert after["adj_close"].to_list() == pytest.approx([price / 4 for price in before["adj_close"]], abs=0.0051)
    assert after["return_pct"].to_list()[1:] == pytest.approx(before["return_pct"].to_list()[1:], abs=0.01)
    assert after.filter(earlier)["return_pct"].equals(before.filter(earlier)["return_pct"])
    assert after["volume_shares"].to_list()[-1] == before["volume_shares"].to_list()[-1] * 4
    # The company itself is no other.
    assert rows(changed, "gold.companies", "MSFT").equals(rows(quiet, "gold.companies", "MSFT"))


def test_leave_counts_a_company_to_its_new_sector_from_the_next_universe(quiet: Home, changed: Home) -> None:
    def ranked(home: Home, session: date, sector: str) -> list[str]:
        members = rows(home, "gold.universe").filter(session=session, sector=sector)
        return members.sort("rank")["symbol"].to_list()

    for session, energy, utilities in (
        (BEFORE, ["XOM", "CVX", "SHEL"], ["NEE", "CEG", "SO"]),
        (AFTER, ["CVX", "SHEL", "TTE"], ["XOM", "NEE", "CEG"]),
    ):
        assert ranked(changed, session, "Energy") == energy
        assert ranked(changed, session, "Utilities") == utilities
    versions = rows(changed, "gold.companies", "XOM")
    assert versions.select("sector", "valid_from", "valid_to", "is_current").rows() == [
        ("Energy", xnys().open_at(BEFORE), FIRST_TICK, False),
        ("Utilities", FIRST_TICK, None, True),
    ]
    for name in ("gold.quotes", "gold.bars_daily"):
        given = [column for column in rows(quiet, name).columns if column != "summary_observed_at"]
        assert rows(changed, name, "XOM").select(given).equals(rows(quiet, name, "XOM").select(given)), name
    sectors = {home: delta.read(home, table("gold.sectors")).filter(tick=LAST_TICK) for home in (quiet, changed)}
    mine = row(changed, "gold.quotes", "XOM", tick=LAST_TICK)["market_cap"]
    neighbours = rows(changed, "gold.quotes", "NEE", "CEG").filter(tick=LAST_TICK)["market_cap"].sum()
    utilities_after = sectors[changed].filter(sector="Utilities").row(0, named=True)
    assert (utilities_after["companies"], utilities_after["market_cap"]) == (3, pytest.approx(mine + neighbours))  # type: ignore[operator]
    held = rows(changed, "gold.coverage", "XOM").filter(pl.col("received")).select("tick", "sector").rows()
    # The first tick of the session still goes by yesterday's universe.
    assert held == [
        (xnys().close_at(BEFORE), "Energy"),
        (FIRST_TICK, "Energy"),
        (LAST_TICK, "Utilities"),
    ]


@pytest.mark.parametrize(
    "name", ["quotes", "universe", "companies", "coverage", "bars_daily", "corporate_actions", "sectors"]
)
def test_whom_nothing_happens_to_has_the_same_rows(quiet: Home, changed: Home, name: str) -> None:
    def others(home: Home) -> pl.DataFrame:
        frame = delta.read(home, table(f"gold.{name}")).drop(table(f"gold.{name}").provenance)
        frame = frame.drop("summary_observed_at", strict=False).sort(table(f"gold.{name}").key)
        if name in ("universe", "sectors"):
            return frame.filter(~pl.col("sector").is_in(["Energy", "Utilities", "Technology"]))
        return frame.filter(~pl.col("symbol").is_in(TOUCHED))

    assert others(changed).height >= 8 or name == "corporate_actions"
    assert others(changed).equals(others(quiet))


def test_clock_that_is_ahead_dates_nothing_into_the_future(quiet: Home, tmp_path: Path) -> None:
    first, wrong = date(2026, 11, 16), "clock:+90s"
    tick = xnys().ticks(AFTER)[-2]
    with at_work(tmp_path, f"{AFTER}T20:59:00Z!", wrong) as work:
        take_universe(work)
        assert take_tick(work, tick)["received"] == 33
        take_bars(replace(work, first=first))
        home = work.home
    quotes = rows(home, "gold.quotes")
    assert quotes.select("tick", "quoted_at").unique().rows() == [(tick, tick + timedelta(seconds=90))]
    # A minute before the close the source's clock is past it; the session is not over all the same.
    assert rows(home, "gold.bars_daily")["session"].max() == BEFORE
    refused = delta.read_quarantine(home, table("silver.bars_daily"))
    assert refused["rules"].to_list() == ["partial_bar"] * 33
    with at_work(tmp_path, f"{AFTER}T22:30:00Z!", wrong) as work:
        take_bars(replace(work, first=first))
    # The quiet home has all the days of those alone that were among the largest in both of its sessions.
    taken = rows(quiet, "gold.universe").group_by("symbol").len()
    both = taken.filter(pl.col("len") == 2)["symbol"].to_list()
    assert len(both) > 30
    assert rows(home, "gold.bars_daily", *both).equals(rows(quiet, "gold.bars_daily", *both))


def test_a_ticker_was_last_named_by_the_newest_file_that_names_it(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    home = Home.open(settings)

    def keep(day: int, *symbols: str) -> None:
        clock = Clock(datetime(2026, 11, day, 12, tzinfo=UTC), frozen=True)
        known = [{"cik_str": 42, "ticker": symbol, "title": "ABC CORP"} for symbol in symbols]
        path = tmp_path / f"{day}.json"
        path.write_bytes(orjson.dumps({str(place): one for place, one in enumerate(known)}))
        work = Work(home, settings, f"run-{day}", date(2026, 11, day), date(2026, 11, day), None, clock)
        files.keep(work, [files.RawFile(path, "sec_tickers", "https://www.sec.gov/files/company_tickers.json")])
        outcome = tickers.settle_tickers(work)
        assert outcome.account is not None
        accounts.append(tuple(outcome.account))

    accounts: list[tuple[int, ...]] = []
    keep(17, "AAA", "BBB")
    keep(18, "AAA", "CCC")
    named = delta.read(home, table("silver.sec_tickers")).sort("symbol").select("symbol", "observed_at").rows()
    assert [(symbol, at.day) for symbol, at in named] == [("AAA", 18), ("BBB", 17), ("CCC", 18)]
    assert accounts == [(2, 2, 0, 0), (4, 3, 1, 0)]
