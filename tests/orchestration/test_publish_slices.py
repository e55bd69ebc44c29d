"""From gold to the marts by slices: what a tick leaves alone, what leaves with the hot period, and when all is rebuilt."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from dbt_project import runner
from lake import delta, load
from lake.contracts import of_layer, table
from lake.delta import Slice
from orchestration.steps import publish
from orchestration.work import Work
from tests.dbt_project import staged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.contracts import Table
    from tests.conftest import Server

DAYS = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))
SLICED = [mart.name for mart in of_layer("mart") if mart.slices_of]


@pytest.fixture
def work(postgres: Server) -> Iterator[Work]:
    """A home with three sessions of two companies in gold, and nothing in PostgreSQL yet."""
    clear(postgres)
    home = postgres.home
    delta.replace_slice(home, table("gold.companies"), staged.companies(), delta.EVERYTHING)
    for day in DAYS:
        write_session(postgres, day, 100.0)
    delta.replace_slice(home, table("gold.news"), staged.news(), delta.EVERYTHING)
    day_rows, second_rows = staged.visits()
    delta.replace_slice(home, table("gold.visits_day"), day_rows, delta.EVERYTHING)
    delta.replace_slice(home, table("gold.visits_second"), second_rows, delta.EVERYTHING)
    yield Work(home, postgres.settings, "run-1", DAYS[-1], DAYS[-1])
    clear(postgres)


def clear(postgres: Server) -> None:
    for known in ("companies", "quotes", "coverage", "sectors", "visits_day", "visits_second", "news"):
        gold = table(f"gold.{known}")
        if delta.exists(postgres.home, gold):
            delta.replace_slice(postgres.home, gold, gold.schema.create_empty(), delta.EVERYTHING)
    staged.empty(postgres.owner_dsn)
    with psycopg.connect(postgres.owner_dsn) as connection:
        connection.execute("DROP TABLE IF EXISTS staging._loaded, staging._pending, staging._built")


def write_session(postgres: Server, day: date, cap: float) -> None:
    tick = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    where = Slice({"session": day})
    known: dict[str, Any] = {"tick": tick, "session": day}
    quotes = [{"symbol": s, "price": 10.0, "market_cap": cap, **known} for s in ("AAA", "BB-A")]
    came = [{"symbol": s, "received": True, **known} for s in ("AAA", "BB-A")]
    sector = {"sector": "Energy", "companies": 2, "market_cap": 2 * cap, "advancers": 0, "decliners": 0, **known}
    for name, rows in (("quotes", quotes), ("coverage", came), ("sectors", [sector])):
        delta.replace_slice(postgres.home, table(f"gold.{name}"), staged.frame(f"gold.{name}", rows), where)


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def content(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    names = [mart.name for mart in of_layer("mart")]
    return {name: ask(dsn, f"SELECT * FROM marts.{name} t ORDER BY t::text") for name in names}


def versions(dsn: str, mart: str) -> dict[date, str]:
    """By session, which transaction wrote its rows."""
    return dict(ask(dsn, f"SELECT session, min(xmin::text) FROM marts.{mart} GROUP BY session"))


def test_a_tick_renews_its_session_and_leaves_the_others(work: Work, postgres: Server) -> None:
    dsn = postgres.owner_dsn
    publish.publish(work, expectations=False)
    before = {mart: versions(dsn, mart) for mart in ("quotes", "coverage", "sectors")}
    write_session(postgres, DAYS[-1], 300.0)
    published = publish.publish(work, expectations=False)
    assert published.mart_rows["quotes"] == 6
    for mart, was in before.items():
        now = versions(dsn, mart)
        assert [day for day in DAYS if now[day] != was[day]] == [DAYS[-1]], mart
    assert ask(dsn, "SELECT market_cap FROM marts.companies WHERE symbol = 'AAA' AND is_current") == [(300.0,)]
    assert publish.publish(work, expectations=False).marts == ()


def test_renewed_by_slices_the_marts_are_what_a_whole_build_makes(work: Work, postgres: Server) -> None:
    publish.publish(work, expectations=False)
    for day, cap in ((DAYS[-1], 300.0), (DAYS[0], 7.0), (date(2026, 11, 23), 1.0)):
        write_session(postgres, day, cap)
        publish.publish(work, expectations=False)
    quotes = table("gold.quotes")
    delta.replace_slice(work.home, quotes, quotes.schema.create_empty(), Slice({"session": DAYS[1]}))
    publish.publish(work, expectations=False)
    by_slices = content(postgres.owner_dsn)
    assert len(by_slices["quotes"]) == 6
    staged.empty(postgres.owner_dsn)
    with psycopg.connect(postgres.owner_dsn) as connection:
        connection.execute("DELETE FROM staging._loaded")
    publish.publish(work, expectations=False)
    assert content(postgres.owner_dsn) == by_slices


def test_a_session_leaves_with_the_hot_period_and_the_rest_is_not_loaded_again(work: Work, postgres: Server) -> None:
    short = Work(work.home, work.settings.model_copy(update={"hot_days": {"quotes": 3}}), "run-1", DAYS[-1], DAYS[-1])
    publish.publish(short, expectations=False)
    before = versions(postgres.owner_dsn, "quotes")
    assert set(before) == set(DAYS)
    write_session(postgres, date(2026, 11, 21), 5.0)
    published = publish.publish(short, expectations=False)
    assert published.loaded["gold.quotes"] == 2
    assert published.mart_rows["quotes"] == 6
    now = versions(postgres.owner_dsn, "quotes")
    assert sorted(now) == [DAYS[1], DAYS[2], date(2026, 11, 21)]
    assert all(now[day] == before[day] for day in DAYS[1:])
    assert ask(postgres.owner_dsn, "SELECT count(DISTINCT session) FROM marts.coverage") == [(4,)]


def test_what_was_killed_before_its_swap_is_built_by_the_next(
    work: Work, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish(work, expectations=False)
    before = versions(postgres.owner_dsn, "quotes")
    write_session(postgres, DAYS[0], 300.0)
    with monkeypatch.context() as patched:
        patched.setattr(publish, "swap", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish.publish(work, expectations=False)
    write_session(postgres, DAYS[2], 400.0)
    publish.publish(work, expectations=False)
    now = versions(postgres.owner_dsn, "quotes")
    assert [day for day in DAYS if now[day] != before[day]] == [DAYS[0], DAYS[2]]
    caps = ask(postgres.owner_dsn, "SELECT DISTINCT session, market_cap FROM marts.quotes ORDER BY 1")
    assert caps == [(DAYS[0], 300.0), (DAYS[1], 100.0), (DAYS[2], 400.0)]


def test_a_first_load_that_was_killed_goes_on_with_the_slices_that_lack(
    work: Work, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, loaded = load.load_slice, list[str]()

    def killed_at_the_third(to: load.Loading, known: Table, frame: pl.DataFrame, where: Slice | None = None) -> int:
        if known.id == "gold.quotes":
            if len(loaded) == 2:
                raise KeyboardInterrupt
            loaded.append(where.label if where else "all")
        return whole(to, known, frame, where)

    with monkeypatch.context() as patched:
        patched.setattr(publish, "load_slice", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            publish.publish(work, expectations=False)
    assert len(set(loaded)) == 2
    published = publish.publish(work, expectations=False)
    assert published.loaded["gold.quotes"] == 2, "one session of two companies"
    assert ask(postgres.owner_dsn, "SELECT count(*), count(DISTINCT session) FROM marts.quotes") == [(6, 3)]


def test_companies_that_are_written_anew_as_they_were_change_no_mart(work: Work) -> None:
    publish.publish(work, expectations=False)
    delta.replace_slice(work.home, table("gold.companies"), staged.companies(), delta.EVERYTHING)
    assert publish.publish(work, expectations=False).marts == ()


def test_a_company_that_is_renamed_is_renamed_in_every_slice(work: Work, postgres: Server) -> None:
    publish.publish(work, expectations=False)
    renamed = staged.companies().with_columns(pl.col("name").replace("Alpha", "Omega"))
    delta.replace_slice(work.home, table("gold.companies"), renamed, delta.EVERYTHING)
    publish.publish(work, expectations=False)
    assert ask(postgres.owner_dsn, "SELECT DISTINCT name FROM marts.quotes WHERE symbol = 'AAA'") == [("Omega",)]


def test_a_mart_of_another_definition_is_built_whole(
    work: Work, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish(work, expectations=False)
    before = versions(postgres.owner_dsn, "quotes")
    write_session(postgres, DAYS[-1], 300.0)
    monkeypatch.setattr(runner, "project_fingerprint", lambda: "another")
    publish.publish(work, expectations=False)
    now = versions(postgres.owner_dsn, "quotes")
    assert all(now[day] != before[day] for day in DAYS)


def test_every_sliced_mart_is_sliced_by_the_partitions_of_the_table_it_is_made_of() -> None:
    assert {"quotes", "coverage", "sectors", "visits_second"} <= set(SLICED)
    for mart in of_layer("mart"):
        if mart.slices_of:
            gold = table(mart.slices_of)
            assert gold.partition_by
            assert set(gold.partition_by) <= set(mart.columns)
            assert gold.id in [source.strip() for source in mart.source.split(",")]
