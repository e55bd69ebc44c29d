"""What takes longer than the suite may: many kills at any moment, and a whole session of ticks. `make soak` runs it.

Resumable: homes and counts stay in `.tidemark-soak` (or TIDEMARK_SOAK); a second call goes on where the first ended.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest

from lake import delta
from lake.contracts import of_layer, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from tests.e2e.command import ROOT, Command, wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]

FOLDER = Path(os.environ.get("TIDEMARK_SOAK", ROOT / ".tidemark-soak")).resolve()
KILLS = int(os.environ.get("TIDEMARK_SOAK_KILLS", "50"))
LONGEST_SECONDS = 75
SESSION = date(2026, 11, 20)


def _done(name: str) -> int:
    path = FOLDER / f"{name}.json"
    return int(json.loads(path.read_text())) if path.exists() else 0


def _note(name: str, count: int) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(count))


def _home(command: Command) -> Home:
    return Home.open(load_settings(home=command.home, world=None), create=False)


def _kill_everything(command: Command, process: subprocess.Popen[str]) -> None:
    for member in command.alive():
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(30)
    wait_until(lambda: command.alive() == [], "the end of everything that was killed")


def test_killed_at_any_moment_the_last_run_ends_with_equal_gold() -> None:
    reference, victim = Command(FOLDER / "reference"), Command(FOLDER / "victim")
    if _done("reference") == 0:
        loaded = reference.run("up", "--once")
        assert loaded.returncode == 0, loaded.stdout
        _note("reference", 1)
    for number in range(_done("kills"), KILLS):
        moment = random.Random(number).uniform(0.5, LONGEST_SECONDS)
        process = victim.start("up", "--once")
        try:
            out, _ = process.communicate(timeout=moment)
            assert process.returncode == 0, out
        except subprocess.TimeoutExpired:
            _kill_everything(victim, process)
        _note("kills", number + 1)
    last = victim.run("up", "--once")
    assert last.returncode == 0, last.stdout
    for known in of_layer("gold"):
        if known.name == "loads":
            continue
        columns = [name for name in known.columns if name not in known.provenance]
        expected, got = (delta.read(_home(c), known).select(columns).sort(known.key) for c in (reference, victim))
        assert got.equals(expected), known.id


def test_a_whole_session_of_ticks_is_kept_and_a_repeated_tick_changes_nothing() -> None:
    home = FOLDER / "session"
    ticks = xnys().ticks(SESSION)
    for number in range(_done("ticks"), len(ticks)):
        at = {"TIDEMARK_NOW": f"{(ticks[number] + timedelta(minutes=1)).isoformat()}!"}
        done = Command(home, at).run("up", "--once")
        assert done.returncode == 0, done.stdout
        _note("ticks", number + 1)
    command = Command(home, {"TIDEMARK_NOW": f"{(ticks[-1] + timedelta(minutes=1)).isoformat()}!"})
    quotes, members = table("gold.quotes"), table("gold.universe")
    columns = [name for name in quotes.columns if name not in quotes.provenance]
    before = delta.read(_home(command), quotes).select(columns).sort(quotes.key)
    assert sorted(before["tick"].unique()) == list(ticks)
    expected = delta.read(_home(command), members).height
    assert before.group_by("tick").len()["len"].unique().to_list() == [expected]
    again = command.run("up", "--once")
    assert again.returncode == 0, again.stdout
    assert delta.read(_home(command), quotes).select(columns).sort(quotes.key).equals(before)
