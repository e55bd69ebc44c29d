"""Steps on counted visits: days against companies' usual, and bands; made again only where counts have changed."""

from __future__ import annotations

import shutil
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lake import delta
from lake.contracts import Table, table
from lake.delta import Slice, Written
from lake.partitions import Partition, partitions
from orchestration.made import Made, digest
from orchestration.steps.common import RulesBroken, kept_rules
from orchestration.work import Outcome, Work

if TYPE_CHECKING:
    from lake.home import Home
    from spark_jobs.bands import Days

COUNTS, TOTALS = "gold.visits_second", "gold.visits_total_second"
# Of visits_day, in memory and in a commit at a time.
_DAYS_AT_ONCE = 8
# Raised when what is made of the same counts becomes another.
_VISITS_DAY_VERSION, _BANDS_VERSION = 1, 1

Loaded = Mapping[str, Mapping[date, Partition]]
Frames = Callable[["Days", Mapping[date, Partition], Path], Iterator[pl.DataFrame]]


def by_series_and_day(home: Home, counts: Table) -> Loaded:
    """The partitions of a table by series and day, in order."""
    found: dict[str, dict[date, Partition]] = {}
    for part in partitions(home, counts).values():
        series, day = part.where.equals["series"], part.where.equals["log_date"]
        assert isinstance(day, date)
        found.setdefault(str(series), {})[day] = part
    return {series: dict(sorted(days.items())) for series, days in sorted(found.items())}


def gold_visits_day(work: Work) -> Outcome:
    """Totals, ranks and usuals of the days whose counts have changed, and of those within whose ten weeks they lie."""
    known = table("gold.visits_day")
    made = Made(work.home, known)
    counts, there = by_series_and_day(work.home, table(COUNTS)), by_series_and_day(work.home, known)
    rows = count = 0
    try:
        for series, days in counts.items():
            stale = _Stale(work, made, series, days, there.get(series, {}))
            for some in stale.together():
                rows += stale.make(some)
                count += len(some)
    except RulesBroken as broken:
        return Outcome(known, Written(delta.version(work.home, known) or 0, rows), problem=str(broken))
    gone = [part for series, days in there.items() for day, part in days.items() if day not in counts.get(series, {})]
    _drop(work.home, known, gone)
    made.forget(part.where.label for part in gone)
    facts = {"days": sum(map(len, counts.values())), "days_made": count}
    return Outcome(known, Written(delta.version(work.home, known) or 0, rows), facts=facts)


class _Stale:
    """The days of a series that are to be made."""

    def __init__(
        self, work: Work, made: Made, series: str, days: Mapping[date, Partition], there: Mapping[date, Partition]
    ) -> None:
        from spark_jobs.visits_day import DayMaker

        self._work, self._made, self._series, self._days = work, made, series, days
        self._from = {day: self._made_from(day) for day in days}
        files = {day: there[day].fingerprint if day in there else "" for day in days}
        self._stale = {day for day, part in days.items() if made.of(part.where.label, files[day]) != self._from[day]}
        # Days whose totals gold has already, because their own counts are those that it was made from.
        self._settled = {
            day for day, part in days.items() if made.of(part.where.label, files[day], "counts") == part.fingerprint
        }
        self._maker = DayMaker(self._totals, list(days), work.settings.visits)

    def _made_from(self, day: date) -> str:
        from spark_jobs.unusual import REACH

        days = list(self._days)
        used = days[bisect_left(days, day - REACH) : bisect_right(days, day)]
        marks = (f"{other} {self._days[other].fingerprint}" for other in used)
        return digest((_VISITS_DAY_VERSION, self._work.settings.visits, *marks))

    def together(self) -> Iterator[list[date]]:
        """The stale days in groups of neighbours."""
        group: list[date] = []
        for day in self._days:
            if group and (day not in self._stale or len(group) == _DAYS_AT_ONCE):
                yield group
                group = []
            if day in self._stale:
                group.append(day)
        if group:
            yield group

    def make(self, days: Sequence[date]) -> int:
        """Make neighbouring days in one commit; how many rows.

        Raises:
            RulesBroken: when a row breaks the contract.
        """
        known = table("gold.visits_day")
        frame = kept_rules(known, pl.concat([frame for _, frame in self._maker.make_all(days)]))
        written = delta.replace_slice(self._work.home, known, frame, _span(self._series, days))
        now = by_series_and_day(self._work.home, known).get(self._series, {})
        self._made.note(
            {
                now[day].where.label: {
                    "made_from": self._from[day],
                    "counts": self._days[day].fingerprint,
                    "files": now[day].fingerprint,
                }
                for day in days
            }
        )
        return written.rows

    def _totals(self, day: date) -> pl.DataFrame:
        """A day's totals: as gold has them of the same counts, else from the counts."""
        from spark_jobs.visits_day import TOTALS, day_totals

        where = self._days[day].where
        if day in self._settled:
            return delta.scan(self._work.home, table("gold.visits_day"), where).select(TOTALS).collect()
        return day_totals(delta.scan(self._work.home, table(COUNTS), where)).select(TOTALS).collect()


def _span(series: str, days: Sequence[date]) -> Slice:
    return Slice({"series": series}, ("log_date", days[0], days[-1] + timedelta(days=1)))


def _drop(home: Home, known: Table, gone: Iterable[Partition]) -> None:
    """Delete partitions."""
    for part in gone:
        delta.replace_slice(home, known, known.schema.create_empty(), part.where)


def gold_visits_bands(work: Work) -> Outcome:
    """Percentiles by second of the day of each series, measure and kind of day whose days have changed."""
    from spark_jobs.bands import visits_bands

    def frames(chosen: Days, parts: Mapping[date, Partition], scratch: Path) -> Iterator[pl.DataFrame]:
        del parts

        def read(first: date, last: date) -> pl.DataFrame:
            counts = delta.scan(work.home, table(TOTALS), _span(chosen.series, (first, last)))
            return counts.select(
                "log_date", "second_of_day", "visits_all", "visits_human", "observed_at", "_run_id"
            ).collect()

        return visits_bands(chosen, read, scratch)

    return _bands(work, table("gold.visits_bands"), table(TOTALS), frames)


def gold_visits_bands_cik(work: Work) -> Outcome:
    """Percentiles by company and minute of the day, of companies with 30 days, where days have changed."""
    from lake.contracts.bands import LEAST_COMPANY_DAYS
    from spark_jobs.bands_cik import visits_bands_cik

    def frames(chosen: Days, parts: Mapping[date, Partition], scratch: Path) -> Iterator[pl.DataFrame]:
        if len(chosen.days) < LEAST_COMPANY_DAYS:
            return iter(())
        days = delta.scan(work.home, table("gold.visits_day"), _span(chosen.series, chosen.days)).group_by("cik").len()
        ciks = days.filter(pl.col("len") >= LEAST_COMPANY_DAYS).select("cik").collect(engine="streaming")["cik"]
        wanted = ciks.to_frame().lazy()

        def read(first: date, last: date) -> pl.DataFrame:
            minute = (pl.col("second_of_day") // 60).alias("minute_of_day")
            human = pl.col("visits_human")
            of_days = delta.scan(work.home, table(COUNTS), _span(chosen.series, (first, last)))
            counts = of_days.join(wanted, on="cik", how="semi")
            by_minute = counts.group_by("log_date", "cik", minute).agg(
                pl.col("visits_all").sum(),
                # In the second form of the logs nothing is known of humans, which is not zero.
                pl.when(human.count() > 0).then(human.sum()).alias("visits_human"),
                pl.col("observed_at", "_run_id").max(),
            )
            return by_minute.collect(engine="streaming")

        return visits_bands_cik(chosen, read, ciks.to_list(), sum(part.rows for part in parts.values()), scratch)

    return _bands(work, table("gold.visits_bands_cik"), table(COUNTS), frames)


def _bands(work: Work, known: Table, counts: Table, frames: Frames) -> Outcome:
    """Make the bands of each series and kind of day whose days, or whose definition by the settings, have changed."""
    made = Made(work.home, known)
    rows, count, days = 0, 0, 0
    expected: set[tuple[str, str]] = set()
    try:
        for series, parts in by_series_and_day(work.home, counts).items():
            chosen = dict(list(parts.items())[-work.settings.bands_days :])
            days += len(chosen)
            wanted = _wanted(work, series, chosen)
            there = _files(work.home, known)
            stale = {k: what for k, what in wanted.items() if made.of(f"{series} {k}", there[series, k]) != what}
            expected |= {(series, kind) for kind in wanted}
            if not stale:
                continue
            rows += _make(work, known, series, tuple(stale), chosen, frames)
            there = _files(work.home, known)
            made.note({f"{series} {k}": {"made_from": w, "files": there[series, k]} for k, w in stale.items()})
            count += len(stale)
    except RulesBroken as broken:
        return Outcome(known, Written(delta.version(work.home, known) or 0, rows), problem=str(broken))
    found = partitions(work.home, known).values()
    _drop(work.home, known, [part for part in found if _series_and_kind(part) not in expected])
    return Outcome(
        known, Written(delta.version(work.home, known) or 0, rows), facts={"days": days, "kinds_of_day_made": count}
    )


def _wanted(work: Work, series: str, chosen: Mapping[date, Partition]) -> dict[str, str]:
    """The kinds of day of which one is loaded, and what their bands are made from."""
    from spark_jobs.bands import KINDS, Days

    kinds: dict[str, str] = {}
    of_series = Days(series, list(chosen))
    for kind in KINDS:
        used = [
            f"{day} {part.fingerprint}"
            for (day, part), mine in zip(chosen.items(), of_series.of_kind(kind), strict=True)
            if mine
        ]
        if used:
            kinds[kind] = digest((_BANDS_VERSION, work.settings.bands_zeros, *used))
    return kinds


def _series_and_kind(part: Partition) -> tuple[str, str]:
    return str(part.where.equals["series"]), str(part.where.equals["day_kind"])


def _files(home: Home, known: Table) -> Mapping[tuple[str, str], str]:
    """The fingerprint of all partitions of a series and kind of day; that of none where there are none."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for part in partitions(home, known).values():
        found[_series_and_kind(part)].append(part.fingerprint)
    return defaultdict(lambda: digest(()), {of: digest(sorted(marks)) for of, marks in found.items()})


def _make(  # noqa: PLR0913, PLR0917 - what bands are made of
    work: Work, known: Table, series: str, kinds: Sequence[str], chosen: Mapping[date, Partition], frames: Frames
) -> int:
    """Make the bands of a series, each measure and kind of day in one commit; how many rows.

    Raises:
        RulesBroken: when a row breaks the contract; none of this series is written then.
    """
    from spark_jobs.bands import MEASURES, Days

    with _scratch(work.home, known) as scratch:
        (ready := scratch / "ready").mkdir()
        (counts := scratch / "counts").mkdir()
        for number, frame in enumerate(
            frames(Days(series, list(chosen), kinds, work.settings.bands_zeros), chosen, counts)
        ):
            good = kept_rules(known, frame)
            good.write_parquet(ready / f"{good['measure'][0]}-{good['day_kind'][0]}-{number}.parquet")
        rows = 0
        for measure in MEASURES:
            for kind in kinds:
                where = Slice({"series": series, "measure": measure, "day_kind": kind})
                files = sorted(ready.glob(f"{measure}-{kind}-*.parquet"))
                if files:
                    rows += delta.replace_all(work.home, known, map(pl.read_parquet, files), where).rows
                else:
                    delta.replace_slice(work.home, known, known.schema.create_empty(), where)
        return rows


@contextmanager
def _scratch(home: Home, known: Table) -> Iterator[Path]:
    """A folder of this machine for the work on a table, of which one run at a time works; a killed one's is removed."""
    folder = home.landing / "bands" / known.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
