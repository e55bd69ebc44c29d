"""Logs that are written to for long: their end is kept beside them, and who writes goes on."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from pathlib import Path

from lake.log_files import bound, last_lines

WRITER = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"


def test_who_writes_goes_on_in_an_emptied_log_and_its_end_is_beside_it(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=output, text=True)
    assert writer.stdin is not None

    def write(text: str) -> None:
        assert writer.stdin is not None
        before = log.stat().st_size
        writer.stdin.write(text)
        writer.stdin.flush()
        end = time.monotonic() + 20
        while log.stat().st_size < before + len(text):
            assert time.monotonic() < end
            time.sleep(0.01)

    write("".join(f"line {number:04}\n" for number in range(100)))
    assert not bound(log, 1000)
    write("one more\n")
    assert bound(log, 1000)
    kept = (tmp_path / "service.log.1").read_text()
    assert len(kept) == 1000
    assert kept.endswith("line 0099\none more\n")
    write("after\n")
    assert log.read_text() == "after\n"
    writer.stdin.close()
    assert writer.wait(20) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.log", "service.log.1"]


def test_a_log_that_is_absent_or_in_another_s_hands_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    assert not bound(log, 10)
    log.write_text("x" * 20)
    with log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not bound(log, 10)
    assert bound(log, 10)


def test_the_last_lines_are_those_of_both_files(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    assert last_lines(log, 5) == []
    log.write_text("".join(f"line {n}\n" for n in range(20)))
    assert bound(log, limit=30)
    log.write_text("line 20\n")
    assert last_lines(log, 3) == ["line 18", "line 19", "line 20"]
    assert last_lines(log, 1) == ["line 20"]


def test_a_log_that_cannot_be_bounded_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("x" * 100)
    (tmp_path / "service.log.1.part").mkdir()
    assert not bound(log, limit=30)
    assert log.read_text() == "x" * 100
    assert not bound(tmp_path / "absent.log")
