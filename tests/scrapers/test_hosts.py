"""What crawls know of a host together: its rate, its wish for quiet, its circuit breaker, and Yahoo's crumb."""

from __future__ import annotations

import asyncio
import stat
import time
from pathlib import Path

import pytest

from scrapers.errors import NOT_IN_ANSWER, Coverage, Reason, coverage_of
from scrapers.hosts import LONGEST_PAUSE, Crumb, HostLedger

URLS = {"query1": "https://query1.example/", "sec": "https://u:p@sec.example:8443/"}


def ledger(folder: Path, limit: int = 3, pause: float = 60.0) -> HostLedger:
    return HostLedger(folder / "hosts", URLS, limit, pause)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_places_in_line_are_shared_by_all_crawls(tmp_path: Path, clock: list[float]) -> None:
    one, other = ledger(tmp_path), ledger(tmp_path)
    assert [one.turn("query1", 0.5), other.turn("query1", 0.5), one.turn("query1", 0.5)] == [0.0, 0.5, 1.0]
    assert other.turn("sec", 0.5) == 0.0
    clock[0] += 10
    assert other.turn("query1", 0.5) == 0.0


def test_a_wish_for_quiet_holds_for_all(tmp_path: Path, clock: list[float]) -> None:
    one, other = ledger(tmp_path), ledger(tmp_path)
    one.hush("query1", 30)
    one.hush("query1", 5)
    assert (other.quiet("query1"), other.quiet("sec")) == (30, 0)
    clock[0] += 31
    assert other.quiet("query1") == 0


def test_a_host_that_refuses_in_a_row_is_left_alone_by_all(tmp_path: Path, clock: list[float]) -> None:
    one, other = ledger(tmp_path), ledger(tmp_path)
    assert [one.refused("query1"), other.refused("query1")] == [0, 0]
    one.answered("query1")
    assert [one.refused("query1"), other.refused("query1"), one.left_alone("query1")] == [0, 0, 0]
    assert one.refused("query1") == 60
    assert (other.left_alone("query1"), other.left_alone("sec")) == (60, 0)
    # What was under way meanwhile does not count.
    assert (other.refused("query1"), one.left_alone("query1")) == (0, 60)
    clock[0] += 61
    assert other.left_alone("query1") == 0
    # After the pause one more refusal is enough, and the pause is longer.
    assert (other.refused("query1"), one.left_alone("query1")) == (120, 120)
    clock[0] += 121
    one.answered("query1")
    assert [one.refused("query1"), one.refused("query1"), one.refused("query1")] == [0, 0, 60]


def test_a_pause_has_an_end(tmp_path: Path, clock: list[float]) -> None:
    one = ledger(tmp_path, limit=1)
    for _ in range(12):
        assert 0 < one.refused("query1") <= LONGEST_PAUSE
        clock[0] += LONGEST_PAUSE + 1
    one.leave_alone("query1", 3_600)
    assert one.left_alone("query1") == 3_600


def test_a_clock_set_back_and_a_broken_file_hold_nobody_up(tmp_path: Path, clock: list[float]) -> None:
    one = ledger(tmp_path, limit=1)
    one.refused("query1")
    clock[0] -= 86_400
    assert one.left_alone("query1") == 0
    clock[0] += 86_400
    (path,) = (tmp_path / "hosts").glob("query1@*.json")
    path.write_text("{")
    assert one.left_alone("query1") == 0


def test_files_are_the_owner_s_alone_and_name_no_password(tmp_path: Path) -> None:
    one = ledger(tmp_path)
    one.refused("sec")
    one.keep_crumb(Crumb(1, "A3=x", "crumb"))
    files = list((tmp_path / "hosts").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "hosts").stat().st_mode) == 0o700
    assert not any("u:p" in path.name or "p@" in path.name.removeprefix("sec@") for path in files)
    assert ledger(tmp_path).crumb() == Crumb(1, "A3=x", "crumb")


def test_one_renews_at_a_time(tmp_path: Path) -> None:
    async def renew(held: HostLedger, order: list[int]) -> None:
        async with held.renewing():
            generation = held.crumb().generation
            await asyncio.sleep(0.01)
            order.append(generation)
            held.keep_crumb(Crumb(generation + 1, "", ""))

    async def all_of_them() -> list[int]:
        order: list[int] = []
        await asyncio.gather(*(renew(ledger(tmp_path), order) for _ in range(4)))
        return order

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3]


def test_every_reason_has_its_coverage() -> None:
    by_coverage = {coverage: {reason for reason in Reason if reason.coverage is coverage} for coverage in Coverage}
    assert all(by_coverage.values())
    capped = {Reason.USAGE_CAPPED, Reason.DAILY_CAP, Reason.RATE_EXCEEDED}
    assert by_coverage[Coverage.THROTTLED] == {Reason.THROTTLED, *capped}
    assert by_coverage[Coverage.TIMED_OUT] == {Reason.TIMED_OUT, Reason.NO_RESPONSE}
    assert by_coverage[Coverage.OUTSIDE_UNIVERSE] == {Reason.OUTSIDE_UNIVERSE}
    assert {Reason.NOT_FOUND, Reason.DELISTED} <= by_coverage[Coverage.NOT_FOUND]
    assert {Reason.FORBIDDEN, Reason.CRUMB_INVALID, Reason.HOST_LEFT_ALONE} <= by_coverage[Coverage.REFUSED]
    assert {Reason.TRUNCATED_JSON, Reason.WRONG_TYPE, Reason.NULL_BAR} <= by_coverage[Coverage.MALFORMED]


def test_the_coverage_of_names_that_are_no_reasons() -> None:
    assert coverage_of(NOT_IN_ANSWER) == "not_found"
    assert coverage_of("price_positive,high_below_low") == "malformed"
    assert coverage_of("throttled") == "throttled"
