"""Services for a command that needs some of them: those that run already, else its own, ended with it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from lake.clock import Clock
from orchestration import dagster_home, orphans, processes, running, services
from orchestration.interrupts import Interrupts
from orchestration.supervisor import Supervisor

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings


@contextmanager
def served(home: Home, settings: Settings, names: tuple[str, ...]) -> Iterator[None]:
    """This process works in the environment of the home's services, and those named are up meanwhile.

    Raises:
        AlreadyRunning: when another command is just starting or ending them.
        ServiceError: when one does not come up.
    """
    if running.is_running(home):
        env = services.environment(home, settings, Clock.from_settings(settings))
        if now := running.told(home).get("now"):
            env["TIDEMARK_NOW"] = now
        with _environment(env):
            yield
        return
    with _own(home, settings, names) as own, _environment(own):
        yield


@contextmanager
def alone(home: Home, what: str, tag: str, busy: type[RuntimeError]) -> Iterator[None]:
    """Only one command of a kind works in a home; runs that a killed one has left open are ended. Needs the services.

    Args:
        what: the kind, such as backfill.
        tag: that its runs carry.
        busy: raised when another is at work.
    """
    try:
        lock = running.take(home, what)
    except running.AlreadyRunning:
        raise busy(f"another {what} is at work in {home.root}; let it end, or end it") from None
    try:
        with dg.DagsterInstance.get() as instance:
            orphans.settle(instance, {tag: "yes"})
        yield
    finally:
        lock.release()


@contextmanager
def _own(home: Home, settings: Settings, names: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    lock, token = running.take(home), secrets.token_hex(8)
    supervisor: Supervisor | None = None
    with Interrupts() as signals:
        try:
            processes.remember(home.run, running.SUPERVISOR, os.getpid(), token)
            processes.reap(home.run, but=token)
            services.settle_ports(home, services.ports_of(home, settings))
            services.prepare_own_server(home, settings)
            env = services.environment(home, settings, Clock.from_settings(settings))
            dagster_home.write(home, home.port("code"))
            built = services.build(home, settings, env, names)
            supervisor = Supervisor(home.run, home.logs, built, token)
            supervisor.start()
            supervisor.wait()
            yield supervisor.mark(env)
        finally:
            signals.ignore()
            if supervisor is not None:
                supervisor.stop()
            processes.forget(home.run, running.SUPERVISOR)
            lock.release()


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
