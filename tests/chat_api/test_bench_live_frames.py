"""The measurement of the live page: lags by a stream's pace, from known stamps and arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.live_frames import Watched, summary

START = datetime(2017, 1, 1, 10)
WALL = 1_800_000_000.0


def frame(
    speed: float | None, held: dict[int, int], ended: bool = False, supposed: Sequence[int] = ()
) -> dict[str, Any]:
    """A frame of seconds with their visits, stamped from their begin until 0.9 of them is over."""

    def at(n: float) -> str:
        return datetime.fromtimestamp(WALL + n / (speed or 10), UTC).isoformat()

    seconds = [
        {
            "clock": (START + timedelta(seconds=n)).isoformat(),
            "visits": visits,
            "supposed": n in supposed,
            "first_at": at(n) if visits else None,
            "last_at": at(n + 0.9) if visits else None,
        }
        for n, visits in held.items()
    ]
    return {"stream": "s", "kind": "replay", "speed": speed, "ended": ended, "seconds": seconds}


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_second_s_lag_is_from_its_end_by_the_stream_s_pace(speed: float) -> None:
    seen = Watched()
    seen.take(frame(speed, {0: 5}), WALL)
    seen.take(frame(speed, {0: 5, 1: 3, 2: 0, 3: 0}, supposed=[3]), WALL + 3 / speed + 0.7)
    seen.take(frame(speed, {0: 5, 1: 4, 2: 0, 3: 2}, ended=True), WALL + 4 / speed + 0.4)
    assert seen.over
    lags = {round(lag.clock - START.replace(tzinfo=UTC).timestamp()): lag for lag in seen.lags()}
    assert lags.keys() == {1, 2, 3}  # the first was there before
    assert lags[1].from_end == pytest.approx(1 / speed + 0.7, abs=1e-3)
    # Its fourth visit came with the next frame.
    assert lags[1].whole_from_end == pytest.approx(2 / speed + 0.4, abs=1e-3)
    assert lags[2].from_end == lags[2].whole_from_end == pytest.approx(0.7, abs=1e-3)
    assert lags[3].from_last_visit == pytest.approx(0.1 / speed + 0.4, abs=1e-3)
    assert [lags[n].complete for n in (1, 2, 3)] == [False, True, True]
    told = summary(lags.values())
    assert (told["seconds"], told["complete_pct"]) == (3, 66.67)
    assert told["from_end_max"] == pytest.approx(1 / speed + 0.7, abs=1e-3)


def test_frames_of_other_streams_are_passed_over_where_one_is_named() -> None:
    seen = Watched(only="t")
    seen.take(frame(1.0, {0: 5}, ended=True), WALL)
    assert (seen.stream, seen.over, seen.frames) == (None, False, 0)


def test_without_a_pace_a_second_ends_with_its_last_visit() -> None:
    seen = Watched()
    seen.take(frame(None, {}), WALL)
    seen.take(frame(None, {0: 5, 1: 0}), WALL + 0.5)
    (lag,) = seen.lags()
    assert lag.from_end == lag.from_last_visit == pytest.approx(0.41, abs=1e-3)
    assert summary([]) == {"seconds": 0}
