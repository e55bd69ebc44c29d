"""Attention: visits to companies' filings, from the SEC's EDGAR access logs."""

from __future__ import annotations

from datetime import date

import dataframely as dy
import polars as pl

from lake.contracts.base import Provenance, Table, utc

# SEC published no logs between these days: the first form ends with the one, the second begins with the other.
V1_LAST, V2_FIRST = date(2017, 6, 30), date(2020, 5, 19)

# One text for Polars, Spark and dbt.
REQUEST_RULES = {
    "cik_is_positive": "cik > 0",
    "second_is_within_the_day": "second_of_day >= 0 AND second_of_day < 86400",
    "status_is_http_or_zero": "status IS NULL OR status = 0 OR (status >= 100 AND status < 600)",
    "logged_on_the_file_s_day": "log_date = file_date",
}


class EdgarRequest(Provenance):
    """One request to EDGAR as logged: the typed line.

    Exact repeats of a line are kept with a `repeat_no`, because they are real repeat requests as often as damage.
    The logged date and second carry partition, bands and equality; `requested_at` reads them as New York time,
    or by the offset that the line itself gives.
    """

    series = dy.String(primary_key=True, metadata={"meaning": "v1 (2003-01-01 to 2017-06-30) or v2 (from 2020-05-19)"})
    log_date = dy.Date(primary_key=True, metadata={"meaning": "date as logged"})
    second_of_day = dy.Int32(primary_key=True, metadata={"unit": "seconds", "meaning": "second of the logged day"})
    cik = dy.Int64(primary_key=True, metadata={"meaning": "the filer asked about"})
    line_hash = dy.Int64(
        primary_key=True,
        metadata={"meaning": "xxHash64 of the line's fields, which tells requests of one second apart"},
    )
    repeat_no = dy.Int32(
        primary_key=True, min=1, metadata={"meaning": "1 for the first of equal lines, 2 for the next"}
    )
    requested_at = utc(nullable=True, metadata={"unit": "UTC", "meaning": "logged time read as New York time"})
    file_date = dy.Date(nullable=False, metadata={"meaning": "the day the file is named for"})
    accession = dy.String(nullable=True, metadata={"meaning": "accession number with hyphens"})
    document = dy.String(nullable=True, metadata={"meaning": "the file asked for within the accession"})
    ip = dy.String(nullable=True, metadata={"meaning": "address, last octet replaced by letters; v1 only"})
    zone = dy.Float64(nullable=True, metadata={"meaning": "the log's zone field, as logged; v1 only"})
    status = dy.Int32(nullable=True, metadata={"meaning": "HTTP status, 0 where the server logged none; v1 only"})
    size_bytes = dy.Int64(nullable=True, metadata={"unit": "bytes", "meaning": "bytes sent; v1 only"})
    is_index = dy.Bool(nullable=True, metadata={"meaning": "whether an index page was asked for"})
    is_crawler = dy.Bool(nullable=True, metadata={"meaning": "whether the agent calls itself a crawler; v1 only"})

    @dy.rule()
    def row_rules(cls) -> pl.Expr:
        """The rules that Spark applies, compiled from the same text; null fails."""
        rules = [f"coalesce({text}, false)" for text in REQUEST_RULES.values()]
        return pl.sql_expr(" AND ".join(rules))


class VisitsSecond(Provenance):
    """Visits to a company's filings in a second of a logged day."""

    series = dy.String(primary_key=True, metadata={"meaning": "v1 or v2; the two are never added up"})
    log_date = dy.Date(primary_key=True, metadata={"meaning": "date as logged"})
    second_of_day = dy.Int32(
        primary_key=True,
        min=0,
        max_exclusive=86_400,
        metadata={"unit": "seconds", "meaning": "second of the logged day"},
    )
    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer visited"})
    second = utc(nullable=True, metadata={"unit": "UTC", "meaning": "the second, logged time read as New York time"})
    visits_all = dy.Int64(nullable=False, min=1, metadata={"unit": "visits", "meaning": "all requests"})
    visits_human = dy.Int64(
        nullable=True,
        min=0,
        metadata={"unit": "visits", "meaning": "human requests: see visits_total_second; empty in v2"},
    )


class VisitsDay(Provenance):
    """Visits to a company's filings in a logged day, against all companies and against its own usual."""

    series = dy.String(primary_key=True, metadata={"meaning": "v1 or v2; the two are never added up"})
    log_date = dy.Date(primary_key=True, metadata={"meaning": "date as logged"})
    cik = dy.Int64(primary_key=True, min=1, metadata={"meaning": "the filer visited"})
    visits_all = dy.Int64(nullable=False, min=1, metadata={"unit": "visits", "meaning": "all requests"})
    visits_human = dy.Int64(
        nullable=True,
        min=0,
        metadata={"unit": "visits", "meaning": "human requests: see visits_total_second; empty in v2"},
    )
    measure = dy.String(
        nullable=False,
        regex="^(all|human)$",
        metadata={"meaning": "the visits that rank, share, usual and score go by; all where humans are not known"},
    )
    rank = dy.Int64(nullable=False, min=1, metadata={"meaning": "place among the day's filers, ties equal"})
    share_pct = dy.Float64(
        nullable=False, min=0, max=100, metadata={"unit": "percent", "meaning": "share of the day's visits"}
    )
    rank_all = dy.Int64(nullable=False, min=1, metadata={"meaning": "place by visits_all"})
    share_all_pct = dy.Float64(
        nullable=False, min=0, max=100, metadata={"unit": "percent", "meaning": "share of the day's visits_all"}
    )
    rank_human = dy.Int64(nullable=True, min=1, metadata={"meaning": "place by visits_human; empty in v2"})
    share_human_pct = dy.Float64(
        nullable=True,
        min=0,
        max=100,
        metadata={
            "unit": "percent",
            "meaning": "share of the day's visits_human; empty in v2 and where there are none",
        },
    )
    usual_visits = dy.Float64(
        nullable=True,
        min=0,
        metadata={
            "unit": "visits",
            "meaning": "median of comparable days of the ten weeks before, at this day's level of all companies",
        },
    )
    usual_days = dy.Int64(
        nullable=False,
        min=0,
        metadata={
            "unit": "days",
            "meaning": "comparable days used; under 8 of the same weekday, or 10 of the kind, no usual",
        },
    )
    usual_of = dy.String(
        nullable=True,
        regex="^(same_weekday|weekday|weekend)$",
        metadata={"meaning": "which days are compared: of the same weekday, or Monday to Friday, or weekends"},
    )
    relative_to_usual = dy.Float64(
        nullable=True, min=0, metadata={"unit": "ratio", "meaning": "visits over usual_visits"}
    )
    unusual_score = dy.Float64(
        nullable=True,
        metadata={
            "unit": "standard deviations",
            "meaning": "distance from the usual on the scale of square roots, by the robust spread",
        },
    )
    is_unusual = dy.Bool(
        nullable=True, metadata={"meaning": "whether unusual_score is 5 or more; empty for a usual under 10 visits"}
    )
    is_session = dy.Bool(
        nullable=True, metadata={"meaning": "whether the New York exchange had a session that day; empty if not known"}
    )


ATTENTION = (
    Table(
        "edgar_requests",
        "silver",
        EdgarRequest,
        "attention",
        "bronze.files",
        partition_by=("series", "log_date"),
        engine="spark",
        sql_rules=REQUEST_RULES,
    ),
    Table(
        "visits_second",
        "gold",
        VisitsSecond,
        "attention",
        "silver.edgar_requests",
        partition_by=("series", "log_date"),
        engine="spark",
        hot_days=7,
    ),
    Table(
        "visits_day",
        "gold",
        VisitsDay,
        "attention",
        "gold.visits_second",
        partition_by=("series", "log_date"),
        hot_days=400,
    ),
)
