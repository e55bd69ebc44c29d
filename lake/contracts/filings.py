"""Filings by their accession number: of which form they are, which EDGAR's logs do not say."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SHA256, Provenance, Table, utc

ACCESSION = r"^\d{10}-\d{2}-\d{6}$"


class FilingFields(Provenance):
    """A filing: its form and when it was filed."""

    accession = dy.String(primary_key=True, regex=ACCESSION, metadata={"meaning": "accession number, with hyphens"})
    form = dy.String(nullable=False, metadata={"meaning": "SEC's form, as 10-K, 8-K/A, 4"})
    company = dy.String(nullable=True, metadata={"meaning": "name of the first filer at the time"})
    filed_on = dy.Date(nullable=True, metadata={"meaning": "filing date, New York"})
    accepted_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "when EDGAR accepted it"})


class FilingSilver(FilingFields):
    """A filing of a filer, from one file."""

    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer; of a page the first that it names"})
    origin = dy.String(primary_key=True, regex=SHA256, metadata={"meaning": "the SHA-256 of the file"})


class FilingIndexed(FilingFields):
    """A filing of a filer, as the newest index of its quarter lists it."""

    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer"})
    quarter = dy.String(primary_key=True, regex=r"^\d{4}Q[1-4]$", metadata={"meaning": "whose index it is, as 2026Q4"})


class Filing(FilingFields):
    """A filing; of several files the newest import."""

    cik = dy.Int64(nullable=False, min=1, metadata={"meaning": "the filer, of several the one with the lowest number"})


FILINGS = (
    Table("filings", "silver", FilingSilver, "filings", "imported files"),
    Table("filing_index", "silver", FilingIndexed, "filings", "bronze.edgar_index", partition_by=("quarter",)),
    Table("filings", "gold", Filing, "filings", "silver.filings, silver.filing_index"),
)
