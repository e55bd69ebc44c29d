"""What takes longer than the suite may: many kills at any moment, and a whole session of ticks. `make soak` runs it.

Resumable: homes and counts stay in `.tidemark-soak` (or TIDEMARK_SOAK); a second call goes on where the first ended.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from lake import delta
from lake.contracts import of_layer, table
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from tests.e2e.command import ROOT, Command, wait_until
from tests.kills import content_of, ticks_at_work

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]

FOLDER = Path(os.environ.get("TIDEMARK_SOAK", ROOT / ".tidemark-soak")).resolve()
KILLS = int(os.environ.get("TIDEMARK_SOAK_KILLS", "20"))
SESSION = date(2026, 11, 20)
# A moment at which everything is over: no session, and India's day of posts has just ended. With a day under way the sensors of
# a home that was killed late would have collected more of it than those of an undisturbed one.
OVER = {"TIDEMARK_NOW": "2026-11-21T18:30:30Z!"}


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


def _assert_gold_equal(reference: Command, victim: Command) -> None:
    for known in of_layer("gold"):
        if known.name == "loads":
            continue
        columns = [name for name in known.columns if name not in known.provenance]
        expected, got = (delta.read(_home(c), known).select(columns).sort(known.key) for c in (reference, victim))
        assert got.equals(expected), known.id


def test_killed_at_any_moment_the_last_run_ends_with_equal_gold() -> None:
    reference, victim = Command(FOLDER / "reference", OVER), Command(FOLDER / "victim", OVER)
    if _done("reference") == 0:
        began = time.monotonic()
        loaded = reference.run("up", "--once")
        assert loaded.returncode == 0, loaded.stdout
        _note("reference", round(time.monotonic() - began))
    longest, attempt = float(_done("reference")), 0
    while (number := _done("kills")) < KILLS:
        moment, attempt = random.Random(f"{number} {attempt}").uniform(0.5, longest), attempt + 1
        process = victim.start("up", "--once")
        try:
            out, _ = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            _kill_everything(victim, process)
            _note("kills", number + 1)
            continue
        # It was done before its moment came: what the kills before have left is judged, and a new load is begun.
        assert process.returncode == 0, out
        _assert_gold_equal(reference, victim)
        shutil.rmtree(victim.home)
    last = victim.run("up", "--once")
    assert last.returncode == 0, last.stdout
    _assert_gold_equal(reference, victim)


def test_ticks_killed_at_any_moment_end_with_equal_gold_and_marts(tmp_path: Path) -> None:
    supply = [tick for day in xnys().sessions(SESSION - timedelta(days=9), SESSION) for tick in xnys().ticks(day)]
    moments, killed, taken = random.Random(7), 0, supply[:2]
    with ticks_at_work(tmp_path / "killed") as home:
        began = time.monotonic()
        home.take(*taken)
        longest, left = time.monotonic() - began, list[datetime]()
        while killed < KILLS:
            # One more, unless two are left already: else the kills would fall on the same first seconds.
            fresh = supply[len(taken) : len(taken) + 1] if len(left) < 2 else []
            taken += fresh
            process = home.start(*left, *fresh)
            try:
                out, _ = process.communicate(timeout=moments.uniform(0.5, longest))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate(timeout=30)
                killed, left = killed + 1, [*left, *fresh]
                continue
            assert process.returncode == 0, out
            left = []
        home.take(*left)
        found = content_of(home)
    with ticks_at_work(tmp_path / "undisturbed") as home:
        home.take(*taken)
        undisturbed = content_of(home)
    for name, expected in undisturbed.items():
        assert found[name].equals(expected), name
    assert found["mart.quotes"]["tick"].n_unique() == len(taken)


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
