"""How the sandbox replies: JSON with arrays, and the one place every request and reply passes through."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scrapers.sandbox.state import NoSuchInstant, Sandbox

MARK = "X-Tidemark-Simulated"


def json_reply(value: Any, status: int = 200) -> Response:
    """A JSON reply; numpy arrays are lists."""
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json;charset=utf-8")


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that a request reached."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


class Gate:
    """Every request and reply passes here: the instant is read, and the reply marked as simulated.

    Whatever is to come between a source and its client (delays, refusals, damage) belongs here, beside the mark.
    """

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self.app, self.sandbox = app, sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[MARK] = "true"
            await send(message)

        try:
            at = self.sandbox.instant(Headers(scope=scope).get("x-sandbox-at"))
        except NoSuchInstant as problem:
            await json_reply({"sandbox": {"error": str(problem)}}, 400)(scope, receive, send_marked)
            return
        scope.setdefault("state", {})["at"] = at
        await self.app(scope, receive, send_marked)
