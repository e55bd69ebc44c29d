"""Files that a user has, read into contract rows: daily bars, minute bars, SEC's ticker mapping as CSV.

Every physical line is either a row or refused with a reason. Which file is of which kind is told by its header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from lake.clock import NEW_YORK
from lake.contracts import table
from lake.rows import Refusal, Settled, settle

FileKind = Literal["bars_daily_csv", "bars_minute_alphavantage_csv", "sec_tickers"]

_NAMED = re.compile(r"^([A-Z][A-Z0-9.\-]{0,9})(?:_.*)?\.csv$")
_DAILY = {"date", "open", "high", "low", "close", "adj close", "volume"}
_SYMBOL_COLUMNS = ("symbol", "ticker", "name", "stock symbol", "stock")
_MINUTE = {"open", "high", "low", "close", "volume"}
_TICKERS = {"cik", "ticker"}
EXPECTED = (
    "an EDGAR access log (CSV or zip), daily bars (Date,Open,High,Low,Close,Adj Close,Volume), "
    "Alpha Vantage one-minute bars (date or timestamp,1. open … 5. volume) or SEC's ticker mapping (CSV or JSON)"
)


class NotRecognised(ValueError):
    """A file that is none of the kinds, or lacks its symbol; the text says what was expected and what was found."""


class Source(NamedTuple):
    """Where a file's rows come from: goes into every row."""

    sha256: str
    observed_at: datetime
    run_id: str


@dataclass(frozen=True)
class Header:
    """A file's first line, its names in plain form (lower case, no numbering, spaces for underscores)."""

    names: tuple[str, ...]

    def index(self, name: str) -> int:
        """Where a column is."""
        return self.names.index(name)

    @property
    def symbol_column(self) -> str | None:
        """The column that holds the symbol, if there is one."""
        return next((name for name in _SYMBOL_COLUMNS if name in self.names), None)


def _plain(name: str) -> str:
    return re.sub(r"^\d+\.\s*", "", name.strip().strip('"').lower().replace("_", " "))


def header_of(path: Path) -> Header:
    """The first line of a CSV file.

    Raises:
        NotRecognised: where it is not text.
    """
    with path.open("rb") as file:
        first = file.readline(65_536)
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotRecognised(f"{path.name}: expected {EXPECTED}; found bytes that are not UTF-8 text") from None
    fields = next(csv.reader([text.rstrip("\r\n")]), [])
    return Header(tuple(_plain(name) for name in fields))


def kind_of(path: Path) -> FileKind:
    """Which kind of bar or ticker file this is, by its content.

    Raises:
        NotRecognised: with what was expected and what was found.
    """
    if path.suffix.lower() == ".json":
        return _json_kind(path)
    header = header_of(path)
    names = set(header.names)
    rest = names - set(_SYMBOL_COLUMNS) - {""}
    if rest == _DAILY:
        return "bars_daily_csv"
    if rest in ({"date", *_MINUTE}, {"timestamp", *_MINUTE}) and _has_minutes(path):
        return "bars_minute_alphavantage_csv"
    if names >= _TICKERS:
        return "sec_tickers"
    found = ",".join(header.names)[:200] or "an empty first line"
    raise NotRecognised(f"{path.name}: expected {EXPECTED}; found the columns {found}")


def _json_kind(path: Path) -> FileKind:
    with path.open("rb") as file:
        start = file.read(4096)
    if b'"cik_str"' in start or (b'"fields"' in start and b'"cik"' in start):
        return "sec_tickers"
    raise NotRecognised(f"{path.name}: expected {EXPECTED}; found JSON without SEC's cik_str or fields")


def _has_minutes(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", newline="") as file:
        file.readline()
        return bool(re.match(r'^"?\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"?,', file.readline()))


def symbol_of(path: Path, given: str | None) -> str | None:
    """The symbol of a file without a symbol column: the one given, else its name's; None where a column has it.

    Raises:
        NotRecognised: where there is none.
    """
    if given is not None:
        return given.upper()
    if header_of(path).symbol_column is not None:
        return None
    match = _NAMED.match(path.name)
    if match is None:
        raise NotRecognised(
            f"{path.name}: whose bars are these? Give --symbol, or a column named Symbol, "
            f"or name the file TICKER.csv or TICKER_….csv"
        )
    return match.group(1)


class _Line(NamedTuple):
    text: str
    fields: list[str]


def _lines(path: Path) -> Iterator[_Line]:
    """Physical lines after the header, blank ones left out."""
    with path.open("rb") as file:
        file.readline()
        for raw in file:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip():
                yield _Line(text, _fields(text))


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        # A field beyond the reader's limit, or a NUL: the line has no fields that count.
        return []


def _read(
    path: Path, header: Header, source: Source, reader: Callable[[list[str]], dict[str, object]]
) -> tuple[list[dict[str, object]], list[Refusal], int]:
    rows, refusals, count = [], [], 0
    for line in _lines(path):
        count += 1
        reason = None
        if len(line.fields) != len(header.names):
            reason = "wrong_number_of_fields"
        else:
            try:
                rows.append(reader(line.fields))
            except ValueError as error:
                reason = str(error)
        if reason is not None:
            refusals.append(Refusal(reason, line.text[:2000], source.sha256, source.observed_at, source.run_id))
    return rows, refusals, count


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}_is_not_a_number") from None


def _shares(text: str) -> int | None:
    if not text.strip():
        return None
    value = _number(text, "volume")
    if not -(2.0**63) < value < 2.0**63:
        raise ValueError("volume_is_not_a_number")
    return round(value)


def _day(text: str) -> date:
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise ValueError("date_is_not_iso") from None


def _provenance(source: Source) -> dict[str, object]:
    return {"observed_at": source.observed_at, "_run_id": source.run_id, "_payload_sha256": source.sha256}


def daily_bars(path: Path, symbol: str | None, source: Source) -> Settled:
    """Daily bars of the common download form, whose prices are adjusted for splits (as Yahoo's download gives them).

    Args:
        symbol: the file's symbol; None where a column has it.
    """
    header = header_of(path)
    at = {name: header.index(name) for name in _DAILY}
    symbol_at = header.index(header.symbol_column) if symbol is None and header.symbol_column else None

    def reader(fields: list[str]) -> dict[str, object]:
        session = _day(fields[at["date"]])
        prices = {name: _number(fields[at[name]], name) for name in ("open", "high", "low", "close")}
        return {
            "symbol": fields[symbol_at].strip().upper() if symbol_at is not None else symbol,
            "session": session,
            **prices,
            "volume_shares": _shares(fields[at["volume"]]),
            "basis": "split_adjusted",
            "year": session.year,
            "origin": source.sha256,
            "source_adj_close": _number(fields[at["adj close"]], "adj_close"),
            **_provenance(source),
        }

    known = table("silver.bars_daily")
    rows, refusals, count = _read(path, header, source, reader)
    return settle(known, pl.DataFrame(rows, schema=known.schema.create_empty().schema), count, refusals)


def minute_bars(path: Path, symbol: str | None, source: Source) -> Settled:
    """Alpha Vantage's one-minute bars: naive stamps are New York time, the newest comes first."""
    header = header_of(path)
    stamp_at = header.index("date" if "date" in header.names else "timestamp")
    at = {name: header.index(name) for name in _MINUTE}
    symbol_at = header.index(header.symbol_column) if symbol is None and header.symbol_column else None

    def reader(fields: list[str]) -> dict[str, object]:
        try:
            local = datetime.fromisoformat(fields[stamp_at].strip()).replace(tzinfo=NEW_YORK)
        except ValueError:
            raise ValueError("minute_is_not_iso") from None
        prices = {name: _number(fields[at[name]], name) for name in ("open", "high", "low", "close")}
        return {
            "symbol": fields[symbol_at].strip().upper() if symbol_at is not None else symbol,
            "minute": local.astimezone(UTC),
            "session": local.date(),
            **prices,
            "volume_shares": _shares(fields[at["volume"]]),
            "origin": source.sha256,
            **_provenance(source),
        }

    known = table("silver.bars_minute")
    rows, refusals, count = _read(path, header, source, reader)
    return settle(known, pl.DataFrame(rows, schema=known.schema.create_empty().schema), count, refusals)


def ticker_rows(path: Path, source: Source) -> tuple[pl.DataFrame, list[Refusal], int]:
    """SEC's mapping as CSV (CIK,Ticker,Name,Exchange), columns less judged ones."""
    header = header_of(path)
    at = {name: header.index(name) for name in header.names}

    def reader(fields: list[str]) -> dict[str, object]:
        def text(name: str) -> str | None:
            return (fields[at[name]].strip() or None) if name in at else None

        try:
            cik = int(fields[at["cik"]])
        except ValueError:
            raise ValueError("cik_is_not_a_number") from None
        symbol = fields[at["ticker"]].strip().upper()
        return {"symbol": symbol, "cik": cik, "name": text("name"), "exchange": text("exchange"), **_provenance(source)}

    known = table("silver.sec_tickers")
    rows, refusals, count = _read(path, header, source, reader)
    return pl.DataFrame(rows, schema=known.schema.create_empty().schema), refusals, count
