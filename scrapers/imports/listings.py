"""Lists of a stock exchange's companies, and SEC's mapping of tickers, as rows."""

from __future__ import annotations

import polars as pl

from scrapers.errors import Reason
from scrapers.imports import values
from scrapers.imports.cells import TEXT
from scrapers.imports.recognise import Sheet

_REASON = "_reason"
_WORDS = ("country", "industry", "sector")


def listed(sheet: Sheet, origin: str) -> pl.DataFrame:
    """Columns of silver.listings less provenance, with `_text` and `_reason`.

    The newest of one day stands, where a history has several. A market cap of nothing is one that is not known.
    """
    columns, optional = sheet.shape.columns, sheet.shape.optional
    frame = values.apart(sheet.cells.frame)
    reasons: list[pl.Expr] = [
        pl.when(values.raw(columns["symbol"]).fill_null("") == "").then(pl.lit(str(Reason.SYMBOL_MISSING)))
    ]
    if "taken_at" in columns:
        taken = values.raw(columns["taken_at"]).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_unit="us")
        exchange = values.text(columns["exchange"]).str.to_uppercase()
        frame = frame.with_columns(taken.dt.convert_time_zone("UTC").alias("taken_at"), exchange.alias("exchange"))
        frame = frame.with_columns(pl.col("taken_at").dt.date().alias("date"))
        reasons.append(values.wrong("date", columns["taken_at"], "date", "day"))
    else:
        frame = frame.with_columns(
            pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("taken_at"),
            pl.lit(sheet.exchange).alias("exchange"),
            pl.lit(sheet.day, dtype=pl.Date).alias("date"),
        )
    year = optional["ipo_year"]
    return frame.with_columns(
        yahoo_symbol(values.raw(columns["symbol"])).alias("symbol"),
        values.text(columns["name"]).alias("name"),
        values.number(columns["last_sale"]).alias("last_sale"),
        values.number(columns["market_cap"]).alias("market_cap"),
        values.count(year).cast(pl.Int32, strict=False).alias("ipo_year"),
        *[values.text(optional[name]).alias(name) for name in _WORDS],
    ).select(
        "symbol",
        "date",
        "exchange",
        "name",
        "last_sale",
        pl.when(pl.col("market_cap") > 0).then(pl.col("market_cap")).alias("market_cap"),
        "country",
        "ipo_year",
        "industry",
        "sector",
        "taken_at",
        pl.lit(origin).alias("origin"),
        TEXT,
        pl.coalesce(
            *reasons,
            values.wrong_if_told("last_sale", columns["last_sale"], "last_sale"),
            values.wrong_if_told("market_cap", columns["market_cap"], "market_cap"),
            values.wrong_if_told("ipo_year", year, "ipo_year"),
        ).alias(_REASON),
    )


def newest_of_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a history's several lists of one day the last taken; others that it outdates are left out."""
    last = pl.col("taken_at").max().over("symbol", "date")
    return rows.filter(pl.col("taken_at").is_null() | (pl.col("taken_at") == last))


def yahoo_symbol(text: pl.Expr) -> pl.Expr:
    """A symbol of Nasdaq's lists in Yahoo's spelling: BRK/B is BRK-B, ABR^D is ABR-PD."""
    return text.str.strip_chars().str.to_uppercase().str.replace("^", "-P", literal=True).str.replace("/", "-")


def tickers(sheet: Sheet) -> pl.DataFrame:
    """Columns of silver.sec_tickers less provenance, with `_text` and `_reason`."""
    columns, optional = sheet.shape.columns, sheet.shape.optional

    def told(name: str) -> pl.Expr:
        header = optional[name]
        return values.text(header) if header in sheet.cells.names else pl.lit(None, dtype=pl.String)

    # Not `text`: NA and NAN are tickers.
    symbol = values.raw(columns["symbol"]).str.to_uppercase()
    return (
        values.apart(sheet.cells.frame)
        .with_columns(
            symbol.alias("symbol"),
            values.count(columns["cik"]).alias("cik"),
            told("name").alias("name"),
            told("exchange").alias("exchange"),
        )
        .select(
            "symbol",
            "cik",
            "name",
            "exchange",
            TEXT,
            pl.coalesce(
                pl.when(pl.col("symbol").fill_null("") == "").then(pl.lit(str(Reason.SYMBOL_MISSING))),
                values.wrong("cik", columns["cik"], "cik"),
            ).alias(_REASON),
        )
    )
