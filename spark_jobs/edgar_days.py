"""A day of EDGAR's logs to load, and what is told about it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True)
class Day:
    """A raw log to load.

    Attributes:
        raw_path: the CSV, or the zip with it.
        log_date: the day it is of.
        sha256: of the raw file.
        observed_at: when it was received, UTC.
    """

    raw_path: Path
    log_date: date
    sha256: str
    observed_at: datetime


@dataclass(frozen=True)
class DayReport:
    """What became of a day's lines: rows_in = rows_out + duplicates + quarantined.

    Attributes:
        series: v1 or v2.
        log_date: the day.
        rows_in: physical lines less header and blank lines.
        rows_out: requests in silver; exact repeats are among them.
        duplicates: always 0, because repeats are kept with their number.
        quarantined: lines refused.
        counted: table of gold → its rows of the day.
        broken: rule → how many lines broke it.
        seconds: the day's share of its batch's time, by lines.
        versions: table → the version that holds the day.
    """

    series: str
    log_date: date
    rows_in: int
    rows_out: int
    quarantined: int
    seconds: float
    counted: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


class DaysFailed(RuntimeError):
    """Some days could not be read; the others are loaded.

    Attributes:
        reports: of the days that are loaded.
        failures: day → why its log could not be read.
    """

    def __init__(self, reports: list[DayReport], failures: dict[date, str]) -> None:
        """The text names each day and its reason."""
        super().__init__("; ".join(f"{day}: {why}" for day, why in sorted(failures.items())))
        self.reports = reports
        self.failures = failures
