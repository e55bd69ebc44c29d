"""Filings from EDGAR's index pages and from a quarter's index of all filings."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from scrapers.imports.read import FileRows, Source, read_file

SOURCE = Source("a" * 64, datetime(2026, 11, 20, tzinfo=UTC), "run")
PAGE = """<!DOCTYPE HTML><html><head><title>EDGAR Filing Documents for {accession}</title></head><body>
<div id="formName"><strong>Form {form}</strong> - Something: </div>
<div class="infoHead">Filing Date</div><div class="info">{day}</div>
<div class="infoHead">Accepted</div><div class="info">2017-07-03 16:30:05</div>
<span class="companyName">A &amp; B CO (<a href="/cgi-bin/own-disp?CIK={cik}&amp;action=getissuer">Issuer</a>)</span>
<span class="companyName">OTHER (<a href="/cgi-bin/own-disp?CIK=0000000009">Reporting</a>)</span></body></html>"""
INDEX = """Description:           Master Index of EDGAR Dissemination Feed
Last Data Received:    March 31, 2017

CIK|Company Name|Form Type|Date Filed|Filename
--------------------------------------------------------------------------------
1000015|META GROUP INC|10-K|2017-03-31|edgar/data/1000015/0001000015-17-000009.txt
1000020|CAF\u00c9 CO|SC 13G/A|2017-02-30|edgar/data/1000020/0001000015-17-000010.txt
1000021|TWO|4|2017-01-03|edgar/data/1000021/0001000021-17-000001.txt
1000022|TWO'S OWNER|4|2017-01-03|edgar/data/1000022/0001000021-17-000001.txt
1000023|SHORT|4
"""


def read(path: Path) -> FileRows:
    return read_file(path, SOURCE)


def test_the_pages_of_real_filings_say_their_forms(shared: Path) -> None:
    packed = shared / "data" / "edgar_logs" / "edgar_filing_docs_cs320.zip"
    rows = read(packed)
    with zipfile.ZipFile(packed) as archive:
        pages = {
            info.filename: archive.read(info).decode("latin-1") for info in archive.infolist() if not info.is_dir()
        }
    assert rows.account == (630, 609, 21, 0)
    # Some are there twice, as .htm and as .html.
    good = rows.settled["silver.filings"].good
    # The folders of the pages are named for their accessions.
    assert set(good["accession"]) == {name.split("/")[1] for name in pages}
    forms = dict(good.select("accession", "form").iter_rows())
    for name, text in pages.items():
        assert f"<strong>Form {forms[name.split('/')[1]]}</strong>" in text
    known = good.filter(accession="0001127602-16-071079").row(0, named=True)
    assert (known["form"], known["cik"], known["company"]) == ("4", 1_174_850, "NICOLET BANKSHARES INC")
    assert known["filed_on"] == date(2016, 12, 30)
    assert known["accepted_at"] == datetime(2016, 12, 30, 19, 6, 39, tzinfo=UTC)
    assert good["filed_on"].null_count() == 2


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, None),
        ({"accession": "none"}, "accession_is_missing"),
        ({"form": ""}, "form_is_missing"),
        ({"cik": "none"}, "cik_is_missing"),
        ({"day": "soon"}, "filed_on_is_not_a_day"),
    ],
)
def test_a_page_that_lacks_what_is_needed_is_refused_by_name(
    tmp_path: Path, facts: dict[str, str], reason: str | None
) -> None:
    known = {"accession": "0000000007-17-000001", "form": "10-K405", "day": "2017-07-03", "cik": "0000000007"}
    path = tmp_path / "-index.htm"
    path.write_text(PAGE.format(**{**known, **facts}))
    settled = read(path).settled["silver.filings"]
    if reason is None:
        told = settled.good.select("accession", "form", "company", "cik", "accepted_at").row(0)
        assert told == ("0000000007-17-000001", "10-K405", "A & B CO", 7, datetime(2017, 7, 3, 20, 30, 5, tzinfo=UTC))
    else:
        assert settled.good.is_empty()
        assert settled.quarantined["rules"].to_list() == [reason]


def test_an_index_of_a_quarter_has_a_row_for_each_filer(tmp_path: Path) -> None:
    path = tmp_path / "master.idx"
    path.write_bytes(INDEX.encode("latin-1"))
    rows = read(path)
    assert rows.account == (5, 3, 0, 2)
    settled = rows.settled["silver.filings"]
    assert settled.good.sort("cik").select("cik", "form", "company", "accession").rows() == [
        (1_000_015, "10-K", "META GROUP INC", "0001000015-17-000009"),
        (1_000_021, "4", "TWO", "0001000021-17-000001"),
        (1_000_022, "4", "TWO'S OWNER", "0001000021-17-000001"),
    ]
    refused = settled.quarantined.sort("rules")
    assert refused["rules"].to_list() == ["filed_on_is_not_a_day", "wrong_number_of_fields"]
    assert refused.filter(pl.col("row").str.contains("CAF\u00c9 CO")).height == 1
