"""SEC's index of a quarter's filings: the sandbox's, from the wire to the forms of what its logs are about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from scrapers.errors import Reason
from scrapers.pages.filing_index import parse_filing_index
from scrapers.sandbox.app import build_app
from scrapers.sandbox.edgar_log import filings
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world.visits import visits, year_filed

AGENT = "Tidemark Tests tests@example.com"
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    sandbox = Sandbox(
        seed=7,
        per_sector=20,
        edgar_rows=2_000,
        posts_per_day=100,
        tags=("nifty50",),
        clock=Clock(start=datetime(2026, 11, 21, 12, tzinfo=UTC), frozen=True),
        files=tmp_path_factory.mktemp("logs"),
    )
    with TestClient(build_app(sandbox), headers={"user-agent": AGENT}) as made:
        yield made


def index(client: TestClient, quarter: int, year: int = 2026) -> bytes:
    answer = client.get(f"/sec/Archives/edgar/full-index/{year}/QTR{quarter}/master.idx")
    assert answer.status_code == 200
    return answer.content


def test_the_quarters_list_every_filing_of_the_year_that_the_logs_are_about(client: TestClient) -> None:
    read = [parse_filing_index(index(client, quarter), f"2026Q{quarter}", 200) for quarter in (1, 2, 3, 4)]
    assert [one.refused for one in read] == [None] * 4
    assert sum(len(one.refusals) for one in read) == 0
    listed = pl.concat([one.rows for one in read])
    assert listed.select("accession", "cik").is_unique().all()
    # One of several filers is of one form.
    assert listed.select("accession", "form").n_unique() == listed["accession"].n_unique() < listed.height
    for quarter, one in enumerate(read, start=1):
        assert one.rows["filed_on"].dt.quarter().unique().to_list() == [quarter]
    assert listed["filed_on"].max() == DAY
    (piece,) = visits(7, 20, DAY, 2_000)
    asked = filings(7, piece.cik, piece.document, year_filed(DAY.year, piece.document))
    of_year = asked.filter(pl.col("filed") == 2026)["accession"].unique()
    known = of_year.is_in(listed["accession"].to_list()).mean()
    # All but those that the rest of the year is to bring.
    assert isinstance(known, float)
    assert 0.8 < known < 0.97
    assert listed["form"].n_unique() == 10
    apple = listed.filter(pl.col("cik") == 320193)
    assert apple["company"].unique().to_list() == ["APPLE INC"]


def test_an_index_of_a_quarter_to_come_is_not_there(client: TestClient) -> None:
    assert client.get("/sec/Archives/edgar/full-index/2027/QTR1/master.idx").status_code == 404
    assert client.get("/sec/Archives/edgar/full-index/2026/QTR5/master.idx").status_code == 404
    assert (
        client.get("/sec/Archives/edgar/full-index/2026/QTR4/master.idx", headers={"user-agent": "x"}).status_code
        == 403
    )


def test_what_is_no_whole_index_is_refused_by_name(client: TestClient) -> None:
    body = index(client, 4)
    refused = {
        "half": parse_filing_index(body[: len(body) // 2], "2026Q4", 200).refused,
        "page": parse_filing_index(b"<html><body>Something else</body></html>", "2026Q4", 200).refused,
        "empty": parse_filing_index(b"", "2026Q4", 200).refused,
        "gone": parse_filing_index(body, "2026Q4", 404).refused,
        "json": parse_filing_index(b"{}", "2026Q4", 200).refused,
    }
    assert refused == {
        "half": Reason.UNEXPECTED_SHAPE,
        "page": Reason.HTML_INSTEAD_OF_JSON,
        "empty": Reason.EMPTY_BODY,
        "gone": Reason.NOT_FOUND,
        "json": Reason.UNEXPECTED_SHAPE,
    }
