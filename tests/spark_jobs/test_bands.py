"""Bands: exactly numpy's percentiles, over the right days, with the right zeros."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import table
from spark_jobs.bands import PERCENTS, SECONDS, Days, Floats, Ints, Zeros, percentiles, visits_bands
from spark_jobs.bands_cik import sparse_percentiles, visits_bands_cik

MONDAY = date(2017, 1, 2)
RECEIVED = datetime(2026, 11, 25, tzinfo=UTC)
ZEROS: tuple[Zeros, ...] = ("zero", "left_out")


def by_numpy(counts: npt.NDArray[np.int64], zeros: Zeros) -> tuple[Floats, Ints]:
    """Percentiles of each column as numpy has them, and how many rows they rest on."""
    found = np.full((3, counts.shape[1]), np.nan)
    if zeros == "zero":
        if len(counts) >= 10:
            found = np.percentile(counts, PERCENTS, axis=0)
        return found, np.full(counts.shape[1], len(counts))
    rows = np.count_nonzero(counts, axis=0)
    for rested in np.unique(rows[rows >= 10]):
        alike = rows == rested
        found[:, alike] = np.percentile(np.sort(counts[:, alike], axis=0)[-rested:], PERCENTS, axis=0)
    return found, rows


@st.composite
def matrices(draw: st.DrawFn) -> npt.NDArray[np.int64]:
    days, slots = draw(st.integers(1, 60)), draw(st.integers(1, 12))
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    largest = draw(st.sampled_from([1, 3, 50, 4_000_000_000]))
    found = source.integers(0, largest, (days, slots), endpoint=True)
    found[source.random((days, slots)) < draw(st.sampled_from([0, 0.3, 0.9]))] = 0
    return found


@given(matrices(), st.sampled_from(ZEROS))
@settings(deadline=None)
def test_dense_and_sparse_percentiles_are_numpy_s_to_the_bit(counts: npt.NDArray[np.int64], zeros: Zeros) -> None:
    expected, rows = by_numpy(counts, zeros)
    dense, dense_rows = percentiles(counts.astype(np.uint32), zeros)
    np.testing.assert_array_equal(dense, expected)
    np.testing.assert_array_equal(dense_rows, rows)
    groups = [np.sort(column[column > 0]) for column in counts.T]
    lengths = np.array([len(group) for group in groups], dtype=np.int64)
    # A value behind the last group, so that a group without values has a place to begin.
    values = np.concatenate([*groups, [7]])
    sparse, sparse_rows = sparse_percentiles(values, np.cumsum(lengths) - lengths, lengths, len(counts), zeros)
    np.testing.assert_array_equal(sparse, expected)
    np.testing.assert_array_equal(sparse_rows, rows)


def rows_of(counts: dict[date, dict[tuple[int, ...], tuple[int, int | None]]], *by: str) -> pl.DataFrame:
    """Rows as bands read them: day → place → (all, human)."""
    rows = [
        (day, *place, *visits, RECEIVED + timedelta(days=day.toordinal()), f"run of {day}")
        for day, places in counts.items()
        for place, visits in places.items()
    ]
    names = ("log_date", *by, "visits_all", "visits_human", "observed_at", "_run_id")
    found = pl.DataFrame(rows, schema=list(names), orient="row")
    return found.with_columns(
        pl.col("log_date").cast(pl.Date),
        pl.col("visits_human").cast(pl.Int64),
        pl.col("observed_at").cast(pl.Datetime("us", "UTC")),
        pl.col("^(second|minute)_of_day$").cast(pl.Int32),
    )


def bands(
    rows: pl.DataFrame, days: list[date], scratch: Path, zeros: Zeros = "zero", kinds: tuple[str, ...] = ("all",)
) -> pl.DataFrame:
    def read(first: date, last: date) -> pl.DataFrame:
        return rows.filter(pl.col("log_date").is_between(first, last))

    frames = list(visits_bands(Days("v1", days, kinds, zeros), read, scratch))
    for frame in frames:
        table("gold.visits_bands").schema.validate(frame)
    return pl.concat(frames)


@pytest.mark.parametrize("zeros", ZEROS)
def test_bands_of_days_made_from_the_real_log_are_numpy_s(shared: Path, tmp_path: Path, zeros: Zeros) -> None:
    with zipfile.ZipFile(shared / "data/edgar_logs/log20170101_subset_cs320.zip") as archive:
        log = pl.read_csv(io.BytesIO(archive.read("jan1.csv")), infer_schema=False)
    clock = pl.col("time").str.split(":").list.eval(pl.element().cast(pl.Int32)).list
    seconds = log.select(s=clock.get(0) * 3600 + clock.get(1) * 60 + clock.get(2))["s"].to_numpy()
    # Sixty days, each some of the day's requests, in the whole day's order of seconds, some of them moved by a minute.
    draw = np.random.default_rng(5)
    days = [MONDAY + timedelta(days=n) for n in range(60)]
    counts = np.zeros((len(days), SECONDS), dtype=np.int64)
    for number in range(len(days)):
        some = seconds[draw.random(len(seconds)) < draw.uniform(0.2, 1.0)]
        np.add.at(counts[number], (some + draw.integers(0, 60)) % SECONDS, 1)
    day, second = np.nonzero(counts)
    rows = pl.DataFrame(
        {
            "log_date": pl.Series(days).gather(day),
            "second_of_day": pl.Series(second).cast(pl.Int32),
            "visits_all": counts[day, second],
            "visits_human": counts[day, second] // 2,
        }
    ).with_columns(observed_at=pl.lit(RECEIVED).cast(pl.Datetime("us", "UTC")), _run_id=pl.lit("run"))
    kinds = ("all", "weekday", "weekend")
    found = bands(rows, days, tmp_path, zeros, kinds)
    assert found.height == 2 * len(kinds) * SECONDS
    weekend = np.array([day.weekday() >= 5 for day in days])
    for measure, of_measure in (("all", counts), ("human", counts // 2)):
        for kind, kept in (("all", weekend | True), ("weekday", ~weekend), ("weekend", weekend)):
            expected, rested = by_numpy(of_measure[kept], zeros)
            part = found.filter((pl.col("measure") == measure) & (pl.col("day_kind") == kind)).sort("second_of_day")
            np.testing.assert_array_equal(part.select("p25", "p75", "p95").to_numpy().T, expected)
            np.testing.assert_array_equal(part["days"].to_numpy(), rested)


def test_only_loaded_days_count_and_under_ten_there_is_no_band(tmp_path: Path) -> None:
    # Nine days, then a tenth after a gap of a month: the gap is no month of zeros.
    days = [MONDAY + timedelta(days=n) for n in range(9)]
    rows = rows_of({day: {(5,): (4, None)} for day in [*days, date(2017, 2, 20)]}, "second_of_day")
    few = bands(rows, days, tmp_path)
    assert (few["days"].unique().to_list(), few["p95"].null_count()) == ([9], SECONDS)
    enough = bands(rows, [*days, date(2017, 2, 20)], tmp_path)
    assert enough.row(5, named=True) | {"p25": 4.0, "p75": 4.0, "p95": 4.0, "days": 10} == enough.row(5, named=True)
    assert (enough["p95"][6], enough["zeros"][6], enough["_run_id"][6]) == (0.0, "zero", "run of 2017-02-20")
    left_out = bands(rows, [*days, date(2017, 2, 20)], tmp_path, "left_out")
    assert (left_out["p95"][5], left_out["days"][5]) == (4.0, 10)
    assert (left_out["p95"][6], left_out["days"][6]) == (None, 0)
    # A form of the logs that does not tell humans has no band of them.
    assert enough["measure"].unique().to_list() == ["all"]


@pytest.mark.parametrize("zeros", ZEROS)
@pytest.mark.parametrize("at_once", [1_000_000, 300])
def test_bands_of_companies_are_numpy_s(
    tmp_path: Path, zeros: Zeros, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark_jobs.bands_cik.ROWS_AT_ONCE", at_once)
    draw = np.random.default_rng(3)
    days = [MONDAY + timedelta(days=n) for n in range(45)]
    ciks = (11, 12, 13)
    counts = draw.poisson(0.8, (len(days), len(ciks), 30))
    counts[29:, 1] = 0  # company 12 was visited on 29 days: too few
    rows = rows_of(
        {
            day: {(ciks[c], int(m)): (int(counts[n, c, m]), int(counts[n, c, m]) - 1) for c in range(3) for m in np.flatnonzero(counts[n, c])}
            for n, day in enumerate(days)
        },
        "cik", "minute_of_day",
    )  # fmt: skip

    spans: list[int] = []

    def read(first: date, last: date) -> pl.DataFrame:
        some = rows.filter(pl.col("log_date").is_between(first, last))
        spans.append(some["log_date"].n_unique())
        return some

    frames = list(visits_bands_cik(Days("v1", days, ("all",), zeros), read, {11, 13}, rows.height, tmp_path))
    found = pl.concat(frames).sort("measure", "cik", "minute_of_day")
    table("gold.visits_bands_cik").schema.validate(found)
    assert list(tmp_path.iterdir()) == []
    # Days of some 50 rows each: as many at a time as make 300.
    most = min(10, max(1, at_once * len(days) // rows.height))
    assert max(spans) == most
    assert (most < 10) == (at_once == 300)
    for measure, of_measure in (("all", counts), ("human", np.maximum(counts - 1, 0))):
        for cik, company in ((11, 0), (13, 2)):
            expected, rested = by_numpy(of_measure[:, company], zeros)
            minutes = np.flatnonzero(expected[2] > 0)
            part = found.filter((pl.col("measure") == measure) & (pl.col("cik") == cik))
            assert part["minute_of_day"].to_list() == minutes.tolist()
            np.testing.assert_array_equal(part.select("p25", "p75", "p95").to_numpy().T, expected[:, minutes])
            np.testing.assert_array_equal(part["days"].to_numpy(), rested[minutes])
    everybody = list(visits_bands_cik(Days("v1", days, ("all",)), read, {12}, rows.height, tmp_path))
    assert everybody == []
