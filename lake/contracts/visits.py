"""Counts of visits by day, beside those by second and company: totals, visitors, documents."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SYMBOL, Provenance, Table, utc

_SERIES = {"meaning": "v1 or v2; the two are never added up"}
_LOG_DATE = {"meaning": "date as logged"}
_ALL = {"unit": "visits", "meaning": "all requests"}
_HUMAN = {
    "unit": "visits",
    "meaning": "requests with status 200, no crawler, no index page, by an address within its documents a minute; "
    "empty in v2",
}
_VISITORS = {"unit": "addresses", "meaning": "distinct addresses among all requests"}
_VISITORS_HUMAN = {"unit": "addresses", "meaning": "distinct addresses among human visits"}


class VisitsTotalSecond(Provenance):
    """Visits to all companies' filings together in a second of a logged day."""

    series = dy.String(primary_key=True, metadata=_SERIES)
    log_date = dy.Date(primary_key=True, metadata=_LOG_DATE)
    second_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=86_400,
        metadata={"unit": "seconds", "meaning": "second of the logged day; one without a visit has no row"},
    )
    second = utc(nullable=True, metadata={"unit": "UTC", "meaning": "the second, logged time read as New York time"})
    visits_all = dy.Int64(nullable=False, min=1, metadata=_ALL)
    visits_human = dy.Int64(nullable=True, min=0, metadata=_HUMAN)


class VisitorsMinute(Provenance):
    """Distinct visitors to filings in a minute of a logged day; of the first form, which carries addresses."""

    series = dy.String(primary_key=True, metadata={"meaning": "v1"})
    log_date = dy.Date(primary_key=True, metadata=_LOG_DATE)
    minute_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=1_440,
        metadata={"unit": "minutes", "meaning": "minute of the logged day"},
    )
    visitors = dy.Int64(nullable=False, min=1, metadata=_VISITORS)
    visitors_human = dy.Int64(nullable=False, min=0, metadata=_VISITORS_HUMAN)


class VisitorsDay(Provenance):
    """A logged day in all: visits, visitors, companies, and by which definition of a visit it was counted."""

    series = dy.String(primary_key=True, metadata=_SERIES)
    log_date = dy.Date(primary_key=True, metadata=_LOG_DATE)
    visits_all = dy.Int64(nullable=False, min=1, metadata=_ALL)
    visits_human = dy.Int64(nullable=True, min=0, metadata=_HUMAN)
    companies = dy.Int64(nullable=False, min=1, metadata={"unit": "companies", "meaning": "distinct filers visited"})
    visitors = dy.Int64(nullable=True, min=0, metadata={**_VISITORS, "meaning": f"{_VISITORS['meaning']}; empty in v2"})
    visitors_human = dy.Int64(
        nullable=True, min=0, metadata={**_VISITORS_HUMAN, "meaning": f"{_VISITORS_HUMAN['meaning']}; empty in v2"}
    )
    counts_repeats = dy.Bool(nullable=False, metadata={"meaning": "whether exact repeats of a line were counted"})
    documents_a_minute = dy.Int32(
        nullable=False,
        min=1,
        metadata={"unit": "documents", "meaning": "an address that asked for more in a minute was a robot's in it"},
    )


class VisitsDocuments(Provenance):
    """Visits to a filing in a logged day."""

    series = dy.String(primary_key=True, metadata=_SERIES)
    log_date = dy.Date(primary_key=True, metadata=_LOG_DATE)
    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer visited"})
    accession = dy.String(primary_key=True, metadata={"meaning": "accession number of the filing, with hyphens"})
    visits_all = dy.Int64(nullable=False, min=1, metadata=_ALL)
    visits_human = dy.Int64(nullable=True, min=0, metadata=_HUMAN)
    visitors = dy.Int64(nullable=True, min=0, metadata={**_VISITORS, "meaning": f"{_VISITORS['meaning']}; empty in v2"})


class VisitsDocumentsMart(VisitsDocuments):
    """Visits to a filing in a logged day, with its form and its company's ticker and name."""

    symbol = dy.String(nullable=True, regex=SYMBOL, metadata={"meaning": "ticker of the filer"})
    name = dy.String(nullable=True, metadata={"meaning": "company name"})
    form = dy.String(nullable=True, metadata={"meaning": "SEC's form, as 10-K; empty where no list of filings has it"})
    filed_on = dy.Date(nullable=True, metadata={"meaning": "filing date, New York"})


def _gold(name: str, schema: type[dy.Schema], source: str, hot_days: int | None = None) -> Table:
    return Table(
        name,
        "gold",
        schema,
        "attention",
        source,
        partition_by=("series", "log_date"),
        engine="spark",
        hot_days=hot_days,
    )


def _mart(name: str, schema: type[dy.Schema], *more: str) -> Table:
    source = ", ".join((f"gold.{name}", *more))
    return Table(name, "mart", schema, "attention", source, engine="dbt", slices_of=f"gold.{name}")


# Hot periods: PostgreSQL gets 1.2 million seconds of a series, half a million minutes, and the documents of a week.
VISIT_COUNTS = (
    _gold("visits_total_second", VisitsTotalSecond, "gold.visits_second", hot_days=14),
    _gold("visitors_minute", VisitorsMinute, "silver.edgar_requests", hot_days=366),
    _gold("visits_documents", VisitsDocuments, "silver.edgar_requests", hot_days=7),
    _gold("visitors_day", VisitorsDay, "silver.edgar_requests"),
    _mart("visits_total_second", VisitsTotalSecond),
    _mart("visitors_minute", VisitorsMinute),
    _mart("visits_documents", VisitsDocumentsMart, "gold.companies", "gold.filers", "gold.filings"),
    _mart("visitors_day", VisitorsDay),
)
