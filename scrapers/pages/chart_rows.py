"""Chart bodies as contract rows, many bodies at once.

A year of daily bars for 1,100 companies is 277,000 rows: they are put together as columns, not body by body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from lake.contracts import Table, table
from lake.rows import Refusal
from scrapers.errors import Reason
from scrapers.pages.base import Parsed, row_schema
from scrapers.pages.chart import FIELDS, ChartBody, Interval, read_chart

ORIGIN = "yahoo_chart"
BARS, MINUTES, ACTIONS = table("silver.bars_daily"), table("silver.bars_minute"), table("silver.corporate_actions")


class Noted(NamedTuple):
    """A refusal, the place of the body it is from, and the session it speaks of, where it speaks of one."""

    body: int
    refusal: Refusal
    session: date | None = None


@dataclass(frozen=True)
class ChartRows:
    """Rows of many charts.

    Attributes:
        bars: the bar contract's columns less provenance, and `body`, the place of the body they are from.
        actions: the same of corporate actions.
        bar_refusals: bars, and whole bodies, that did not become rows.
        action_refusals: dividends and splits that did not.
        bars_in: bars in all bodies, a refused body counted as one.
        actions_in: dividends and splits in all bodies.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    bar_refusals: list[Noted]
    action_refusals: list[Noted]
    bars_in: int
    actions_in: int


def chart_rows(
    charts: Sequence[ChartBody], interval: Interval, as_of: Sequence[datetime | None], contract: Table | None = None
) -> ChartRows:
    """Rows from charts that have been read.

    Args:
        charts: from `read_chart`.
        interval: the interval they were asked for.
        as_of: for each chart, the instant it speaks from by our clock; a bar whose session had not closed by then, or
            that is stamped later, is partial, whatever time it is by the source's. None takes the body's word for it.
        contract: the table of the bars; that of companies by default.
    """
    raw = _raw_bars(charts, as_of)
    judged = (_judge_daily(raw) if interval == "1d" else raw).with_columns(pl.lit(ORIGIN).alias("origin"))
    refused = judged.filter(pl.col("fault").is_not_null())
    good = judged.filter(pl.col("fault").is_null())
    contract = contract or (BARS if interval == "1d" else MINUTES)
    bars = good.select([pl.col(name).cast(kind) for name, kind in row_schema(contract.id).items()] + [pl.col("body")])
    bodies = [Noted(place, chart.refused[1]) for place, chart in enumerate(charts) if chart.refused]
    pieces = refused.select("body", "fault", _as_json().alias("raw"), "session").rows()
    actions, action_refusals, actions_in = _actions(charts)
    return ChartRows(
        bars,
        actions,
        bodies + [Noted(body, Refusal(fault, raw_text), session) for body, fault, raw_text, session in pieces],
        action_refusals,
        judged.height + len(bodies),
        actions_in,
    )


def _as_json() -> pl.Expr:
    shown = pl.struct("symbol", "stamp", *FIELDS, "volume_shares")
    return shown.struct.json_encode()


def _raw_bars(charts: Sequence[ChartBody], as_of: Sequence[datetime | None]) -> pl.DataFrame:
    body: list[int] = []
    stamps: list[int] = []
    prices: tuple[list[float | None], ...] = ([], [], [], [])
    volumes: list[int | None] = []
    adjusted: list[float | None] = []
    faults: list[str | None] = []
    for place, chart in enumerate(charts):
        if chart.refused:
            continue
        size = len(chart.stamps)
        body += [place] * size
        stamps += chart.stamps
        for column, values in zip(prices, chart.prices, strict=True):
            column.extend(values)
        volumes += chart.volumes
        adjusted += chart.adjusted
        faults += [chart.faults.get(i) for i in range(size)] if chart.faults else [None] * size
    columns: dict[str, pl.Series] = {
        "body": pl.Series(body, dtype=pl.UInt32),
        "stamp": pl.Series(stamps, dtype=pl.Int64),
        **{name: pl.Series(values, dtype=pl.Float64) for name, values in zip(FIELDS, prices, strict=True)},
        "volume_shares": pl.Series(volumes, dtype=pl.Int64),
        "source_adj_close": pl.Series(adjusted, dtype=pl.Float64),
        "fault": pl.Series(faults, dtype=pl.String),
    }
    frame = pl.DataFrame(columns).join(_about(charts, as_of), on="body", how="left", maintain_order="left")
    empty = pl.any_horizontal(pl.col(name).is_null() for name in FIELDS)
    return frame.with_columns(
        pl.coalesce("fault", pl.when(empty).then(pl.lit(str(Reason.NULL_BAR)))),
        pl.from_epoch("stamp", time_unit="s").dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("minute"),
    ).pipe(_with_local_date)


def _about(charts: Sequence[ChartBody], as_of: Sequence[datetime | None]) -> pl.DataFrame:
    """For each body its symbol and zone, and the span of the session that was not over when it was made."""
    rows = []
    for place, (chart, at) in enumerate(zip(charts, as_of, strict=True)):
        start, end = chart.regular or (None, None)
        now = chart.last_trade if at is None else at.timestamp()
        if start is None or end is None or now is None or not start <= now < end:
            start = end = None
        rows.append((place, chart.symbol, chart.zone, start, end, None if at is None else at.timestamp()))
    schema = {
        "body": pl.UInt32,
        "symbol": pl.String,
        "zone": pl.String,
        "open_from": pl.Float64,
        "open_until": pl.Float64,
        "made_at": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _with_local_date(frame: pl.DataFrame) -> pl.DataFrame:
    local = pl.lit(None, dtype=pl.Date)
    for zone in frame["zone"].unique().drop_nulls().to_list():
        local = (
            pl.when(pl.col("zone") == zone).then(pl.col("minute").dt.convert_time_zone(zone).dt.date()).otherwise(local)
        )
    return frame.with_columns(local.alias("session"))


def _judge_daily(frame: pl.DataFrame) -> pl.DataFrame:
    running = (pl.col("stamp") >= pl.col("open_from")) & (pl.col("stamp") <= pl.col("open_until"))
    unfinished = running.fill_null(False) | (pl.col("stamp") > pl.col("made_at")).fill_null(False)
    frame = frame.with_columns(pl.coalesce("fault", pl.when(unfinished).then(pl.lit(str(Reason.PARTIAL_BAR)))))
    # A row that repeats a session carries the time of the last trade; the session's own row stands at its open.
    place = pl.col("stamp").rank("ordinal").over("body", "session", pl.col("fault").is_null())
    repeated = pl.col("fault").is_null() & (place > 1)
    return frame.with_columns(
        pl.coalesce("fault", pl.when(repeated).then(pl.lit(str(Reason.REPEATED_SESSION)))),
        pl.lit("split_adjusted").alias("basis"),
        pl.col("session").dt.year().alias("year"),
    )


def _actions(charts: Sequence[ChartBody]) -> tuple[pl.DataFrame, list[Noted], int]:
    rows = [
        (place, chart.symbol, chart.zone, kind, at, amount)
        for place, chart in enumerate(charts)
        for kind, at, amount in chart.events
    ]
    refusals = [Noted(place, refusal) for place, chart in enumerate(charts) for refusal in chart.event_refusals]
    schema = {
        "body": pl.UInt32,
        "symbol": pl.String,
        "zone": pl.String,
        "kind": pl.String,
        "stamp": pl.Int64,
        "amount": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.from_epoch("stamp", time_unit="s").dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("minute")
    )
    dated = (
        _with_local_date(frame)
        .rename({"session": "date"})
        .with_columns(pl.lit(ORIGIN).alias("origin"), pl.lit(None, dtype=pl.Date).alias("stated_on"))
    )
    wanted = [pl.col(name).cast(kind) for name, kind in row_schema(ACTIONS.id).items()]
    return dated.select([*wanted, pl.col("body")]), refusals, len(rows) + len(refusals)


@dataclass(frozen=True)
class ParsedChart:
    """One chart, read: its bars and its corporate actions."""

    bars: Parsed
    actions: Parsed


def parse_chart(
    body: bytes,
    interval: Interval = "1d",
    symbol: str | None = None,
    as_of: datetime | None = None,
    status: int | None = None,
) -> ParsedChart:
    """Rows of silver.bars_daily (or bars_minute) and of silver.corporate_actions from a v8 chart body.

    Args:
        body: the payload as received.
        interval: the interval asked for.
        symbol: the symbol asked for; a body that names another one is refused.
        as_of: the instant it speaks from; see `chart_rows`.
        status: the response's HTTP status, where known.
    """
    chart = read_chart(body, interval, symbol, status)
    rows = chart_rows([chart], interval, [as_of])
    bars = Parsed(
        rows.bars.drop("body"),
        rows.bars_in,
        [noted.refusal for noted in rows.bar_refusals],
        chart.refused[0] if chart.refused else None,
    )
    actions = Parsed(rows.actions.drop("body"), rows.actions_in, [noted.refusal for noted in rows.action_refusals])
    return ParsedChart(bars, actions)
