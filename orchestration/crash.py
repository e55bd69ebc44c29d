"""A crash at a known point, for the tests that prove recovery: as if the machine's power had gone."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import psutil

from orchestration import processes, running

if TYPE_CHECKING:
    from lake.home import Home

SETTING = "TIDEMARK_TEST_KILL_AFTER"


def after(home: Home, written: str) -> None:
    """Kill everything that runs in the home, this process last, where the setting names what has just been written.

    Args:
        written: a table, such as `silver.quotes`; `staged` for the staging tables, `dbt` for the marts that nobody sees
            yet, `marts` for those that were swapped in.
    """
    if os.environ.get(SETTING) != written:
        return
    record = processes.recall(home.run, running.SUPERVISOR)
    supervisor = record.process() if record is not None else None
    if supervisor is not None:
        others = [process for process in supervisor.children(recursive=True) if process.pid != os.getpid()]
        for process in [supervisor, *others]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    os.kill(os.getpid(), signal.SIGKILL)
