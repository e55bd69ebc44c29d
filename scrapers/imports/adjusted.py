"""A source's own adjusted close, held against the formula by which it is known to be made.

Going back in time, each payment multiplies the earlier closes by a factor: in the CRSP form 1 − paid / previous close, and
with a fund's distributed gains counted beside its dividends (which hold them already) in `crsp_with_gains`; in
`total_return` close / (close + paid), the close being that of the ex-date. Splits divide raw closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from scrapers.imports import values
from scrapers.imports.cells import TEXT
from scrapers.imports.recognise import Sheet
from scrapers.imports.verdicts import Verdict

CLOSE_ENOUGH, OFTEN_ENOUGH = 1e-4, 0.99


class Agreement(NamedTuple):
    """How often a symbol's adjusted close is what its formula makes of the closes and payments beside it.

    Attributes:
        days: with an adjusted close.
        within: of them, to 1e-4 of the price.
    """

    symbol: str
    formula: str
    days: int
    within: int

    @property
    def holds(self) -> bool:
        """On at least 99 % of the days."""
        return self.within >= OFTEN_ENOUGH * self.days


def agreements(sheet: Sheet, bars: pl.DataFrame) -> list[Agreement]:
    """For each symbol of a file that tells payments beside its adjusted close; none for any other file.

    Args:
        sheet: the file.
        bars: its bars in the file's order, with `_reason`.
    """
    columns, formula = sheet.shape.columns, sheet.shape.adj_close
    if formula is None or "dividend" not in columns:
        return []
    paid = values.number(columns["dividend"]).fill_null(0.0)
    if formula == "crsp_with_gains":
        paid += values.number(columns["gains"]).fill_null(0.0)
    split = values.number(columns["split_ratio"]).fill_null(1.0)
    ratio = pl.when(split > 0).then(split).otherwise(1.0) if sheet.basis == "raw" else pl.lit(1.0)
    told = pl.concat([bars.drop(TEXT), values.apart(sheet.cells.frame)], how="horizontal")
    good = told.filter(pl.col("_reason").is_null() & pl.col("source_adj_close").is_not_null())
    rows = good.select("symbol", "session", "close", "source_adj_close", paid.alias("paid"), ratio.alias("ratio"))
    if formula == "total_return":
        factor = pl.col("close") / (pl.col("close") + pl.col("paid"))
    else:
        factor = 1 - pl.col("paid") / pl.col("close").shift(1).over("symbol")
    usable = pl.when((factor > 0) & (pl.col("paid") > 0)).then(factor).otherwise(1.0) / pl.col("ratio")
    made = (
        rows.sort("symbol", "session")
        .with_columns(usable.fill_null(1.0).alias("factor"))
        .with_columns(
            pl.col("factor").cum_prod(reverse=True).shift(-1, fill_value=1.0).over("symbol").alias("later"),
        )
    )
    error = (pl.col("close") * pl.col("later") / pl.col("source_adj_close") - 1).abs()
    counted = made.group_by("symbol").agg(pl.len(), (error <= CLOSE_ENOUGH).sum().alias("within")).sort("symbol")
    return [Agreement(symbol, formula, days, within) for symbol, days, within in counted.iter_rows()]


def on_adjusted(sheet: Sheet, bars: pl.DataFrame) -> Iterator[Verdict]:
    """A warning for each symbol whose adjusted close is not what its formula makes."""
    for found in agreements(sheet, bars):
        if not found.holds:
            off = found.days - found.within
            detail = f"the adjusted close of {found.symbol} is off {found.formula} on {off} of {found.days} days"
            yield Verdict("adjusted_close_follows", sheet.name, (found.symbol,), off, detail)
