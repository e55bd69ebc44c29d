"""Bars from bronze to silver: read anew they are the same, a mended parser changes them, and none is lost with its body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.maintenance import forget
from lake.settings import load_settings
from orchestration.steps import bars
from orchestration.steps.bars import lacking_spans, settle_bars
from orchestration.work import Work
from scrapers import gold, silver
from scrapers.asked import midnight
from scrapers.gold_bars import GoldBars
from scrapers.pages.chart import ChartBody
from tests.scrapers.bodies import bronze, chart, chart_body

FIRST, LAST = date(2026, 11, 18), date(2026, 11, 20)
RECEIVED = datetime(2026, 11, 20, 22, tzinfo=UTC)
BODIES, BARS = table("bronze.yahoo_chart"), table("silver.bars_daily")
WINDOW = f"interval=1d&period1={midnight(FIRST)}&period2={midnight(LAST + timedelta(days=1))}"
DIVIDEND = {"dividends": {"1795098600": {"amount": 0.5, "date": 1795098600}}}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    settings = load_settings(home=tmp_path / "home")
    home = Home.open(settings)
    put(home, "ABC", "XYZ")
    members = [
        {"session": LAST, "symbol": symbol, "sector": "Energy", "rank": rank, "observed_at": RECEIVED, "_run_id": "u"}
        for rank, symbol in enumerate(("ABC", "XYZ"), start=1)
    ]
    universe = table("gold.universe")
    delta.append(home, universe, pl.DataFrame(members, schema=universe.schema.create_empty().schema))
    return Work(home, settings, "run", FIRST, LAST)


def put(home: Home, *symbols: str) -> None:
    bodies = [(f"bars?{WINDOW}&symbol={symbol}", chart_body(chart(symbol, events=DIVIDEND))) for symbol in symbols]
    delta.append(home, BODIES, bronze(*bodies, source="yahoo_chart", session=LAST, at=RECEIVED))


def settled(work: Work, name: str = "silver.bars_daily") -> pl.DataFrame:
    """The table after a settling, less provenance."""
    list(settle_bars(work))
    known = table(name)
    return delta.read(work.home, known).drop(known.provenance).sort(known.key)


def dearer(read: Callable[..., ChartBody]) -> Callable[..., ChartBody]:
    def mended(*arguments: object) -> ChartBody:
        body = read(*arguments)
        return replace(body, prices=tuple([price and price * 2 for price in column] for column in body.prices))

    return mended


def test_read_anew_the_rows_are_equal_and_a_changed_parser_changes_them(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = settled(work)
    assert first.select("symbol", "session").rows() == [
        (symbol, FIRST + timedelta(days=n)) for symbol in ("ABC", "XYZ") for n in range(3)
    ]
    assert settled(work).equals(first)
    monkeypatch.setattr(silver, "read_chart", dearer(silver.read_chart))
    changed = settled(work)
    assert changed["close"].to_list() == [price * 2 for price in first["close"]]
    assert changed.select("symbol", "session").equals(first.select("symbol", "session"))
    monkeypatch.undo()
    assert settled(work).equals(first)


def test_rows_outlive_their_bodies(work: Work) -> None:
    before = settled(work), settled(work, "silver.corporate_actions")
    assert before[1].height == 2
    assert BODIES.retention_days is not None
    later = RECEIVED + timedelta(days=BODIES.retention_days + 1)
    assert forget(work.home, BODIES, later.date(), later) == 2
    put(work.home, "ABC")
    outcomes = list(settle_bars(work))
    assert outcomes[0].account is not None
    assert outcomes[0].account.rows_out == outcomes[0].facts["kept"] == 3
    assert (settled(work), settled(work, "silver.corporate_actions"))[0].equals(before[0])
    assert settled(work, "silver.corporate_actions").equals(before[1])


def test_what_has_been_answered_is_not_lacking(work: Work) -> None:
    assert lacking_spans(work) == {}
    list(settle_bars(work))
    assert lacking_spans(work) == {}
    earlier = replace(work, first=FIRST - timedelta(days=1))
    assert {symbol: tuple(span) for symbol, span in lacking_spans(earlier).items()} == {
        symbol: (date(2026, 11, 17), date(2026, 11, 17)) for symbol in ("ABC", "XYZ")
    }


def test_gold_made_in_parts_is_gold_made_at_once(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    known = table("gold.bars_daily")
    list(settle_bars(work))
    list(bars.gold_bars(work))
    at_once = delta.read(work.home, known).sort(known.key)
    assert at_once.height == 6
    monkeypatch.setattr(bars, "_COMPANIES_AT_ONCE", 1)
    list(bars.gold_bars(work))
    assert delta.read(work.home, known).sort(known.key).equals(at_once)


def test_gold_that_breaks_its_contract_is_not_written(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    known = table("gold.bars_daily")
    list(settle_bars(work))
    list(bars.gold_bars(work))
    version = delta.version(work.home, known)
    made = gold.bars_chosen
    wrong = pl.when(pl.col("symbol") == "XYZ").then(-1.0).otherwise(pl.col("adj_close")).alias("adj_close")

    def broken(*frames: pl.DataFrame) -> GoldBars:
        found = made(*frames)
        return found._replace(rows=found.rows.with_columns(wrong))

    monkeypatch.setattr(gold, "bars_chosen", broken)
    monkeypatch.setattr(bars, "_COMPANIES_AT_ONCE", 1)
    outcome = next(bars.gold_bars(work))
    assert outcome.problem is not None
    assert "adj_close" in outcome.problem
    assert delta.version(work.home, known) == version
