"""The guard's rules one by one, without the corpus."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from chat_api.guard import Refused, check, marts_catalog
from chat_api.guard.allowed import FUNCTIONS, NODES
from lake.contracts import table

CATALOG = marts_catalog()


def refused(sql: str) -> str:
    with pytest.raises(Refused) as caught:
        check(sql, CATALOG)
    return str(caught.value)


def test_the_catalog_is_the_contracts() -> None:
    assert tuple(CATALOG.tables["quotes"]) == table("mart.quotes").columns
    assert CATALOG.tables["quotes"]["tick"] == "timestamptz"
    assert CATALOG.tables["bars_daily"]["session"] == "date"


def test_text_comes_from_the_tree_with_schema_and_limit() -> None:
    guarded = check("select symbol -- the ticker\nfrom quotes where price > 10;", CATALOG, limit=20)
    assert guarded.sql == 'SELECT "symbol" FROM "marts"."quotes" WHERE "price" > 10 LIMIT 21'
    assert guarded.tables == ("quotes",)


def test_a_star_becomes_the_contract_s_columns() -> None:
    guarded = check("SELECT * FROM sectors", CATALOG)
    names = [column.alias for column in sqlglot.parse_one(guarded.sql, read="postgres").expressions]
    assert tuple(names) == table("mart.sectors").columns


def test_a_smaller_limit_is_kept_and_a_larger_one_cut() -> None:
    assert check("SELECT symbol FROM quotes LIMIT 3", CATALOG, 10).sql.endswith("LIMIT 3")
    assert check("SELECT symbol FROM quotes LIMIT 900 OFFSET 5", CATALOG, 10).sql.endswith("LIMIT 11 OFFSET 5")
    assert check("(SELECT symbol FROM quotes LIMIT ALL)", CATALOG, 10).sql.endswith("LIMIT 11")
    assert "whole number" in refused("SELECT symbol FROM quotes LIMIT (SELECT 3)")
    assert "whole number" in refused("SELECT symbol FROM quotes LIMIT 1e9")


@pytest.mark.parametrize(
    "join",
    [
        "quotes a, quotes b",
        "quotes a CROSS JOIN quotes b",
        "quotes a NATURAL JOIN quotes b",
        "quotes a JOIN quotes b ON true",
        "quotes a JOIN quotes b ON a.price > b.price",
        "quotes a JOIN quotes b ON a.symbol = 'X'",
        "quotes a JOIN quotes b ON b.symbol = b.name",
        "quotes a JOIN quotes b ON a.symbol = b.symbol OR true",
        "quotes a JOIN quotes b ON NOT a.symbol = b.symbol",
        "quotes a JOIN quotes b ON a.symbol = b.symbol JOIN sectors s ON a.symbol = b.symbol",
        "quotes a LEFT JOIN LATERAL (SELECT 1) b ON true",
    ],
)
def test_a_join_without_an_equality_of_both_sides_is_refused(join: str) -> None:
    assert refused(f"SELECT count(*) FROM {join}")


@pytest.mark.parametrize(
    "join",
    [
        "quotes a JOIN quotes b USING (symbol)",
        "quotes a JOIN bars_daily b ON a.symbol = b.symbol AND b.session < a.session",
        "quotes a LEFT JOIN bars_daily b ON (b.symbol = a.symbol) AND b.close > a.price * 1.1",
        "quotes a JOIN (SELECT symbol, max(close) AS top FROM bars_daily GROUP BY symbol) b ON a.symbol = b.symbol",
        "quotes a JOIN bars_daily b USING (symbol) JOIN companies c ON c.symbol = b.symbol",
    ],
)
def test_a_join_may_ask_more_beside_its_equality(join: str) -> None:
    assert check(f"SELECT count(*) FROM {join}", CATALOG).tables


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 2 ^ 3", "power"),
        ("SELECT price || 'a' FROM quotes", "among what may be used"),
        ("SELECT symbol FROM quotes WHERE symbol ~* 'a'", "among those"),
        ("SELECT symbol FROM quotes WHERE symbol SIMILAR TO 'a'", "among what"),
        ("SELECT symbol FROM quotes WHERE name LIKE symbol", "pattern"),
        ("SELECT symbol FROM quotes WHERE name LIKE '%a%b%c%d%e%f%g%'", "wildcards"),
        ("SELECT current_user", "among those"),
        ("SELECT user", "cannot be told"),
        ("SELECT q FROM quotes q", "whole row"),
        ("SELECT count(q.*) FROM quotes q", "whole row"),
        ("SELECT (q).price FROM quotes q", "DOT"),
        ("SELECT price::regclass FROM quotes", "among what"),
        ("SELECT symbol::char(1000000) FROM quotes", "type"),
        ("SELECT symbol FROM quotes FETCH FIRST 3 ROWS ONLY", "FETCH"),
        ("SELECT $1", "among what"),
        ("SELECT :x", "among what"),
        ("VALUES (1)", "only SELECT"),
        ("SELECT symbol FROM other.quotes", "schema"),
        ("SELECT symbol FROM tidemark.marts.quotes", "catalog"),
        ("WITH quotes AS (SELECT 1 AS symbol) SELECT symbol FROM quotes", "name of a mart"),
        ("WITH pg_roles AS (SELECT 1 AS a) SELECT a FROM pg_roles", "pg_"),
        ("WITH a AS (SELECT rolname FROM pg_roles), b AS (SELECT 1) SELECT rolname FROM a", "no mart"),
        ("SELECT nothing FROM quotes", "cannot be told"),
        ("SELECT symbol FROM quotes JOIN companies ON quotes.symbol = companies.symbol", "cannot be told"),
        ("SELECT 1" + "0" * 40, "number"),
        (f"SELECT '{'a' * 501}'", "longer than 500"),
        ("SELECT 1 AS a\x00", "control"),
        ("SELECT 1 AS a\u202e", "control"),
        ("", "exactly one"),
        ("-- nothing", "exactly one"),
        ("SELECT " + "NOT " * 3000 + "true", "nested"),
        ("SELECT " + "- " * 150 + "1", "nested"),
        ("SELECT 1" + " UNION SELECT 1" * 9, "set operations"),
        ("SELECT 1" + ", 1" * 3000, "words"),
        ("SELECT 1 -- " + "a" * 20_000, "longer than"),
        (
            "SELECT q0.symbol FROM quotes q0"
            + "".join(f" JOIN quotes q{n} ON q{n}.symbol = q0.symbol" for n in range(1, 14)),
            "joins",
        ),
        ("SELECT symbol FROM unnest(ARRAY['a']) AS symbol", "unnest"),
        ("SELECT date_trunc('fortnight', tick) FROM quotes", "word"),
    ],
)
def test_refusals_say_why(sql: str, reason: str) -> None:
    assert reason.lower() in refused(sql).lower()


def test_no_allowed_function_gives_a_table_or_grows_text() -> None:
    growing = {
        exp.Concat,
        exp.ConcatWs,
        exp.Pad,
        exp.Repeat,
        exp.Replace,
        exp.ArrayAgg,
        exp.GroupConcat,
        exp.Pow,
        exp.DPipe,
    }
    assert not growing & NODES
    assert not any(issubclass(function, exp.UDTF) for function in FUNCTIONS)
