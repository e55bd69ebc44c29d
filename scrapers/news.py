"""From the bodies of search and feeds to settled rows of news: one a story's address and company.

A story is seen again and again: by both sources, under other tracking parameters, and on later days. Its row belongs to
the first day that saw it, says what the search said last on that day (or the feed, where only that told it), and takes
from the other source what it lacks; the rest are duplicates, and are counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

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


def news_rows(bodies: pl.DataFrame, known: pl.DataFrame) -> Settled:
    """News from the bodies of one or more sessions.

    Args:
        bodies: rows of bronze.yahoo_search and bronze.yahoo_rss. A story's rows about companies that none of a
            session's bodies was asked for are not taken in.
        known: columns url and symbol: what the crawls of other sessions have seen; such a row is a duplicate.
    """
    found = distinct_bodies(bodies)
    wanted = _asked_about(found)
    rows: list[dict[str, object]] = []
    refusals: list[Refusal] = []
    repeats = 0
    for body in found.iter_rows(named=True):
        records = _read(body)
        kept = [row for row in records.rows if row["symbol"] in wanted[body["session"]]]
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
    fresh = _merged(frame).join(known.select(_KEY), on=_KEY, how="anti", maintain_order="left")
    settled = settle(NEWS, fresh, fresh.height + len(refusals), refusals)
    again = frame.height - fresh.height + repeats
    account = settled.account
    total = RowAccount(account.rows_in + again, account.rows_out, account.duplicates + again, account.quarantined)
    return replace(settled, account=total.check(NEWS.id))


def _symbols(body: Body) -> tuple[str, ...]:
    asked = asked_for(body["request"])
    return tuple(filter(None, (asked.get("symbols") or asked.get("symbol") or "").split(",")))


def _asked_about(bodies: pl.DataFrame) -> dict[date, set[str]]:
    """Session → the companies that its bodies were asked for."""
    found: dict[date, set[str]] = defaultdict(set)
    for body in bodies.select("session", "request").unique().iter_rows(named=True):
        found[body["session"]].update(_symbols(body))
    return found


def _read(body: Body) -> Records:
    symbols = _symbols(body)
    if body["source"] == "yahoo_rss":
        return read_news_rss(body["body"], body["session"], symbols, body["_http_status"])
    return read_news_search(body["body"], body["session"], symbols[0] if symbols else None, body["_http_status"])


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
    """One row a key: of the session that saw it first, and by search where that told it."""
    in_order = frame.sort("observed_at", "_payload_sha256", nulls_last=True, maintain_order=True)
    first_day = in_order.filter(pl.col("session") == pl.col("session").first().over(_KEY)).with_columns(
        # What a feed says of a story it says of all the companies that the story is about.
        pl.col(name).fill_null(pl.col(name).drop_nulls().last().over("url", "session"))
        for name in _FILLED
    )
    by_search = pl.col("source") == "search"
    leading = by_search == by_search.any()
    one_body = pl.col("_payload_sha256").n_unique() == 1
    facts = [name for name in frame.columns if name not in (*_KEY, *_FILLED, *NEWS.provenance)]
    return first_day.group_by(_KEY, maintain_order=True).agg(
        *(pl.col(name).filter(leading).last() for name in facts),
        *(
            pl.coalesce(pl.col(name).filter(leading).drop_nulls().last(), pl.col(name).drop_nulls().last())
            for name in _FILLED
        ),
        pl.col("observed_at").max(),
        pl.col("_run_id").last(),
        pl.when(one_body).then(pl.col("_payload_sha256").first()).alias("_payload_sha256"),
    )
