"""Visits by day: rank, share and the company's own usual, against examples counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake.contracts import table
from spark_jobs.visits_day import DAYS, DayMaker, Measure, day_totals

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


def days(rows: list[dict[str, object]], measure: Measure = "all") -> pl.DataFrame:
    """Rows of gold.visits_day of all days that rows of gold.visits_second tell of."""
    totals = day_totals(pl.LazyFrame(rows, schema=SECONDS.schema.create_empty().schema)).collect()
    frames: list[pl.DataFrame] = [DAYS.schema.create_empty()]
    for mine in totals.partition_by("series"):
        by_day = {day: rows for (day,), rows in mine.partition_by("log_date", as_dict=True).items()}
        made = DayMaker(by_day.__getitem__, sorted(by_day), measure).make_all(sorted(by_day))
        frames += [frame for _, frame in made]
    result = pl.concat(frames).sort(DAYS.key)
    DAYS.schema.validate(result)
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
    assert (one["unusual_score"], one["is_unusual"], one["is_session"]) == (None, None, True)
    assert one["_run_id"] == f"run of {FIRST}"


def test_ranks_and_shares_stand_for_both_measures_and_the_setting_chooses() -> None:
    rows = [second(FIRST, 1, 6, 1), second(FIRST, 2, 4, 3), second(FIRST, 3, 2, None, series="v2")]
    for measure, expected in (("all", (1, 60.0)), ("human", (2, 25.0))):
        frame = days(rows, measure)  # type: ignore[arg-type]
        one, two = row(frame, FIRST, 1), row(frame, FIRST, 2)
        assert (one["measure"], one["rank"], one["share_pct"]) == (measure, expected[0], pytest.approx(expected[1]))
        assert (one["rank_all"], one["rank_human"]) == (1, 2)
        assert (one["share_all_pct"], one["share_human_pct"]) == (pytest.approx(60), pytest.approx(25))
        assert (two["rank_all"], two["rank_human"], two["share_human_pct"]) == (2, 1, 75.0)
        # The second form of the logs does not tell humans: all visits are what there is to go by.
        other = row(frame, FIRST, 3, "v2")
        assert (other["measure"], other["rank"], other["share_pct"]) == ("all", 1, 100.0)
        assert (other["rank_human"], other["share_human_pct"]) == (None, None)


# From Monday to Friday over two weeks, the Wednesday after being today; the weekend between was loaded too.
LOADED = [FIRST + timedelta(days=n) for n in range(12)]
TODAY = FIRST + timedelta(days=16)


def market(day: date, level: int = 1) -> list[dict[str, object]]:
    """Four companies that are visited alike on every day, which tell a day's level."""
    return [second(day, cik, 20 * level) for cik in (6, 7, 8, 9)]


def test_the_usual_is_the_median_of_comparable_days_with_zero_for_a_day_without_a_visit() -> None:
    # Company 1 was visited on six of the ten weekdays: 0 0 0 0 2 4 6 8 10 12 → 3; its weekend is not looked at.
    weekdays = [day for day in LOADED if day.weekday() < 5]
    rows = [row for day in LOADED for row in market(day)]
    rows += [second(day, 1, visits) for day, visits in zip(weekdays[4:], (12, 2, 10, 4, 8, 6), strict=True)]
    rows += [second(day, 1, 500) for day in LOADED if day.weekday() >= 5]
    frame = days([*rows, *market(TODAY), second(TODAY, 1, 6), second(TODAY, 5, 6)])
    known = row(frame, TODAY, 1)
    assert (known["usual_visits"], known["usual_days"], known["relative_to_usual"]) == (3.0, 10, 2.0)
    assert (known["usual_of"], known["is_unusual"]) == ("weekday", None)
    new = row(frame, TODAY, 5)
    assert (new["usual_visits"], new["usual_days"], new["relative_to_usual"]) == (0.0, 10, None)
    tenth = row(frame, weekdays[9], 1)
    assert (tenth["usual_visits"], tenth["usual_days"], tenth["usual_of"]) == (None, 9, None)
    steady = row(frame, TODAY, 7)
    assert (steady["usual_visits"], steady["unusual_score"], steady["is_unusual"]) == (20.0, 0.0, False)


def test_what_all_companies_have_in_common_is_no_company_s_news() -> None:
    # Today everybody has three times the visits, and company 1 with them; company 2 has them alone.
    rows = [row for day in LOADED for row in [*market(day), second(day, 1, 40), second(day, 2, 40)]]
    frame = days([*rows, *market(TODAY, 3), second(TODAY, 1, 120), second(TODAY, 2, 40 * 3 * 10)])
    assert (row(frame, TODAY, 1)["usual_visits"], row(frame, TODAY, 1)["unusual_score"]) == (120.0, 0.0)
    found = row(frame, TODAY, 2)
    assert (found["usual_visits"], found["relative_to_usual"], found["is_unusual"]) == (120.0, 10.0, True)


def test_only_days_of_the_same_series_in_the_ten_weeks_before_are_compared() -> None:
    rows = [row for n in range(80, 0, -1) for row in market(TODAY - timedelta(days=n))]
    # Company 1 was large until eight Wednesdays ago, and on every other day of the week.
    for n in range(1, 81):
        day = TODAY - timedelta(days=n)
        rows.append(second(day, 1, 30 if day.weekday() == TODAY.weekday() and n <= 70 else 900))
        rows.append(second(day, 1, 5_000, None, series="v2"))
    frame = days([*rows, *market(TODAY), second(TODAY, 1, 60)])
    known = row(frame, TODAY, 1)
    assert (known["usual_visits"], known["usual_days"], known["usual_of"]) == (30.0, 10, "same_weekday")
    assert known["relative_to_usual"] == 2.0


def test_humans_are_unknown_in_the_second_form_not_absent() -> None:
    frame = days([second(FIRST, 1, 3, None, series="v2"), second(FIRST, 1, 2, None, at=5, series="v2")])
    assert (frame["visits_all"][0], frame["visits_human"][0]) == (5, None)


def test_nothing_loaded_makes_no_rows() -> None:
    assert days([]).is_empty()
