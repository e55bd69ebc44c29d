"""Lists of what is traded at the exchanges, as Nasdaq's screener gives them."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SYMBOL, Provenance, Table, utc


class ListingFields(Provenance):
    """A security on an exchange's list on a day."""

    symbol = dy.String(
        primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker in Yahoo's spelling: BRK-B, ABR-PD"}
    )
    date = dy.Date(primary_key=True, metadata={"meaning": "day on which the list was taken, UTC"})
    exchange = dy.Enum(
        ["NASDAQ", "NYSE", "AMEX"], nullable=False, metadata={"meaning": "whose list it is: NASDAQ, NYSE or AMEX"}
    )
    name = dy.String(nullable=True, metadata={"meaning": "name of the security"})
    last_sale = dy.Float64(nullable=True, min=0, metadata={"unit": "USD", "meaning": "price of the last trade"})
    market_cap = dy.Float64(
        nullable=True, min_exclusive=0, metadata={"unit": "USD", "meaning": "market cap; empty where the list has none"}
    )
    country = dy.String(nullable=True, metadata={"meaning": "country of the company"})
    ipo_year = dy.Int32(nullable=True, min=1600, max=2200, metadata={"meaning": "year of its first listing"})
    industry = dy.String(nullable=True, metadata={"meaning": "industry in Nasdaq's own words"})
    sector = dy.String(
        nullable=True, metadata={"meaning": "sector in Nasdaq's own words, which changed in 2021 and 2022"}
    )


class ListingSilver(ListingFields):
    """A security on an exchange's list on a day, from one file."""

    taken_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "when the list was taken, where the file tells"})
    origin = dy.String(primary_key=True, metadata={"meaning": "the SHA-256 of the imported file"})


class Listing(ListingFields):
    """A security on an exchange's list on a day; of several files the newest taken."""

    origin = dy.String(nullable=False, metadata={"meaning": "the file it was taken from"})


LISTINGS = (
    Table("listings", "silver", ListingSilver, "listings", "imported files"),
    Table("listings", "gold", Listing, "listings", "silver.listings"),
    Table("listings", "mart", Listing, "listings", "gold.listings", engine="dbt"),
)
