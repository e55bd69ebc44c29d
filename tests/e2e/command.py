"""The command as a user runs it, in a home of its own: started, watched, killed, and looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PER_SECTOR = 3
EDGAR_DAYS = 2
EDGAR_ROWS = 1_500
# After the close of a session; frozen, so that two homes load the very same.
NOW = "2026-11-20T22:30:00Z!"
SMALL = {
    "TIDEMARK_NOW": NOW,
    "TIDEMARK_UNIVERSE_PER_SECTOR": str(PER_SECTOR),
    "TIDEMARK_EDGAR_DAYS": str(EDGAR_DAYS),
    "TIDEMARK_EDGAR_ROWS_PER_DAY": str(EDGAR_ROWS),
    "TIDEMARK_POSTS_PER_DAY": "120",
}
LOAD_SECONDS = 600


@dataclass(frozen=True)
class Command:
    """`tidemark` in one home."""

    home: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the command sees: nothing of this machine's own Tidemark settings."""
        foreign = ("TIDEMARK_", "DAGSTER", "MLFLOW", "SPARK_REMOTE", "PYTHONDONTWRITEBYTECODE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return env | SMALL | {"TIDEMARK_HOME": str(self.home)} | dict(self.more) | dict(extra or {})

    def start(self, *words: str, extra: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start it in the background, its output in one pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration", *words],
            cwd=ROOT,
            env=self.env(extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        process = self.start(*words, extra=extra)
        out, _ = process.communicate(timeout=LOAD_SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, out)

    def alive(self) -> list[psutil.Process]:
        """Processes that work for this home, found by what they hold and not by what the command remembers."""
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                ours = process.environ().get("TIDEMARK_HOME") == str(self.home) or str(self.home) in words
                if (ours or process.cwd() == str(self.home / "pg")) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """The command's output up to a text; its end before that is an error."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"ended with {process.wait()} before {text!r}:\n{seen}")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
