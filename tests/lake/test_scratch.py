"""Scratch folders: gone when they are done with, kept while somebody holds them, swept after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lake.scratch import scratch

HOLDER = """
import sys
from pathlib import Path
from lake.scratch import scratch

with scratch(Path(sys.argv[1])) as folder:
    (folder / "part").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_another_process_holds_stays_until_it_is_killed(tmp_path: Path) -> None:
    root = tmp_path / "scratch"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        with scratch(root) as one, scratch(root) as two:
            assert len({held, one, two}) == 3
            assert (held / "part").exists()
            assert one.is_dir()
    finally:
        holder.kill()
        holder.communicate()
    assert held.exists()
    with scratch(root) as mine:
        assert [path for path in root.iterdir() if path.is_dir()] == [mine]
    assert list(root.iterdir()) == []


def test_garbage_named_by_the_pid_of_a_process_that_runs_is_swept_too(tmp_path: Path) -> None:
    old = tmp_path / "1-dead"
    old.mkdir()
    (old / "part").write_text("half")
    with scratch(tmp_path):
        assert not old.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch(tmp_path / "root") as folder:
        (folder / "part").write_text(str(1 / 0))
    assert list((tmp_path / "root").iterdir()) == []
