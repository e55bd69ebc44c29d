"""Cells as values: numbers, counts, days and instants, each with the name of what is wrong where it is none."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scrapers.imports.cells import TEXT

_CELL = "cell "
_EMPTY = ("", "null", "nan", "none", "-", "n/a", "na")
_THOUSANDS = r"^-?\d{1,3}(,\d{3})+(\.\d+)?$"
_MIDNIGHT = r"^(.*?)[ T]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?$"


def apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells under names that no contract has: what follows may call a value as its header does."""
    return frame.rename({name: _CELL + name for name in frame.columns if name != TEXT})


def raw(column: str) -> pl.Expr:
    """A cell's text, stripped."""
    return pl.col(_CELL + column).str.strip_chars()


def text(column: str) -> pl.Expr:
    """A cell's text, stripped; null where it says nothing."""
    plain = raw(column)
    return pl.when(~plain.str.to_lowercase().is_in(_EMPTY)).then(plain)


def number(column: str) -> pl.Expr:
    """A cell as a finite number; thousands may be marked by commas, dollars by their sign."""
    plain = text(column).str.strip_prefix("$")
    marked = pl.when(plain.str.contains(_THOUSANDS)).then(plain.str.replace_all(",", "")).otherwise(plain)
    found = marked.cast(pl.Float64, strict=False)
    return pl.when(found.is_finite()).then(found)


def count(column: str) -> pl.Expr:
    """A cell as a whole number; a fraction is rounded."""
    found = number(column).round()
    return pl.when(found.abs() < 2.0**63).then(found).cast(pl.Int64, strict=False)


def day(column: str, forms: Sequence[str]) -> pl.Expr:
    """A cell as a day, in one of some forms; a time of midnight is left out."""
    plain = raw(column)
    bare = pl.coalesce(plain.str.extract(_MIDNIGHT, 1), plain)
    return pl.coalesce([bare.str.to_date(form, strict=False) for form in forms])


def wrong(value: str, column: str, what: str, kind: str = "number") -> pl.Expr:
    """Why a required value is not there: `open_is_missing`, `open_is_not_a_number`; null where it is."""
    empty = text(column).is_null()
    return pl.when(pl.col(value).is_null()).then(
        pl.when(empty).then(pl.lit(f"{what}_is_missing")).otherwise(pl.lit(f"{what}_is_not_a_{kind}"))
    )


def wrong_if_told(value: str, column: str, what: str) -> pl.Expr:
    """Why a value that may be absent is no number where it is told."""
    return pl.when(pl.col(value).is_null() & text(column).is_not_null()).then(pl.lit(f"{what}_is_not_a_number"))
