"""Loading staging by slices, and the swap that readers never notice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from lake import load
from lake.contracts import of_layer, table
from lake.delta import Slice
from lake.swap import SwapBlockedError, SwapError, column_text, swap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

QUOTES = table("gold.quotes")
VISITS = table("gold.visits_second")
SESSION = date(2026, 11, 20)
SHA = "a" * 64
ROOT = Path(__file__).resolve().parents[2]


def instant(hour: int, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def quotes(tick: datetime, symbols: list[str], price: float = 10.0) -> pl.DataFrame:
    rows = [
        {
            "symbol": symbol,
            "tick": tick,
            "session": tick.date(),
            "price": price,
            "observed_at": tick,
            "_run_id": "r1",
            "_payload_sha256": SHA,
        }
        for symbol in symbols
    ]
    empty = QUOTES.schema.create_empty()
    return pl.concat([empty, pl.DataFrame(rows, schema_overrides=empty.schema)], how="diagonal_relaxed")


def visits(series: str, day: date, cik: int = 320193) -> pl.DataFrame:
    empty = VISITS.schema.create_empty()
    row = {
        "series": series,
        "log_date": day,
        "second_of_day": 1,
        "cik": cik,
        "visits_all": 2,
        "observed_at": instant(1),
        "_run_id": "r1",
    }
    return pl.concat([empty, pl.DataFrame([row], schema_overrides=empty.schema)], how="diagonal_relaxed")


@pytest.fixture
def dsn(postgres: Server) -> Iterator[str]:
    """The owner's DSN with empty staging tables, and empty schemas for marts."""
    load.ensure_staging(postgres.owner_dsn)
    with psycopg.connect(postgres.owner_dsn) as connection:
        for staged in load.staged_tables():
            connection.execute(f"TRUNCATE staging.{staged.name}")
        for name in ("a", "quotes", "sectors", "loads"):
            connection.execute(f"DROP TABLE IF EXISTS marts.{name}, marts_next.{name} CASCADE")
    yield postgres.owner_dsn
    with psycopg.connect(postgres.owner_dsn) as connection:
        for name in ("quotes", "sectors", "loads"):
            connection.execute(f"DROP TABLE IF EXISTS marts.{name}, marts_next.{name} CASCADE")


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def test_staging_has_the_contract_s_columns_and_is_made_once(dsn: str) -> None:
    found = rows(
        dsn,
        """SELECT column_name, data_type FROM information_schema.columns
           WHERE table_schema = 'staging' AND table_name = 'quotes' ORDER BY ordinal_position""",
    )
    assert [name for name, _ in found] == list(QUOTES.columns)
    kinds = dict(found)
    assert kinds["symbol"] == "text"
    assert kinds["_payload_sha256"] == "text"
    assert kinds["tick"] == "timestamp with time zone"
    assert kinds["price"] == "double precision"
    assert kinds["volume_shares"] == "bigint"
    assert load.ensure_staging(dsn) == ()


def test_a_list_is_a_text_array_and_an_enum_is_text() -> None:
    posts = {c.name: c.kind for c in load.postgres_columns(table("gold.posts"))}
    bars = {c.name: c.kind for c in load.postgres_columns(table("gold.bars_daily"))}
    assert posts["tags"] == "text[]"
    assert bars["basis"] == "text"


def test_every_mart_source_is_staged() -> None:
    named = {s.strip() for mart in of_layer("mart") for s in mart.source.split(",")}
    assert {t.id for t in load.staged_tables()} == named


def test_a_table_that_left_its_contract_is_made_anew_and_named(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE staging.quotes DROP COLUMN bid")
    assert load.ensure_staging(dsn) == ("gold.quotes",)
    assert load.ensure_staging(dsn) == ()


def test_two_ticks_of_a_session_in_either_order_and_twice(dsn: str) -> None:
    open_, noon = instant(14), instant(17)
    for tick in (noon, open_, noon):
        where = Slice({"session": SESSION, "tick": tick})
        assert load.load_slice(dsn, QUOTES, quotes(tick, ["AAA", "BBB"]), where) == 2
    found = rows(dsn, "SELECT symbol, tick FROM staging.quotes ORDER BY tick, symbol")
    assert found == [("AAA", open_), ("BBB", open_), ("AAA", noon), ("BBB", noon)]


def test_an_empty_slice_removes_what_was_there(dsn: str) -> None:
    where = Slice({"session": SESSION, "tick": instant(14)})
    load.load_slice(dsn, QUOTES, quotes(instant(14), ["AAA"]), where)
    load.load_slice(dsn, QUOTES, quotes(instant(15), ["AAA"]), Slice({"session": SESSION, "tick": instant(15)}))
    assert load.load_slice(dsn, QUOTES, QUOTES.schema.create_empty(), where) == 0
    assert rows(dsn, "SELECT tick FROM staging.quotes") == [(instant(15),)]


def test_a_whole_table_replaces_all(dsn: str) -> None:
    load.load_slice(dsn, QUOTES, quotes(instant(14), ["AAA"]), Slice({"session": SESSION}))
    assert load.load_slice(dsn, QUOTES, quotes(instant(15), ["BBB", "CCC"])) == 2
    assert rows(dsn, "SELECT symbol FROM staging.quotes ORDER BY 1") == [("BBB",), ("CCC",)]


def test_a_row_outside_the_slice_is_refused_before_anything_is_deleted(dsn: str) -> None:
    where = Slice({"session": SESSION, "tick": instant(14)})
    load.load_slice(dsn, QUOTES, quotes(instant(14), ["AAA"]), where)
    with pytest.raises(ValueError, match=r"1 of 1 rows lie outside the slice"):
        load.load_slice(dsn, QUOTES, quotes(instant(15), ["BBB"]), where)
    assert rows(dsn, "SELECT symbol FROM staging.quotes") == [("AAA",)]


def test_a_load_that_fails_leaves_the_old_slice(dsn: str) -> None:
    where = Slice({"session": SESSION, "tick": instant(14)})
    load.load_slice(dsn, QUOTES, quotes(instant(14), ["AAA"]), where)
    broken = quotes(instant(14), ["BBB"]).with_columns(price=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(load.LoadError, match=r"staging\.quotes.*price"):
        load.load_slice(dsn, QUOTES, broken, where)
    assert rows(dsn, "SELECT symbol FROM staging.quotes") == [("AAA",)]


def test_loads_share_a_connection_and_one_that_fails_takes_nothing_with_it(dsn: str) -> None:
    first, second = instant(14), instant(15)
    with closing(load.Loading(dsn)) as shared:
        load.load_slice(shared, QUOTES, quotes(first, ["AAA"]), Slice({"session": SESSION, "tick": first}))
        used = shared.connection()
        load.load_slice(shared, QUOTES, quotes(second, ["BBB"]), Slice({"session": SESSION, "tick": second}))
        assert shared.connection() is used
        assert rows(dsn, "SELECT symbol FROM staging.quotes ORDER BY 1") == [("AAA",), ("BBB",)], "each is committed"
        with pytest.raises(load.LoadError, match=r"staging\.quotes.*price"):
            load.load_slice(shared, QUOTES, quotes(second, ["CCC"]).with_columns(price=pl.lit(None, dtype=pl.Float64)))
        load.drop_slice(shared, QUOTES, Slice({"session": SESSION, "tick": first}).postgres)
    assert rows(dsn, "SELECT symbol FROM staging.quotes") == [("BBB",)]


def test_what_the_web_wrote_is_kept_as_text(dsn: str) -> None:
    companies = table("gold.companies")
    empty = companies.schema.create_empty()
    text = "Nul\0, 'quote'; DROP TABLE x; -- \\ \N{SNOWMAN}"
    row = {
        "company_id": "1",
        "symbol": "AAA",
        "valid_from": instant(1),
        "is_current": True,
        "name": text,
        "observed_at": instant(1),
        "_run_id": "r",
    }
    frame = pl.concat([empty, pl.DataFrame([row], schema_overrides=empty.schema)], how="diagonal_relaxed")
    load.load_slice(dsn, companies, frame, Slice({"symbol": "AAA"}))
    load.load_slice(dsn, companies, frame, Slice({"symbol": "AAA"}))
    assert rows(dsn, "SELECT name FROM staging.companies") == [(text.replace("\0", "\N{REPLACEMENT CHARACTER}"),)]


_LOADER = """
import sys
import polars as pl
from datetime import UTC, date, datetime
from lake.contracts import table
from lake.delta import Slice
from lake.load import load_slice
visits, dsn, rows = table("gold.visits_second"), sys.argv[1], int(sys.argv[2])
day, seen = date(2026, 11, 20), datetime(2026, 11, 21, tzinfo=UTC)
empty = visits.schema.create_empty()
known = {"series": "v2", "log_date": day, "second_of_day": 1, "observed_at": seen, "_run_id": "r"}
base = pl.DataFrame({"cik": range(1, rows + 1)}).with_columns(**{k: pl.lit(v) for k, v in known.items()})
base = base.with_columns(**{c: pl.lit(None) for c in empty.columns if c not in (*known, "cik")})
number = 0
while True:
    number += 1
    frame = base.with_columns(visits_all=pl.lit(number)).select([pl.col(c).cast(t) for c, t in empty.schema.items()])
    load_slice(dsn, visits, frame, Slice({"series": "v2", "log_date": day}))
    print(number, flush=True)
"""


def test_a_loader_that_is_killed_leaves_a_whole_slice(dsn: str) -> None:
    count = 40_000
    for cut in (0.0, 0.07, 0.19):
        loader = subprocess.Popen(
            [sys.executable, "-c", _LOADER, dsn, str(count)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert loader.stdout is not None
        done = int(loader.stdout.readline())
        time.sleep(cut)
        loader.kill()
        loader.wait(10)
        loader.stdout.close()
        found = rows(dsn, "SELECT count(*), min(visits_all), max(visits_all) FROM staging.visits_second")
        (total, least, most) = found[0]
        assert total == count
        assert least == most
        assert isinstance(least, int)
        assert least >= done
        assert "visits_second" in load.pending_marts(dsn)


def test_a_mart_is_pending_from_the_load_until_its_swap(dsn: str) -> None:
    swap_all_pending(dsn)
    load.load_slice(dsn, VISITS, visits("v2", SESSION))
    assert load.pending_marts(dsn) == ("visits_second",)
    load.load_slice(dsn, QUOTES, quotes(instant(14), ["AAA"]))
    assert load.pending_marts(dsn) == ("companies", "quotes", "visits_second")
    with psycopg.connect(dsn) as connection:
        build_next(connection, 1, ("quotes",))
    swap(dsn, ["quotes"])
    assert load.pending_marts(dsn) == ("companies", "visits_second")


def test_a_load_or_a_swap_that_fails_leaves_the_note_as_it_was(dsn: str) -> None:
    swap_all_pending(dsn)
    broken = quotes(instant(14), ["BBB"]).with_columns(price=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(load.LoadError):
        load.load_slice(dsn, QUOTES, broken)
    assert load.pending_marts(dsn) == ()
    load.load_slice(dsn, table("gold.loads"), table("gold.loads").schema.create_empty())
    with pytest.raises(SwapError):
        swap(dsn, ["loads"])
    assert load.pending_marts(dsn) == ("loads",)


def swap_all_pending(dsn: str) -> None:
    """As if all that was loaded before had been swapped."""
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM staging._pending")


def build_next(connection: psycopg.Connection, count: int, names: tuple[str, ...] = ("quotes", "loads")) -> None:
    for name in names:
        columns = ", ".join(f'"{c.name}" {c.kind}' for c in load.postgres_columns(table(f"mart.{name}")))
        key = table(f"mart.{name}").key[0]
        connection.execute(f"CREATE TABLE marts_next.{name} ({columns})")
        connection.execute(f"INSERT INTO marts_next.{name} ({key}) SELECT g::text FROM generate_series(1, {count}) g")
    connection.commit()


def test_a_swap_moves_grants_and_describes(dsn: str, postgres: Server) -> None:
    with psycopg.connect(dsn) as connection:
        build_next(connection, 3)
    assert swap(dsn, ["quotes", "loads"]) == ("quotes", "loads")
    assert rows(postgres.reader_dsn, "SELECT count(*) FROM marts.quotes") == [(3,)]
    assert rows(dsn, "SELECT to_regclass('marts_next.quotes')") == [(None,)]
    comment = rows(
        dsn,
        """SELECT col_description('marts.quotes'::regclass, attnum) FROM pg_attribute
           WHERE attrelid = 'marts.quotes'::regclass AND attname = 'price'""",
    )
    assert comment == [("last trade at or before the tick [USD]",)]
    assert column_text(table("mart.quotes"), "price") == comment[0][0]


def test_a_swap_of_what_was_not_built_changes_nothing(dsn: str, postgres: Server) -> None:
    with psycopg.connect(dsn) as connection:
        build_next(connection, 3)
        swap(dsn, ["quotes", "loads"])
        build_next(connection, 5, ("quotes",))
    with pytest.raises(SwapError, match=r"marts_next\.loads"):
        swap(dsn, ["quotes", "loads"])
    assert rows(postgres.reader_dsn, "SELECT count(*) FROM marts.quotes") == [(3,)]


def test_a_reader_that_does_not_let_go_is_named(dsn: str, postgres: Server) -> None:
    with psycopg.connect(dsn) as connection:
        build_next(connection, 3)
        swap(dsn, ["quotes", "loads"])
        build_next(connection, 5)
    with psycopg.connect(postgres.reader_dsn, application_name="a report") as reader:
        reader.execute("SELECT count(*) FROM marts.quotes")
        with pytest.raises(SwapBlockedError, match=rf"marts\.quotes .*process {reader.info.backend_pid} \(a report"):
            swap(dsn, ["quotes", "loads"], timedelta(milliseconds=300))
        # The reader was not disturbed, and what it holds with what it asks for next cannot be a deadlock.
        assert reader.execute("SELECT count(*) FROM marts.loads").fetchone() == (3,)
    assert swap(dsn, ["quotes", "loads"]) == ("quotes", "loads")
    assert rows(postgres.reader_dsn, "SELECT count(*) FROM marts.loads") == [(5,)]


def test_upkeep_of_a_new_mart_is_waited_for_and_not_an_error(dsn: str, postgres: Server) -> None:
    with psycopg.connect(dsn) as connection:
        build_next(connection, 3)
        # The lock that a vacuum takes, held for longer than a swap may stand in readers' way.
        connection.execute("LOCK TABLE marts_next.loads IN SHARE UPDATE EXCLUSIVE MODE")
        letting_go = threading.Timer(0.6, connection.rollback)
        letting_go.start()
        assert swap(dsn, ["quotes", "loads"]) == ("quotes", "loads")
        letting_go.join()
    assert rows(postgres.reader_dsn, "SELECT count(*) FROM marts.loads") == [(3,)]


def test_something_built_on_an_old_mart_is_named(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        build_next(connection, 3)
        swap(dsn, ["quotes", "loads"])
        build_next(connection, 5)
        connection.execute("CREATE VIEW staging.of_somebody AS SELECT * FROM marts.quotes")
        connection.commit()
        try:
            with pytest.raises(SwapError, match="of_somebody"):
                swap(dsn, ["quotes", "loads"])
        finally:
            connection.execute("DROP VIEW staging.of_somebody")
    assert rows(dsn, "SELECT count(*) FROM marts.loads") == [(3,)]


def read_until(done: threading.Event, dsn: str, order: tuple[str, str], seen: list[tuple[int, int]]) -> None:
    """Count two marts in one transaction, over and over; an error ends the thread and is seen by the count."""
    with psycopg.connect(dsn) as connection:
        while not done.is_set():
            with connection.transaction():
                first, second = (connection.execute(f"SELECT count(*) FROM marts.{n}").fetchone() for n in order)
            assert first is not None
            assert second is not None
            seen.append((first[0], second[0]))
    seen.append((-1, -1))


def test_readers_in_both_orders_never_see_half_a_swap(dsn: str, postgres: Server) -> None:
    done = threading.Event()
    swaps = 30
    with psycopg.connect(dsn) as connection:
        build_next(connection, 1)
        swap(dsn, ["quotes", "loads"])
        seen: list[list[tuple[int, int]]] = [[], [], []]
        orders = (("quotes", "loads"), ("loads", "quotes"), ("quotes", "loads"))
        readers = [
            threading.Thread(target=read_until, args=(done, postgres.reader_dsn, order, found))
            for order, found in zip(orders, seen, strict=True)
        ]
        for reader in readers:
            reader.start()
        try:
            for number in range(2, swaps + 2):
                build_next(connection, number)
                swap(dsn, ["quotes", "loads"])
        finally:
            done.set()
            for reader in readers:
                reader.join(30)
    for found in seen:
        assert found[-1] == (-1, -1), "a reader ended with an error"
        assert all(first == second for first, second in found)
        assert len({first for first, _ in found[:-1]}) > swaps // 10


def build_slice(dsn: str, tick: datetime, symbols: list[str], price: float) -> str:
    """A slice of the quotes as dbt would leave it in `marts_next`; its predicate."""
    where = Slice({"session": tick.date()}).postgres
    with psycopg.connect(dsn) as connection:
        columns = ", ".join(f'"{c.name}" {c.kind}' for c in load.postgres_columns(table("mart.quotes")))
        connection.execute(f"DROP TABLE IF EXISTS marts_next.quotes; CREATE TABLE marts_next.quotes ({columns})")
        for symbol in symbols:
            connection.execute(
                "INSERT INTO marts_next.quotes (symbol, tick, session, price) VALUES (%s, %s, %s, %s)",
                (symbol, tick, tick.date(), price),
            )
    return where


def whole_quotes(dsn: str, days: tuple[int, ...]) -> None:
    """The mart of quotes with one company on each day, built and swapped whole."""
    build_slice(dsn, instant(14, days[0]), ["AAA"], 1.0)
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE UNIQUE INDEX ON marts_next.quotes (symbol, tick)")
        for day in days[1:]:
            connection.execute(
                "INSERT INTO marts_next.quotes (symbol, tick, session, price) VALUES ('AAA', %s, %s, 1.0)",
                (instant(14, day), instant(14, day).date()),
            )
    swap(dsn, ["quotes"], definition="one")


def test_a_slice_takes_the_place_of_its_rows_and_of_no_others(dsn: str, postgres: Server) -> None:
    whole_quotes(dsn, (19, 20))
    for _ in range(2):
        where = build_slice(dsn, instant(14), ["AAA", "BBB"], 2.0)
        assert swap(dsn, ["quotes"], slices={"quotes": [where]}) == ("quotes",)
    found = rows(postgres.reader_dsn, "SELECT session, symbol, price FROM marts.quotes ORDER BY 1, 2")
    assert found == [(date(2026, 11, 19), "AAA", 1.0), (SESSION, "AAA", 2.0), (SESSION, "BBB", 2.0)]
    assert rows(dsn, "SELECT to_regclass('marts_next.quotes')") == [(None,)]
    assert load.built_by(dsn)["quotes"] == "one"


def test_a_slice_that_has_another_s_key_is_an_error_and_changes_nothing(dsn: str) -> None:
    whole_quotes(dsn, (19, 20))
    build_slice(dsn, instant(14, 19), ["AAA"], 2.0)
    with pytest.raises(SwapError, match=r"marts\.quotes: a row of another slice has the key: .*AAA"):
        swap(dsn, ["quotes"], slices={"quotes": [Slice({"session": SESSION}).postgres]})
    assert rows(dsn, "SELECT count(*), max(price) FROM marts.quotes") == [(2, 1.0)]


def test_the_note_names_the_slices_and_a_swap_clears_only_its_own(dsn: str) -> None:
    whole_quotes(dsn, (19, 20))
    swap_all_pending(dsn)
    for day in (19, 20):
        load.load_slice(dsn, QUOTES, quotes(instant(14, day), ["AAA"]), Slice({"session": date(2026, 11, day)}))
    waiting = ("session = DATE '2026-11-19'", "session = DATE '2026-11-20'")
    assert load.pending_slices(dsn) == {"companies": ("TRUE",), "quotes": waiting}
    where = build_slice(dsn, instant(14), ["AAA"], 2.0)
    swap(dsn, ["quotes"], slices={"quotes": [where]})
    assert load.pending_slices(dsn) == {"companies": ("TRUE",), "quotes": waiting[:1]}
    load.drop_slice(dsn, QUOTES, waiting[0])
    assert rows(dsn, "SELECT session FROM staging.quotes") == [(SESSION,)]
    assert load.pending_slices(dsn)["quotes"] == waiting[:1]


def test_notes_of_whole_marts_are_taken_over(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE staging._pending; CREATE TABLE staging._pending (mart text PRIMARY KEY)")
        connection.execute("INSERT INTO staging._pending VALUES ('quotes')")
    assert load.pending_slices(dsn) == {"quotes": ("TRUE",)}


def test_readers_never_see_half_of_a_sliced_swap(dsn: str, postgres: Server) -> None:
    whole_quotes(dsn, (19, 20))
    with psycopg.connect(dsn) as connection:
        build_next(connection, 2, ("loads",))
    swap(dsn, ["loads"])
    done, swaps = threading.Event(), 20
    seen: list[list[tuple[int, int]]] = [[], []]
    orders = (("quotes", "loads"), ("loads", "quotes"))
    readers = [
        threading.Thread(target=read_until, args=(done, postgres.reader_dsn, order, found))
        for order, found in zip(orders, seen, strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(2, swaps + 2):
            where = build_slice(dsn, instant(14), [f"S{n}" for n in range(number)], 2.0)
            with psycopg.connect(dsn) as connection:
                build_next(connection, number + 1, ("loads",))
            swap(dsn, ["quotes", "loads"], slices={"quotes": [where]})
    finally:
        done.set()
        for reader in readers:
            reader.join(30)
    for found in seen:
        assert found[-1] == (-1, -1), "a reader ended with an error"
        assert all(first == second for first, second in found)
        assert len({first for first, _ in found[:-1]}) > swaps // 10


_SWAPPER = """
import sys
import psycopg
from lake.swap import swap
dsn, number = sys.argv[1], 0
while True:
    number += 1
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE IF EXISTS marts_next.quotes, marts_next.loads")
        connection.execute("CREATE TABLE marts_next.quotes AS SELECT * FROM marts.quotes WHERE false")
        connection.execute("CREATE TABLE marts_next.loads AS SELECT * FROM marts.loads WHERE false")
        connection.execute(
            "INSERT INTO marts_next.quotes (symbol, tick, session, price) "
            "SELECT 'S' || g, '2026-11-20 14:00Z', '2026-11-20', %s FROM generate_series(1, 3000) g", (number,))
        connection.execute("INSERT INTO marts_next.loads (table_name, rows) VALUES ('x', %s)", (number,))
    swap(dsn, ["quotes", "loads"], slices={"quotes": ["session = DATE '2026-11-20'"]})
    print(number, flush=True)
"""


def test_a_swap_that_is_killed_leaves_all_marts_of_one_load(dsn: str) -> None:
    whole_quotes(dsn, (19, 20))
    with psycopg.connect(dsn) as connection:
        build_next(connection, 1, ("loads",))
    swap(dsn, ["loads"])
    for cut in (0.0, 0.03, 0.08):
        swapper = subprocess.Popen([sys.executable, "-c", _SWAPPER, dsn], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert swapper.stdout is not None
        done = int(swapper.stdout.readline())
        time.sleep(cut)
        swapper.kill()
        swapper.wait(10)
        swapper.stdout.close()
        new = "SELECT count(*), min(price), max(price) FROM marts.quotes WHERE session = '2026-11-20'"
        ((count, least, most),) = rows(dsn, new)
        assert count == 3000
        assert least == most
        assert isinstance(least, float)
        assert least >= done
        assert rows(dsn, "SELECT rows FROM marts.loads") == [(least,)]
        assert rows(dsn, "SELECT count(*) FROM marts.quotes") == [(3001,)]
