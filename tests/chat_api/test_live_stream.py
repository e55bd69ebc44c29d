"""The live stream over JSON, server-sent events and a websocket, fed as its job feeds it; PostgreSQL comes and goes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from chat_api import attention_api, live_reader
from chat_api.app import build_live
from chat_api.live import Frame
from chat_api.live_reader import Live, Shown
from lake import postgres as server
from lake.home import Home
from lake.settings import load_settings
from tests.chat_api import live_feed, small_attention, small_marts
from tests.chat_api.browser import served
from tests.chat_api.conftest import NOW, SmallHome
from tests.chat_api.live_feed import Feed

if TYPE_CHECKING:
    from fastapi import WebSocket

START = datetime(2026, 11, 20, 10)


def second(n: int) -> datetime:
    return START + timedelta(seconds=n)


@pytest.fixture(scope="module")
def address(small_home: SmallHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    small_marts.fill(small_home.owner_dsn)
    small_attention.fill(small_home.owner_dsn)
    port = small_home.home.move_port("chat")
    with served(small_home.settings, port, tmp_path_factory.mktemp("served") / "chat.log") as address:
        yield address


@pytest.fixture
def feed(small_home: SmallHome) -> Iterator[Feed]:
    live_feed.clear(small_home.owner_dsn)
    made = Feed(small_home.owner_dsn)
    yield made
    made.close()
    live_feed.clear(small_home.owner_dsn)


def test_without_a_stream_a_frame_says_so(small_home: SmallHome, address: str) -> None:
    live_feed.clear(small_home.owner_dsn)
    frame = httpx.get(f"{address}/api/attention/live").json()
    assert (frame["state"], frame["stream"], frame["seconds"]) == ("none", None, [])
    assert "stream" in frame["message"]


def test_json_holds_what_the_job_counted(feed: Feed, address: str) -> None:
    feed.begin()
    feed.put({second(n): {320193: 3, 789019: 1, 4_000_001: 1} for n in range(20)})
    feed.put({second(20): {320193: 1}, second(2): {789019: 6}})
    frame = httpx.get(f"{address}/api/attention/live").json()
    assert (frame["state"], frame["stream"], frame["replay_of"], frame["simulated"]) == (
        *("moving", feed.stream, "2026-11-20", True),
    )
    assert (frame["clock"], frame["visits"], frame["rows"], frame["late"]) == ("2026-11-20T10:00:19", 5, 107, 6)
    assert [(s["visits"], s["late"]) for s in frame["seconds"]] == [(5, 0), (5, 0), (11, 6), *[(5, 0)] * 17]
    first = frame["top10_all"][0]
    assert (first["ticker"], first["name"], first["visits"]) == ("AAPL", "Apple Inc.", 61)
    assert [x["visits"] for x in frame["top10_10s"]] == [30, 10, 10]
    assert frame["top10_minute"][2] == {"cik": 4_000_001, "ticker": None, "name": None, "visits": 20}
    feed.end()
    over = httpx.get(f"{address}/api/attention/live").json()
    assert (over["state"], over["ended"], over["clock"], over["visits"]) == ("over", True, "2026-11-20T10:00:20", 1)
    assert over["id"] > frame["id"]


def test_names_and_bands_are_those_of_the_day_that_is_replayed(small_home: SmallHome, feed: Feed, address: str) -> None:
    feed.begin(date(2017, 1, 3), "v1")
    feed.put({datetime(2017, 1, 3, 9, 0, n): {320193: 60} for n in range(3)})
    frame = httpx.get(f"{address}/api/attention/live").json()
    assert frame["top10_all"][0]["name"] == "Apple Inc. (formerly)"
    band = next(row for row in small_attention.bands() if row["series"] == "v1" and row["second_of_day"] == 32_401)
    assert frame["band"] == {key: band[key] for key in ("p25", "p75", "p95", "days", "day_kind", "zeros")}
    assert (frame["band"]["day_kind"], frame["word"]) == ("all", "feverish")


def test_events_carry_ids_and_come_while_the_stream_moves(feed: Feed, address: str) -> None:
    feed.begin()
    feed.put({second(0): {320193: 1}})
    seen: list[tuple[int, dict[str, Any]]] = []
    with httpx.stream("GET", f"{address}/api/attention/live/events", timeout=20) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        number = 0
        for line in response.iter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            if line.startswith("data: "):
                seen.append((number, json.loads(line[6:])))
                if len(seen) >= 12:
                    break
                feed.put({second(len(seen)): {320193: len(seen)}})
    assert [n for n, _ in seen] == [frame["id"] for _, frame in seen] == sorted({n for n, _ in seen})
    assert seen[-1][1]["rows"] > seen[0][1]["rows"]


def test_a_websocket_gets_a_frame_soon_after_the_batch_and_at_least_one_a_second(feed: Feed, address: str) -> None:
    feed.begin()
    feed.put({second(0): {320193: 1}})
    with connect(f"{address.replace('http', 'ws')}/api/attention/live/ws", max_size=None) as socket:
        json.loads(socket.recv(timeout=10))
        for n in range(1, 6):
            feed.put({second(n): {320193: n}})
            began = time.monotonic()
            while json.loads(socket.recv(timeout=2))["rows"] < feed.rows:
                pass
            assert time.monotonic() - began < 1.5
        # Nothing comes any more: frames do, and say for how long.
        quiet = [json.loads(socket.recv(timeout=2))["quiet_seconds"] for _ in range(3)]
        assert quiet == sorted(quiet)
        assert quiet[-1] > 1


def test_a_websocket_is_read_only_and_of_this_address_alone(feed: Feed, address: str) -> None:
    there = f"{address.replace('http', 'ws')}/api/attention/live/ws"
    with connect(there) as socket:
        socket.recv(timeout=10)
        socket.send("rows = 0")
        # Iteration goes on to the end; what ends it otherwise than normally is raised.
        with pytest.raises(ConnectionClosedError, match="read-only"):
            list(socket)
    with pytest.raises(InvalidStatus, match="403"), connect(there, origin=Origin("http://evil.example")):
        pass
    assert httpx.get(f"{address}/api/attention/live", headers={"origin": "http://evil.example"}).status_code == 403
    foreign = httpx.get(f"{address}/api/attention/live/events", headers={"host": "evil.example"})
    assert foreign.status_code == 421


def test_the_endpoints_are_described(address: str) -> None:
    paths = httpx.get(f"{address}/api/openapi.json").json()["paths"]
    assert paths["/api/attention/live"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert "text/event-stream" in paths["/api/attention/live/events"]["get"]["responses"]["200"]["content"]
    assert {"/api/attention", "/api/attention/days/{log_date}"} <= paths.keys()


def test_of_two_streams_that_move_the_one_shown_stays_until_it_is_over(feed: Feed, small_home: SmallHome) -> None:
    async def watch() -> None:
        live, other = build_live(small_home.settings, small_home.home), Feed(small_home.owner_dsn, "edgar-other")
        await asyncio.to_thread(feed.begin)
        await asyncio.to_thread(feed.put, {second(0): {320193: 1}})
        async with aclosing(live.frames()) as frames:
            assert (await anext(frames)).frame.stream == feed.stream
            await asyncio.to_thread(other.begin)
            for n in range(1, 4):
                await asyncio.to_thread(feed.put, {second(n): {320193: 1}})
                await asyncio.to_thread(other.put, {second(n): {320193: 1}})
                while (shown := (await anext(frames)).frame).rows <= n:
                    assert shown.stream == feed.stream
                assert shown.stream == feed.stream
            await asyncio.to_thread(feed.end)
            await asyncio.to_thread(other.put, {second(9): {320193: 1}})
            while (await anext(frames)).frame.stream != "edgar-other":
                pass
        other.close()
        await live.close()

    asyncio.run(asyncio.wait_for(watch(), 60))


def test_a_start_that_lies_ahead_does_not_hide_a_stream(feed: Feed, small_home: SmallHome) -> None:
    async def watch() -> None:
        feed.begin()
        feed.put({second(0): {320193: 1}})
        ahead = Feed(small_home.owner_dsn, "edgar-ahead")
        ahead.begin()
        with psycopg.connect(small_home.owner_dsn) as connection:
            connection.execute("UPDATE live.streams SET started_at = '2099-01-01' WHERE stream = 'edgar-ahead'")
        live = build_live(small_home.settings, small_home.home)
        assert (await live.newest()).frame.stream == feed.stream
        await asyncio.to_thread(ahead.put, {second(0): {320193: 1}})
        await live.close()
        again = build_live(small_home.settings, small_home.home)
        assert (await again.newest()).frame.stream == "edgar-ahead"
        await again.close()
        ahead.close()

    asyncio.run(asyncio.wait_for(watch(), 60))


def test_who_joins_others_soon_sees_what_nothing_told_of(
    feed: Feed, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_reader, "_LOOK_AGAIN", 3600.0)

    async def watch() -> None:
        live = build_live(small_home.settings, small_home.home)
        feed.begin()
        feed.put({second(0): {320193: 1}})
        feed.end()
        async with aclosing(live.frames()) as first:
            assert (await _until(first, "over")).rows == 1
            await asyncio.to_thread(live_feed.clear, small_home.owner_dsn)
            async with aclosing(live.frames()) as second_one:
                await _until(second_one, "none")
        await live.close()

    asyncio.run(watch())


class _Socket:
    """A websocket whose other side is gone, or says nothing for ever."""

    def __init__(self, gone: bool) -> None:
        self._gone = gone

    async def receive(self) -> dict[str, str]:
        if not self._gone:
            await asyncio.Event().wait()
        return {"type": "websocket.disconnect"}

    async def send_text(self, text: str) -> None:
        if self._gone:
            raise WebSocketDisconnect


class _Frames:
    """A stream of one frame, after which nothing comes; it knows whether it is being watched."""

    def __init__(self) -> None:
        self.began, self.ended = asyncio.Event(), False

    async def frames(self) -> AsyncGenerator[Shown, None]:
        try:
            yield Shown(Frame(id=1, state="none", at=datetime.fromisoformat(NOW[:20]), simulated=True), "{}")
            self.began.set()
            await asyncio.Event().wait()
        finally:
            self.ended = True


def test_a_websocket_s_two_sides_may_end_at_once_or_be_cancelled() -> None:
    async def both() -> None:
        await attention_api._converse(cast("WebSocket", _Socket(gone=True)), cast("Live", _Frames()))

    async def cancelled() -> None:
        before, frames = asyncio.all_tasks(), _Frames()
        task = asyncio.create_task(
            attention_api._converse(cast("WebSocket", _Socket(gone=False)), cast("Live", frames))
        )
        await frames.began.wait()
        task.cancel()
        await asyncio.wait([task])
        assert frames.ended
        assert asyncio.all_tasks() == before

    for case in (both, cancelled):
        asyncio.run(asyncio.wait_for(case(), 30))


def test_who_begins_to_watch_while_the_reader_goes_is_served(
    feed: Feed, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_reader, "_LINGER", 0.3)

    async def watch() -> None:
        live = build_live(small_home.settings, small_home.home)
        # Readers come and go while this one arrives at every moment of their going.
        for n in range(12):
            assert (await asyncio.wait_for(live.newest(), 10)).frame.state == "none"
            await asyncio.sleep(0.25 + 0.04 * n)
        await live.close()

    asyncio.run(watch())


async def _until(frames: AsyncGenerator[Shown, None], state: str) -> Frame:
    async with asyncio.timeout(30):
        async for shown in frames:
            if shown.frame.state == state:
                return shown.frame
    raise AssertionError(f"the frames ended before one was {state}")


def test_who_is_slow_gets_the_newest_frame_and_no_queue(small_home: SmallHome, feed: Feed) -> None:
    async def watch() -> None:
        live = build_live(small_home.settings, small_home.home)
        feed.begin()
        feed.put({second(0): {320193: 1}})
        async with aclosing(live.frames()) as slow, aclosing(live.frames()) as fast:
            await anext(slow)
            for n in range(1, 8):
                await asyncio.to_thread(feed.put, {second(n): {320193: 1}})
                while (await anext(fast)).frame.rows <= n:
                    pass
            assert (await anext(slow)).frame.rows == 8
        await live.close()

    asyncio.run(watch())


def test_postgresql_going_away_is_shown_and_its_return_survived(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", now=NOW, postgres_url=None)
    home = Home.open(settings)
    home.move_port("postgres")
    running = server.start(home, settings)
    assert running is not None
    owner = server.owner_dsn(home, settings)

    async def watch() -> None:
        nonlocal running
        live = build_live(settings, home)
        async with aclosing(live.frames()) as frames:
            feed = Feed(owner)
            feed.begin()
            feed.put({second(0): {320193: 2}})
            before = await _until(frames, "moving")
            feed.close()
            assert running is not None
            await asyncio.to_thread(running.stop)
            down = await _until(frames, "down")
            assert "tidemark" in (down.message or "")
            running = await asyncio.to_thread(server.start, home, settings)
            after = await _until(frames, "moving")
            assert (after.rows, before.rows) == (2, 2)
            assert before.id < down.id < after.id
        await live.close()

    try:
        asyncio.run(watch())
    finally:
        if running is not None:
            running.stop()


def test_what_ends_the_reader_is_told_to_who_watches() -> None:
    async def watch() -> None:
        def broken() -> datetime:
            raise RuntimeError("no clock")

        live = Live("postgresql://tidemark_reader:x@127.0.0.1:1/tidemark", broken, simulated=True)
        with pytest.raises(RuntimeError, match="no clock"):
            await live.newest()

    asyncio.run(watch())


def test_a_foreign_websocket_is_refused_before_it_is_accepted(small_home: SmallHome) -> None:
    from fastapi import FastAPI

    from chat_api.api import build_api
    from chat_api.app import build_service
    from chat_api.attention_api import add_attention

    service = build_service(small_home.settings, small_home.home)
    app: FastAPI = build_api(service)
    add_attention(app, service, build_live(small_home.settings, small_home.home))
    client = TestClient(app, base_url="http://127.0.0.1:8080")
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect("/api/attention/live/ws", headers={"origin": "http://evil.example"}),
    ):
        pass
    assert closed.value.code == 1008
