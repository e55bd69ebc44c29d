"""Whether Tidemark runs in a home, and what it tells others about itself: the lock and `run/status.json`."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from orchestration import processes

if TYPE_CHECKING:
    from lake.home import Home

SUPERVISOR = "supervisor"
LOAD = "load"


class AlreadyRunning(RuntimeError):
    """Another supervisor holds the home; the text says which.

    Attributes:
        status: what that one has told of itself.
    """

    def __init__(self, home: Home, status: dict[str, Any]):
        """Say who it is."""
        who = f"with pid {status['pid']}, since {status['since']}" if status.get("pid") else "and is just starting"
        super().__init__(f"Tidemark already runs in {home.root} {who}; `tidemark down` ends it")
        self.status = status


@dataclass
class Lock:
    """The home's lock; the kernel frees it when the process ends, however it ends."""

    descriptor: int

    def release(self) -> None:
        """Let others have it."""
        os.close(self.descriptor)


def take(home: Home, name: str = "lock") -> Lock:
    """Take the home's lock, or another of its locks by name.

    Raises:
        AlreadyRunning: when somebody else has it.
    """
    home.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.run / name, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(home, told(home)) from None
    return Lock(descriptor)


def is_running(home: Home) -> bool:
    """Whether a supervisor runs in the home, be it starting or stopping."""
    return processes.is_alive(home.run, SUPERVISOR)


def tell(home: Home, status: dict[str, Any]) -> None:
    """Write what `tidemark status` shows."""
    processes.write_json(home.run / "status.json", status)


def told(home: Home) -> dict[str, Any]:
    """What the last supervisor told; empty where none ever ran."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        found: dict[str, Any] = json.loads((home.run / "status.json").read_text())
        return found
    return {}


def ask_to_end(home: Home, seconds: float = 90.0) -> bool:
    """Ask the running supervisor to end everything, and wait for it.

    Returns:
        Whether it has ended.
    """
    record = processes.recall(home.run, SUPERVISOR)
    process = record.process() if record is not None else None
    if record is None or process is None:
        return True
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
    deadline = time.monotonic() + seconds
    # Ended counts, though whoever started it may not have asked for its exit code yet.
    while record.process() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def remember_summary(home: Home, summary: dict[str, Any]) -> None:
    """Keep what the last whole load did, for `status`."""
    processes.write_json(_summary_path(home), summary)


def last_summary(home: Home) -> dict[str, Any] | None:
    """What the last whole load did; None before the first."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        found: dict[str, Any] = json.loads(_summary_path(home).read_text())
        return found
    return None


def _summary_path(home: Home) -> Path:
    return home.root / "last_load.json"
