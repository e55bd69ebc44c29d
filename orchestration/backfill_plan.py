"""What a backfill is made of: its asset's tables, its days in chunks, and whether the home's source can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import dagster as dg

from lake.market_calendar import xnys
from orchestration.assets.factory import asset_key
from orchestration.jobs import JOBS, TOGETHER, JobSpec, slot_of
from orchestration.jobs import Chunk as ChunkSize
from orchestration.journal import WrongBackfill
from orchestration.partitions import log_days, sessions

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings

# Trained on what the bars say when their time has come, not for days that are over.
NOT_OF_THE_PAST = ("gold.forecasts", "gold.forecast_scores")


@dataclass(frozen=True)
class Chunk:
    """A part of a backfill that is one run.

    Attributes:
        days: how many partitions it has.
        tick: the tick, for sources that have them.
    """

    first: date
    last: date
    days: int
    tick: datetime | None = None

    @property
    def label(self) -> str:
        """The chunk in a phrase, the same for the same chunk."""
        if self.tick is not None:
            return f"{self.tick:%Y-%m-%d %H:%M} UTC"
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


class Plan(NamedTuple):
    """What a backfill is made of: the tables of each chunk, those made once at the end, and the chunks."""

    spec: JobSpec
    tables: tuple[str, ...]
    finals: tuple[str, ...]
    chunks: tuple[Chunk, ...]


def backfillable(defs: dg.Definitions) -> dict[str, JobSpec]:
    """The jobs that can be backfilled: those with a source and partitions."""
    graph = defs.resolve_asset_graph()
    return {
        spec.name: spec
        for spec in JOBS
        if spec.slot is not None and any(graph.get(asset_key(name)).partitions_def for name in spec.tables)
    }


def make_plan(  # noqa: PLR0913 - what the command is given
    defs: dg.Definitions, asset: str, first: date, last: date, now: datetime, *, live: bool = False
) -> Plan:
    """What is to be done.

    Args:
        live: whether the source is a live one.

    Raises:
        WrongBackfill: naming the assets or the days that are allowed.
    """
    known = backfillable(defs)
    if asset not in known:
        raise WrongBackfill(f"no asset {asset!r} can be backfilled; there are {', '.join(known)}")
    spec, graph = known[asset], defs.resolve_asset_graph()
    parts = {name: graph.get(asset_key(name)).partitions_def for name in spec.tables}
    tables = tuple(name for name in spec.tables if parts[name])
    finals = tuple(name for name in spec.tables if not parts[name] and name not in NOT_OF_THE_PAST)
    by = parts[tables[0]]
    if not isinstance(by, dg.TimeWindowPartitionsDefinition):
        raise WrongBackfill(f"{asset} is not made by day")
    begin, newest = by.start.date(), _newest_day(by, now)
    if not begin <= first <= last <= newest:
        raise WrongBackfill(f"{asset} has days from {begin} to {newest}; asked for were {first} to {last}")
    keys = by.get_partition_keys_in_range(_range_of(by, first, last))
    days = [date.fromisoformat(key) for key in keys]
    size = (spec.live_chunk if live else None) or spec.chunk
    return Plan(spec, tables, finals, tuple(_chunks(size, days, now)))


def _newest_day(by: dg.TimeWindowPartitionsDefinition, now: datetime) -> date:
    """The newest day that is worth asking for."""
    if by is sessions():
        return xnys().latest_closed_session(now)
    today = now.astimezone(ZoneInfo(by.timezone)).date()
    return today - timedelta(days=1) if by is log_days() else today


def _range_of(by: dg.TimeWindowPartitionsDefinition, first: date, last: date) -> dg.PartitionKeyRange:
    """The partitions of the days asked for; a range begins and ends with one that there is."""
    keys = [key for key in by.get_partition_keys() if first.isoformat() <= key <= last.isoformat()]
    if not keys:
        raise WrongBackfill(f"there is no session from {first} to {last}")
    return dg.PartitionKeyRange(keys[0], keys[-1])


def _chunks(size: ChunkSize, days: Sequence[date], now: datetime) -> Iterator[Chunk]:
    """The chunks, the newest first where they are ranges: what is nearest is asked about most."""
    if size == "tick":
        for day in days:
            yield from (Chunk(day, day, 1, tick) for tick in xnys().ticks(day) if tick <= now)
        return
    groups = [list(group) for _, group in groupby(days, TOGETHER[size])]
    for group in reversed(groups):
        yield Chunk(group[0], group[-1], len(group))


def check_source(home: Home, settings: Settings, spec: JobSpec) -> None:
    """Whether the home's source can be asked for the past.

    Raises:
        WrongBackfill: when it cannot.
    """
    from scrapers.urls import source_urls

    if home.simulated:
        return
    if not spec.gives_past:
        raise WrongBackfill(
            f"{spec.name} of the past cannot be had: a live source tells what is, not what was, and this home's is live"
        )
    slot = slot_of(spec, settings)
    if slot is not None and getattr(source_urls(settings, home), slot) is None:
        raise WrongBackfill(f"this home has no live source {slot} to ask: its TIDEMARK_…_URL is not set")
