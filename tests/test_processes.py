"""How tests are shared out among processes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import scope_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        ("tests/lake/test_load.py::test_a[1/2::3]", "tests/lake/test_load.py"),
        ("tests/e2e/test_run.py::test_a", "e2e"),
        ("tests/kafka/test_login.py::test_a", "kafka"),
    ],
)
def test_a_file_s_tests_go_together_and_those_of_some_folders(test: str, scope: str) -> None:
    assert scope_of(test) == scope


def test_a_process_has_whole_files() -> None:
    files = ["tests/lake/test_scratch.py", "tests/lake/test_log_files.py"]
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    runs = set(re.findall(r"\[(gw\d)\].* PASSED (tests/\S+\.py)::", done.stdout))
    assert sorted(file for _, file in runs) == sorted(files)
