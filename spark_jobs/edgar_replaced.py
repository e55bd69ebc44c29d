"""What the lake has of days that are about to be loaded, taken out where it would be wrong beside what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from lake import delta, staged
from lake.contracts.quarantine import Quarantined
from lake.delta import Slice
from lake.partitions import partitions
from lake.quarantine import refused_by_slice
from spark_jobs.edgar_gold import DAYS, GOLD
from spark_jobs.edgar_requests import REQUESTS

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.home import Home

Days = Sequence[Mapping[str, str]]
_OTHER = {"v1": "v2", "v2": "v1"}


def give_way(home: Home, days: Days) -> None:
    """Say of days that they are not counted, and take out all that the other form's log left of them.

    A load that stops before its end then leaves days that are to be counted, never counts of other requests than silver's.

    Args:
        home: whose lake.
        days: the partitions that are about to be replaced.
    """
    _empty(home, DAYS, days)
    _take_out(home, [{**day, "series": _OTHER[day["series"]]} for day in days])


def take_out(home: Home, days: Sequence[date]) -> None:
    """Take out all that the lake has of days of which it keeps no log, as of one that was kept as another day's.

    Args:
        home: whose lake.
        days: of both series.
    """
    _take_out(home, [{"series": series, "log_date": day.isoformat()} for day in days for series in _OTHER])


def _take_out(home: Home, days: Days) -> None:
    for known in (DAYS, *(known for known in GOLD if known is not DAYS), REQUESTS):
        _empty(home, known, days)
    slices = {where.label: where for where in map(_slice, days)}
    for label in refused_by_slice(home, REQUESTS, slices):
        delta.replace_quarantine(home, REQUESTS, Quarantined.create_empty(), slices[label])


def _empty(home: Home, known: Table, days: Days) -> None:
    there = partitions(home, known)
    staged.commit(home, known, [], [day for day in days if _slice(day).label in there])


def _slice(day: Mapping[str, str]) -> Slice:
    return Slice({"series": day["series"], "log_date": date.fromisoformat(day["log_date"])})
