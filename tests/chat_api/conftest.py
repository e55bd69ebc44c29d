"""What the chat's tests share: a PostgreSQL of their own with small marts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from chat_api.app import build_service
from chat_api.service import Service
from lake import postgres as server
from lake.home import Home
from lake.settings import Settings, load_settings
from tests.chat_api import small_marts

NOW = "2026-11-21T15:00:00Z!"


@dataclass(frozen=True)
class SmallHome:
    """A simulated home whose PostgreSQL runs and holds the small marts."""

    home: Home
    settings: Settings
    owner_dsn: str = field(repr=False)
    reader_dsn: str = field(repr=False)


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHome]:
    """One home for the session; a test that fills the marts otherwise fills them back."""
    settings = load_settings(home=tmp_path_factory.mktemp("chat") / "home", now=NOW, postgres_url=None)
    home = Home.open(settings)
    home.move_port("postgres")
    running = server.start(home, settings)
    try:
        owner = server.owner_dsn(home, settings)
        small_marts.fill(owner)
        yield SmallHome(home, settings, owner, server.reader_dsn(home, settings))
    finally:
        if running is not None:
            running.stop()


@pytest.fixture(scope="module")
def service(small_home: SmallHome) -> Iterator[Service]:
    """The offline chat over the small market."""
    small_marts.fill(small_home.owner_dsn)
    made = build_service(small_home.settings, small_home.home)
    made.open()
    yield made
    made.close()
