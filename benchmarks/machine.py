"""The machine a figure was measured on, and the memory of everything that belongs to a home."""

from __future__ import annotations

import os
import platform
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("dagster", "dbt-core", "deltalake", "polars", "pyspark", "pysail", "mlflow", "scrapy", "nicegui")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system, Python and the packages that matter."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")] if cpuinfo.exists() else []
    )
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def pss_bytes(home: Path) -> int:
    """The proportional set size of all processes whose environment names a home."""
    mark = f"TIDEMARK_HOME={home}".encode()
    total = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if mark not in (process / "environ").read_bytes().split(b"\0"):
                continue
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


class PeakMemory:
    """The highest sum of PSS while the block runs, looked at twice a second."""

    def __init__(self, home: Path) -> None:
        """Watch a home."""
        self._home = home
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_bytes = 0

    def _watch(self) -> None:
        while not self._done.is_set():
            self.peak_bytes = max(self.peak_bytes, pss_bytes(self._home))
            time.sleep(0.5)

    def __enter__(self) -> PeakMemory:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._done.set()
        self._thread.join()
