"""From the bodies of search and feeds to settled rows of news: one a story's address and company.

A story is seen again and again: by both sources, under other tracking parameters, and on later days. The first row is
kept and takes from the others of its day what it lacks; the rest are duplicates, and are counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import orjson
import polars as pl

from lake.rows import Refusal, RowAccount, Settled, settle
from scrapers.pages.base import Records, row_schema
from scrapers.pages.news_rss import read_news_rss
from scrapers.pages.news_search import NEWS, read_news_search
from scrapers.silver import Body, distinct_bodies
from scrapers.spool import asked_for

_KEY = ["url", "symbol"]
_FILLED = ("publisher", "summary", "language")


def news_rows(bodies: pl.DataFrame, symbols: Collection[str], known: pl.DataFrame) -> Settled:
    """News from the bodies of a session.

    Args:
        bodies: rows of bronze.yahoo_search and bronze.yahoo_rss.
        symbols: the companies whose news is collected; a story's rows about others are not taken in.
        known: columns url and symbol: what other sessions' crawls have seen already.
    """
    found = distinct_bodies(bodies)
    rows: list[dict[str, object]] = []
    refusals: list[Refusal] = []
    repeats = 0
    wanted = set(symbols)
    for body in found.iter_rows(named=True):
        records = _read(body)
        kept = [row for row in records.rows if row["symbol"] in wanted]
        about = {
            "observed_at": body["_ingested_at"],
            "_run_id": body["_run_id"],
            "_payload_sha256": body["_payload_sha256"],
        }
        rows += [{**row, **about} for row in kept]
        refusals += [_refusal(refused, body, whole=records.refused is not None) for refused in records.refusals]
        repeats += (int(body["times"]) - 1) * (len(kept) + len(records.refusals))
    whole = NEWS.schema.create_empty().schema
    frame = pl.DataFrame(rows, schema={**row_schema(NEWS.id), **{name: whole[name] for name in NEWS.provenance}})
    merged = _merged(frame)
    fresh = merged.join(known.select(_KEY), on=_KEY, how="anti", maintain_order="left")
    settled = settle(NEWS, fresh, fresh.height + len(refusals), refusals)
    again = frame.height - fresh.height + repeats
    account = settled.account
    total = RowAccount(account.rows_in + again, account.rows_out, account.duplicates + again, account.quarantined)
    return replace(settled, account=total.check(NEWS.id))


def _read(body: Body) -> Records:
    asked = asked_for(body["request"])
    if body["source"] == "yahoo_rss":
        symbols = tuple(asked.get("symbols", "").split(","))
        return read_news_rss(body["body"], body["session"], symbols, body["_http_status"])
    return read_news_search(body["body"], body["session"], asked.get("symbol"), body["_http_status"])


def _refusal(refused: Refusal, body: Body, *, whole: bool) -> Refusal:
    raw = orjson.dumps({"request": body["request"], "body": refused.raw}).decode() if whole else refused.raw
    return replace(
        refused,
        raw=raw,
        payload_sha256=body["_payload_sha256"],
        observed_at=body["_ingested_at"],
        run_id=body["_run_id"],
    )


def _merged(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a key: the first seen (by search, where both saw it at one instant), with what it lacks from the others."""
    in_order = frame.sort(
        "observed_at", pl.col("source") != "search", "_payload_sha256", nulls_last=True, maintain_order=True
    )
    one_body = pl.col("_payload_sha256").n_unique() == 1
    others = [name for name in frame.columns if name not in (*_KEY, *_FILLED, *NEWS.provenance, "first_seen")]
    return in_order.group_by(_KEY, maintain_order=True).agg(
        *(pl.col(name).first() for name in others),
        *(pl.col(name).drop_nulls().first() for name in _FILLED),
        pl.col("observed_at").min().alias("first_seen"),
        pl.col("observed_at").max(),
        pl.col("_run_id").last(),
        pl.when(one_body).then(pl.col("_payload_sha256").first()).alias("_payload_sha256"),
    )
