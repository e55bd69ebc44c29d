"""From a file's cells to the rows of its silver table: typed, judged, and every row accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from lake.contracts import Table, table
from lake.rows import Refusal, RowAccount, Settled, settle
from scrapers.errors import Reason
from scrapers.imports import actions, bars, filings, listings, values
from scrapers.imports.adjusted import on_adjusted
from scrapers.imports.cells import TEXT
from scrapers.imports.recognise import Sheet, sheets
from scrapers.imports.shapes import SYMBOL_NAMES, Basis, Kind
from scrapers.imports.verdicts import Verdict

TABLES: dict[Kind, str] = {
    "bars_daily": "silver.bars_daily",
    "bars_minute": "silver.bars_minute",
    "index_bars_daily": "silver.index_bars_daily",
    "index_bars_minute": "silver.index_bars_minute",
    "listings": "silver.listings",
    "sec_tickers": "silver.sec_tickers",
    "filings": "silver.filings",
}


class Source(NamedTuple):
    """Where a file's rows come from: goes into every row."""

    sha256: str
    observed_at: datetime
    run_id: str


@dataclass(frozen=True)
class FileRows:
    """A file, read.

    Attributes:
        kind: what its rows are.
        settled: by silver table; that of its kind first.
        verdicts: on its tables as a whole.
    """

    kind: Kind
    sheets: list[Sheet]
    settled: dict[str, Settled]
    verdicts: list[Verdict]

    @property
    def symbol(self) -> str | None:
        """The one symbol that the file is about; None where a column has it, or each member its own."""
        return self.sheets[0].symbol if len(self.sheets) == 1 else None

    @property
    def account(self) -> RowAccount:
        """What became of the rows of the file."""
        return self.settled[TABLES[self.kind]].account


def read_file(
    path: Path, source: Source, name: str | None = None, symbol: str | None = None, basis: Basis | None = None
) -> FileRows:
    """Rows of a file by silver table.

    Args:
        path: where it lies.
        source: goes into every row.
        name: what it was called where it came from.
        symbol: the user's word on whose bars they are.
        basis: the user's word on what its prices are adjusted for.

    Raises:
        NotRecognised: with what was expected and what was found.
    """
    found = sheets(path, name, symbol, basis)
    kind = found[0].kind
    known = table(TABLES[kind])
    typed = [_typed(sheet, source) for sheet in found]
    verdicts: list[Verdict] = []
    if kind in {"bars_daily", "index_bars_daily"}:
        for at, sheet in enumerate(found):
            typed[at], told = bars.judged(sheet, typed[at], source.observed_at.date())
            verdicts += [*told, *(on_adjusted(sheet, typed[at]) if kind == "bars_daily" else ())]
    rows = pl.concat(typed, how="vertical_relaxed")
    refusals = [refusal for sheet in found for refusal in _ragged(sheet, source)] + _refused(rows, source)
    rows_in = sum(sheet.cells.rows_in for sheet in found)
    good = rows.filter(pl.col(bars.REASON).is_null())
    if kind == "listings":
        good = listings.newest_of_day(good)
    older = rows.filter(pl.col(bars.REASON).is_null()).height - good.height
    settled = {known.id: _settled(known, good, rows_in - older, refusals, source)}
    if older:
        account = settled[known.id].account
        whole = account._replace(rows_in=rows_in, duplicates=account.duplicates + older)
        settled[known.id] = replace(settled[known.id], account=whole.check(known.id))
    if kind == "bars_daily":
        taken = settled[known.id].good.select("symbol", "session")
        events = [actions.of(sheet, frame, taken) for sheet, frame in zip(found, typed, strict=True)]
        settled["silver.corporate_actions"] = _actions(pl.concat(events, how="vertical_relaxed"), source)
    return FileRows(kind, found, settled, verdicts)


def _typed(sheet: Sheet, source: Source) -> pl.DataFrame:
    """The contract's columns without provenance, `_text`, and `_reason`: why a row is refused, null where it is not."""
    if sheet.kind in {"bars_daily", "index_bars_daily"}:
        return bars.daily(sheet, symbol_of(sheet), source.sha256)
    if sheet.kind in {"bars_minute", "index_bars_minute"}:
        return bars.minutes(sheet, symbol_of(sheet), source.sha256)
    if sheet.kind == "listings":
        return listings.listed(sheet, source.sha256)
    if sheet.kind == "filings":
        return filings.filed(sheet, source.sha256)
    return listings.tickers(sheet)


def symbol_of(sheet: Sheet) -> pl.Expr:
    """Whose each row is: the file's one symbol, or a column's."""
    if sheet.symbol is not None:
        return pl.lit(sheet.symbol)
    column = next(name for name in SYMBOL_NAMES if name in sheet.cells.names)
    return values.raw(column).str.to_uppercase()


def _provenance(source: Source) -> list[pl.Expr]:
    return [
        pl.lit(source.observed_at).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
        pl.lit(source.run_id).alias("_run_id"),
        pl.lit(source.sha256).alias("_payload_sha256"),
    ]


def _settled(known: Table, good: pl.DataFrame, rows_in: int, refusals: Sequence[Refusal], source: Source) -> Settled:
    return settle(known, good.with_columns(_provenance(source)), rows_in, refusals)


def _refused(rows: pl.DataFrame, source: Source) -> list[Refusal]:
    refused = rows.filter(pl.col(bars.REASON).is_not_null()).select(bars.REASON, TEXT)
    return [Refusal(reason, text, *source) for reason, text in refused.iter_rows()]


def _ragged(sheet: Sheet, source: Source) -> list[Refusal]:
    reason = "wrong_number_of_fields" if sheet.cells.form in {"table", "filings"} else str(Reason.NOT_AN_OBJECT)
    return [Refusal(reason, text, *source) for text in sheet.cells.ragged]


def _actions(rows: pl.DataFrame, source: Source) -> Settled:
    known = table("silver.corporate_actions")
    good = rows.filter(pl.col(bars.REASON).is_null()).with_columns(pl.lit(source.sha256).alias("origin"))
    return _settled(known, good, rows.height, _refused(rows, source), source)


def ticker_rows(path: Path, source: Source, name: str | None = None) -> tuple[pl.DataFrame, list[Refusal], int]:
    """SEC's mapping in any of its forms, as rows of silver.sec_tickers that are not judged yet.

    Returns:
        The rows with provenance, the refusals, and how many rows the file has.
    """
    known = table("silver.sec_tickers")
    found = sheets(path, name)
    rows = pl.concat([listings.tickers(sheet) for sheet in found])
    refusals = [refusal for sheet in found for refusal in _ragged(sheet, source)] + _refused(rows, source)
    good = rows.filter(pl.col(bars.REASON).is_null()).with_columns(_provenance(source)).select(known.columns)
    return good, refusals, sum(sheet.cells.rows_in for sheet in found)


def days_of(rows: Settled) -> tuple[date | None, date | None]:
    """The first and the last day that good rows speak of; None where they speak of none."""
    column = next((name for name in ("session", "date", "filed_on") if name in rows.good.columns), None)
    if column is None:
        return None, None
    first, last = rows.good.select(pl.col(column).min().alias("a"), pl.col(column).max().alias("b")).row(0)
    return first, last
