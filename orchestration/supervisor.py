"""The supervisor: starts services in the order of their needs, keeps them running, and ends every one of them.

Here belongs what is true of any service; which services there are is `orchestration.services`. Each runs in a process
group of its own with its output in a file. A watchdog ends them should the supervisor be killed. Why this is our own:
docs/decisions/0002-supervisor.md.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lake.log_files import bound, last_lines
from orchestration import processes

_POLL = 0.1
_BACKOFF = (1.0, 2.0, 5.0, 10.0, 20.0)  # a crash after the last of these is final
_SETTLED = 300.0  # seconds of health after which earlier crashes are forgotten


class ServiceError(RuntimeError):
    """A service does not come up or stay up; the text names it and holds the end of its log."""


class Cancelled(RuntimeError):
    """The start was called off."""


class State(StrEnum):
    """Where a service is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Service:
    """A process to run, and how to know that it can be used.

    Attributes:
        name: also the name of its log file.
        command: the command line.
        env: the whole environment.
        ready: whether it can be used; asked again and again while it starts.
        needs: services that are ready before it is started.
        before: work to do before each start.
        after: work to do each time it is ready, before those that need it start.
        start_seconds: how long it may take to be ready.
        grace: seconds between the request to end and the kill.
        address: what to tell people, if anything.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], bool]
    needs: tuple[str, ...] = ()
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None
    start_seconds: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    cwd: Path | None = None
    address: str | None = None


@dataclass
class _Child:
    service: Service
    log: Path
    state: State = State.WAITING
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    crashes: int = 0
    since: float = 0.0
    seconds: float | None = None
    error: str | None = None
    up: threading.Event = field(default_factory=threading.Event)


class Supervisor:
    """Runs services; `start`, then `wait` for those that one needs, then `stop`, always.

    Attributes:
        on_change: called from any thread after a service has changed its state.
    """

    def __init__(self, run: Path, logs: Path, services: Sequence[Service], token: str | None = None):
        """Prepare; nothing is started.

        Args:
            run, logs: folders of the records and of the log files.
            services: in any order; what a service needs and is not among them is taken as there.
            token: tells its processes from those of others; made here where none is given.
        """
        self.run, self.logs = run, logs
        self.token = token or secrets.token_hex(8)
        names = {service.name for service in services}
        self._children = {s.name: _Child(s, logs / f"{s.name}.log") for s in services}
        self._needs = {s.name: [need for need in s.needs if need in names] for s in services}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self.on_change: Callable[[], object] = lambda: None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def mark(self, env: Mapping[str, str]) -> dict[str, str]:
        """An environment by which its process and all its descendants are known as this supervisor's."""
        return {**env, processes.MARK: processes.mark(self.run, self.token)}

    def start(self) -> None:
        """Begin to start everything, each as soon as what it needs is ready; returns at once."""
        self.run.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self._watchdog = subprocess.Popen(  # noqa: S603 - this very module's neighbour
            [sys.executable, "-m", "orchestration.processes", str(self.run), self.token],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for child in self._children.values():
            thread = threading.Thread(target=self._keep, args=(child,), name=child.service.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self, *names: str) -> None:
        """Wait until services, or all of them, are ready.

        Raises:
            ServiceError: as soon as any of these, or of what they need, has failed.
            Cancelled: when `stop` was called meanwhile.
        """
        wanted = self._with_needs(names or tuple(self._children))
        while not all(self._children[name].up.is_set() for name in wanted):
            if failed := next((self._children[n] for n in wanted if self._children[n].state is State.FAILED), None):
                raise ServiceError(failed.error or f"{failed.service.name} failed")
            if self._stopping.wait(_POLL):
                raise Cancelled

    def stop(self) -> None:
        """End every process, what is needed by others last, and wait until they are gone."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        left = dict(self._children)
        while left:
            # Those that nobody left needs.
            level = [n for n in left if not any(n in self._needs[other] for other in left)]
            for name in level:
                self._ask_to_end(left[name])
            for name in level:
                self._end(left.pop(name))
        processes.end(processes.ours(self.run, token=self.token), grace=2.0)
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait(30)

    def status(self) -> list[dict[str, Any]]:
        """Each service's name, state, pid, address, restarts and seconds until it was ready first."""
        return [
            {
                "name": child.service.name,
                "state": str(child.state),
                "pid": child.process.pid if child.process and child.state is not State.STOPPED else None,
                "address": child.service.address,
                "restarts": child.restarts,
                "seconds": child.seconds,
                "error": child.error,
            }
            for child in self._children.values()
        ]

    def _with_needs(self, names: Sequence[str]) -> list[str]:
        found = list(names)
        for name in found:  # grows as it goes
            found += [need for need in self._needs[name] if need not in found]
        return found

    def _set(self, child: _Child, state: State, error: str | None = None) -> None:
        child.state, child.error = state, error
        (child.up.set if state is State.READY else child.up.clear)()
        self.on_change()

    def _keep(self, child: _Child) -> None:
        """A service's own thread: start it when its turn comes, then again whenever it has crashed."""
        try:
            for name in self._needs[child.service.name]:
                self.wait(name)
            while not self._stopping.is_set():
                self._bring_up(child)
                while child.process is not None and child.process.poll() is None:
                    if self._stopping.wait(_POLL * 3):
                        return
                    bound(child.log)
                self._after_crash(child)
        except Cancelled:
            return
        except ServiceError as error:
            self._set(child, State.FAILED, str(error))

    def _bring_up(self, child: _Child) -> None:
        service, began = child.service, time.monotonic()
        self._set(child, State.STARTING)
        try:
            if service.before is not None:
                service.before()
            self._spawn(child)
            while not service.ready():
                if child.process is not None and child.process.poll() is not None:
                    raise ServiceError(f"{service.name} ended with {_code(child.process)} while it started")
                if time.monotonic() - began > service.start_seconds:
                    raise ServiceError(f"{service.name} was not ready after {service.start_seconds:.0f} s")
                if self._stopping.wait(_POLL):
                    raise Cancelled
            if service.after is not None:
                service.after()
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            text = f"{error}\n{tail(child.log)}".strip()
            raise error if isinstance(error, Cancelled) else ServiceError(text) from error
        child.since = time.monotonic()
        child.seconds = child.seconds or round(child.since - began, 1)
        self._set(child, State.READY)

    def _spawn(self, child: _Child) -> None:
        service = child.service
        with child.log.open("ab") as log:
            log.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S%z')} start of {service.name}\n".encode())
            log.flush()
            child.process = subprocess.Popen(  # noqa: S603 - commands come from orchestration.services
                list(service.command),
                env=self.mark(service.env),
                cwd=service.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        processes.remember(self.run, service.name, child.process.pid, self.token, service.stop_signal)

    def _after_crash(self, child: _Child) -> None:
        """Wait before the next start, longer each time; too many crashes in a row are final."""
        assert child.process is not None
        how = f"{child.service.name} ended with {_code(child.process)}"
        if time.monotonic() - child.since > _SETTLED:
            child.crashes = 0
        _kill_group(child.process.pid)
        if child.crashes >= len(_BACKOFF):
            raise ServiceError(f"{how}, {child.crashes + 1} times in a row\n{tail(child.log)}")
        self._set(child, State.RESTARTING, how)
        if self._stopping.wait(_BACKOFF[child.crashes]):
            raise Cancelled
        child.crashes += 1
        child.restarts += 1

    def _ask_to_end(self, child: _Child) -> None:
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(child.service.stop_signal)

    def _end(self, child: _Child) -> None:
        if child.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(child.service.grace)
            _kill_group(child.process.pid)
            child.process.wait(10)
            processes.forget(self.run, child.service.name)
        if child.state is not State.FAILED:
            self._set(child, State.STOPPED)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _code(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file."""
    return "\n".join(last_lines(log, lines, most=16_384))
