"""Bronze: what was received, byte for byte, append-only."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SHA256, Table, utc


class Body(dy.Schema):
    """One response of a source as it came in.

    A body is known by (source, request, tick, payload_sha256); a repeated run may append it again and the
    silver layer counts the repeats as duplicates.
    """

    source = dy.String(nullable=False, metadata={"meaning": "which page object reads it"})
    request = dy.String(nullable=False, metadata={"meaning": "what was asked, without cookies, crumbs or keys"})
    tick = utc(nullable=True, metadata={"meaning": "the tick it was asked for", "unit": "UTC"})
    session = dy.Date(nullable=False, metadata={"meaning": "the day it was asked for; locates the partition"})
    content_type = dy.String(nullable=True, metadata={"meaning": "the response's content type"})
    body = dy.Binary(nullable=False, metadata={"meaning": "the payload as received"})
    ingested_at = utc(alias="_ingested_at", nullable=False, metadata={"meaning": "when it was received"})
    source_url = dy.String(alias="_source_url", nullable=False, metadata={"meaning": "the address, secrets removed"})
    http_status = dy.Int32(alias="_http_status", nullable=True, metadata={"meaning": "HTTP status; empty for files"})
    payload_sha256 = dy.String(
        alias="_payload_sha256", nullable=False, regex=SHA256, metadata={"meaning": "SHA-256 of the payload"}
    )
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that received it"})


class RawFile(dy.Schema):
    """A raw file kept beside the tables (an EDGAR log, an imported file) and what is known about it."""

    sha256 = dy.String(primary_key=True, regex=SHA256, metadata={"meaning": "SHA-256 of the file"})
    kind = dy.String(
        primary_key=True,
        metadata={
            "meaning": "edgar_log_v1, edgar_log_v2, bars_daily, bars_minute, index_bars_daily, index_bars_minute, listings, "
            "sec_tickers, filings"
        },
    )
    file_name = dy.String(nullable=False, metadata={"meaning": "its name where it came from"})
    stored_as = dy.String(nullable=False, metadata={"meaning": "its path below bronze/raw_files in the lake"})
    log_date = dy.Date(nullable=True, metadata={"meaning": "the day it covers, for a log"})
    symbol = dy.String(nullable=True, metadata={"meaning": "the symbol it is about, if it is about one"})
    basis = dy.String(
        nullable=True, metadata={"meaning": "what its prices are adjusted for, where the user has said so"}
    )
    bytes = dy.Int64(nullable=False, min=0, metadata={"unit": "bytes", "meaning": "its size"})
    rows_in = dy.Int64(
        nullable=True, min=0, metadata={"unit": "rows", "meaning": "physical lines less header and blank lines"}
    )
    ingested_at = utc(alias="_ingested_at", nullable=False, metadata={"meaning": "when it was received"})
    source_url = dy.String(alias="_source_url", nullable=False, metadata={"meaning": "where it came from"})
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that received it"})


def _bodies(name: str, source: str) -> Table:
    return Table(name, "bronze", Body, "raw", source, partition_by=("session",), retention_days=400)


BRONZE = (
    _bodies("yahoo_screener", "Yahoo screener"),
    _bodies("yahoo_quotes", "Yahoo v7 quote"),
    _bodies("yahoo_summary", "Yahoo quoteSummary"),
    _bodies("yahoo_chart", "Yahoo v8 chart"),
    _bodies("yahoo_minutes", "Yahoo v8 chart by the minute"),
    _bodies("yahoo_index", "Yahoo v8 chart of indices"),
    _bodies("yahoo_search", "Yahoo search, for its news"),
    _bodies("yahoo_rss", "Yahoo RSS headlines"),
    _bodies("x_search", "X v2 recent search"),
    _bodies("edgar_index", "SEC's index of a quarter's filings"),
    Table("files", "bronze", RawFile, "raw", "SEC EDGAR logs and imported files"),
)
