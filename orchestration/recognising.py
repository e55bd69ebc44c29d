"""What a user's files are, before anything of them is kept: by content, with what their rows will come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from lake.rows import RowAccount
from lake.settings import Settings
from orchestration.steps.files import RawFile, sha256_of

if TYPE_CHECKING:
    from scrapers.imports.read import FileRows
    from scrapers.imports.shapes import Basis


class Said(NamedTuple):
    """The user's word on the files.

    Attributes:
        symbol: whose bars they are.
        basis: what their prices are adjusted for.
    """

    symbol: str | None = None
    basis: Basis | None = None


NOTHING_SAID = Said()


def said(symbol: str | None, basis: str | None) -> Said:
    """The user's word, if it can be.

    Raises:
        ValueError: naming the bases there are.
    """
    from scrapers.imports.shapes import BASES

    for known in BASES:
        if basis == known:
            return Said(symbol, known)
    if basis is not None:
        raise ValueError(f"--basis {basis}: expected one of {', '.join(BASES)}")
    return Said(symbol)


@dataclass(frozen=True)
class FileReport:
    """What a file is, and what becomes of its rows.

    Attributes:
        kind: what its rows are, or the series of an EDGAR log.
        shape: as the mapping names it; empty for a log.
        basis: what its prices are adjusted for.
        symbols: how many it speaks of.
        first, last: the days that its rows speak of.
        account: of its rows; None for a log, which is counted in its run.
        rules: rows refused by rule.
        findings: what is wrong with it as a whole.
    """

    kind: str
    shape: str = ""
    basis: str | None = None
    symbols: int | None = None
    first: date | None = None
    last: date | None = None
    account: RowAccount | None = None
    rules: dict[str, int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


def files_below(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named, in order.

    Raises:
        FileNotFoundError: naming the path.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return found


def recognise(path: Path, said: Said, settings: Settings, now: datetime) -> tuple[RawFile, FileReport]:
    """What a file is, by its content, and what its rows will come to.

    Raises:
        scrapers.imports.recognise.NotRecognised: with what was expected and what was found.
    """
    from scrapers.imports.read import Source, read_file
    from scrapers.imports.recognise import NotRecognised
    from spark_jobs.edgar_files import DamagedLog, NotALog, read_head

    url = path.resolve().as_uri() if path.is_absolute() else f"file:{quote(path.name)}"
    try:
        head = read_head(path)
    except NotALog:
        pass
    except DamagedLog as error:
        raise NotRecognised(str(error)) from None
    else:
        if head.log_date is None:
            raise NotRecognised(f"{path.name}: an EDGAR log whose day neither its name (logYYYYMMDD) nor its rows tell")
        kind = f"edgar_log_{head.form.series}"
        _allowed(path, kind, settings)
        return RawFile(path, kind, url, head.log_date), FileReport(kind)
    rows = read_file(path, Source(sha256_of(path), now, "import"), path.name, said.symbol, said.basis)
    _allowed(path, rows.kind, settings)
    raw = RawFile(path, rows.kind, url, symbol=rows.symbol, basis=said.basis)
    return raw, _reported(rows)


def _reported(rows: FileRows) -> FileReport:
    from scrapers.imports.read import TABLES, days_of

    settled = rows.settled[TABLES[rows.kind]]
    rules = settled.quarantined.group_by("rules").len().sort("rules") if settled.quarantined.height else None
    return FileReport(
        rows.kind,
        ", ".join(sorted({sheet.shape.name for sheet in rows.sheets})),
        ", ".join(sorted({sheet.basis for sheet in rows.sheets if sheet.basis})) or None,
        settled.good["symbol"].n_unique() if "symbol" in settled.good.columns else None,
        *days_of(settled),
        settled.account,
        {rule: int(count) for rule, count in rules.iter_rows()} if rules is not None else {},
        tuple(f"{verdict.check}: {verdict.detail}" for verdict in rows.verdicts),
    )


def _allowed(path: Path, kind: str, settings: Settings) -> None:
    """Refuse a file of a source that is off.

    Raises:
        NotRecognised: naming the setting.
    """
    from scrapers.imports.recognise import NotRecognised

    source = "sec" if kind.startswith("edgar_log") or kind in {"sec_tickers", "filings"} else "yahoo"
    if getattr(settings, f"source_{source}") == "off":
        raise NotRecognised(
            f"{path.name}: {kind} are {source}'s, and TIDEMARK_SOURCE_{source.upper()} is off: set it to files or live"
        )
