"""Gold's counts of a real day beside DuckDB's, by more than one definition of a visit, and anew from silver."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from lake import delta
from lake.contracts import table
from lake.contracts.base import Table
from lake.home import Home
from spark_jobs.edgar import run_day, run_days
from spark_jobs.edgar_gold import DAYS, DOCUMENTS, GOLD, MINUTES, TOTALS, USUAL, VISITS, VisitDefinition
from spark_jobs.edgar_recount import counted_otherwise, loaded_days, recount_days
from tests.spark_jobs.test_edgar_job import damaged_logs, day_of, facts

NewHome = Callable[[str], Home]
Counted = dict[VisitDefinition, dict[str, list[tuple[Any, ...]]]]

REQUESTS_TABLE = table("silver.edgar_requests")

DEFINITIONS = (USUAL, VisitDefinition(count_repeats=False), VisitDefinition(documents_a_minute=3))
FACTS = {
    VISITS.id: ("second_of_day", "cik", "visits_all", "visits_human"),
    TOTALS.id: ("second_of_day", "visits_all", "visits_human"),
    DOCUMENTS.id: ("cik", "accession", "visits_all", "visits_human", "visitors"),
    MINUTES.id: ("minute_of_day", "visitors", "visitors_human"),
    DAYS.id: ("visits_all", "visits_human", "companies", "visitors", "visitors_human"),
}

# Six lines of this log have numbers like 1.13e+24 for a company, one has 0: they name none.
REQUESTS = """
    CREATE TABLE requests AS
    WITH read AS (
        SELECT {kind} CAST(epoch(CAST("time" AS INTERVAL)) AS INTEGER) AS s, CAST(TRY_CAST(cik AS DOUBLE) AS BIGINT) AS cik,
               accession, nullif(ip, '') AS ip, idx::DOUBLE = 1 AS is_index,
               code::DOUBLE = 200 AND crawler::DOUBLE = 0 AND idx::DOUBLE = 0 AS by_itself, extention, size, norefer, find, browser
        FROM read_csv('{path}', all_varchar = true, header = true) WHERE TRY_CAST(cik AS DOUBLE) BETWEEN 1 AND 1e12
    )
    SELECT *, s // 60 AS m,
           by_itself AND count(*) FILTER (WHERE NOT is_index) OVER (PARTITION BY ip, s // 60) <= {documents} AS human
    FROM read
"""
COUNTS = {
    VISITS.id: "SELECT s, cik, count(*), count(*) FILTER (WHERE human) FROM requests GROUP BY ALL",
    TOTALS.id: "SELECT s, count(*), count(*) FILTER (WHERE human) FROM requests GROUP BY ALL",
    DOCUMENTS.id: "SELECT cik, accession, count(*), count(*) FILTER (WHERE human), count(DISTINCT ip) FROM requests "
    "WHERE accession <> '' GROUP BY ALL",
    MINUTES.id: "SELECT m, count(DISTINCT ip), count(DISTINCT ip) FILTER (WHERE human) FROM requests GROUP BY ALL",
    DAYS.id: "SELECT count(*), count(*) FILTER (WHERE human), count(DISTINCT cik), count(DISTINCT ip), "
    "count(DISTINCT ip) FILTER (WHERE human) FROM requests",
}


@pytest.fixture(scope="module")
def real_log(shared: Path) -> Path:
    """A part of the log of 2017-01-01, as SEC packed it."""
    return shared / "data" / "edgar_logs" / "log20170101_subset_cs320.zip"


def counted_by_duckdb(packed: Path, folder: Path, definition: VisitDefinition) -> dict[str, list[tuple[Any, ...]]]:
    """Each table's rows, as a user of DuckDB would count them: numbers read as floats, equal lines made one by DISTINCT."""
    with zipfile.ZipFile(packed) as archive:
        plain = archive.extract("jan1.csv", folder)
    kind = "" if definition.count_repeats else "DISTINCT"
    with duckdb.connect() as connection:
        connection.execute(REQUESTS.format(kind=kind, path=plain, documents=definition.documents_a_minute))
        return {name: sorted(connection.execute(count).fetchall()) for name, count in COUNTS.items()}


@pytest.fixture(scope="module")
def by_duckdb(real_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """The real day's counts by each definition."""
    folder = tmp_path_factory.mktemp("duckdb")
    return {definition: counted_by_duckdb(real_log, folder, definition) for definition in DEFINITIONS}


def ours(home: Home, known: Table) -> list[tuple[object, ...]]:
    return sorted(facts(home, known.id).select(FACTS[known.id]).rows())


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["usual", "repeats_once", "three_documents"])
def test_a_real_day_is_counted_as_duckdb_counts_it(
    sail: SparkSession,
    real_log: Path,
    new_home: NewHome,
    by_duckdb: Counted,
    definition: VisitDefinition,
) -> None:
    home = new_home("real")
    report = run_day(sail, home, day_of(real_log), "run", definition)
    counted = by_duckdb[definition]
    assert len(counted[VISITS.id]) > 170_000
    assert len(counted[DOCUMENTS.id]) > 100_000
    for known in GOLD:
        assert ours(home, known) == counted[known.id], known.id
        assert report.counted[known.id] == len(counted[known.id])
        known.schema.validate(delta.read(home, known))


def test_the_definitions_differ_on_the_real_day(
    by_duckdb: Counted,
) -> None:
    usual, once, three = (by_duckdb[definition][DAYS.id][0] for definition in DEFINITIONS)
    assert once[0] < usual[0]
    assert three[0] == usual[0]
    assert three[1] < usual[1]


def test_a_changed_definition_counts_silver_anew(
    sail: SparkSession, real_log: Path, new_home: NewHome, tmp_path: Path
) -> None:
    logs = [day_of(real_log), *damaged_logs(tmp_path / "logs")]
    home, wanted = new_home("changed"), new_home("wanted")
    run_days(sail, home, logs, "first")
    definition = VisitDefinition(count_repeats=False, documents_a_minute=3)
    run_days(sail, wanted, logs, "first", definition)
    assert counted_otherwise(home, USUAL) == []
    assert counted_otherwise(home, definition) == loaded_days(home)
    silver = delta.version(home, REQUESTS_TABLE)
    rows = recount_days(sail, home, counted_otherwise(home, definition), "second", definition)
    assert delta.version(home, REQUESTS_TABLE) == silver
    assert counted_otherwise(home, definition) == []
    for known in GOLD:
        assert facts(home, known.id).equals(facts(wanted, known.id)), known.id
        kept = delta.read(home, known)
        assert rows[known.id] == kept.height
        assert kept["_run_id"].unique().to_list() == ["second"]
        told = delta.read(wanted, known).sort(known.key).select("observed_at", "_payload_sha256")
        assert kept.sort(known.key).select("observed_at", "_payload_sha256").equals(told)
    assert list((home.landing / "edgar").iterdir()) == []
