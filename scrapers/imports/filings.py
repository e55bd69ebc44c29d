"""Filings as rows, from the cells of EDGAR's pages and indices."""

from __future__ import annotations

import polars as pl

from scrapers.imports import values
from scrapers.imports.cells import TEXT, Cells
from scrapers.imports.recognise import Sheet

REASON = "_reason"


def filed(sheet: Sheet, origin: str) -> pl.DataFrame:
    """Columns of silver.filings less provenance, with `_text` and `_reason`."""
    return typed(sheet.cells).with_columns(pl.lit(origin).alias("origin"))


def typed(cells: Cells) -> pl.DataFrame:
    """Filings with `_text` and `_reason`: why one is refused, null where it is not. Times are New York's."""
    accepted = values.raw("acceptedat").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    in_new_york = accepted.dt.replace_time_zone("America/New_York", ambiguous="earliest", non_existent="null")
    day = pl.coalesce([values.raw("filedon").str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%Y%m%d")])
    return (
        values.apart(cells.frame)
        .with_columns(
            values.text("accession").alias("accession"),
            values.text("form").alias("form"),
            values.text("company").alias("company"),
            day.alias("filed_on"),
            in_new_york.dt.convert_time_zone("UTC").alias("accepted_at"),
            values.count("cik").alias("cik"),
        )
        .select(
            *("accession", "form", "company", "filed_on", "accepted_at", "cik", TEXT),
            pl.coalesce(
                values.wrong("accession", "accession", "accession"),
                values.wrong("form", "form", "form"),
                values.wrong("cik", "cik", "cik"),
                pl.when(pl.col("filed_on").is_null() & values.text("filedon").is_not_null()).then(
                    pl.lit("filed_on_is_not_a_day")
                ),
            ).alias(REASON),
        )
    )
