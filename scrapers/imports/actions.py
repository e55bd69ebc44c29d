"""Dividends and splits that stand beside a file's bars, in the shares that its prices are in."""

from __future__ import annotations

import polars as pl

from scrapers.imports import values
from scrapers.imports.cells import TEXT
from scrapers.imports.recognise import Sheet

_REASON = "_reason"
_SCHEMA = {
    "symbol": pl.String,
    "date": pl.Date,
    "kind": pl.String,
    "amount": pl.Float64,
    "stated_on": pl.Date,
    TEXT: pl.String,
    _REASON: pl.String,
}


def of(sheet: Sheet, bars: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """Columns of silver.corporate_actions less provenance and origin, with `_text` and `_reason`.

    Args:
        sheet: the file.
        bars: its bars in the file's order, with `_reason`.
        taken: symbol and session of the bars that were taken; an action stands or falls with its bar.
    """
    columns = sheet.shape.columns
    found = [pl.DataFrame(schema=_SCHEMA)]
    cells = values.apart(sheet.cells.frame)
    whole = pl.concat([bars.drop(TEXT), cells], how="horizontal").sort("symbol", "session", nulls_last=True)
    whole = whole.with_columns(
        pl.col("close").shift(1).over("symbol").alias("_before"), pl.col("session").max().over("symbol").alias("_last")
    )
    for name, kind in (("dividend", "dividend"), ("split_ratio", "split")):
        if name not in columns:
            continue
        amount = values.number(columns[name])
        # None of the kind: nothing paid, nothing split.
        told = whole.with_columns(amount.alias("amount")).filter(
            values.text(columns[name]).is_not_null()
            & ~pl.col("amount").is_in([0.0] + ([1.0] if kind == "split" else []))
            | (pl.col("amount").is_null() & values.text(columns[name]).is_not_null())
        )
        found.append(_judged(told, sheet, kind, taken))
    return pl.concat(found)


def _judged(told: pl.DataFrame, sheet: Sheet, kind: str, taken: pl.DataFrame) -> pl.DataFrame:
    known = told.join(
        taken.with_columns(pl.lit(value=True).alias("_taken")),
        on=["symbol", "session"],
        how="left",
        maintain_order="left",
    )
    reason = (
        pl.when(pl.col("amount").is_null())
        .then(pl.lit(f"{kind}_is_not_a_number"))
        .when(pl.col("_taken").is_null())
        .then(pl.lit("bar_refused"))
    )
    if kind == "dividend":
        reason = reason.when(pl.col("amount") >= pl.col("_before")).then(pl.lit("dividend_not_below_close"))
    own_day = pl.col("session") if sheet.basis == "raw" else pl.col("_last")
    return known.select(
        "symbol",
        pl.col("session").alias("date"),
        pl.lit(kind).alias("kind"),
        "amount",
        own_day.alias("stated_on"),
        TEXT,
        reason.alias(_REASON),
    )
