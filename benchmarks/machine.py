"""The machine a figure was measured on, and the memory of everything that belongs to a home."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
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


def pss_bytes(home: Path, module: str | None = None) -> int:
    """The proportional set size of all processes whose environment names a home, or of those that run a module."""
    mark = f"TIDEMARK_HOME={home}".encode()
    total = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if mark not in (process / "environ").read_bytes().split(b"\0"):
                continue
            if module is not None and module.encode() not in (process / "cmdline").read_bytes().split(b"\0"):
                continue
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def cpu_seconds() -> float:
    """Processor time of this process and those it started, so far."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(one.user + one.system for one in times)


class Stopwatch:
    """Seconds in some functions of a module while the block runs."""

    def __init__(self, module: object, functions: Mapping[str, str]) -> None:
        """Functions by name, and what to call the time in each."""
        self._module, self._functions = module, functions
        self.seconds = dict.fromkeys(functions.values(), 0.0)

    def __enter__(self) -> Stopwatch:
        """Begin."""
        self._plain = {name: getattr(self._module, name) for name in self._functions}
        for name, phase in self._functions.items():
            setattr(self._module, name, self._timed(self._plain[name], phase))
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        for name, plain in self._plain.items():
            setattr(self._module, name, plain)

    def _timed(self, plain: Callable[..., Any], phase: str) -> Callable[..., Any]:
        def timed(*args: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return plain(*args, **more)
            finally:
                self.seconds[phase] += time.perf_counter() - began

        return timed


class LargestProcess:
    """The highest resident set of each kind of process of a home while the block runs, looked at twice a second."""

    def __init__(self, home: Path) -> None:
        """Watch a home."""
        self._home, self._done, self._peaks = home, threading.Event(), dict[str, int]()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._done.is_set():
            for process in psutil.process_iter():
                try:
                    if process.environ().get("TIDEMARK_HOME") == str(self._home):
                        name = _module(process.cmdline())
                        self._peaks[name] = max(self._peaks.get(name, 0), process.memory_info().rss)
                except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                    continue
            self._done.wait(0.5)

    def told(self) -> dict[str, float]:
        """GB by module or program, the largest first."""
        ordered = sorted(self._peaks.items(), key=lambda item: -item[1])
        return {name: round(size / 2**30, 2) for name, size in ordered[:6]}

    def __enter__(self) -> LargestProcess:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._done.set()
        self._thread.join()


def _module(words: list[str]) -> str:
    """What a process runs: the module after `-m`, else its program."""
    if "-m" in words[:-1]:
        return (
            " ".join(words[words.index("-m") + 1 :][:2]) if "orchestration" in words else words[words.index("-m") + 1]
        )
    return Path(words[0]).name if words else "?"


class PeakMemory:
    """The highest sum of PSS while the block runs, looked at twice a second."""

    def __init__(self, home: Path, module: str | None = None) -> None:
        """Watch a home, or those of its processes that run a module."""
        self._home, self._module = home, module
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_bytes = 0

    def _watch(self) -> None:
        while not self._done.is_set():
            self.peak_bytes = max(self.peak_bytes, pss_bytes(self._home, self._module))
            time.sleep(0.5)

    def __enter__(self) -> PeakMemory:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._done.set()
        self._thread.join()
