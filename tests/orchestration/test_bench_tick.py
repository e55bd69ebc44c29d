"""The tick's benchmark: every second from the sensor to the marts belongs to one part."""

from __future__ import annotations

from benchmarks.tick import shares


def test_the_parts_of_a_tick_are_the_whole() -> None:
    steps = {
        "bronze_yahoo_quotes": 2.5,
        "silver_quotes": 0.5,
        "gold_quotes": 1.0,
        "gold_quarantine": 0.25,
        "gold_loads": 0.25,
        "marts": 3.5,
    }
    found = shares(steps, {"crawl": 2.0, "load": 0.5, "dbt": 2.0, "swap": 0.5}, 20.0)
    assert {name: part["seconds"] for name, part in found.items()} == {
        "crawl": 2.0,
        "parse": 0.5,
        "write": 1.5,
        "inventory": 0.5,
        "load": 0.5,
        "dbt": 2.0,
        "swap": 0.5,
        "dagster": 12.5,
    }
    assert sum(part["percent"] for part in found.values()) == 100
