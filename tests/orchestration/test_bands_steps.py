"""Days and bands in a lake: made again where counts have changed and nowhere else, and as a whole making has them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.delta import EVERYTHING, Slice
from lake.home import Home
from lake.settings import load_settings
from orchestration.steps import bands
from orchestration.work import Outcome, Work

SECONDS, TOTALS = table("gold.visits_second"), table("gold.visits_total_second")
MONDAY = date(2016, 1, 4)
STEPS = {
    "gold.visits_day": bands.gold_visits_day,
    "gold.visits_bands": bands.gold_visits_bands,
    "gold.visits_bands_cik": bands.gold_visits_bands_cik,
}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    settings = load_settings(home=tmp_path / "home", world="real")
    return Work(Home.open(settings), settings, "run-2", MONDAY, MONDAY)


def count(work: Work, days: Sequence[date], seed: int = 1, series: str = "v1") -> None:
    """Write counts of days, some companies in some seconds, as the engine does: by second and company, and in all."""
    frames = []
    for day in days:
        draw = np.random.default_rng((seed, day.toordinal()))
        rows = 400
        frame = (
            pl.DataFrame({"second_of_day": draw.integers(600, 660, rows), "cik": draw.zipf(1.6, rows).clip(1, 40)})
            .group_by("second_of_day", "cik")
            .agg(visits_all=pl.len())
        )
        human = (pl.col("visits_all") // 2) if series == "v1" else pl.lit(None)
        frames.append(frame.with_columns(human.alias("visits_human"), log_date=pl.lit(day)))
    known = {"series": series, "_run_id": "run-1", "_payload_sha256": "a" * 64}
    rows_of = pl.concat(frames).with_columns(
        *(pl.lit(value).alias(name) for name, value in known.items()),
        observed_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)),
        second=pl.lit(None),
    )
    where = Slice({"series": series}, ("log_date", days[0], days[-1] + timedelta(days=1)))
    by = ["series", "log_date", "second_of_day"]
    human = pl.when(pl.col("visits_human").count() > 0).then(pl.col("visits_human").sum()).alias("visits_human")
    rest = [pl.col("visits_all").sum(), human, pl.exclude("cik", "visits_all", "visits_human", *by).first()]
    for known_table, frame in ((SECONDS, rows_of), (TOTALS, rows_of.group_by(by).agg(rest))):
        delta.replace_slice(work.home, known_table, known_table.conform(frame), where)


def make(work: Work) -> dict[str, Outcome]:
    made = {name: step(work) for name, step in STEPS.items()}
    assert [outcome.problem for outcome in made.values()] == [None] * 3
    return made


def content(work: Work) -> dict[str, pl.DataFrame]:
    return {name: delta.read(work.home, table(name)).sort(table(name).key) for name in STEPS}


def made_whole(work: Work) -> dict[str, pl.DataFrame]:
    """What a making from nothing gives."""
    shutil.rmtree(work.home.landing / "made")
    for name in STEPS:
        delta.replace_slice(work.home, table(name), table(name).schema.create_empty(), EVERYTHING)
    make(work)
    return content(work)


def facts(made: dict[str, Outcome]) -> tuple[Any, ...]:
    return (
        made["gold.visits_day"].facts["days_made"],
        *(made[f"gold.{name}"].facts["kinds_of_day_made"] for name in ("visits_bands", "visits_bands_cik")),
    )


def alike(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> None:
    for name, frame in expected.items():
        assert frame.height
        assert found[name].equals(frame), name


def test_only_what_rests_on_changed_days_is_made_again_and_it_is_what_a_whole_making_gives(work: Work) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(100)]
    count(work, days)
    assert facts(make(work)) == (100, 3, 3)
    before = content(work)
    versions = [delta.version(work.home, table(name)) for name in STEPS]
    assert facts(make(work)) == (0, 0, 0)
    assert [delta.version(work.home, table(name)) for name in STEPS] == versions
    # A late Wednesday: itself, the seventy days after it, and the bands of all days and of weekdays.
    count(work, [days[16]], seed=2)
    assert facts(make(work)) == (71, 2, 2)
    after = content(work)
    same = after["gold.visits_day"].filter(pl.col("log_date") < days[16])
    assert same.equals(before["gold.visits_day"].filter(pl.col("log_date") < days[16]))
    assert not after["gold.visits_bands"].equals(before["gold.visits_bands"])
    alike(after, made_whole(work))


def test_days_that_are_no_longer_counted_leave_and_others_stay(work: Work) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(60)]
    count(work, days)
    count(work, [date(2020, 6, 1) + timedelta(days=n) for n in range(45)], series="v2")
    make(work)
    for known in (SECONDS, TOTALS):
        delta.replace_slice(
            work.home, known, known.schema.create_empty(), Slice({"series": "v1", "log_date": days[-1]})
        )
        gone = Slice({"series": "v2"})
        delta.replace_slice(work.home, known, known.schema.create_empty(), gone)
    assert facts(make(work)) == (0, 2, 2)
    found = content(work)
    assert {name: frame["series"].unique().to_list() for name, frame in found.items()} == {
        name: ["v1"] for name in STEPS
    }
    assert found["gold.visits_day"]["log_date"].max() == days[-2]
    assert found["gold.visits_bands"].filter(pl.col("day_kind") == "all")["days"].unique().to_list() == [59]
    alike(found, made_whole(work))


def test_settings_choose_measure_zeros_and_days(work: Work) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(60)]
    count(work, days)
    make(work)
    otherwise = replace(work, settings=work.settings.model_copy(update={"visits": "human", "bands_zeros": "left_out", "bands_days": 35}))  # fmt: skip
    assert facts(make(otherwise)) == (60, 3, 3)
    found = content(otherwise)
    assert found["gold.visits_day"]["measure"].unique().to_list() == ["human"]
    second = found["gold.visits_bands"].filter(pl.col("day_kind") == "all")
    assert second["zeros"].unique().to_list() == ["left_out"]
    assert second["days"].max() == 35
    counts = delta.read(work.home, TOTALS).filter(pl.col("log_date") > days[24])
    at = counts.filter(pl.col("second_of_day") == 630)["visits_human"]
    visits = at.filter(at > 0).to_numpy()
    band = second.filter((pl.col("second_of_day") == 630) & (pl.col("measure") == "human"))
    assert band.select("p25", "p75", "p95", "days").row(0) == (*np.percentile(visits, (25, 75, 95)), len(visits))
    alike(found, made_whole(otherwise))
    assert facts(make(work)) == (60, 3, 3)


def test_the_second_form_has_bands_of_all_visits_alone(work: Work) -> None:
    count(work, [date(2020, 6, 1) + timedelta(days=n) for n in range(12)], series="v2")
    make(work)
    found = content(work)
    assert found["gold.visits_bands_cik"].is_empty()
    held = found["gold.visits_bands"].group_by("measure", "day_kind").agg(pl.col("days").max(), pl.col("p95").max())
    few = {row[:2]: (row[2], row[3] is not None) for row in held.iter_rows()}
    # Twelve days from a Monday on: the weekend's two days make no band, and say so.
    assert few == {("all", "all"): (12, True), ("all", "weekday"): (10, True), ("all", "weekend"): (2, False)}


@pytest.mark.parametrize("name", STEPS)
def test_killed_between_two_commits_the_next_run_completes(
    work: Work, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(40)]
    count(work, days)
    make(work)
    count(work, days[10:20], seed=3)
    commits = iter(range(100))

    def or_killed(write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*arguments: Any) -> Any:
            if next(commits) == 1:
                raise KeyboardInterrupt
            return write(*arguments)

        return written

    with monkeypatch.context() as patch:
        patch.setattr(delta, "replace_slice", or_killed(delta.replace_slice))
        patch.setattr(delta, "replace_all", or_killed(delta.replace_all))
        with pytest.raises(KeyboardInterrupt):
            STEPS[name](work)
    make(work)
    alike(content(work), made_whole(work))


def test_who_writes_the_table_otherwise_makes_it_stale(work: Work) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(40)]
    count(work, days)
    make(work)
    known = table("gold.visits_day")
    delta.replace_slice(work.home, known, known.schema.create_empty(), Slice({"series": "v1", "log_date": days[5]}))
    assert facts(make(work)) == (1, 0, 0)
    alike(content(work), made_whole(work))
