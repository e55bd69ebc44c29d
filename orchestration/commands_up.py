"""`up`, `once` and `down`: everything started, the first load, a status line, and the end of it all."""

from __future__ import annotations

import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from rich.text import Text

from lake.clock import Clock
from lake.home import Home
from lake.postgres import owner_dsn
from orchestration import processes, running, services
from orchestration.ask import ask
from orchestration.console import LoadProgress, Screen, answer, summary_tables
from orchestration.interrupts import Interrupts
from orchestration.load_process import LoadProcess
from orchestration.supervisor import Supervisor

if TYPE_CHECKING:
    from lake.settings import Settings

EXAMPLE = "What are the five largest companies by market cap?"


class LoadError(RuntimeError):
    """The first load failed; the text says which step and why."""


@dataclass
class Start:
    """One run of `tidemark up`.

    Attributes:
        once: end after the load.
        began: monotonic seconds at which the command began.
    """

    home: Home
    settings: Settings
    screen: Screen
    once: bool = False
    began: float = field(default_factory=time.monotonic)
    env: dict[str, str] = field(default_factory=dict)
    supervisor: Supervisor | None = None
    load: LoadProcess | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    phase: str = "starting"
    notes: list[str] = field(default_factory=list)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    clock: Clock = field(init=False)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """One clock, from here on."""
        self.clock = Clock.from_settings(self.settings)

    def run(self) -> int:
        """Start, load, stay, stop; the exit code."""
        lock = running.take(self.home)
        with Interrupts() as signals:
            try:
                processes.remember(self.home.run, running.SUPERVISOR, os.getpid(), self.token)
                return self._supervised()
            except KeyboardInterrupt:
                return 0 if self.phase == "running" and not self.once else 130
            finally:
                signals.ignore()
                self._stop()
                processes.forget(self.home.run, running.SUPERVISOR)
                lock.release()

    def _supervised(self) -> int:
        self._clear_up()
        services.prepare_own_server(self.home, self.settings)
        self.env = services.environment(self.home, self.settings, self.clock)
        built = services.build(self.home, self.settings, self.env)
        self.supervisor = Supervisor(self.home.run, self.home.logs, built, self.token)
        self.supervisor.on_change = self._tell
        loads = self.home.simulated and (self.once or running.last_summary(self.home) is None)
        progress = LoadProgress(self.screen)
        try:
            self._tell()
            self.supervisor.start()
            if loads:
                # It imports for some seconds, and may do so meanwhile.
                self.load = self._load_process(progress)
            self.screen.say(f"starting in {self.home.root} ({self.home.world}); logs in {self.home.logs}")
            if self.load is not None:
                self.supervisor.wait(*[s.name for s in built if s.name in services.LOAD_NEEDS])
                self._phase("loading")
                self.load.begin()
            self.supervisor.wait()
            self._addresses()
            if self.load is not None:
                self._await_load(self.load)
        finally:
            progress.close()
        self._phase("running")
        if self.once:
            self._summary()
            return 0
        self._stay()
        return 0

    def _clear_up(self) -> None:
        """End what an earlier start has left, and choose the ports."""
        left = processes.reap(self.home.run, but=self.token)
        if left:
            self.screen.say(f"ended what an earlier start had left behind: {', '.join(left)}")
        self.notes = services.settle_ports(self.home, services.ports_of(self.home, self.settings))
        for note in self.notes:
            self.screen.say(note)

    def _load_process(self, progress: LoadProgress) -> LoadProcess:
        assert self.supervisor is not None
        env = self.supervisor.mark(self.env)
        log = self.home.logs / "load.log"
        return LoadProcess(self.home.run, log, self.supervisor.token, env, progress.on_event)

    def _await_load(self, load: LoadProcess) -> None:
        running.remember_summary(self.home, summary_of(load) | {"at": self.clock.now().isoformat(timespec="seconds")})

    def _phase(self, phase: str) -> None:
        self.phase = phase
        self._tell()

    def _tell(self) -> None:
        """Write what `tidemark status` shows; called from the services' threads, too."""
        with self._telling:
            running.tell(
                self.home,
                {
                    "pid": os.getpid(),
                    "since": self.since,
                    "home": str(self.home.root),
                    "world": self.home.world,
                    "now": self.env.get("TIDEMARK_NOW"),
                    "phase": self.phase,
                    "notes": self.notes,
                    "services": self.supervisor.status() if self.supervisor else [],
                },
            )

    def _addresses(self) -> None:
        assert self.supervisor is not None
        addresses(self.screen, self.supervisor.status())
        self.screen.say(f"ready after {time.monotonic() - self.began:.0f} s")

    def _summary(self) -> None:
        summary = running.last_summary(self.home)
        if summary is not None:
            summary_tables(self.screen, summary)
        # An answer that fails is a failure of the work: it goes up.
        reply = ask(self.home, self.settings, EXAMPLE)
        answer(self.screen, EXAMPLE, reply)
        self.screen.say(f"done in {time.monotonic() - self.began:.0f} s")

    def _stay(self) -> None:
        """The foreground until somebody ends it."""
        self.screen.say("Ctrl-C ends everything; `tidemark status` and `tidemark ask` work from another terminal")
        shown = ""
        with self.screen.status_line() as live:
            while True:
                line = self._status_line()
                if live is not None:
                    live.update(Text(line, no_wrap=True, overflow="ellipsis"))
                elif (worth := line.partition("|")[2]) != shown:
                    # Without a terminal a line is worth writing when something but the time has changed.
                    self.screen.say(line)
                    shown = worth
                time.sleep(2)

    def _status_line(self) -> str:
        assert self.supervisor is not None
        from lake.market_calendar import CalendarEnd, xnys

        states = self.supervisor.status()
        ready = [s["name"] for s in states if s["state"] == "ready"]
        others = [f"{s['name']} {s['state']}" for s in states if s["state"] != "ready"]
        now = self.clock.now()
        try:
            following = f"next tick {xnys().next_tick(now).tick:%Y-%m-%d %H:%M} UTC"
        except CalendarEnd as error:
            following = str(error)
        parts = [f"{now:%Y-%m-%d %H:%M:%S} UTC ", f" {following} ", f" {len(ready)} services ready "]
        return "|".join([*parts, *(f" {other} " for other in others), f" {self._last_run()}"])

    def _last_run(self) -> str:
        """The newest of Dagster's runs, as its storage tells it."""
        query = "SELECT pipeline_name, status, update_timestamp FROM runs ORDER BY id DESC LIMIT 1"
        try:
            with psycopg.connect(owner_dsn(self.home, self.settings, "dagster"), connect_timeout=2) as connection:
                row = connection.execute(query).fetchone()
        except psycopg.Error:
            return "last run not known"
        return f"last run: {row[0]} {row[1].lower()} {row[2]:%H:%M:%S}" if row else "no run yet"

    def _stop(self) -> None:
        if self.supervisor is None:
            return
        self.phase = "stopping"
        if self.load is not None:
            self.load.end()
        self.supervisor.stop()
        self.phase = "stopped"
        self._tell()
        self.screen.say("stopped")


def addresses(screen: Screen, status: list[dict[str, Any]]) -> None:
    """The one table of addresses."""
    by_name = {service["name"]: service for service in status}
    order = [name for name in services.TITLES if by_name.get(name, {}).get("address")]
    rows = [(name, by_name[name]["address"], services.TITLES[name]) for name in order]
    if "chat" in order:
        rows += [(name, by_name["chat"]["address"] + path, what) for name, (path, what) in services.PAGES.items()]
    screen.table(("service", "address", "what"), rows)


def summary_of(load: LoadProcess) -> dict[str, Any]:
    """Wait for a load's end; what it did.

    Raises:
        LoadError: with what it said.
    """
    while not load.wait(0.2):
        continue
    if load.summary is None:
        raise LoadError(f"{load.error}\nmore in `tidemark logs load`")
    return load.summary


def once_more(home: Home, settings: Settings, screen: Screen) -> int:
    """The load with the services that run already; the exit code."""
    record = processes.recall(home.run, running.SUPERVISOR)
    if record is None or processes.is_alive(home.run, running.LOAD):
        screen.say("another load is at work: `tidemark status` shows it")
        return 1
    screen.say(f"loading with the services that run in {home.root}")
    clock = Clock.from_settings(settings)
    env = services.environment(home, settings, clock) | {processes.MARK: processes.mark(home.run, record.token)}
    if now := running.told(home).get("now"):
        env["TIDEMARK_NOW"] = now
    progress = LoadProgress(screen)
    load = LoadProcess(home.run, home.logs / "load.log", record.token, env, progress.on_event)
    try:
        load.begin()
        summary = summary_of(load)
    finally:
        progress.close()
        load.end()
    running.remember_summary(home, summary | {"at": clock.now().isoformat(timespec="seconds")})
    summary_tables(screen, summary)
    return 0


def down(home: Home, screen: Screen) -> int:
    """End everything that was started in a home; the exit code."""
    held = running.is_running(home)
    if held and not running.ask_to_end(home):
        screen.say("it does not end; see its output, or kill it: the next start clears up")
        return 1
    left = processes.reap(home.run)
    if left:
        screen.say(f"ended what was left behind: {', '.join(left)}")
    screen.say("stopped" if held else "nothing was running")
    return 0
