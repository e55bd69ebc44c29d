"""The sandbox's server: the sources' hosts as prefixes of one address."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scrapers.sandbox import alphavantage, sec, x_search, yahoo, yahoo_news
from scrapers.sandbox.replies import Gate, json_reply, sandbox_of
from scrapers.sandbox.state import Sandbox


async def health(request: Request) -> Response:
    """Whether it serves, and which world."""
    sandbox = sandbox_of(request)
    return json_reply(
        {
            "status": "ok",
            "world": "simulated",
            "now": sandbox.clock.now().isoformat(),
            "seed": sandbox.seed,
            "companies_per_sector": sandbox.per_sector,
        }
    )


def build_app(sandbox: Sandbox) -> Starlette:
    """The application that serves a sandbox."""
    app = Starlette(
        routes=[
            Route("/healthz", health),
            *yahoo.ROUTES,
            *yahoo_news.ROUTES,
            *sec.ROUTES,
            *x_search.ROUTES,
            *alphavantage.ROUTES,
        ],
        middleware=[Middleware(Gate, sandbox=sandbox)],
    )
    app.state.sandbox = sandbox
    return app
