"""Filers' tickers and names over time, from the files of SEC's mapping and the companies' own descriptions."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

import polars as pl

from lake.contracts import table

FILERS = table("gold.filers")

# Before it nothing was filed at EDGAR.
BEGIN = date(1993, 1, 1)
_DAY = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


def day_of_mapping(name: str, received: date) -> date:
    """When a mapping was taken: the day in its file's name, of a year alone the last; never after it was received."""
    for found in _DAY.finditer(name):
        try:
            return min(date(*(int(part) for part in found.groups())), received)
        except ValueError:
            continue
    year = _YEAR.search(name)
    return min(date(int(year.group(1)), 12, 31), received) if year else received


def filers(mapped: pl.DataFrame, companies: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold.filers; see the contract for what holds on which day.

    Args:
        mapped: silver.mapped_tickers.
        companies: those of gold.companies that are in force.
    """
    known = mapped_filers(mapped, companies["symbol"].to_list())
    # Of a filer's several share classes the first ticker in the alphabet.
    own = companies.filter(pl.col("cik").is_not_null()).sort("cik", "symbol").unique("cik", keep="first")
    named = known.join(own.select("cik", "symbol", own_name="name"), on=["cik", "symbol"], how="left").with_columns(
        name=pl.coalesce("own_name", "name")
    )
    others = own.join(known, on="cik", how="anti").with_columns(
        valid_from=pl.lit(BEGIN), valid_to=pl.lit(None, pl.Date), taken_on=pl.lit(None, pl.Date)
    )
    return pl.concat([FILERS.conform(named), FILERS.conform(others)]).sort("cik", "valid_from")


def mapped_filers(mapped: pl.DataFrame, preferred: Collection[str] = ()) -> pl.DataFrame:
    """The rows that SEC's mappings alone make.

    Args:
        mapped: silver.mapped_tickers.
        preferred: tickers that come before others of their filer.
    """
    known = _first_tickers(mapped, preferred)
    days = known.select("taken_on").unique().sort("taken_on")
    newest = known.sort("taken_on").unique("cik", keep="last")
    starts = pl.concat([pl.DataFrame({"taken_on": [BEGIN]}), days]).rename({"taken_on": "valid_from"})
    grid = newest.select("cik").join(starts, how="cross")
    then = grid.join(known, left_on=["cik", "valid_from"], right_on=["cik", "taken_on"], how="left", coalesce=True)
    facts = [name for name in FILERS.columns if name not in {"cik", "valid_from", "valid_to", "taken_on"}]
    held = then.with_columns(taken_on=pl.when(pl.col("symbol").is_not_null()).then("valid_from"))
    filled = held.join(
        newest.select("cik", *(pl.col(name).alias(f"{name}_new") for name in (*facts, "taken_on"))), on="cik"
    )
    told = filled.select(
        "cik",
        "valid_from",
        *(
            pl.when(pl.col("taken_on").is_null()).then(f"{name}_new").otherwise(name).alias(name)
            for name in (*facts, "taken_on")
        ),
    ).sort("cik", "valid_from")
    said = pl.struct("symbol", "name")
    changed = told.filter(said.ne_missing(said.shift(1).over("cik")) | (pl.col("valid_from") == BEGIN))
    versions = changed.with_columns(valid_to=pl.col("valid_from").shift(-1).over("cik"))
    return FILERS.conform(versions).sort("cik", "valid_from")


def _first_tickers(mapped: pl.DataFrame, preferred: Collection[str]) -> pl.DataFrame:
    """One ticker a filer and day of a mapping; of several files of a day the newest."""
    newest = mapped.filter(pl.col("observed_at") == pl.col("observed_at").max().over("taken_on"))
    ordered = newest.sort(
        "taken_on",
        "cik",
        ~pl.col("symbol").is_in(list(preferred)),
        pl.col("symbol").str.contains("-", literal=True),
        "place",
        "symbol",
    )
    return ordered.unique(["taken_on", "cik"], keep="first", maintain_order=True)
