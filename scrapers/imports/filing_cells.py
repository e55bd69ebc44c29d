"""EDGAR's own words on filings as cells: a filing's index page, and the index of a quarter's filings (master.idx)."""

from __future__ import annotations

import re

import polars as pl
from parsel import Selector, SelectorList

from scrapers.imports.cells import TEXT, Cells, Part

FORM = "filings"
_NAMES = ("accession", "cik", "form", "company", "filedon", "acceptedat")
_PAGE = b"EDGAR Filing Documents for "
_HEAD = b"CIK|Company Name|Form Type|Date Filed|File"
_LOOKED_AT = 4_096
_ACCESSION = re.compile(r"\d{10}-\d\d-\d{6}")
_CIK = re.compile(r"CIK=(\d{1,10})")


def cells_of(part: Part) -> Cells | None:
    """A part's filings as cells; None where it speaks of none."""
    start = part.data[:_LOOKED_AT]
    if _PAGE in start:
        return _from_page(part)
    if _HEAD in start:
        return _from_index(part)
    return None


def _from_page(part: Part) -> Cells:
    page = Selector(part.data.decode("utf-8", "replace"))
    number = _ACCESSION.search(page.css("title::text").get(""))
    heads, told = page.css(".infoHead"), page.css(".infoHead + .info")
    facts = {_plain(head): _plain(info) for head, info in zip(heads, told, strict=False)}
    filer = page.css(".companyName")
    cik = _CIK.search(" ".join(filer[:1].css("a::attr(href)").getall()))
    row = {
        "accession": number.group() if number else "",
        "cik": cik.group(1) if cik else "",
        "form": _plain(page.css("#formName strong")).removeprefix("Form").strip(),
        "company": filer[:1].xpath("normalize-space(text()[1])").get("").removesuffix("(").strip(),
        "filedon": facts.get("Filing Date", ""),
        "acceptedat": facts.get("Accepted", ""),
    }
    frame = pl.DataFrame({**{name: [row[name]] for name in _NAMES}, TEXT: [" | ".join(row.values())]})
    return Cells(_NAMES, _NAMES, frame, form=FORM)


def _plain(element: Selector | SelectorList[Selector]) -> str:
    return element.xpath("normalize-space(.)").get("")


def _from_index(part: Part) -> Cells:
    # Company names are in Latin-1.
    _, _, body = part.data.decode("latin-1").partition(_HEAD.decode())
    lines = pl.Series(TEXT, body.split("\n")[1:], dtype=pl.String).str.strip_chars_end("\r").to_frame()
    fields = pl.col(TEXT).str.split("|")
    rows = lines.filter(~pl.col(TEXT).str.contains(r"^[-\s]*$")).with_columns(fields.alias("fields"))
    fitting = pl.col("fields").list.len() == 5
    cells = rows.filter(fitting).select(
        pl.col("fields").list.get(4).str.extract(r"(\d{10}-\d\d-\d{6})\.txt$", 1).fill_null("").alias("accession"),
        *(
            pl.col("fields").list.get(at).alias(name)
            for at, name in ((0, "cik"), (2, "form"), (1, "company"), (3, "filedon"))
        ),
        pl.lit("").alias("acceptedat"),
        TEXT,
    )
    return Cells(_NAMES, _NAMES, cells, rows.filter(~fitting)[TEXT].to_list(), form=FORM)
