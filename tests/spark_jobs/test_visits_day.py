"""Visits by day: rank, share and the company's own usual, against examples counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake.contracts import table
from spark_jobs.visits_day import visits_day

SECONDS = table("gold.visits_second")
FIRST = date(2020, 6, 1)


def second(
    day: date, cik: int, visits: int, human: int | None = 0, *, at: int = 0, series: str = "v1"
) -> dict[str, object]:
    return {
        "series": series,
        "log_date": day,
        "second_of_day": at,
        "cik": cik,
        "second": None,
        "visits_all": visits,
        "visits_human": human,
        "observed_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day.toordinal() - FIRST.toordinal()),
        "_run_id": f"run of {day}",
        "_payload_sha256": "a" * 64,
    }


def days(rows: list[dict[str, object]], only: list[date] | None = None) -> pl.DataFrame:
    result = visits_day(pl.LazyFrame(rows, schema=SECONDS.schema.create_empty().schema), only)
    table("gold.visits_day").schema.validate(result)
    return result


def row(frame: pl.DataFrame, day: date, cik: int, series: str = "v1") -> dict[str, object]:
    return frame.row(
        by_predicate=(pl.col("log_date") == day) & (pl.col("cik") == cik) & (pl.col("series") == series), named=True
    )


def test_a_day_s_totals_ranks_and_shares() -> None:
    frame = days([second(FIRST, 1, 3, 1), second(FIRST, 1, 1, 1, at=9), second(FIRST, 2, 4, 0), second(FIRST, 3, 2, 2)])
    one, two, three = (row(frame, FIRST, cik) for cik in (1, 2, 3))
    assert (one["visits_all"], one["visits_human"], one["rank"], one["share_pct"]) == (4, 2, 1, 40.0)
    assert (two["visits_all"], two["visits_human"], two["rank"], two["share_pct"]) == (4, 0, 1, 40.0)
    assert (three["rank"], three["share_pct"]) == (3, 20.0)
    assert (one["usual_visits"], one["usual_days"], one["relative_to_usual"]) == (None, 0, None)
    assert one["_run_id"] == f"run of {FIRST}"


def test_the_usual_is_the_median_with_zero_for_a_loaded_day_without_a_visit() -> None:
    # Company 9 makes each of ten days loaded; company 1 was visited on six of them: 0 0 0 0 2 4 6 8 10 12 → 3.
    loaded = [FIRST + timedelta(days=n) for n in range(10)]
    rows = [second(day, 9, 1) for day in loaded]
    rows += [second(day, 1, visits) for day, visits in zip(loaded[4:], (12, 2, 10, 4, 8, 6), strict=True)]
    today = FIRST + timedelta(days=12)  # two days were never loaded; they say nothing
    frame = days([*rows, second(today, 1, 6), second(today, 5, 6)])
    known = row(frame, today, 1)
    assert (known["usual_visits"], known["usual_days"], known["relative_to_usual"]) == (3.0, 10, 2.0)
    new = row(frame, today, 5)
    assert (new["usual_visits"], new["usual_days"], new["relative_to_usual"]) == (0.0, 10, None)
    ninth = row(frame, loaded[9], 1)
    assert (ninth["usual_visits"], ninth["usual_days"]) == (None, 9)


def test_only_the_twenty_loaded_days_before_count_and_only_of_the_same_series() -> None:
    loaded = [FIRST + timedelta(days=n) for n in range(30)]
    rows = [second(day, 1, 100 if n < 10 else 7) for n, day in enumerate(loaded)]
    rows += [second(day, 1, 1000, None, series="v2") for day in loaded[:5]]
    today = FIRST + timedelta(days=30)
    frame = days([*rows, second(today, 1, 14)], [today])
    assert frame["log_date"].to_list() == [today]
    assert (frame["usual_visits"][0], frame["usual_days"][0], frame["relative_to_usual"][0]) == (7.0, 20, 2.0)


def test_humans_are_unknown_in_the_second_form_not_absent() -> None:
    frame = days([second(FIRST, 1, 3, None, series="v2"), second(FIRST, 1, 2, None, at=5, series="v2")])
    assert (frame["visits_all"][0], frame["visits_human"][0]) == (5, None)


@pytest.mark.parametrize("only", [None, [], [FIRST]])
def test_nothing_loaded_makes_no_rows(only: list[date] | None) -> None:
    assert days([], only).is_empty()
