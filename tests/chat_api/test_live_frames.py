"""Frames: words from percentiles, which second is whole, windows of companies against a plain count."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_api import band_chart
from chat_api.live import (
    SILENT_SECONDS,
    Band,
    Frame,
    Known,
    Snapshot,
    day_kind,
    frame_of,
    newest_whole,
    second_of_day,
    whole_of,
    word_of,
)
from chat_api.live_leaders import Leaders
from chat_api.pages.thermometer import behind_text, chart_of, place_of

AT = datetime(2026, 11, 25, 14, tzinfo=UTC)
START = datetime(2017, 1, 1, 10)
BAND = Band(p25=2, p75=6, p95=9, days=30, day_kind="all", zeros="zero")
STREAM: dict[str, Any] = {
    "stream": "s", "kind": "replay", "replay_of": START.date(), "series": "v1", "speed": 1.0, "repeated": False,
    "started_at": AT, "ended_at": None, "expected_rows": None, "simulated": True,
}  # fmt: skip


def second(n: int) -> datetime:
    return START + timedelta(seconds=n)


def snapshot(visits: dict[int, int], *, quiet: float = 0.0, **stream: Any) -> Snapshot:
    """A stream with visits by second."""
    rows = {second(n): {"visits": v, "late": 0, "first_at": AT, "last_at": AT} for n, v in visits.items()}
    state = {"clock": max(rows), "rows": sum(visits.values()), "late": 0, "at": AT}
    return Snapshot({**STREAM, **stream}, state, rows, [(5, 7)], min(rows), quiet)


@pytest.mark.parametrize(
    ("visits", "word"),
    [(0, "quiet"), (1, "quiet"), (2, "usual"), (6, "usual"), (7, "busy"), (9, "busy"), (10, "feverish")],
)
def test_a_word_says_where_visits_stand_in_the_band(visits: int, word: str) -> None:
    assert word_of(visits, BAND) == word
    assert word_of(visits, None) == "unknown"


def test_the_gauge_s_mark_stands_in_the_part_of_its_word() -> None:
    words = ["quiet", "usual", "busy", "feverish"]
    for band in (
        BAND,
        Band(p25=0, p75=0, p95=0, days=10, day_kind="all", zeros="zero"),
        BAND.model_copy(update={"p25": 6.0}),
    ):
        places = [place_of(visits, band) for visits in range(40)]
        assert places == sorted(places)
        for visits, place in enumerate(places):
            n = words.index(word_of(visits, band))
            assert 25 * n <= place <= 25 * (n + 1), (visits, band)


def test_a_second_is_whole_once_a_later_one_has_come_or_the_stream_is_over() -> None:
    assert newest_whole(second(9), 1.0, quiet=0.4) == second(8)
    assert whole_of(snapshot({0: 1, 9: 1}, quiet=0.4)) == second(8)
    assert whole_of(snapshot({0: 1, 9: 1}, quiet=99, ended_at=AT)) == second(9)
    # Without a pace nothing is supposed.
    assert newest_whole(second(9), None, quiet=20) == second(8)


def test_seconds_without_a_visit_are_supposed_by_the_stream_s_pace_until_it_is_silent() -> None:
    assert newest_whole(second(9), 1.0, quiet=2.9) == second(8)
    assert newest_whole(second(9), 1.0, quiet=5.2) == second(10)
    assert newest_whole(second(9), 10.0, quiet=5.2) == second(30)
    # Where rows are long on their way, their absence says little.
    assert newest_whole(second(9), 10.0, quiet=5.2, lag=2) == second(8)
    assert newest_whole(second(9), 10.0, quiet=99, lag=20) == second(8)
    last = newest_whole(second(9), 1.0, quiet=SILENT_SECONDS)
    assert newest_whole(second(9), 1.0, quiet=1e9) == last
    frame = frame_of(1, AT, snapshot({0: 3, 9: 4}, quiet=6.5), Leaders(), Known({}, {}))
    assert (frame.state, frame.visits, frame.clock) == ("moving", 0, second(11))
    assert [s.supposed for s in frame.seconds] == [False] * 10 + [True] * 2
    silent = frame_of(1, AT, snapshot({0: 3, 9: 4}, quiet=31), Leaders(), Known({second_of_day(last): BAND}, {}))
    assert (silent.state, silent.word) == ("silent", "unknown")


def test_before_its_first_second_is_whole_a_stream_has_none() -> None:
    frame = frame_of(1, AT, snapshot({0: 1}), Leaders(), Known({}, {}))
    assert (frame.state, frame.clock, frame.seconds) == ("moving", None, ())
    over = frame_of(1, AT, snapshot({0: 1}, ended_at=AT), Leaders(), Known({}, {}))
    assert (over.state, over.clock, over.visits) == ("over", START, 1)


def test_a_frame_holds_two_minutes_and_begins_with_the_stream() -> None:
    young = frame_of(1, AT, snapshot({0: 1, 4: 2, 5: 9}), Leaders(), Known({}, {}))
    assert [(s.clock, s.visits) for s in young.seconds] == [(second(n), {0: 1, 4: 2}.get(n, 0)) for n in range(5)]
    held = dict.fromkeys(range(300), 4) | {299: 1}
    bands = {second_of_day(second(n)): BAND for n in range(300)}
    old = frame_of(7, AT, snapshot(held), Leaders(), Known(bands, {}))
    assert (old.id, len(old.seconds), old.seconds[-1].clock, old.word) == (7, 120, second(298), "usual")
    assert (old.seconds[0].p25, old.band) == (2, BAND)
    drawn = band_chart.options(chart_of(old))
    assert [len(line["data"]) for line in drawn["series"]] == [120] * 6
    assert drawn["series"][1]["data"][0] == 4  # the band's width, stacked upon its lower edge


def test_a_company_without_a_name_is_shown_by_its_cik() -> None:
    leaders = Leaders()
    leaders.put(second(4), 3, {5: 2, 6: 1})
    leaders.move(second(4))
    frame = frame_of(1, AT, snapshot({4: 3, 5: 1}), leaders, Known({}, {5: ("AAPL", "Apple Inc.")}))
    assert [(x.cik, x.ticker, x.name, x.visits) for x in frame.top10_10s] == [
        (5, "AAPL", "Apple Inc.", 2),
        (6, None, None, 1),
    ]


def test_kinds_of_days() -> None:
    assert [day_kind(datetime(2026, 11, 20 + n)) for n in range(4)] == ["weekday", "weekend", "weekend", "weekday"]


def test_a_paused_page_says_how_far_behind_it_is() -> None:
    shown = frame_of(1, AT, snapshot({0: 1, 9: 1}), Leaders(), Known({}, {}))
    newest = frame_of(2, AT, snapshot({0: 1, 75: 1}), Leaders(), Known({}, {}))
    assert behind_text(shown, newest) == "Paused: 66 s behind the stream, which is at 10:01:14."
    none = Frame(id=3, state="none", at=AT, simulated=True)
    assert behind_text(shown, none) == "Paused."


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.dictionaries(st.integers(1, 15), st.integers(1, 4), min_size=1, max_size=5)),
        min_size=1,
        max_size=60,
    )
)
def test_windows_equal_a_plain_count_whatever_comes_late(batches: list[tuple[int, dict[int, int]]]) -> None:
    leaders = Leaders()
    held: dict[datetime, Counter[int]] = {}
    newest = START
    for n, companies in batches:
        held.setdefault(second(n), Counter()).update(companies)
        newest = max(newest, second(n))
        minute = {c: part.total() for c, part in held.items() if newest - timedelta(seconds=60) < c <= newest}
        for clock in leaders.missing(minute):
            leaders.put(clock, minute[clock], dict(held[clock]))
        leaders.move(newest)
        for length, found in ((60, leaders.minute), (10, leaders.ten)):
            plain: Counter[int] = Counter()
            for clock, part in held.items():
                if newest - timedelta(seconds=length) < clock <= newest:
                    plain.update(part)
            assert found == sorted(plain.items(), key=lambda item: (-item[1], item[0]))[:10]
