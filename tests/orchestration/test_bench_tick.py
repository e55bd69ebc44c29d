"""The tick's benchmark: every second of a run belongs to one part."""

from __future__ import annotations

from benchmarks.tick import shares


def test_the_parts_of_a_tick_are_the_whole() -> None:
    steps = {"bronze_yahoo_quotes": 2.0, "silver_quotes": 0.5, "gold_quotes": 1.5, "gold_loads": 0.5, "marts": 3.5}
    found = shares(steps, 10.0)
    assert {name: part["seconds"] for name, part in found.items()} == {
        "crawl": 2.0,
        "parse": 0.5,
        "write": 1.5,
        "publish": 4.0,
        "dagster": 2.0,
    }
    assert sum(part["percent"] for part in found.values()) == 100
