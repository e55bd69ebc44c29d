"""dbt in process against a real PostgreSQL: what the marts hold, what a part of them needs, and what stops a build."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from dbt_project import generate, runner
from lake.contracts import of_layer, table
from lake.load import load_slice, postgres_columns
from lake.swap import swap
from tests.dbt_project import staged

if TYPE_CHECKING:
    from tests.conftest import Server

MARTS = [mart.name for mart in of_layer("mart")]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="module")
def built(postgres: Server, target: Path) -> tuple[str, runner.BuildReport]:
    """The small market, built and swapped."""
    staged.fill(postgres.owner_dsn)
    report = runner.build([], postgres.owner_dsn, target)
    assert report.failures == ()
    swap(postgres.owner_dsn, MARTS)
    return postgres.reader_dsn, report


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def test_all_marts_are_built_with_the_contract_s_columns(
    built: tuple[str, runner.BuildReport], postgres: Server
) -> None:
    _, report = built
    assert set(report.models) == set(MARTS)
    written = [model for part in (generate.marts(), generate.staging()) for model in part["models"]]
    tested = [*written, *(column for model in written for column in model.get("columns", []))]
    assert report.tests == sum(len(one.get("data_tests", [])) for one in tested) >= 2 * len(MARTS)
    for mart in of_layer("mart"):
        found = ask(
            postgres.owner_dsn,
            f"""SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute
                WHERE attrelid = 'marts.{mart.name}'::regclass AND attnum > 0 ORDER BY attnum""",
        )
        assert found == [tuple(column) for column in postgres_columns(mart)], mart.name


def test_a_symbol_without_a_company_is_a_warning(built: tuple[str, runner.BuildReport]) -> None:
    reader, report = built
    assert report.success
    assert any(line.startswith("belongs_to_quotes_symbol") for line in report.warnings)
    assert ask(reader, "SELECT name FROM marts.quotes WHERE symbol = 'ZZZ'") == [(None,)]


def test_names_come_from_the_description_in_force(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    found = ask(reader, "SELECT DISTINCT name, sector, industry FROM marts.quotes WHERE symbol = 'AAA'")
    assert found == [("Alpha", "Energy", "Oil")]


def test_a_symbol_that_its_company_gave_up_keeps_its_name(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    assert ask(reader, "SELECT name, sector FROM marts.bars_daily WHERE symbol = 'B-OLD'") == [("Beta A", "Energy")]
    assert ask(reader, "SELECT is_current FROM marts.companies WHERE symbol = 'B-OLD'") == [(False,)]


def test_market_cap_is_the_latest_tick_s_on_the_version_in_force(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    found = ask(reader, "SELECT name, market_cap FROM marts.companies WHERE symbol = 'AAA' ORDER BY valid_from")
    assert found == [("Old A", None), ("Alpha", 200.0)]


@pytest.mark.parametrize("sessions", [20, 50, 200])
def test_an_average_is_empty_until_there_are_enough_sessions(
    built: tuple[str, runner.BuildReport], sessions: int
) -> None:
    reader, _ = built
    rows = ask(reader, f"SELECT ma_{sessions} FROM marts.bars_daily WHERE symbol = 'AAA' ORDER BY session")
    values = [row[0] for row in rows]
    # The mean of n - sessions + 1 … n.
    assert values == [None] * (sessions - 1) + [
        n - (sessions - 1) / 2 for n in range(sessions, len(staged.SESSIONS) + 1)
    ]
    assert ask(reader, f"SELECT count(ma_{sessions}) FROM marts.bars_daily WHERE symbol = 'BB-A'") == [(0,)]


def test_a_forecast_carries_its_score_once_there_is_one(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    found = ask(reader, "SELECT name, actual_close, within_interval FROM marts.forecasts ORDER BY target_session")
    assert found == [("Alpha", 10.2, True), ("Alpha", None, None)]


def test_a_filer_has_its_first_ticker_and_is_counted_once(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    for mart in ("visits_day", "visits_second"):
        found = ask(reader, f"SELECT cik, symbol, visits_all FROM marts.{mart} ORDER BY cik")
        assert found == [(20, "BB-A", 3), (77, "NOW", 3), (99, None, 3)]


def test_a_filer_has_the_ticker_and_the_name_of_the_day(built: tuple[str, runner.BuildReport]) -> None:
    reader, _ = built
    found = ask(reader, "SELECT log_date, symbol, name FROM marts.visits_documents ORDER BY log_date")
    assert [row[1:] for row in found] == [("THEN", "Then Inc"), ("NOW", "Now Inc")]
    assert found[1][0] == staged.DAY


def test_visits_stand_beside_the_price_of_their_session_or_say_why_not(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    (day,) = staged.visits()[0].filter(pl.col("cik") == 20).to_dicts()
    known = staged.visits()[0]
    # A session with a bar, one without, a Saturday, and a filer without a ticker.
    days = [
        {**day, "log_date": staged.SESSIONS[3]},
        day,
        {**day, "log_date": date(2026, 11, 21), "is_session": False},
        {**day, "cik": 99},
    ]
    load_slice(postgres.owner_dsn, table("gold.visits_day"), pl.DataFrame(days, schema=known.schema))
    report = runner.build(["visits_prices"], postgres.owner_dsn, target)
    assert report.failures == ()
    swap(postgres.owner_dsn, ["visits_prices"])
    found = ask(built[0], "SELECT log_date, symbol, close, price FROM marts.visits_prices ORDER BY log_date")
    assert found == [
        (staged.SESSIONS[3], "BB-A", 4.0, "bar"),
        (staged.DAY, "BB-A", None, "no_bar"),
        (date(2026, 11, 21), "BB-A", None, "no_session"),
    ]
    load_slice(postgres.owner_dsn, table("gold.visits_day"), known)


def test_news_is_found_by_its_words_and_the_headline_s_weigh_more(
    built: tuple[str, runner.BuildReport], postgres: Server
) -> None:
    reader, _ = built
    found = ask(
        reader,
        """SELECT url, name, document ->> 'title', ts_rank(search, websearch_to_tsquery('english', 'recalled')) AS rank
           FROM marts.news WHERE search @@ websearch_to_tsquery('english', 'recalled') ORDER BY rank DESC""",
    )
    assert [row[:3] for row in found] == [
        ("https://e.example/recall", "Alpha", "x"),
        ("https://e.example/quarter", "Alpha", "x"),
    ]
    assert found[0][3] > found[1][3]
    assert ask(reader, "SELECT name FROM marts.news WHERE symbol = 'ZZZ'") == [(None,)]
    with psycopg.connect(postgres.owner_dsn) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT url FROM marts.news WHERE search @@ websearch_to_tsquery('english', 'pumps')"
        ).fetchall()
    (gin,) = ask(
        postgres.owner_dsn,
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'marts' AND tablename = 'news' AND indexdef LIKE '%gin%'",
    )
    assert any(gin[0] in line[0] for line in plan)


def test_keys_are_unique_indexes_and_tables_are_analysed(
    built: tuple[str, runner.BuildReport], postgres: Server
) -> None:
    for mart in of_layer("mart"):
        found = ask(
            postgres.owner_dsn,
            f"""SELECT array_agg(a.attname ORDER BY k.n)::text[] FROM pg_index i
                CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(attnum, n)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                WHERE i.indrelid = 'marts.{mart.name}'::regclass AND i.indisunique GROUP BY i.indexrelid""",
        )
        assert (list(mart.key),) in found, mart.name
    assert ask(postgres.owner_dsn, "SELECT reltuples FROM pg_class WHERE oid = 'marts.quotes'::regclass") == [(4.0,)]


def test_a_part_is_built_by_itself_and_the_rest_stays(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    reader, _ = built
    later = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    more = pl.concat([staged.quotes(), staged.quotes().with_columns(tick=pl.lit(later)).unique("symbol")])
    load_slice(postgres.owner_dsn, table("gold.quotes"), more)
    marts = runner.models_for(["gold.quotes"])
    assert marts == ["companies", "quotes"]
    lines: list[str] = []
    report = runner.build(marts, postgres.owner_dsn, target, on_line=lines.append)
    assert report.failures == ()
    assert set(report.models) == set(marts)
    assert any("quotes" in line for line in lines)
    swap(postgres.owner_dsn, marts)
    assert ask(reader, "SELECT count(*), max(tick) FROM marts.quotes") == [(7, later)]
    assert ask(reader, "SELECT count(*) FROM marts.visits_day") == [(3,)]


def test_a_repeated_key_stops_its_mart_and_is_named(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    twice = pl.concat([staged.visits()[0]] * 2)
    load_slice(postgres.owner_dsn, table("gold.visits_day"), twice)
    report = runner.build(["visits_day"], postgres.owner_dsn, target)
    assert not report.success
    assert any("visits_day" in line and "unique" in line for line in report.failures)
    assert ask(built[0], "SELECT count(*) FROM marts.visits_day") == [(3,)]
    load_slice(postgres.owner_dsn, table("gold.visits_day"), staged.visits()[0])


def test_symbols_are_held_against_companies_also_where_a_mart_does_not_join_them(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    missing = {
        "tick": staged.TICKS[0],
        "symbol": "GONE",
        "session": staged.DAY,
        "received": False,
        "reason": "no answer",
    }
    load_slice(postgres.owner_dsn, table("gold.coverage"), staged.frame("gold.coverage", [missing]))
    report = runner.build(["coverage"], postgres.owner_dsn, target)
    assert [line.split(":")[0] for line in report.warnings] == ["belongs_to_coverage_symbol__ref_stg_companies_"]


def test_the_universe_s_members_are_shown_by_session(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    member = {"session": staged.DAY, "symbol": "AAA", "sector": "Energy", "rank": 1, "name": "A", "market_cap": 2.0}
    load_slice(postgres.owner_dsn, table("gold.universe"), staged.frame("gold.universe", [member]))
    assert runner.build(["universe"], postgres.owner_dsn, target).failures == ()
    shown = ask(postgres.owner_dsn, "SELECT session, symbol, sector, rank, name, market_cap FROM marts_next.universe")
    assert shown == [tuple(member.values())]
    load_slice(postgres.owner_dsn, table("gold.universe"), staged.frame("gold.universe", []))


def test_a_score_without_its_forecast_is_a_failure(
    built: tuple[str, runner.BuildReport], postgres: Server, target: Path
) -> None:
    load_slice(postgres.owner_dsn, table("gold.forecasts"), staged.forecasts().tail(1))
    report = runner.build(["forecasts"], postgres.owner_dsn, target)
    assert any(line.startswith("belongs_to_stg_forecast_scores") for line in report.failures)
    assert runner.build(["coverage"], postgres.owner_dsn, target).success, "other marts do not wait for it"
    load_slice(postgres.owner_dsn, table("gold.forecasts"), staged.forecasts())


def test_all_marts_are_built_empty_from_empty_staging(postgres: Server, target: Path) -> None:
    staged.empty(postgres.owner_dsn)
    report = runner.build([], postgres.owner_dsn, target)
    assert report.failures == ()
    swap(postgres.owner_dsn, MARTS)
    assert [ask(postgres.reader_dsn, f"SELECT count(*) FROM marts.{name}") for name in MARTS] == [[(0,)]] * len(MARTS)


def test_a_server_that_is_not_there_is_an_error_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(runner.DbtError) as raised:
        runner.build(["loads"], "postgresql://tidemark:very-secret@127.0.0.1:1/tidemark", tmp_path)
    assert "very-secret" not in str(raised.value)
    written = [path.read_text(encoding="utf-8", errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("very-secret" in text for text in written)


def test_the_environment_and_the_folder_are_as_before(postgres: Server, target: Path) -> None:
    before, folder = dict(os.environ), Path.cwd()
    runner.build(["loads"], postgres.owner_dsn, target)
    assert dict(os.environ) == before
    assert Path.cwd() == folder


def test_the_manifest_needs_no_server_and_is_parsed_once(tmp_path: Path) -> None:
    manifest = runner.ensure_manifest(tmp_path)
    stamp = manifest.stat().st_mtime_ns
    nodes = json.loads(manifest.read_bytes())["nodes"].values()
    assert {n["name"] for n in nodes if n["resource_type"] == "model" and "marts" in n["fqn"]} == set(MARTS)
    assert runner.ensure_manifest(tmp_path).stat().st_mtime_ns == stamp
    (tmp_path / "project.sha256").write_text("of another state of the project")
    assert runner.ensure_manifest(tmp_path).stat().st_mtime_ns > stamp


def test_a_parse_that_is_damaged_is_made_anew(
    postgres: Server, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TARGET", tmp_path / "installation")
    runner.ensure_manifest(runner.TARGET)
    parse = runner.TARGET / runner.PARSED
    whole = parse.stat().st_size
    parse.write_bytes(parse.read_bytes()[:100_000])
    assert runner.build(["loads"], postgres.owner_dsn, target).success
    assert parse.stat().st_size == pytest.approx(whole, rel=0.01)


def test_what_rests_on_a_table_follows_from_the_manifest() -> None:
    assert runner.models_for(["loads"]) == ["loads"]
    assert runner.models_for(["gold.forecast_scores"]) == ["forecasts"]
    assert runner.models_for([]) == []
    by_contract = {mart.name for mart in of_layer("mart") if "gold.companies" in mart.source}
    assert set(runner.models_for(["companies"])) == by_contract
