"""`status`, `logs`, `home` and `doctor`: commands that only look."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from lake.log_files import last_lines
from orchestration import running
from orchestration.console import Screen

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings


def status(home: Home, screen: Screen, *, as_json: bool) -> int:
    """What runs; the exit code."""
    found = state(home)
    if as_json:
        screen.json(found)
        return 0
    screen.say(f"home {found['home']} ({found['world']}): {found['phase']}")
    screen.say(f"lake {found['lake']}")
    rows = [
        (s["name"], s["state"], s["pid"], s["restarts"], s["memory_mb"], s["address"] or "") for s in found["services"]
    ]
    if rows:
        screen.table(("service", "state", "pid", "restarts", "MB (PSS)", "address"), rows)
        screen.say(f"memory in all: {found['memory_mb']:,} MB (PSS)")
    for note in found["notes"]:
        screen.say(note)
    load = found["load"]
    screen.say(f"last load: {load['at']}, {sum(load['seconds'].values()):.0f} s" if load else "nothing loaded yet")
    if not found["running"]:
        screen.say("nothing runs: `tidemark up` starts it")
    return 0


def state(home: Home) -> dict[str, Any]:
    """What `status --json` writes."""
    runs = running.is_running(home)
    told = running.told(home) if runs else {}
    services = [{**service, "memory_mb": megabytes(service["pid"])} for service in told.get("services", [])]
    return {
        "home": str(home.root),
        "world": home.world,
        "lake": home.lake.uri,
        "postgres_data": _postgres_data(home),
        "running": runs,
        "phase": told.get("phase", "not running"),
        "pid": told.get("pid"),
        "since": told.get("since"),
        "notes": told.get("notes", []),
        "services": services,
        "memory_mb": sum(service["memory_mb"] or 0 for service in services),
        "load": running.last_summary(home),
    }


def _postgres_data(home: Home) -> str:
    from lake import postgres

    return str(postgres.data_folder(home))


def megabytes(pid: int | None) -> int | None:
    """The memory (PSS, MB) of a process and its descendants; None where there is none or it may not be seen."""
    if pid is None:
        return None
    try:
        leader = psutil.Process(pid)
        return sum(_pss(process) for process in [leader, *leader.children(recursive=True)]) // 1_000_000
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def logs(home: Home, screen: Screen, name: str | None, *, lines: int, follow: bool) -> int:
    """The end of a log; the exit code."""
    known = sorted(path.stem for path in home.logs.glob("*.log"))
    if name is None:
        screen.say("\n".join(known) or f"no logs in {home.logs} yet")
        return 0
    if name not in known:
        screen.say(f"no log of {name!r}; there are: {', '.join(known) or 'none yet'}")
        return 2
    path = home.logs / f"{name}.log"
    for line in last_lines(path, lines):
        screen.say(line)
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(0, os.SEEK_END)
        while follow:
            line = file.readline()
            if line:
                screen.say(line.rstrip("\n"))
            elif os.fstat(file.fileno()).st_size < os.lseek(file.fileno(), 0, os.SEEK_CUR):
                # It had grown too large and was emptied.
                file.seek(0)
            else:
                time.sleep(0.3)
    return 0


def home(found: Home, settings: Settings, screen: Screen, *, as_json: bool, connection: bool) -> int:
    """Where the home is; the exit code.

    Args:
        connection: show the read-only login's address instead, its password included, for a BI tool or psql.
    """
    if connection:
        from lake.postgres import reader_dsn

        dsn = reader_dsn(found, settings)
        if as_json:
            screen.json({"connection": dsn})
        else:
            screen.say(dsn)
        return 0
    about = {
        "home": str(found.root),
        "world": found.world,
        "lake": found.lake.uri,
        "logs": str(found.logs),
        "landing": str(found.landing),
        "postgres_data": _postgres_data(found),
    }
    if as_json:
        screen.json(about)
    else:
        for name, value in about.items():
            screen.say(f"{name}: {value}")
    return 0


def doctor(settings: Settings, screen: Screen, *, as_json: bool) -> int:
    """All checks; exit code 1 when one that matters fails."""
    from lake.home import Home, HomeError
    from lake.storage import lake_of
    from orchestration.doctor import examine

    try:
        findings = examine(Home.open(settings, create=False), settings)
    except HomeError:
        # Where there is no home yet, looking must not make one: that would decide its world.
        parent = _nearest(settings.home.expanduser().resolve())
        with tempfile.TemporaryDirectory(prefix=".tidemark-doctor-", dir=parent) as folder:
            trial = settings.model_copy(update={"home": Path(folder), "world": None, "lake": None})
            findings = examine(Home.open(trial), trial, lake_of(settings.home, settings.lake, settings))
    bad = [finding for finding in findings if not finding.ok and not finding.optional]
    if as_json:
        screen.json({"ok": not bad, "checks": [vars(finding) for finding in findings]})
        return 1 if bad else 0
    for finding in findings:
        verdict = "ok" if finding.ok else "note" if finding.optional else "FAILED"
        screen.say(f"{verdict:6}  {finding.name}: {finding.found}")
        if finding.remedy:
            screen.say(f"        → {finding.remedy}")
    screen.say("all is well" if not bad else f"{len(bad)} of {len(findings)} checks failed")
    return 1 if bad else 0


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
