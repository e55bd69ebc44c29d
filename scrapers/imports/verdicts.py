"""What is wrong with a table as a whole, though each of its rows may look right.

A verdict with a rule refuses every row of its symbols: rows that pass by chance are as wrong as the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import permutations
from typing import NamedTuple

import polars as pl

_REASON = "_reason"
_PRICES = ("open", "high", "low", "close")
# Of real files one day in 120 is none at most (an index, its evening sessions); a shift by a year puts one in four there,
# one by 52 weeks, which moves the holidays alone, one in 60.
STRAY_SHARE, FEWEST_STRAYS = 0.01, 5
_MISLABELLED_SHARE, _FEWEST_ROWS = 0.5, 5
_NAMED_DAYS = 5


class Verdict(NamedTuple):
    """What a table-level check found.

    Attributes:
        check: its name.
        file: the file, or member of a zip.
        symbols: of which of its symbols.
        rows: how many rows it is about.
        detail: the finding in words.
        rule: under which all rows of the symbols are refused; empty for a warning.
    """

    check: str
    file: str
    symbols: tuple[str, ...]
    rows: int
    detail: str
    rule: str = ""


def on_labels(file: str, frame: pl.DataFrame) -> Iterator[Verdict]:
    """Whether the columns hold what their names say: most highs are below the other prices where they do not."""
    priced = frame.drop_nulls(_PRICES)
    broken = priced.filter(~_is_range(*_PRICES)).height
    if priced.height < _FEWEST_ROWS or broken <= _MISLABELLED_SHARE * priced.height:
        return
    fitting = [order for order in permutations(_PRICES) if priced.filter(~_is_range(*order)).is_empty()]
    names = ",".join(_PRICES)
    # High and low are told by the range; which of the other two is the open is not.
    hint = f"; as {' or '.join(','.join(order) for order in fitting)} they would be" if fitting else ""
    detail = f"{broken} of {priced.height} rows are no range of prices under the names {names}{hint}"
    symbols = tuple(frame["symbol"].drop_nulls().unique().sort())
    yield Verdict("columns_as_named", file, symbols, broken, detail, "columns_mislabelled")


def _is_range(first: str, high: str, low: str, last: str) -> pl.Expr:
    slack = pl.col(last) * 1e-6
    return (pl.max_horizontal(first, last, low) <= pl.col(high) + slack) & (
        pl.min_horizontal(first, last) >= pl.col(low) - slack
    )


def on_dates(file: str, frame: pl.DataFrame) -> Iterator[Verdict]:
    """Whether the days are the exchange's: shifted ones fall on weekends and holidays."""
    stray = pl.col(_REASON).is_in(["not_a_session", "date_in_the_future"])
    dated = frame.drop_nulls(["symbol", "session"])
    counted = dated.group_by("symbol").agg(pl.len().alias("rows"), stray.sum().alias("strays"))
    wrong = counted.filter(
        (pl.col("strays") >= FEWEST_STRAYS) & (pl.col("strays") > STRAY_SHARE * pl.col("rows"))
    ).sort("symbol")
    for symbol, rows, strays in wrong.iter_rows():
        days = dated.filter((pl.col("symbol") == symbol) & stray)["session"].unique().sort()
        detail = f"{strays} of {rows} days of {symbol} are no sessions, as {_first(days.to_list())}: shifted dates?"
        yield Verdict("dates_are_sessions", file, (symbol,), strays, detail, "dates_shifted")


def on_gaps(file: str, frame: pl.DataFrame, sessions: Sequence[date]) -> Iterator[Verdict]:
    """Sessions that a symbol has no row for, between its first and its last."""
    if frame.is_empty() or not sessions:
        return
    spans = frame.group_by("symbol").agg(pl.col("session").min().alias("a"), pl.col("session").max().alias("b"))
    expected = spans.join(pl.DataFrame({"session": sessions}, schema={"session": pl.Date}), how="cross").filter(
        pl.col("session").is_between("a", "b")
    )
    missing = expected.join(frame.select("symbol", "session"), on=["symbol", "session"], how="anti")
    by_symbol = missing.sort("session").group_by("symbol", maintain_order=True).agg("session").sort("symbol")
    for symbol, days in by_symbol.iter_rows():
        detail = f"{symbol} has no row on {len(days)} sessions, as {_first(days)}"
        yield Verdict("sessions_complete", file, (symbol,), len(days), detail)


def _first(days: Sequence[date]) -> str:
    return ", ".join(str(day) for day in days[:_NAMED_DAYS]) + (" …" if len(days) > _NAMED_DAYS else "")
