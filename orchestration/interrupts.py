"""Being asked to end: by Ctrl-C, by SIGTERM, or by a terminal that closes."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Interrupts:
    """SIGTERM and SIGHUP end the command as Ctrl-C does, once; then nothing disturbs the stopping."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._ignored = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        self._before = {number: signal.signal(number, self._interrupt) for number in self.NUMBERS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ignore(self) -> None:
        """From here on, no signal is heard."""
        self._ignored = True

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._ignored:
            self._ignored = True
            raise KeyboardInterrupt
