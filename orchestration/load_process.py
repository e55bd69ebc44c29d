"""The load as its starter sees it: a process of its own (`orchestration.worker`) that tells how it goes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lake.log_files import bound
from orchestration import processes
from orchestration.running import LOAD
from orchestration.supervisor import tail


class LoadProcess:
    """The load as the supervisor sees it."""

    def __init__(
        self, run: Path, log: Path, token: str, env: Mapping[str, str], on_event: Callable[[dict[str, Any]], None]
    ):
        """Start the process; it works once `begin` is called.

        Args:
            run: folder of the records.
            log: where its words go.
            token: the supervisor's, under which its death is watched.
            env: its environment, marked.
            on_event: called from a thread with each event.
        """
        self.summary: dict[str, Any] | None = None
        self.error: str | None = None
        self._run, self._log, self._on_event = run, log, on_event
        bound(log)
        with log.open("ab") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.worker"],
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                start_new_session=True,
            )
        processes.remember(run, LOAD, self._process.pid, token)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def begin(self) -> None:
        """Let it work: what it needs is ready."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"go\n")
            self._process.stdin.flush()

    def wait(self, seconds: float) -> bool:
        """Wait a while; whether it has ended, with `summary` or `error` set."""
        self._reader.join(seconds)
        return not self._reader.is_alive()

    def end(self, grace: float = 5.0) -> None:
        """End it, whatever it is doing: what it has not committed is not there, and the next load makes it anew."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join(10)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "done":
                self.summary = event["summary"]
            elif event["event"] == "failed":
                self.error = event["text"]
            self._on_event(event)
        code = self._process.wait()
        processes.forget(self._run, LOAD)
        if self.summary is None and self.error is None:
            how = f"code {code}" if code >= 0 else f"signal {-code}"
            self.error = f"the load ended with {how}\n{tail(self._log)}"
