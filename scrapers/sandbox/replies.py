"""How the sandbox replies: JSON with arrays, and the one place every request and reply passes through."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from scrapers.sandbox.faults import Fault, FaultError, damage_of, page_of
from scrapers.sandbox.state import NoSuchInstant, Sandbox
from scrapers.sandbox.world.changes import ChangeError
from scrapers.sandbox.world.market import Market

MARK = "X-Tidemark-Simulated"
_DRIPS, _DRIP_SECONDS = 8, 0.25


def json_reply(value: Any, status: int = 200) -> Response:
    """A JSON reply; numpy arrays are lists."""
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json;charset=utf-8")


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that a request reached."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def market_of(request: Request) -> Market:
    """The market that a request asks about."""
    market: Market = request.state.market
    return market


class Gate:
    """Every request and reply passes here: the instant is read, the reply marked as simulated, and faults befall it."""

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

        body = await Request(scope, receive).body()
        try:
            wishes = Headers(scope=scope)
            at = self.sandbox.instant(wishes.get("x-sandbox-at"))
            market = self.sandbox.market(wishes.get("x-sandbox-changes"))
            fault = None if scope["path"] == "/healthz" else self.sandbox.faults.hits(self.sandbox.seed, scope, body)
        except (NoSuchInstant, FaultError, ChangeError) as problem:
            named = f"X-Sandbox-Changes: {problem}" if isinstance(problem, ChangeError) else str(problem)
            await json_reply({"sandbox": {"error": named}}, 400)(scope, receive, send_marked)
            return
        scope.setdefault("state", {}).update(at=at, market=market)
        again = _again(body, receive)
        if fault is None:
            await self.app(scope, again, send_marked)
        elif fault.reply:
            status, headers, page = fault.reply
            await Response(page_of(page, scope), status, headers)(scope, again, send_marked)
        else:
            await _Misbehaving(fault, self.sandbox.seed, scope, receive, send_marked).serve(self.app, again)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was already read, and then what comes."""
    given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return given.pop() if given else await receive()

    return next_message


class _Misbehaving:
    """Sends an application's own answer in a faulty way."""

    def __init__(self, fault: Fault, seed: int, scope: Scope, receive: Receive, send: Send) -> None:
        self._fault, self._seed, self._scope, self._receive, self._send = fault, seed, scope, receive, send

    async def serve(self, app: ASGIApp, again: Receive) -> None:
        """Serve one request."""
        if self._fault.way == "reset":
            await self._end(at_once=True)
            return
        start, body = await self._answer(app, again)
        body = await asyncio.to_thread(damage_of, self._fault, self._seed, body) if start["status"] == 200 else body
        half = body[: len(body) // 2]
        headers = MutableHeaders(scope=start)
        if self._fault.way == "short":
            body = half
        if self._fault.way == "flip" and body:
            body = half + bytes([body[len(half)] ^ 0xFF]) + body[len(half) + 1 :]
        if self._fault.way == "label":
            headers["content-type"] = "text/html; charset=utf-8"
        headers["content-length"] = str(len(body))
        await self._send(start)
        if self._fault.way in ("cut", "stall") and body:
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
            await self._end(wait=self._fault.way == "stall")
            return
        size = -(-len(body) // _DRIPS) if self._fault.way == "drip" else len(body)
        for place in range(0, len(body), size or 1):
            await self._send({"type": "http.response.body", "body": body[place : place + size], "more_body": True})
            if self._fault.way == "drip":
                await asyncio.sleep(_DRIP_SECONDS)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self, app: ASGIApp, again: Receive) -> tuple[Message, bytes]:
        messages: list[Message] = []

        async def take(message: Message) -> None:
            messages.append(message)

        await app(self._scope, again, take)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])

    async def _end(self, *, at_once: bool = False, wait: bool = False) -> None:
        """End the connection; or wait for the client to do it.

        Raises:
            ConnectionResetError: where there is no connection, as in a client within the process.
        """
        transport = self._scope.get("state", {}).get("transport")
        if transport is None:
            raise ConnectionResetError("the sandbox ends the connection")
        if at_once:
            # Not to linger is what makes the kernel send a reset.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif not wait:
            transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            continue


class ConnectionProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn chooses the class as it is imported
    """Uvicorn's protocol, whose requests know their connection, so that it can be ended."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Note the connection for its requests."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)
