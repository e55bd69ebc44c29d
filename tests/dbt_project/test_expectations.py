"""The staging schema is judged by the contracts, and what is wrong is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from dbt_project import data_docs
from dbt_project.expectations import Expectation, check_staging, expectations
from lake.contracts import table
from tests.dbt_project import staged

if TYPE_CHECKING:
    from tests.conftest import Server


@pytest.fixture
def dsn(postgres: Server) -> str:
    staged.fill(postgres.owner_dsn)
    return postgres.owner_dsn


def test_they_follow_from_the_contract() -> None:
    found = expectations(table("gold.quotes"), rows=7)
    assert Expectation("ExpectTableRowCountToEqual", {"value": 7}) in found
    assert Expectation("ExpectColumnValuesToNotBeNull", {"column": "price"}) in found
    assert Expectation("ExpectColumnValuesToNotBeNull", {"column": "bid"}) not in found
    price = {"column": "price", "min_value": 0, "max_value": None, "strict_min": True, "strict_max": False}
    assert Expectation("ExpectColumnValuesToBeBetween", price) in found
    basis = {"column": "basis", "value_set": ["raw", "split_adjusted", "fully_adjusted"]}
    assert Expectation("ExpectColumnValuesToBeInSet", basis) in expectations(table("gold.bars_daily"))


def test_what_was_loaded_holds(dsn: str) -> None:
    report = check_staging(dsn, rows={"gold.quotes": 4, "gold.companies": 5})
    assert report.failures == ()
    assert report.success
    assert report.expectations > 150


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("INSERT INTO staging.quotes SELECT * FROM staging.quotes LIMIT 1", "no two rows with the same symbol, tick"),
        ("UPDATE staging.quotes SET price = 0 WHERE symbol = 'ZZZ'", "1 of 4 rows, such as [0.0]"),
        ("UPDATE staging.quotes SET symbol = 'not a ticker' WHERE symbol = 'ZZZ'", "such as ['not a ticker']"),
        ("DELETE FROM staging.quotes WHERE symbol = 'ZZZ'", "value=4: found 3"),
    ],
)
def test_damage_is_named_with_its_table(dsn: str, damage: str, words: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(damage)
    report = check_staging(dsn, [table("gold.quotes")], {"gold.quotes": 4})
    assert not report.success
    assert any(line.startswith("staging.quotes: ") and words in line for line in report.failures), report.failures


def test_a_table_that_is_not_there_is_a_failure(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE staging.coverage CASCADE")
    assert check_staging(dsn, [table("gold.coverage")]).failures == ("staging.coverage: the table is not there",)


def test_the_heavy_libraries_are_not_imported_with_the_module() -> None:
    names = "dbt_project.expectations, dbt_project.runner, dbt_project.generate"
    heavy = "{'great_expectations', 'dbt', 'pandas', 'pyspark', 'mlflow', 'sklearn'}"
    code = f"import sys, {names}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_data_docs_show_the_newest_verdict_and_load_nothing_from_elsewhere(dsn: str, tmp_path: Path) -> None:
    quotes, sectors = table("gold.quotes"), table("gold.sectors")
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE staging.quotes SET symbol = '<img src=x onerror=alert(1)>' WHERE symbol = 'ZZZ'")
    assert not check_staging(dsn, [quotes, sectors], docs=tmp_path).success
    pages = {path: path.read_text() for path in data_docs.site(tmp_path).rglob("*.html")}
    assert any("onerror" in text for text in pages.values()), "the value that failed is shown"
    for path, text in pages.items():
        assert "<img src=x" not in text, path
        assert "<script" not in text.lower(), path
        assert not re.search(r"<link\b[^>]*href=.https?://", text), path
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE staging.quotes SET symbol = 'ZZZ' WHERE symbol LIKE '<img%'")
    assert check_staging(dsn, [quotes], docs=tmp_path).success
    verdicts = [path.parts for path in data_docs.site(tmp_path).rglob("validations/**/*.html")]
    assert sorted(next(part for part in parts if part in ("quotes", "sectors")) for parts in verdicts) == [
        "quotes",
        "sectors",
    ]
    assert not any("onerror" in path.read_text() for path in data_docs.site(tmp_path).rglob("*.html"))
    secret = dsn.partition("://")[2].partition("@")[0].partition(":")[2]
    assert secret
    assert not any(secret in path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".html", ".json"))
