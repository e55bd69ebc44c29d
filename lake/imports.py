"""Imports of many modules without the garbage collector, for the processes that begin with them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import in the block: the garbage collector rests meanwhile, and leaves alone what is there after it.

    Modules stay as long as their process, yet every collection walks all that they hold, the last one at the process's
    end too: of the three seconds of a command that loads Dagster and dbt, that was the half.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
