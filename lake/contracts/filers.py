"""Filers by ticker and name: SEC's mapping as each of its files had it, and which of them holds on which day."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SHA256, SYMBOL, Provenance, Table

_CIK = {"meaning": "SEC's central index key"}
_TAKEN_ON = {"meaning": "day of the mapping, as its file is named, else the day on which it was received; UTC"}


class MappedTicker(Provenance):
    """A ticker in one file of SEC's mapping."""

    origin = dy.String(primary_key=True, regex=SHA256, metadata={"meaning": "the SHA-256 of the file"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker, with - for share classes"})
    cik = dy.Int64(nullable=False, min=1, metadata=_CIK)
    name = dy.String(nullable=True, metadata={"meaning": "filer's name"})
    exchange = dy.String(nullable=True, metadata={"meaning": "exchange name"})
    taken_on = dy.Date(nullable=False, metadata=_TAKEN_ON)
    place = dy.Int64(nullable=False, min=0, metadata={"meaning": "place in the file, from 0"})


class Filer(Provenance):
    """Which ticker and name a filer has on which days: by SEC's mappings, else by the company's own description.

    On a day the newest mapping taken until then holds; where it does not have the filer, or none had been taken yet,
    the newest of all that do. Of a filer's several tickers the one that a company of the home has comes first, then
    one of common shares, then the order of SEC's file. Under its own ticker a company's own name comes first.
    """

    cik = dy.Int64(primary_key=True, min=1, metadata=_CIK)
    valid_from = dy.Date(primary_key=True, metadata={"meaning": "first day, 1993-01-01 (EDGAR's begin) for the first"})
    valid_to = dy.Date(nullable=True, metadata={"meaning": "the day after the last; empty where it still holds"})
    symbol = dy.String(nullable=False, regex=SYMBOL, metadata={"meaning": "first ticker of the filer"})
    name = dy.String(nullable=True, metadata={"meaning": "filer's name"})
    taken_on = dy.Date(
        nullable=True, metadata={"meaning": f"{_TAKEN_ON['meaning']}; empty where no mapping has the filer"}
    )


class FilerMart(Provenance):
    """Which ticker and name a filer has on which days: by SEC's mapping, else by the company's own description."""

    cik = dy.Int64(primary_key=True, min=1, metadata=_CIK)
    valid_from = dy.Date(primary_key=True, metadata={"meaning": "first day, 1993-01-01 (EDGAR's begin) for the first"})
    valid_to = dy.Date(nullable=True, metadata={"meaning": "the day after the last; empty where it still holds"})
    symbol = dy.String(nullable=False, regex=SYMBOL, metadata={"meaning": "first ticker of the filer"})
    name = dy.String(nullable=True, metadata={"meaning": "filer's name"})
    sector = dy.String(nullable=True, metadata={"meaning": "sector, of companies that are followed"})


FILERS = (
    Table("mapped_tickers", "silver", MappedTicker, "market", "SEC company tickers"),
    Table("filers", "gold", Filer, "market", "silver.mapped_tickers, gold.companies"),
    Table("filers", "mart", FilerMart, "market", "gold.filers, gold.companies", engine="dbt"),
)
