"""Processes that Tidemark has started: how they are known again, and how they are ended.

Here belongs what must work without the supervisor, too: a record for each service (pid and birth time) under the
home's `run/`, a mark in the environment that every descendant inherits, and the reaping of what a killed supervisor
left behind. Nothing is ever ended that carries neither. Run as a program, this is the watchdog: it waits until its
standard input closes, which happens however the supervisor ends, and then reaps what that supervisor had started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MARK = "TIDEMARK_STARTED_BY"
# A birth time is counted from the machine's boot time, which moves when the clock is set.
_BIRTH_TOLERANCE = 2.0


@dataclass(frozen=True)
class Record:
    """A started process, as it is written to `run/NAME.json`.

    Attributes:
        name: the service.
        pid: its process, which leads a group of its own.
        born: seconds since 1970 at which the process began: a pid alone may be somebody else's by now.
        token: which supervisor started it.
        stop_signal: how it is asked to end.
    """

    name: str
    pid: int
    born: float
    token: str
    stop_signal: int = signal.SIGTERM

    def process(self) -> psutil.Process | None:
        """The process itself while it lives; None once it is gone, be its pid taken by another or not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < _BIRTH_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def mark(run: Path, token: str) -> str:
    """The value of `TIDEMARK_STARTED_BY` for what a supervisor of this home starts."""
    return f"{run.resolve()}|{token}"


def remember(run: Path, name: str, pid: int, token: str, stop_signal: int = signal.SIGTERM) -> Record:
    """Write down a process that has just been started."""
    try:
        born = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        born = 0.0
    record = Record(name, pid, born, token, int(stop_signal))
    write_json(run / f"{name}.json", asdict(record))
    return record


def forget(run: Path, name: str) -> None:
    """Take a record away, once its process has ended."""
    (run / f"{name}.json").unlink(missing_ok=True)


def recall(run: Path, name: str) -> Record | None:
    """The record of one service; None where there is none or a kill left it unreadable."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, TypeError):
        return Record(**json.loads((run / f"{name}.json").read_text()))
    return None


def records(run: Path) -> list[Record]:
    """All records of a home."""
    found = (recall(run, path.stem) for path in sorted(run.glob("*.json")))
    return [record for record in found if record is not None]


def is_alive(run: Path, name: str) -> bool:
    """Whether the recorded process of this name lives."""
    record = recall(run, name)
    return record is not None and record.process() is not None


def ours(run: Path, *, token: str | None = None, but: str | None = None) -> dict[psutil.Process, int]:
    """Living processes that were started for a home, with the signal that asks each to end.

    Args:
        token: only those of this supervisor.
        but: not those of this supervisor.
    """
    found: dict[psutil.Process, int] = {}
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        by = _marked(process, f"{run.resolve()}|")
        if by is not None and process.pid not in spared and by != but and token in (None, by):
            found[process] = signal.SIGTERM
    for record in records(run):
        leader = record.process()
        if leader is None or leader.pid in spared or record.token == but or token not in (None, record.token):
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            # PostgreSQL writes over its environment, so that its workers are known by their parent alone.
            found |= dict.fromkeys(leader.children(recursive=True), signal.SIGTERM)
        found[leader] = record.stop_signal
    return found


def _marked(process: psutil.Process, prefix: str) -> str | None:
    """The token of the supervisor that a process descends from, if its mark begins with the prefix."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        value = process.environ().get(MARK, "")
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return None
    return value.removeprefix(prefix) if value.startswith(prefix) else None


def end(processes: dict[psutil.Process, int], grace: float) -> None:
    """Ask processes to end, each by its signal, and kill those that still live after `grace` seconds."""
    for process, stop_signal in processes.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    _, alive = psutil.wait_procs(list(processes), timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)


def reap(run: Path, *, token: str | None = None, but: str | None = None, grace: float = 8.0) -> list[str]:
    """End what a supervisor that is gone has left behind, and forget its records.

    Returns:
        `name (pid)` of each recorded service that was still there; others by their program.
    """
    left = ours(run, token=token, but=but)
    by_pid = {record.pid: record.name for record in records(run)}
    names = []
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            names.append(f"{by_pid.get(process.pid) or process.name()} ({process.pid})")
    end(left, grace)
    for record in records(run):
        if record.process() is None and record.token != but and token in (None, record.token):
            forget(run, record.name)
    return names


def write_json(path: Path, value: object) -> None:
    """Write a small JSON file whole: a reader sees the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(value, indent=1, default=str))
    partial.replace(path)


def watch(run: Path, token: str) -> None:
    """The watchdog: wait for the end of the supervisor, then end what it had started and did not end itself."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        continue
    reap(run, token=token)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.argv[2])
