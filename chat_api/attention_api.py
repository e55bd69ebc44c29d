"""Attention for programs: the live stream's frames as JSON, server-sent events and over a websocket; the logged days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from chat_api.attention import AttentionDay, AttentionDays
from chat_api.live import Frame
from chat_api.live_reader import Live
from chat_api.service import Service

READ_ONLY = 1008
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event for each frame: `id` is the frame's, `data` its JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def add_attention(app: FastAPI, service: Service, live: Live) -> None:
    """Put the endpoints on an application. Who is let in, websockets included, is its doorkeeper's."""

    @app.get("/api/attention")
    def days() -> AttentionDays:
        """The days of the log that are loaded, the newest first."""
        return service.attention_days()

    @app.get("/api/attention/days/{log_date}")
    def day(log_date: date, series: str | None = None) -> AttentionDay:
        """A logged day: visits by minute with their bands, the most visited companies and documents.

        `series` is v1 or v2, the log's form; without it, the one that has the day.
        """
        return service.attention_day(log_date, series)

    @app.get("/api/attention/live")
    async def frame() -> Frame:
        """The newest frame of the live stream.

        The same frames come as server-sent events from `/api/attention/live/events` and, one text message each, over
        a read-only websocket at `/api/attention/live/ws`: at least one a second while the stream moves. Each holds
        all that there is to show, so a client that is slow misses frames and nothing else.
        """
        return (await live.newest()).frame

    @app.get("/api/attention/live/events", responses=_EVENTS, response_class=StreamingResponse)
    async def events() -> StreamingResponse:
        """The frames as server-sent events."""
        return StreamingResponse(_events(live), media_type="text/event-stream", headers={"cache-control": "no-store"})

    @app.websocket("/api/attention/live/ws")
    async def websocket(socket: WebSocket) -> None:
        await socket.accept()
        await _converse(socket, live)


async def _converse(socket: WebSocket, live: Live) -> None:
    """Send frames and listen until either ends; however this ends, both have ended."""
    tasks = (asyncio.create_task(_send(socket, live)), asyncio.create_task(_listen(socket)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _events(live: Live) -> AsyncGenerator[str, None]:
    yield "retry: 1000\n\n"
    async with aclosing(live.frames()) as frames:
        async for shown in frames:
            yield f"id: {shown.frame.id}\nevent: frame\ndata: {shown.text}\n\n"


async def _send(socket: WebSocket, live: Live) -> None:
    """Send frames until the other side is gone."""
    try:
        async with aclosing(live.frames()) as frames:
            async for shown in frames:
                await socket.send_text(shown.text)
    except WebSocketDisconnect:
        return


async def _listen(socket: WebSocket) -> None:
    """Wait for the other side to go; what it says is not taken."""
    message = await socket.receive()
    if message["type"] == "websocket.receive":
        await socket.close(READ_ONLY, "this stream is read-only")
