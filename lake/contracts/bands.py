"""Bands: what is usual for a second of the day, over days; and attention beside prices."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import Provenance, Table
from lake.contracts.marts import VisitsDayMart

_VISITS = {"unit": "visits"}
# Under so many days a 95th percentile says little and a band is left empty.
LEAST_DAYS = 10
# Of a company: minutes are sparse, and a percentile of them needs more days.
LEAST_COMPANY_DAYS = 30


class Percentiles(Provenance):
    """The middle of a count's distribution over days: exact percentiles, linear between ranks as numpy has them."""

    series = dy.String(primary_key=True, metadata={"meaning": "v1 or v2; the two are never added up"})
    measure = dy.String(
        primary_key=True, regex="^(all|human)$", metadata={"meaning": "all requests, or human ones; v2 has no human"}
    )
    day_kind = dy.String(
        primary_key=True,
        regex="^(all|weekday|weekend)$",
        metadata={"meaning": "which days: all, Monday to Friday (weekday), or Saturday and Sunday (weekend)"},
    )
    p25 = dy.Float64(nullable=True, min=0, metadata={**_VISITS, "meaning": "25th percentile"})
    p75 = dy.Float64(nullable=True, min=0, metadata={**_VISITS, "meaning": "75th percentile"})
    p95 = dy.Float64(nullable=True, min=0, metadata={**_VISITS, "meaning": "95th percentile"})
    days = dy.Int64(nullable=False, min=0, metadata={"unit": "days", "meaning": "loaded days that it rests on"})
    zeros = dy.String(
        nullable=False,
        regex="^(zero|left_out)$",
        metadata={"meaning": "whether a loaded day without a visit then counts as zero, or is left out"},
    )

    @dy.rule()
    def percentiles_are_in_order(cls) -> pl.Expr:
        """A lower percentile is no greater than a higher one."""
        return (pl.col("p25") <= pl.col("p75")) & (pl.col("p75") <= pl.col("p95"))

    @dy.rule()
    def empty_on_few_days(cls) -> pl.Expr:
        """Percentiles are there exactly where they rest on enough days."""
        enough = pl.col("days") >= LEAST_DAYS
        return pl.all_horizontal(pl.col("p25", "p75", "p95").is_not_null() == enough)


class VisitsBand(Percentiles):
    """How many visits a second of the day has, all companies together, over the days loaded.

    There is a row for each of the 86,400 seconds, measure and kind of day of which a day is loaded. Its percentiles
    are empty where it rests on fewer than 10 days.
    """

    second_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=86_400,
        metadata={"unit": "seconds", "meaning": "second of the logged day"},
    )


class VisitsBandCik(Percentiles):
    """How many visits a company has in a minute of the day, over the days loaded, of companies with 30 days of visits.

    Minutes whose 95th percentile is zero have no row: most minutes of most companies.
    """

    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer visited"})
    minute_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=1_440,
        metadata={"unit": "minutes", "meaning": "minute of the logged day"},
    )


class VisitsPriceMart(VisitsDayMart):
    """Visits to a company's filings in a day beside its price on that day, of filers of whose ticker there are bars."""

    close = dy.Float64(nullable=True, min_exclusive=0, metadata={"unit": "USD", "meaning": "close of that session"})
    return_pct = dy.Float64(
        nullable=True,
        metadata={"unit": "percent", "meaning": "adjusted close over that of the session before, less one"},
    )
    volume_shares = dy.Int64(nullable=True, min=0, metadata={"unit": "shares", "meaning": "shares traded"})
    price = dy.String(
        nullable=False,
        regex="^(bar|no_session|no_bar)$",
        metadata={"meaning": "bar; no_session where the exchange was closed; no_bar where none is loaded"},
    )


_BY = ("series", "measure", "day_kind")

BAND_TABLES = (
    Table("visits_bands", "gold", VisitsBand, "attention", "gold.visits_total_second", partition_by=_BY),
    Table("visits_bands_cik", "gold", VisitsBandCik, "attention", "gold.visits_second", partition_by=_BY),
    Table(
        "visits_bands",
        "mart",
        VisitsBand,
        "attention",
        "gold.visits_bands",
        engine="dbt",
        slices_of="gold.visits_bands",
    ),
    Table(
        "visits_bands_cik",
        "mart",
        VisitsBandCik,
        "attention",
        "gold.visits_bands_cik",
        engine="dbt",
        slices_of="gold.visits_bands_cik",
    ),
    Table(
        "visits_prices",
        "mart",
        VisitsPriceMart,
        "attention",
        "gold.visits_day, gold.bars_daily, gold.companies, gold.filers",
        engine="dbt",
    ),
)
