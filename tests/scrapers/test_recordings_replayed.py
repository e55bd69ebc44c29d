"""Every recorded exchange of the endpoints used, served to the real spiders: rows, or a refusal of the closed list."""

from __future__ import annotations

from pathlib import Path

from scrapers.errors import Reason
from tests.scrapers.recording_server import replay
from tests.scrapers.recordings import yahoo_zip

ENDPOINTS = {"quotes": 58, "summary": 936, "bars": 27, "minutes": 1, "universe": 3, "news": 39, "getcrumb": 2}


def test_every_recording_passes_the_spiders(shared: Path, tmp_path: Path) -> None:
    outcomes = replay(yahoo_zip(shared), tmp_path)
    told = outcomes.as_dict()
    assert {name: counts["recorded"] for name, counts in told["endpoints"].items()} == ENDPOINTS
    for name, counts in told["endpoints"].items():
        assert set(counts["outcomes"]) <= {"rows", "crumb", *map(str, Reason)}, name
    answered = {name: counts["outcomes"].get("rows", 0) for name, counts in told["endpoints"].items()}
    assert answered["quotes"] == 55
    assert answered["summary"] > 200
    assert (answered["news"], told["endpoints"]["news"]["rows"]) == (38, 163)
    assert sum(ENDPOINTS.values()) + sum(told["not_used"].values()) == 1_215
