"""The lines of docs/scale-out.md, run as they stand there: jars, a Kafka broker, a Spark cluster, its Connect server.

A shell block of that page begins with a comment that names it. The page's variables say which ports and folders it
means; here they are free ports and folders of the test's own.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "scale-out.md"
CACHE = ROOT / ".cache" / "jars"
POMS = {"spark": ROOT / "scripts" / "spark-jars.pom.xml", "kafka": ROOT / "scripts" / "kafka.pom.xml"}


def block(name: str) -> str:
    """A shell block of the page by its first line, without that line."""
    found = dict(re.findall(r"```sh\n# ([^\n:]+)[^\n]*\n(.*?)```", PAGE.read_text("utf-8"), re.S))
    assert name in found, f"no block `# {name}` in {PAGE.name}, but {', '.join(found)}"
    return found[name]


def system_java() -> str:
    """The system's Java; a test that needs it skips where it is absent or older than 17."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        pytest.skip("no Java 17 here: Kafka and a Spark cluster need it (apt install openjdk-17-jre-headless)")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < 17:
        pytest.skip(f"Java 17 or newer is needed, and {java} is {said.splitlines()[0]}")
    return java


def fetched_jars() -> Path:
    """The folder with `spark` and `kafka` jars, fetched once; a test skips where there is neither it nor Maven."""
    wanted = hashlib.sha256(b"".join(pom.read_bytes() for pom in POMS.values())).hexdigest()[:16]
    stamp = CACHE / "poms.sha256"
    if stamp.is_file() and stamp.read_text() == wanted:
        return CACHE
    if shutil.which("mvn") is None:
        pytest.skip(f"no Maven here, and no jars of these versions in {CACHE}: apt install maven")
    # Jars of other versions would come onto the same class path.
    shutil.rmtree(CACHE, ignore_errors=True)
    run("jars", {"JARS": str(CACHE)})
    stamp.write_text(wanted)
    return CACHE


def run(name: str, env: Mapping[str, str], first: str = "") -> str:
    """Run a block to its end, after another one's lines; what it wrote."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", first + block(name)],
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


# Becomes the command that follows, which ends when its starter does, in whatever way (on Linux).
DIES_WITH_THE_TESTS = [
    *(sys.executable, "-I", "-S", "-c"),
    "import ctypes, os, signal, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])",
]


@dataclass
class Process:
    """A block whose last command runs until it is ended; that command is the process itself."""

    name: str
    env: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]
    seconds: float = 240
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> Process:
        """Start it and wait until it is ready."""
        lines = block(self.name).rstrip().split("\n")
        last = len(lines) - 1
        while last and lines[last - 1].endswith("\\"):
            last -= 1
        lines[last] = f"exec {lines[last]}"
        with self.log.open("ab") as words:
            self.process = subprocess.Popen(
                [*DIES_WITH_THE_TESTS, "bash", "-euo", "pipefail", "-c", "\n".join(lines)],
                env={**os.environ, **self.env},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        end = time.monotonic() + self.seconds
        while not self.ready():
            ended = self.process.poll()
            if ended is not None or time.monotonic() > end:
                self.kill()
                what = f"ended with {ended}" if ended is not None else f"is not ready after {self.seconds:.0f} s"
                raise AssertionError(f"{self.name} {what}:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        return self

    def kill(self) -> None:
        """End it as a power failure would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def listens(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
