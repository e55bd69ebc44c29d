"""Bars of files, by the day and by the minute: companies' in dollars, indices' in points."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake.clock import NEW_YORK
from lake.indices import INDICES
from lake.market_calendar import INDIA, Calendar, xnys
from scrapers.errors import Reason
from scrapers.imports import values
from scrapers.imports.cells import TEXT
from scrapers.imports.recognise import Sheet
from scrapers.imports.verdicts import Verdict, on_dates, on_gaps, on_labels

REASON = "_reason"
PRICES = ("open", "high", "low", "close")


def daily(sheet: Sheet, symbol: pl.Expr, origin: str) -> pl.DataFrame:
    """Columns of silver.bars_daily or silver.index_bars_daily less provenance, with `_text` and `_reason`."""
    columns = sheet.shape.columns
    frame = _priced(sheet, symbol).with_columns(
        values.day(columns["session"], sheet.shape.dates).alias("session"), pl.lit(origin).alias("origin")
    )
    reasons = [values.wrong("session", columns["session"], "date", "day"), *_price_reasons(sheet)]
    adjusted = columns.get("source_adj_close")
    if sheet.kind == "bars_daily":
        frame = frame.with_columns(pl.lit(sheet.basis, dtype=pl.String).alias("basis"))
        found = values.number(adjusted) if adjusted else pl.lit(None, dtype=pl.Float64)
        frame = frame.with_columns(found.alias("source_adj_close"))
        if adjusted:
            reasons.append(values.wrong_if_told("source_adj_close", adjusted, "adj_close"))
    kept = [name for name in ("basis", "source_adj_close") if sheet.kind == "bars_daily"]
    return frame.select(
        "symbol",
        "session",
        *PRICES,
        "volume_shares",
        *kept,
        pl.col("session").dt.year().alias("year"),
        "origin",
        TEXT,
        pl.coalesce(reasons).alias(REASON),
    )


def minutes(sheet: Sheet, symbol: pl.Expr, origin: str) -> pl.DataFrame:
    """Columns of silver.bars_minute or silver.index_bars_minute less provenance, with `_text` and `_reason`."""
    columns, zone = sheet.shape.columns, NEW_YORK if sheet.kind == "bars_minute" else INDIA
    if "time" in columns:
        day = values.day(columns["session"], sheet.shape.dates).dt.strftime("%Y-%m-%d")
        stamp = pl.concat_str(day, values.raw(columns["time"]), separator=" ")
        told = columns["session"]
    else:
        stamp, told = values.raw(columns["minute"]).str.replace("T", " "), columns["minute"]
    local = pl.coalesce([stamp.str.to_datetime(form, strict=False) for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")])
    instant = local.dt.cast_time_unit("us").dt.replace_time_zone(str(zone), ambiguous="earliest", non_existent="null")
    frame = (
        _priced(sheet, symbol)
        .with_columns(instant.dt.convert_time_zone("UTC").alias("minute"), local.dt.date().alias("session"))
        .with_columns(pl.lit(origin).alias("origin"))
    )
    reasons = [values.wrong("minute", told, "minute", "time"), *_price_reasons(sheet)]
    if sheet.kind == "index_bars_minute" and sheet.symbol is not None:
        frame, outside = _in_hours(frame, INDICES[sheet.symbol].calendar)
        reasons.append(outside)
    return frame.select(
        "symbol", "minute", "session", *PRICES, "volume_shares", "origin", TEXT, pl.coalesce(reasons).alias(REASON)
    )


def judged(sheet: Sheet, frame: pl.DataFrame, today: date) -> tuple[pl.DataFrame, list[Verdict]]:
    """The frame with reasons added by the calendar and by what its table is as a whole, and the verdicts.

    Args:
        today: the day it was imported; no session may be after it.
    """
    calendar = xnys() if sheet.kind == "bars_daily" or sheet.symbol is None else INDICES[sheet.symbol].calendar
    sessions = _sessions(frame, calendar)
    first, last = calendar.bounds
    day = pl.col("session")
    by_calendar = (
        pl.when(day > today)
        .then(pl.lit("date_in_the_future"))
        .when((day < first) | (day > last))
        .then(pl.lit("date_outside_the_calendar"))
        .when(~day.is_in(sessions))
        .then(pl.lit(str(Reason.NOT_A_SESSION)))
    )
    marked = frame.with_columns(pl.coalesce(REASON, by_calendar).alias(REASON))
    verdicts = [*on_labels(sheet.name, frame), *on_dates(sheet.name, marked)]
    for verdict in verdicts:
        of_it = pl.col("symbol").is_in(verdict.symbols)
        marked = marked.with_columns(pl.when(of_it).then(pl.lit(verdict.rule)).otherwise(REASON).alias(REASON))
    return marked, [*verdicts, *on_gaps(sheet.name, marked.filter(pl.col(REASON).is_null()), sessions)]


def _priced(sheet: Sheet, symbol: pl.Expr) -> pl.DataFrame:
    columns = sheet.shape.columns
    volume = _volume(sheet)
    return values.apart(sheet.cells.frame).with_columns(
        symbol.alias("symbol"),
        *[values.number(columns[name]).alias(name) for name in PRICES],
        (values.count(volume) if volume else pl.lit(None, dtype=pl.Int64)).alias("volume_shares"),
    )


def _volume(sheet: Sheet) -> str | None:
    told = sheet.shape.columns.get("volume_shares") or sheet.shape.optional.get("volume_shares")
    return told if told in sheet.cells.names else None


def _price_reasons(sheet: Sheet) -> list[pl.Expr]:
    columns, volume = sheet.shape.columns, _volume(sheet)
    empty = pl.all_horizontal(values.text(columns[name]).is_null() for name in PRICES)
    return [
        pl.when(empty).then(pl.lit(str(Reason.NULL_BAR))),
        *[values.wrong(name, columns[name], name) for name in PRICES],
        *([values.wrong_if_told("volume_shares", volume, "volume")] if volume else []),
    ]


def _sessions(frame: pl.DataFrame, calendar: Calendar) -> list[date]:
    """The sessions from a table's first day to its last, as far as the calendar goes."""
    ends = frame.select(pl.col("session").min().alias("a"), pl.col("session").max().alias("b")).row(0)
    first, last = calendar.bounds
    if ends[0] is None or ends[0] > last or ends[1] < first:
        return []
    return calendar.sessions(max(ends[0], first), min(ends[1], last))


def _in_hours(frame: pl.DataFrame, calendar: Calendar) -> tuple[pl.DataFrame, pl.Expr]:
    """The frame with the hours of each session, and the reason of a minute outside them."""
    hours = pl.DataFrame(
        [(day, calendar.open_at(day), calendar.close_at(day)) for day in _sessions(frame, calendar)],
        schema={"session": pl.Date, "_opens": pl.Datetime("us", "UTC"), "_closes": pl.Datetime("us", "UTC")},
        orient="row",
    )
    joined = frame.join(hours, on="session", how="left", maintain_order="left")
    within = (pl.col("minute") >= pl.col("_opens")) & (pl.col("minute") < pl.col("_closes"))
    reason = (
        pl.when(pl.col("_opens").is_null())
        .then(pl.lit(str(Reason.NOT_A_SESSION)))
        .when(~within)
        .then(pl.lit(str(Reason.OUTSIDE_SESSION)))
    )
    return joined, reason
