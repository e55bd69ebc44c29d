"""The whole application of a home: service, API and pages, with connections that live as long as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from chat_api.api import LOOPBACK, build_api
from chat_api.attention_api import add_attention
from chat_api.data_docs import DataDocs
from chat_api.execute import Database
from chat_api.live_reader import Live
from chat_api.offline import Offline
from chat_api.service import Service
from lake.clock import Clock
from lake.home import Home
from lake.postgres import reader_dsn
from lake.settings import Settings


def build_service(settings: Settings, home: Home) -> Service:
    """The service of a home; nothing is connected yet."""
    return Service(
        Database(reader_dsn(home, settings)),
        Offline(),
        Clock.from_settings(settings),
        home.simulated,
        settings.visits,
    )


def build_live(settings: Settings, home: Home) -> Live:
    """The live stream of a home, for whoever watches; nothing is connected before somebody does."""
    return Live(reader_dsn(home, settings), Clock.from_settings(settings).now, home.simulated)


def build_app(settings: Settings, home: Home) -> FastAPI:
    """The application of a home, ready for a server; call it once in a process."""
    from chat_api.pages import mount  # the page library takes a second to load, which commands need not pay

    service = build_service(settings, home)
    live = build_live(settings, home)

    @asynccontextmanager
    async def connected(_app: FastAPI) -> AsyncIterator[None]:
        service.open()
        try:
            yield
        finally:
            await live.close()
            service.close()

    app = build_api(service, LOOPBACK | {settings.host}, lifespan=connected)
    app.mount("/data-docs", DataDocs(home.data_docs / "site"), name="data-docs")
    add_attention(app, service, live)
    mount(app, service, live)
    return app
