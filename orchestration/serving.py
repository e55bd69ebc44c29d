"""Services for a command that needs some of them: those that run already, else its own, ended with it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lake.clock import Clock
from orchestration import dagster_home, processes, running, services
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
