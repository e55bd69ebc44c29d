"""Indices: from chart bodies to silver, and from silver to gold."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from lake.contracts import table
from lake.indices import INDICES
from lake.market_calendar import CalendarEnd
from lake.rows import Refusal, Settled
from scrapers.errors import Reason
from scrapers.pages.chart import Interval, read_chart
from scrapers.pages.chart_rows import Noted, chart_rows
from scrapers.silver import distinct_bodies, settle_frames, within
from scrapers.spool import asked_for

if TYPE_CHECKING:
    from lake.contracts import Table

_TABLES: dict[Interval, Table] = {
    "1d": table("silver.index_bars_daily"),
    "1m": table("silver.index_bars_minute"),
}


def index_rows(
    bodies: pl.DataFrame, interval: Interval, first: date | None = None, last: date | None = None
) -> Settled:
    """Bars of indices, each within the sessions of its own exchange.

    Args:
        bodies: rows of bronze.yahoo_index; those of another interval are left out.
        interval: 1d for silver.index_bars_daily, 1m for silver.index_bars_minute.
        first: the first session that is asked about; bars of other days are not taken in.
        last: the last such session, included.
    """
    contract = _TABLES[interval]
    found = distinct_bodies(bodies.filter(pl.col("request").str.contains(f"interval={interval}", literal=True)))
    charts = []
    for body, request, status in found.select("body", "request", "_http_status").iter_rows():
        symbol = asked_for(request).get("symbol", "")
        currency = INDICES[symbol].currency if symbol in INDICES else "USD"
        charts.append(read_chart(body, interval, symbol, status, currency))
    as_of = found.select(pl.coalesce("tick", "_ingested_at"))["tick"].to_list()
    rows = chart_rows(charts, interval, as_of if interval == "1d" else [None] * len(charts), contract)
    bars = rows.bars.filter(within("session", first, last))
    closed = bars.filter(~_in_session(bars))
    refusals = [
        noted
        for noted in rows.bar_refusals
        if noted.session is None
        or ((first is None or noted.session >= first) and (last is None or noted.session <= last))
    ]
    shown = closed.select("body", pl.struct("symbol", "session", "close").struct.json_encode().alias("raw"), "session")
    refusals += [
        Noted(body, Refusal(str(Reason.NOT_A_SESSION), raw), session) for body, raw, session in shown.iter_rows()
    ]
    return settle_frames(contract, found, bars.filter(_in_session(bars)), refusals)


def _in_session(bars: pl.DataFrame) -> pl.Expr:
    pairs = bars.select("symbol", "session").unique()
    good = pl.lit(False)
    for symbol in pairs["symbol"].unique().to_list():
        days = pairs.filter(pl.col("symbol") == symbol)["session"].to_list()
        open_days = [day for day in days if _is_session(symbol, day)]
        good = good | ((pl.col("symbol") == symbol) & pl.col("session").is_in(open_days))
    return good


def _is_session(symbol: str, day: date) -> bool:
    try:
        return symbol in INDICES and INDICES[symbol].calendar.is_session(day)
    except CalendarEnd:
        return False


def index_days_gold(silver: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold.index_bars_daily: of several origins the newest observed, with the return on the session before."""
    newest = silver.sort("observed_at", "origin", descending=[True, False]).unique(
        ["symbol", "session"], keep="first", maintain_order=True
    )
    rows = newest.sort("symbol", "session").with_columns(
        ((pl.col("close") / pl.col("close").shift(1).over("symbol") - 1) * 100).alias("return_pct")
    )
    return _described("gold.index_bars_daily", rows)


def index_minutes_gold(silver: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold.index_bars_minute: of several origins the newest observed."""
    newest = silver.sort("observed_at", "origin", descending=[True, False]).unique(
        ["symbol", "minute"], keep="first", maintain_order=True
    )
    return _described("gold.index_bars_minute", newest.sort("symbol", "minute"))


def _described(table_id: str, rows: pl.DataFrame) -> pl.DataFrame:
    about = pl.DataFrame(
        [(index.symbol, index.name, index.exchange, index.currency) for index in INDICES.values()],
        schema=["symbol", "name", "exchange", "currency"],
        orient="row",
    )
    joined = rows.join(about, on="symbol", how="left", maintain_order="left")
    return table(table_id).conform(joined)
