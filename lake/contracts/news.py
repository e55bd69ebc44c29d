"""News: headlines about companies, one row a story's address and company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dataframely as dy
import polars as pl

from lake.contracts.base import SYMBOL, Provenance, Table, utc

_AHEAD = timedelta(hours=1)  # a publisher's clock may be ahead of ours, not by more
_OLDEST = datetime(1995, 1, 1, tzinfo=UTC)
_DOCUMENT = "the source's own element, as JSON"


class News(Provenance):
    """A headline about a company, known by the story's canonical address and the company's symbol.

    A key is in one partition only: that of the day whose crawl saw the story first.
    """

    url = dy.String(
        primary_key=True,
        regex=r"^https?://[^\s#]{3,}$",
        metadata={"meaning": "canonical address: no tracking parameters, no fragment, host in lower case"},
    )
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker of a company it is about"})
    session = dy.Date(nullable=False, metadata={"meaning": "the day whose crawl saw it first; locates the partition"})
    published_at = utc(nullable=False, metadata={"unit": "UTC", "meaning": "when the source says it was published"})
    headline = dy.String(nullable=False, metadata={"meaning": "the title as plain text: data, never markup"})
    publisher = dy.String(nullable=True, metadata={"meaning": "who published it, as the source names it"})
    summary = dy.String(nullable=True, metadata={"meaning": "what the source says of it, as plain text"})
    language = dy.String(nullable=True, metadata={"meaning": "language as the source states it"})
    document = dy.String(nullable=False, metadata={"meaning": _DOCUMENT})
    source = dy.String(
        nullable=False,
        regex="^(search|rss)$",
        metadata={"meaning": "what told it: search, or rss where only the feed did"},
    )

    @dy.rule()
    def not_published_in_the_future(cls) -> pl.Expr:
        """A story cannot have been published after it was read; an hour is left for clocks that differ."""
        return pl.col("published_at") <= pl.col("observed_at") + _AHEAD

    @dy.rule()
    def published_in_the_age_of_the_web(cls) -> pl.Expr:
        """Instants before 1995 are zeros and other units, no times of publication."""
        return pl.col("published_at") >= _OLDEST


class NewsMart(News):
    """A headline about a company, with the company's name, sector and industry, and its words for full-text search."""

    document = dy.String(nullable=False, metadata={"meaning": _DOCUMENT, "postgres": "jsonb"})
    name = dy.String(nullable=True, metadata={"meaning": "company name"})
    sector = dy.String(nullable=True, metadata={"meaning": "sector"})
    industry = dy.String(nullable=True, metadata={"meaning": "industry"})
    search = dy.String(
        nullable=False,
        metadata={
            "meaning": "English words of the headline (weight A) and the summary (weight B), for full-text search",
            "postgres": "tsvector",
        },
    )


NEWS_TABLES = (
    Table("news", "silver", News, "news", "yahoo_search, yahoo_rss", partition_by=("session",)),
    Table("news", "gold", News, "news", "silver.news", partition_by=("session",), hot_days=130),
    Table("news", "mart", NewsMart, "news", "gold.news, gold.companies", engine="dbt", slices_of="gold.news"),
)
