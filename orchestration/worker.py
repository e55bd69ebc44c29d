"""A load in a process of its own: it imports while the services come up, and gives its memory back when it is done.

`python -m orchestration.worker` waits for a line on its standard input, makes the first load, and writes what happens
as JSON lines: {"event": "step"…}, {"event": "done", "summary": …} or {"event": "failed", "text": …}. `LoadProcess` is
the other end of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO, Any


def serve(commands: IO[bytes], emit: Callable[[dict[str, Any]], None]) -> int:
    """Wait for the word, make the first load, tell how it goes; the exit code."""
    from lake.imports import uncollected

    with uncollected():
        import psycopg

        from lake.home import Home, HomeError
        from lake.settings import SettingsError, load_settings
        from orchestration.load import LoadFailed, first_load

    emit({"event": "imported"})
    if not commands.readline():
        return 0
    threading.Thread(target=_end_with_the_starter, args=(commands,), daemon=True).start()
    try:
        settings = load_settings()
        summary = first_load(
            Home.open(settings, create=False),
            settings,
            lambda progress: emit({"event": "step", **progress._asdict()}),
        )
    except (LoadFailed, HomeError, SettingsError, psycopg.Error) as error:
        emit({"event": "failed", "text": str(error)})
        return 1
    emit({"event": "done", "summary": as_json(summary)})
    return 0


def _end_with_the_starter(commands: IO[bytes]) -> None:
    """The input closes when the starter ends, however it does."""
    while commands.readline():
        continue
    os.killpg(0, signal.SIGKILL)


def as_json(summary: Any) -> dict[str, Any]:
    """A `LoadSummary` as plain values."""
    tick = summary.tick
    return {
        "seconds": summary.seconds,
        "rows": summary.rows,
        "quarantined": summary.quarantined,
        "accounts": {name: account._asdict() for name, account in summary.accounts.items()},
        "tick": tick.tick.isoformat() if tick is not None else None,
    }


def main() -> int:
    """Keep standard output for events: libraries that print go to the log."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Unbuffered: the thread that waits for its end must hold no lock when this process ends.
    commands = os.fdopen(0, "rb", buffering=0, closefd=False)
    return serve(commands, lambda event: print(json.dumps(event, default=str), file=events))


if __name__ == "__main__":
    sys.exit(main())
