"""From bronze bodies to settled silver rows.

A body is known by (source, request, tick, sha256). A repeat of it counts its rows as duplicates, and the earliest time
it was received is when its rows were observed, so that the same bodies always give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from lake.contracts import table
from lake.contracts.base import Table
from lake.rows import Refusal, RowAccount, Settled, settle
from scrapers.errors import Reason
from scrapers.pages.alphavantage import read_series
from scrapers.pages.base import Records, row_schema
from scrapers.pages.chart import read_chart
from scrapers.pages.chart_rows import ACTIONS, BARS, MINUTES, Noted, chart_rows
from scrapers.pages.officers import read_officers
from scrapers.pages.posts import POSTS, read_posts
from scrapers.pages.quotes import QUOTES, read_quotes
from scrapers.pages.screener import UNIVERSE, read_screener
from scrapers.pages.summary import PROFILES, read_summary
from scrapers.pages.tickers import TICKERS, read_tickers
from scrapers.spool import asked_for

if TYPE_CHECKING:
    from scrapers.imports.read import Source

OFFICERS = table("silver.officers")
_KEY = ("source", "request", "tick", "_payload_sha256")
Body = dict[str, Any]


def distinct_bodies(bodies: pl.DataFrame) -> pl.DataFrame:
    """Bodies without repeats, the earliest of each, and `times`: how often it was received."""
    counted = bodies.sort("_ingested_at", maintain_order=True).with_columns(pl.len().over(_KEY).alias("times"))
    return counted.unique(list(_KEY), keep="first", maintain_order=True)


def universe_rows(bodies: pl.DataFrame, per_sector: int | None = None) -> Settled:
    """Members of the universe from screener bodies.

    Args:
        bodies: rows of bronze.yahoo_screener.
        per_sector: how many of a sector count; places beyond it are not taken in.
    """

    def read(body: Body) -> Records:
        records = read_screener(body["body"], body["session"], _asked(body, "sector"), body["_http_status"])
        if per_sector is not None:
            kept = [row for row in records.rows if isinstance(row["rank"], int) and row["rank"] <= per_sector]
            records = replace(records, rows=kept, rows_in=records.rows_in - len(records.rows) + len(kept))
        return records

    return _settle_records(UNIVERSE, bodies, read)


def profiles_rows(bodies: pl.DataFrame) -> Settled:
    """Company profiles from quoteSummary bodies (bronze.yahoo_summary)."""
    return _settle_records(
        PROFILES,
        bodies,
        lambda body: read_summary(body["body"], body["session"], _asked(body, "symbol"), body["_http_status"]),
    )


def officers_rows(bodies: pl.DataFrame) -> Settled:
    """Officers from the same bodies as the profiles."""
    return _settle_records(
        OFFICERS,
        bodies,
        lambda body: read_officers(body["body"], body["session"], _asked(body, "symbol"), body["_http_status"]),
    )


def quotes_rows(bodies: pl.DataFrame, session: date, tick: datetime) -> Settled:
    """Snapshots at a tick from v7 quote bodies.

    Args:
        bodies: rows of bronze.yahoo_quotes that were asked for at the tick.
        session: the trading day.
        tick: the scheduled instant.
    """
    return _settle_records(QUOTES, bodies, lambda body: read_quotes(body["body"], session, tick, body["_http_status"]))


def posts_rows(
    bodies: pl.DataFrame, first: date | None = None, last: date | None = None, tags: Sequence[str] = ()
) -> Settled:
    """Posts from pages of recent search.

    Args:
        bodies: rows of bronze.x_search.
        first: the first day (India's date) that is asked about; posts of other days are not taken in.
        last: the last such day, included.
        tags: the tags collected; a post that carries none of them is refused. Empty takes any tag.
    """
    wanted = set(tags)

    def read(body: Body) -> Records:
        records = read_posts(body["body"], body["_http_status"])
        within = [row for row in records.rows if _between(row["day"], first, last)]
        untagged = [row for row in within if wanted and wanted.isdisjoint(row["tags"])]  # type: ignore[arg-type]  # a list of tags
        result = replace(records, rows=[row for row in within if row not in untagged])
        result.rows_in -= len(records.rows) - len(within)
        for row in untagged:
            result.refuse(Reason.NO_TAG, row)
        return result

    return _settle_records(POSTS, bodies, read)


def _between(day: object, first: date | None, last: date | None) -> bool:
    return isinstance(day, date) and (first is None or day >= first) and (last is None or day <= last)


def bars_rows(bodies: pl.DataFrame, first: date | None = None, last: date | None = None) -> tuple[Settled, Settled]:
    """Daily bars and corporate actions from chart bodies.

    Args:
        bodies: rows of bronze.yahoo_chart; those of another interval are left to whoever asked for them.
        first: the first session that is asked about; bars and actions of other days are not taken in.
        last: the last such session, included.
    """
    asked = bodies.filter(pl.col("request").str.contains("interval=1d", literal=True))
    found = distinct_bodies(asked)
    charts = [
        read_chart(body, "1d", asked_for(request).get("symbol"), status)
        for body, request, status in found.select("body", "request", "_http_status").iter_rows()
    ]
    as_of = found.select(pl.coalesce("tick", "_ingested_at"))["tick"].to_list()
    rows = chart_rows(charts, "1d", as_of)
    bars = rows.bars.filter(within("session", first, last))
    actions = rows.actions.filter(within("date", first, last))
    asked_about = [
        noted for noted in rows.bar_refusals if noted.session is None or _between(noted.session, first, last)
    ]
    return (
        settle_frames(BARS, found, bars, asked_about),
        settle_frames(ACTIONS, found, actions, rows.action_refusals),
    )


def minutes_rows(bodies: pl.DataFrame, first: date | None = None, last: date | None = None) -> Settled:
    """One-minute bars from chart bodies.

    Args:
        bodies: rows of bronze.yahoo_minutes.
        first: the first session that is asked about; minutes of other days are not taken in.
        last: the last such session, included.
    """
    asked = bodies.filter(pl.col("request").str.contains("interval=1m", literal=True))
    found = distinct_bodies(asked)
    charts = [
        read_chart(body, "1m", asked_for(request).get("symbol"), status)
        for body, request, status in found.select("body", "request", "_http_status").iter_rows()
    ]
    rows = chart_rows(charts, "1m", [None] * len(charts))
    asked_about = [
        noted for noted in rows.bar_refusals if noted.session is None or _between(noted.session, first, last)
    ]
    return settle_frames(MINUTES, found, rows.bars.filter(within("session", first, last)), asked_about)


def series_rows(bodies: pl.DataFrame, first: date | None = None, last: date | None = None) -> Settled:
    """One-minute bars from Alpha Vantage's series.

    Args:
        bodies: rows of bronze.alphavantage_minutes.
        first: the first session that is asked about; minutes of other days are not taken in.
        last: the last such session, included.
    """
    return _settle_records(
        MINUTES,
        bodies,
        lambda body: read_series(
            body["body"], "TIME_SERIES_INTRADAY", _asked(body, "symbol"), body["_http_status"], first, last
        ),
    )


def sec_ticker_rows(path: Path, source: Source) -> tuple[pl.DataFrame, list[Refusal], int]:
    """SEC's ticker mapping from one of its JSON files.

    Returns:
        Rows of silver.sec_tickers with provenance, the refusals, and how many elements there were.
    """
    records = read_tickers(path.read_bytes())
    frame = pl.DataFrame(records.rows, schema=row_schema(TICKERS.id), orient="row").with_columns(
        pl.lit(source.observed_at).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
        pl.lit(source.run_id).alias("_run_id"),
        pl.lit(source.sha256).alias("_payload_sha256"),
    )
    refusals = [
        replace(refusal, payload_sha256=source.sha256, observed_at=source.observed_at, run_id=source.run_id)
        for refusal in records.refusals
    ]
    return frame, refusals, records.rows_in


def _asked(body: Body, name: str) -> str:
    return asked_for(body["request"]).get(name, "")


def _settle_records(contract: Table, bodies: pl.DataFrame, read: Callable[[Body], Records]) -> Settled:
    found = distinct_bodies(bodies)
    rows: list[dict[str, object]] = []
    places: list[int] = []
    refusals: list[Noted] = []
    for place, body in enumerate(found.iter_rows(named=True)):
        records = read(body)
        rows += records.rows
        places += [place] * len(records.rows)
        for refusal in records.refusals:
            refusals.append(Noted(place, _of_request(refusal, body["request"]) if records.refused else refusal))
    frame = pl.DataFrame(rows, schema=row_schema(contract.id), orient="row")
    frame = frame.with_columns(pl.Series("body", places, dtype=pl.UInt32))
    return settle_frames(contract, found, frame, refusals)


def _of_request(refusal: Refusal, request: str) -> Refusal:
    """A whole body's refusal says what had been asked, so that what is missing can be told."""
    return replace(refusal, raw=orjson.dumps({"request": request, "body": refusal.raw}).decode())


def settle_frames(contract: Table, found: pl.DataFrame, frame: pl.DataFrame, refusals: Sequence[Noted]) -> Settled:
    """Give rows the provenance of their bodies and settle them; a repeated body's rows are duplicates."""
    about = found.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("body"),
        pl.col("_ingested_at").alias("observed_at"),
        "_run_id",
        "_payload_sha256",
        "times",
    )
    with_source = frame.join(about, on="body", how="left", maintain_order="left")
    known = about.rows(named=True)
    noted = [
        replace(
            refused.refusal,
            payload_sha256=known[refused.body]["_payload_sha256"],
            observed_at=known[refused.body]["observed_at"],
            run_id=known[refused.body]["_run_id"],
        )
        for refused in refusals
    ]
    rows_in = with_source.height + len(noted)
    settled = settle(contract, with_source.drop("body", "times"), rows_in, noted)
    repeats = int(with_source.select((pl.col("times").cast(pl.Int64) - 1).sum()).item() or 0)
    repeats += sum(int(known[refused.body]["times"]) - 1 for refused in refusals)
    account = settled.account
    whole = RowAccount(account.rows_in + repeats, account.rows_out, account.duplicates + repeats, account.quarantined)
    return replace(settled, account=whole.check(contract.id))


def within(column: str, first: date | None, last: date | None) -> pl.Expr:
    """Whether a day lies between two, both included; None leaves that side open."""
    inside = pl.lit(True)
    if first is not None:
        inside = inside & (pl.col(column) >= first)
    if last is not None:
        inside = inside & (pl.col(column) <= last)
    return inside
