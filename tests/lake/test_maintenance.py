"""The night's work: fewer files and the same rows, whatever is killed; retention takes what it should and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.maintenance import KEEP_DAYS, compact, forget, remove_leavings, size, tidy, vacuum
from lake.settings import load_settings

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
ACTIONS = table("silver.corporate_actions")
_COMPACT = "import sys; from lake.maintenance import compact; from lake.storage import TableAddress; compact(TableAddress(sys.argv[1]))"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home"))


def actions(n: int) -> pl.DataFrame:
    row = {"symbol": f"S{n}", "date": date(2020, 1, 1), "kind": "dividend", "amount": 1.0 + n}
    provenance = {"observed_at": NOW, "_run_id": f"run-{n}", "_payload_sha256": None}
    return pl.DataFrame([row | provenance], schema=ACTIONS.schema.create_empty().schema)


def body(session: date, received: datetime) -> pl.DataFrame:
    known = table("bronze.yahoo_chart")
    row = {
        "source": "yahoo_chart",
        "request": f"bars?{session}{received}",
        "session": session,
        "body": b"{}",
        "_ingested_at": received,
        "_source_url": "http://127.0.0.1/",
        "_payload_sha256": "0" * 64,
        "_run_id": "run",
    }
    return pl.DataFrame([row], schema=known.schema.create_empty().schema)


def rows_of(home: Home) -> pl.DataFrame:
    return delta.read(home, ACTIONS).sort("symbol", "date")


def test_small_files_become_one_with_the_same_rows(home: Home) -> None:
    for n in range(12):
        delta.append(home, ACTIONS, actions(n))
    before, address = rows_of(home), home.lake.table(ACTIONS)
    assert size(address)[0] == 12
    assert compact(address)
    assert size(address)[0] == 1
    assert rows_of(home).equals(before)
    assert delta.read(home, ACTIONS, at_version=12).height == 12, "an earlier version is read while it is kept"


def test_a_kill_while_files_are_joined_leaves_the_table_whole(home: Home) -> None:
    known = table("bronze.yahoo_chart")
    sessions = [date(2026, 1, 1) + timedelta(days=n) for n in range(25)]
    for _ in range(3):
        # A file for each of 25 partitions, too large to be joined in an instant.
        bodies = [body(day, NOW).with_columns(body=pl.lit(os.urandom(1_000_000))) for day in sessions]
        delta.append(home, known, pl.concat(bodies))

    def rows() -> pl.DataFrame:
        return delta.read(home, known).sort("session", "body")

    before, address = rows(), home.lake.table(known)
    path = Path(address.uri)
    version, files = address.open().version(), set(path.rglob("*.parquet*"))
    process = subprocess.Popen([sys.executable, "-c", _COMPACT, str(path)], start_new_session=True)
    while not set(path.rglob("*.parquet*")) - files:
        assert process.poll() is None, "it ended before it wrote anything"
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert address.open().version() == version
    assert rows().equals(before)
    assert compact(address)
    assert size(address)[0] == len(sessions)
    assert rows().equals(before)


def test_retention_takes_only_what_was_asked_for_and_received_long_ago(home: Home) -> None:
    known = table("bronze.yahoo_chart")
    assert known.retention_days is not None
    old, new = NOW - timedelta(days=known.retention_days + 1), NOW - timedelta(days=known.retention_days - 1)
    for session in (old.date(), new.date()):
        for received in (old, new):
            delta.append(home, known, body(session, received))
    assert forget(home, known, NOW.date(), NOW) == 1
    left = set(delta.read(home, known).select("session", "_ingested_at").iter_rows())
    assert left == {(old.date(), new), (new.date(), old), (new.date(), new)}
    assert forget(home, known, NOW.date(), NOW) == 0


def test_what_is_kept_for_ever_is_never_taken(home: Home) -> None:
    assert table("bronze.files").retention_days is None
    delta.append(home, ACTIONS, actions(1))
    assert forget(home, ACTIONS, date(2100, 1, 1), datetime(2100, 1, 1, tzinfo=UTC)) == 0
    assert rows_of(home).height == 1


def test_vacuum_never_keeps_less_than_a_reader_needs(home: Home) -> None:
    for n in range(3):
        delta.append(home, ACTIONS, actions(n))
    compact(home.lake.table(ACTIONS))
    opened = home.lake.table(ACTIONS).open()
    with pytest.raises(ValueError, match=f"{KEEP_DAYS} days at least"):
        vacuum(opened, KEEP_DAYS - 1)
    assert vacuum(opened) == 0, "the joined files are of today"
    assert delta.read(home, ACTIONS, at_version=3).height == 3


def test_leavings_of_killed_writers_go_after_a_day_and_committed_folders_stay(home: Home) -> None:
    delta.append(home, ACTIONS, actions(1))
    address = home.lake.table(ACTIONS)
    path = Path(address.uri)
    leavings = [path / "part-1.parquet#1", path / "load-left" / "part.parquet", path / "load-young" / "part.parquet"]
    for leaving in leavings:
        leaving.parent.mkdir(exist_ok=True)
        leaving.write_bytes(b"half")
    long_ago = time.time() - 2 * 86_400
    for old in (leavings[0], leavings[1].parent):
        os.utime(old, (long_ago, long_ago))
    assert remove_leavings(path, address.open()) == 2
    assert [leaving.exists() for leaving in leavings] == [False, False, True]
    assert tidy(address).leavings == 0
    assert rows_of(home).height == 1
