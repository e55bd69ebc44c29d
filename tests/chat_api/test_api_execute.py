"""Guarded SQL run as the read-only role: bounds, errors in plain words, and what the role alone refuses."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from chat_api.execute import Database, DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.guard import GuardedSql, check, marts_catalog
from tests.chat_api.attack_corpus import benign
from tests.chat_api.conftest import SmallHome

CATALOG = marts_catalog()


@pytest.fixture
def database(small_home: SmallHome) -> Iterator[Database]:
    database = Database(small_home.reader_dsn, seconds=5)
    database.open()
    yield database
    database.close()


def test_rows_are_cut_and_said_to_be(database: Database) -> None:
    result = database.run(check("SELECT symbol FROM companies ORDER BY symbol", CATALOG, limit=5))
    assert len(result.rows) == 5
    assert result.truncated
    assert result.columns == ("symbol",)
    whole = database.run(check("SELECT DISTINCT tag FROM signals_hourly", CATALOG, limit=4))
    assert len(whole.rows) == 4
    assert not whole.truncated


def test_all_benign_queries_run_and_mean_the_same(database: Database, small_home: SmallHome, shared: object) -> None:
    from pathlib import Path

    assert isinstance(shared, Path)
    for query in benign(shared):
        guarded = check(query, CATALOG, limit=5000)
        with psycopg.connect(small_home.owner_dsn, options="-c search_path=marts") as raw:
            expected = raw.execute(query.encode()).fetchmany(5000)
        result = database.run(guarded)
        assert sorted(map(repr, result.rows)) == sorted(map(repr, expected)), query


def test_a_slow_query_is_cancelled_from_the_application_and_the_pool_lives_on(small_home: SmallHome) -> None:
    # The server's own limit lies a second later and has not passed when the application cancels.
    database = Database(small_home.reader_dsn, seconds=0.3, size=1)
    database.open()
    try:
        slow = "SELECT count(*) FROM generate_series(1, 1000000000)"
        with pytest.raises(TooSlow, match="took longer"):
            database.fetch(slow)
        assert database.fetch("SELECT 7") == [(7,)]
    finally:
        database.close()


def test_the_server_s_own_limit_stands_behind_it(small_home: SmallHome) -> None:
    with (
        psycopg.connect(small_home.reader_dsn, options="-c statement_timeout=100") as connection,
        pytest.raises(errors.QueryCanceled),
    ):
        connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)")


def test_a_query_that_cannot_run_says_what_postgresql_said(database: Database) -> None:
    with pytest.raises(QueryFailed, match="division by zero"):
        database.run(check("SELECT 1 / (rows - rows) FROM loads", CATALOG))


def test_no_marts_is_said_with_what_to_do(database: Database) -> None:
    with pytest.raises(NotLoaded, match="make run"):
        database.run(GuardedSql('SELECT 1 FROM "marts"."nothing_here"', ("nothing_here",), 10))


def test_a_server_that_is_down_is_said_with_what_to_do(small_home: SmallHome) -> None:
    database = Database("postgresql://tidemark_reader:x@127.0.0.1:1/tidemark", patience=0.5)
    database.open()
    try:
        with pytest.raises(DatabaseDown, match="tidemark up"):
            database.fetch("SELECT 1")
    finally:
        database.close()


ROLE_REFUSES = {
    "delete": "DELETE FROM marts.companies",
    "insert": "INSERT INTO marts.loads (table_name) VALUES ('x')",
    "update": "UPDATE marts.quotes SET price = 0",
    "truncate": "TRUNCATE marts.quotes",
    "drop": "DROP TABLE marts.quotes",
    "create in marts": "CREATE TABLE marts.pwn (a int)",
    "create in public": "CREATE TABLE public.pwn (a int)",
    "create schema": "CREATE SCHEMA pwn",
    "create function": "CREATE FUNCTION marts.f() RETURNS int LANGUAGE sql AS 'select 1'",
    "create extension": "CREATE EXTENSION dblink",
    "temporary table": "CREATE TEMP TABLE t (a int)",
    "select into temporary": "SELECT 1 AS a INTO TEMP t",
    "set role": "SET ROLE tidemark",
    "set session authorization": "SET SESSION AUTHORIZATION tidemark",
    "alter role": "ALTER ROLE tidemark_reader SUPERUSER",
    "staging": "SELECT * FROM staging.secret",
    "next marts": "SELECT * FROM marts_next.secret",
    "catalog of passwords": "SELECT * FROM pg_authid",
    "shadow": "SELECT * FROM pg_shadow",
    "set_config": "SELECT set_config('statement_timeout', '0', false)",
    "notify": "SELECT pg_notify('a', 'b')",
    "advisory lock": "SELECT pg_advisory_lock(1)",
    "try advisory lock": "SELECT pg_try_advisory_xact_lock(1)",
    "lo_from_bytea": "SELECT lo_from_bytea(0, 'a')",
    "lo_creat": "SELECT lo_creat(-1)",
    "lo_create": "SELECT lo_create(0)",
    "lo_import": "SELECT lo_import('/etc/passwd')",
    "lo_export": "SELECT lo_export(1, '/tmp/x')",
    "read file": "SELECT pg_read_file('/etc/passwd')",
    "read binary file": "SELECT pg_read_binary_file('PG_VERSION')",
    "list folder": "SELECT pg_ls_dir('.')",
    "stat file": "SELECT pg_stat_file('PG_VERSION')",
    "log folder": "SELECT * FROM pg_ls_logdir()",
    "copy to file": "COPY marts.loads TO '/tmp/x.csv'",
    "copy from program": "COPY marts.loads FROM PROGRAM 'true'",
    "copy to program": "COPY marts.loads TO PROGRAM 'cat'",
    "terminate": "SELECT pg_terminate_backend(1)",
    "cancel": "SELECT pg_cancel_backend(1)",
    "reload": "SELECT pg_reload_conf()",
    "sleep": "SELECT pg_sleep(1)",
    "query_to_xml": "SELECT query_to_xml('select 1', true, false, '')",
    "table_to_xml": "SELECT table_to_xml('marts.loads'::regclass, true, false, '')",
    "database_to_xml": "SELECT database_to_xml(true, false, '')",
    "cursor_to_xml": "SELECT cursor_to_xml('c', 1, true, false, '')",
    "ts_stat": "SELECT ts_stat('select to_tsvector(rolname) from pg_roles')",
    "logical message": "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "statistics reset": "SELECT pg_stat_reset()",
    "function text": "SELECT pg_get_functiondef('pg_sleep'::regproc)",
    "import collations": "SELECT pg_import_system_collations('pg_catalog')",
    "checkpoint": "CHECKPOINT",
    "load": "LOAD 'plpgsql'",
    "load from anywhere": "LOAD '/tmp/evil.so'",
    "comment": "COMMENT ON TABLE marts.loads IS 'x'",
    "lock table": "BEGIN; LOCK TABLE marts.loads IN ACCESS EXCLUSIVE MODE",
    "do block": "DO $$ BEGIN PERFORM 1; END $$",
    "other database": "CREATE DATABASE x",
    "snapshot": "SELECT pg_export_snapshot()",
}


@pytest.mark.parametrize("what", ROLE_REFUSES)
def test_the_role_alone_refuses(small_home: SmallHome, what: str) -> None:
    """Without the guard, and with the read-only default switched off by the role itself."""
    with psycopg.connect(small_home.owner_dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS staging.secret (token text)")
        owner.execute("CREATE TABLE IF NOT EXISTS marts_next.secret (token text)")
    with psycopg.connect(small_home.reader_dsn, autocommit=True) as reader:
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
            reader.execute(ROLE_REFUSES[what].encode())


def test_the_role_reaches_no_other_database(small_home: SmallHome) -> None:
    for other in ("postgres", "dagster", "mlflow", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(small_home.reader_dsn.rsplit("/", 1)[0] + f"/{other}").close()


def test_the_role_owns_nothing_and_reads_the_marts(small_home: SmallHome) -> None:
    with psycopg.connect(small_home.owner_dsn) as owner:
        owned = owner.execute("SELECT count(*) FROM pg_class WHERE relowner = 'tidemark_reader'::regrole").fetchone()
    assert owned == (0,)
    with psycopg.connect(small_home.reader_dsn) as reader:
        assert reader.execute("SHOW transaction_read_only").fetchone() == ("on",)
        assert (reader.execute("SELECT count(*) FROM quotes").fetchone() or (0,))[0] > 0
