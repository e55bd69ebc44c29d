"""Questions about coverage, the universe's and a company's history, answered over the small market."""

from __future__ import annotations

from datetime import datetime

from chat_api.service import Service
from lake.market_calendar import NEW_YORK, xnys
from tests.chat_api import small_marts, small_records
from tests.chat_api.asking import answer, row
from tests.chat_api.small_records import NEWEST

# --- coverage -------------------------------------------------------------------------------------------------------


def test_who_is_missing_and_why(service: Service) -> None:
    got = row(service, "which companies are missing at the last tick and why")
    assert (got["symbol"], got["reason"]) == ("PFE", "throttled")


def test_gaps_are_the_ticks_that_lack_companies(service: Service) -> None:
    found = answer(service, "gaps today")
    assert found.rows is not None
    lost = xnys().ticks(NEWEST)[2]
    assert [one[0] for one in found.rows] == [t.isoformat().replace("+00:00", "Z") for t in (lost, small_marts.CLOSE)]
    assert [one[3] for one in found.rows] == [30, 1]


def test_coverage_is_counted_by_tick_and_by_sector(service: Service) -> None:
    assert len(answer(service, "coverage today").rows or ()) == 14
    by_sector = {one[0]: one[1:] for one in answer(service, "coverage by sector at the last tick").rows or ()}
    assert by_sector["Healthcare"][2] == 1
    assert sum(values[0] for values in by_sector.values()) == 30


def test_one_company_s_ticks_are_told(service: Service) -> None:
    assert row(service, "why was Pfizer missing at the last tick")["reason"] == "throttled"
    assert row(service, "was Apple missing at the last tick")["received"] is True
    assert row(service, "was Apple missing today")["reason"] == "downtime"


def test_a_time_before_the_record_is_refused_with_its_begin(service: Service) -> None:
    found = service.ask("gaps last month")
    assert found.kind == "refuse"
    assert f"{xnys().open_at(NEWEST).astimezone(NEW_YORK):%Y-%m-%d %H:%M}" in found.sentence


# --- history --------------------------------------------------------------------------------------------------------


def test_who_left_and_who_came_in(service: Service) -> None:
    got = row(service, "who left Energy this week")
    assert (got["symbol"], got["session"], got["change"]) == ("XOM", str(small_records.LEFT), "left")
    got = row(service, "which companies joined Technology this week")
    assert (got["session"], got["change"]) == (str(small_records.NEW), "entered")
    assert answer(service, "who left Technology this week").rows == ()


def test_an_entry_before_the_record_is_not_invented(service: Service) -> None:
    got = row(service, "when did Apple enter the top 100 of Technology")
    assert got["change"] == "in it when the record began"
    changes = answer(service, "when did Exxon enter the top 100 of Energy").rows or ()
    assert [(one[0], one[4]) for one in changes][1:] == [(str(small_records.BACK), "entered")]


def test_places_count_as_being_in(service: Service) -> None:
    """Who leaves the first place moves the others up: they come into the top one."""
    moves = answer(service, "which companies entered or left the top 1 of Energy this week").rows or ()
    expected = [("2026-11-18", "entered"), ("2026-11-18", "left"), ("2026-11-20", "entered"), ("2026-11-20", "left")]
    assert sorted((one[0], one[4]) for one in moves) == expected


def test_a_period_whose_first_session_has_none_before_is_refused(service: Service) -> None:
    found = service.ask("who left Energy last month")
    assert found.kind == "refuse"
    assert "on record from 2026-11-09 to 2026-11-20" in found.sentence


def test_a_description_s_changes_and_what_it_was(service: Service) -> None:
    got = row(service, "when did Pfizer change its city")
    assert (got["city_before"], got["city_after"]) == ("Old Town", "Springfield")
    assert datetime.fromisoformat(got["changed_at"]) == small_records.RENAMED
    assert row(service, "Pfizer's employees on 5 November")["employees"] == 7
    assert row(service, "Pfizer's city on 12 November")["city"] == "Springfield"
    assert row(service, "has Pfizer changed its headquarters")["city_after"] == "Springfield"
    assert row(service, "how did Pfizer's employees change")["employees_before"] == 7
    assert "No such change is on record" in answer(service, "when did Pfizer change its name").sentence
    assert service.ask("what was Apple's sector last month").kind == "clarify", "a time is never left out"
