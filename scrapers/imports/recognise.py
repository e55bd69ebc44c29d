"""Which shape a file is of, told by its header and its first rows; its name gives a symbol or a day, nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from lake.indices import Index, index_named
from scrapers.errors import Reason
from scrapers.imports import filing_cells
from scrapers.imports.cells import Cells, NotRecognised, cells_of, parts
from scrapers.imports.shapes import NOT_TAKEN, SHAPES, SYMBOL_NAMES, Basis, Kind, Shape

__all__ = ["NotRecognised", "Sheet", "sheets"]

EXPECTED = (
    "an EDGAR access log (CSV or zip), daily bars (Date,Open,High,Low,Close,Adj Close,Volume and the like), one-minute "
    "bars of Alpha Vantage or of an index, Nasdaq's screener, SEC's ticker mapping or EDGAR's index of filings; "
    "docs/import.md has every shape"
)
_SYMBOL = r"\^?[A-Z][A-Z0-9.\-]{0,9}?"
_NAMED = re.compile(rf"^({_SYMBOL})(?:[_ ].*|-\d+(?:m|h|d|wk|mo)(?:-.*)?)?\.(?:csv|json|txt)$")
_LISTED = re.compile(r"^(nasdaq|nyse|amex)_.*?(\d{4}-\d\d-\d\d)\.json$", re.IGNORECASE)
_SAMPLE = 400
_DAYLIKE = r"^\s*\d{4}-\d\d-\d\d"
_WITH_TIME = rf"{_DAYLIKE}[ T](\d\d:\d\d)"
_BY_OFFSET = {"-04:00": "USD", "-05:00": "USD", "+05:30": "INR", "+00:00": "GBp", "+01:00": "GBp"}
_BY_SUFFIX = {"NS": "INR", "BO": "INR", "L": "GBp"}
_STAMPS = ("datetime", "timestamp", "date")
_WIDE = 5
# Fewer tell nothing: a company may have had two bars in a quarter.
_FEWEST_GAPS = 10


@dataclass(frozen=True)
class Sheet:
    """A table of a file, and what it is.

    Attributes:
        kind: what its rows are; that of the shape, but for a company's bars that turn out to be an index's.
        symbol: of all its rows; None where a column has it.
        basis: what its prices are adjusted for, be it the user's word or the shape's.
        currency: of its prices; empty where they are points.
        day: when a list was taken, where its name tells.
        exchange: whose list it is, where its name tells.
    """

    name: str
    cells: Cells
    shape: Shape
    kind: Kind
    symbol: str | None = None
    basis: Basis | None = None
    currency: str = "USD"
    day: date | None = None
    exchange: str | None = None


def sheets(path: Path, name: str | None = None, symbol: str | None = None, basis: Basis | None = None) -> list[Sheet]:
    """A file's tables: one, or one a member of a zip, all of one kind.

    Args:
        path: where it lies.
        name: what it was called where it came from, if not the same.
        symbol: the user's word on whose bars they are.
        basis: the user's word on what the prices are adjusted for.

    Raises:
        NotRecognised: with what was expected and what was found.
    """
    found = []
    for part in parts(path, name):
        cells = filing_cells.cells_of(part) or cells_of(part)
        found.append(_sheet(part.name, cells, shape_of(part.name, cells), symbol, basis))
    if not found:
        raise NotRecognised(f"{name or path.name}: expected {EXPECTED}; found an empty zip")
    kinds = sorted({sheet.kind for sheet in found})
    if len(kinds) > 1:
        raise NotRecognised(f"{name or path.name}: expected files of one kind in a zip; found {', '.join(kinds)}")
    if symbol is not None and len(found) > 1:
        raise NotRecognised(f"{name or path.name}: --symbol {symbol} would name {len(found)} files; unpack the zip")
    return found


def shape_of(name: str, cells: Cells) -> Shape:
    """The shape of a table.

    Raises:
        NotRecognised: with what was expected and what was found.
    """
    names = frozenset(cells.names)
    fitting = [shape for shape in SHAPES if shape.fits(names, cells.form)]
    if not fitting:
        raise NotRecognised(f"{name}: expected {EXPECTED}; found {_described(cells, names)}")
    stamps = _stamps(cells)
    if stamps is not None:
        by_minute = any(shape.kind == "bars_minute" for shape in fitting)
        if (interval := _interval(stamps)) and not (by_minute and interval == "1 minutes"):
            raise NotRecognised(f"{name}: expected bars of a day or of one minute; found bars of {interval}")
        kinds = {"bars_minute"} if interval else {"bars_daily", "listings", "sec_tickers", "index_bars_daily"}
        if by_minute:
            fitting = [shape for shape in fitting if shape.kind in kinds]
    fitting = [
        shape
        for shape in fitting
        if shape.closes_in_float32 is None or shape.closes_in_float32 is _only_closes_in_float32(cells)
    ]
    if not fitting:
        raise NotRecognised(f"{name}: expected {EXPECTED}; found the columns {_columns(cells)}")
    return fitting[0]


def _columns(cells: Cells) -> str:
    return ",".join(cells.shown)[:200]


def _described(cells: Cells, names: frozenset[str]) -> str:
    for known in NOT_TAKEN:
        if known.names <= names:
            return f"{known.found} ({known.reason}), with the columns {_columns(cells)}"
    if not any(cells.names):
        return "an empty first line"
    if all(_is_number(text) for text in cells.shown):
        return f"a first line of numbers instead of names (no_header): {_columns(cells)}"
    prices = [name for name in cells.names[1:] if name and _mostly_numbers(cells.frame[name])]
    if cells.names[0] == "date" and len(prices) >= _WIDE and not names & {"open", "close"}:
        return f"one column of closes a company (close_only_wide), with the columns {_columns(cells)}"
    return f"the columns {_columns(cells)}"


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?[\d,]*\.?\d+", text.strip()))


def _mostly_numbers(column: pl.Series) -> bool:
    told = column.head(_SAMPLE).drop_nulls().str.strip_chars()
    told = told.filter(told != "")
    return told.len() > 0 and bool(told.cast(pl.Float64, strict=False).is_not_null().mean() or 0.0)


def _stamps(cells: Cells) -> pl.Series | None:
    if "time" in cells.names:
        return None
    column = next((name for name in _STAMPS if name in cells.names), None)
    return cells.frame[column].drop_nulls() if column is not None else None


def _interval(stamps: pl.Series) -> str | None:
    """What bars are of, where they are not of a day: as in `7 days` or `15 minutes`."""
    timed = stamps.str.extract(_WITH_TIME, 1)
    if (timed.drop_nulls() != "00:00").sum() > stamps.len() / 2:
        text = stamps.str.replace("T", " ").str.strip_chars().str.slice(0, 16)
        gap = _usual_gap(text.str.to_datetime("%Y-%m-%d %H:%M", strict=False))
        return f"{gap // timedelta(minutes=1) if gap else 1} minutes"
    day = stamps.str.strip_chars().str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    gap = _usual_gap(day)
    return f"{gap.days} days" if gap is not None and gap >= timedelta(days=5) else None


def _usual_gap(moments: pl.Series) -> timedelta | None:
    gaps = moments.drop_nulls().unique().sort().diff().drop_nulls()
    if gaps.len() < _FEWEST_GAPS:
        return None
    counted = gaps.value_counts(sort=True)
    usual = counted.to_series(0).to_list()
    return usual[0] if usual else None


def _only_closes_in_float32(cells: Cells) -> bool:
    """Whether closes are exact 32-bit numbers and opens are not: they were scaled by a factor after they were rounded."""
    if not {"open", "close"} <= set(cells.names):
        return False
    sample = cells.frame.select(pl.col("open", "close").cast(pl.Float64, strict=False)).drop_nulls()
    if sample.is_empty():
        return False
    exact = sample.select((pl.all() == pl.all().cast(pl.Float32).cast(pl.Float64)).mean())
    return bool(exact["close"].item() > 0.99 and exact["open"].item() < 0.5)


def _sheet(name: str, cells: Cells, shape: Shape, symbol: str | None, basis: Basis | None) -> Sheet:
    if shape.kind in {"sec_tickers", "filings"}:
        return Sheet(name, cells, shape, shape.kind)
    if shape.kind == "listings":
        return _list(name, cells, shape)
    named = symbol.upper() if symbol else None
    if shape.kind in {"index_bars_daily", "index_bars_minute"}:
        return Sheet(name, cells, shape, shape.kind, _index_of(name, cells, shape, named).symbol, currency="")
    owner = named or _symbol_told(name, cells)
    if owner is not None and (index := index_named(owner)) is not None:
        kind: Kind = "index_bars_daily" if shape.kind == "bars_daily" else "index_bars_minute"
        return Sheet(name, cells, shape, kind, index.symbol, currency="")
    currency, why = _currency(cells, shape, owner)
    if currency != "USD":
        raise NotRecognised(
            f"{name}: {Reason.CURRENCY_NOT_USD}: expected prices in USD; found {currency} ({why}, shape {shape.name})"
        )
    return Sheet(name, cells, shape, shape.kind, owner, basis or shape.basis, currency)


def _list(name: str, cells: Cells, shape: Shape) -> Sheet:
    if "taken_at" in shape.columns:
        return Sheet(name, cells, shape, shape.kind)
    told = _LISTED.match(name)
    try:
        day = date.fromisoformat(told.group(2)) if told else None
    except ValueError:
        day = None
    if told is None or day is None:
        raise NotRecognised(
            f"{name}: whose list is it, and of which day? Neither is inside; expected a name such as "
            f"nasdaq_full_tickers_2026-03-31.json (nasdaq, nyse or amex)"
        )
    return Sheet(name, cells, shape, shape.kind, day=day, exchange=told.group(1).upper())


def _symbol_told(name: str, cells: Cells) -> str | None:
    """The symbol of a file's own words or of its name; None where a column has it.

    Raises:
        NotRecognised: where there is none.
    """
    if "symbol" in cells.about:
        return cells.about["symbol"].upper()
    if any(column in cells.names for column in SYMBOL_NAMES):
        return None
    told = _NAMED.match(name)
    if told is None:
        raise NotRecognised(
            f"{name}: whose bars are these? Give --symbol, or a column named Symbol, "
            f"or name the file TICKER.csv or TICKER_….csv"
        )
    return told.group(1)


def _index_of(name: str, cells: Cells, shape: Shape, given: str | None) -> Index:
    """The index that a file is about: the user's word, else its column, which its name must not contradict."""
    told = cells.frame[shape.columns["index"]].unique().drop_nulls().to_list()
    if given is None and len(told) != 1:
        raise NotRecognised(f"{name}: expected the bars of one index; found {len(told)} names")
    index = index_named(given or told[0])
    if index is None:
        raise NotRecognised(f"{name}: expected an index that is kept (docs/import.md); found {given or told[0]!r}")
    by_name = index_named(re.split(r"[_.\-]", name)[0])
    if given is None and by_name is not None and by_name != index:
        raise NotRecognised(
            f"{name}: symbol_contradicts: its name says {by_name.name}, its column says {told[0]!r}; say which with "
            f"--symbol '{by_name.symbol}' or --symbol '{index.symbol}'"
        )
    return index


def _currency(cells: Cells, shape: Shape, symbol: str | None) -> tuple[str, str]:
    """The currency of a file's prices, and what tells it."""
    if shape.currency is not None:
        return shape.currency, "the shape's own"
    for suffix in _suffixes(cells, symbol):
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix], f"a symbol ends in .{suffix}"
    stamps = _stamps(cells)
    if stamps is not None:
        offsets = stamps.head(_SAMPLE).str.extract(r"([+-]\d\d:\d\d)\s*$", 1).drop_nulls().unique().to_list()
        foreign = [offset for offset in sorted(offsets) if _BY_OFFSET.get(offset) != "USD"]
        if foreign:
            return _BY_OFFSET.get(foreign[0], "another currency"), f"its stamps are {foreign[0]}"
    return "USD", "nothing says otherwise"


def _suffixes(cells: Cells, symbol: str | None) -> Sequence[str]:
    if symbol is not None:
        return [symbol.rpartition(".")[2]] if "." in symbol else []
    column = next((name for name in SYMBOL_NAMES if name in cells.names), None)
    if column is None:
        return []
    ends = cells.frame[column].unique().str.extract(r"\.([A-Za-z]+)\s*$", 1).drop_nulls()
    return ends.str.to_uppercase().unique().sort().to_list()
