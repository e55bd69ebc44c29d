"""The live stream from its messages to PostgreSQL and Delta, through kills: in the end it is the batch's count."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import Queue

from tests.live_stream import STREAM, assert_equal_to_batch, live_home, play


def test_through_kills_of_engine_and_postgres_live_counts_end_equal_to_the_batch_s(tmp_path: Path) -> None:
    with live_home(tmp_path, rows=40_000) as live:
        # Between the state's commit and the checkpoint's: the batch comes again, and changes nothing.
        live.start_job(TIDEMARK_TEST_KILL_AFTER="stream")
        play(live.home, 10.0, 0.3)
        assert live.await_job_s_end() == 1
        counted = live.rows()
        assert counted > 0
        live.start_job()
        player = threading.Thread(target=play, args=(live.home, 10.0, 0.6))
        player.start()
        live.wait(lambda: live.rows() > counted, "it goes on")
        live.java().kill()
        assert live.await_job_s_end() == 1
        player.join()
        live.start_job()
        told, go = Queue[int](), threading.Event()

        def hold(messages: int) -> None:
            told.put(messages)
            go.wait()

        player = threading.Thread(target=play, args=(live.home, 10.0), kwargs={"hold": hold})
        player.start()
        try:
            live.kill_postgres()
            held = told.get(timeout=240)
            assert held > 0
            # What comes after a batch of newer rows is late, however long that batch took.
            live.wait(lambda: live.rows() == 40_000 - held, "all but what is held back is counted")
        finally:
            go.set()
            player.join()
        live.wait(live.ended, "the stream is over")
        live.stop_job()
        assert_equal_to_batch(live)
        ((kind, day, simulated),) = live.ask("SELECT kind, replay_of::text, simulated FROM live.streams")
        assert (kind, day, simulated) == ("replay", "2016-11-21", True)
        ((late,),) = live.ask(f"SELECT late FROM live.state WHERE stream = '{STREAM}'")
        assert late > 0
        said = (live.home.logs / "stream" / "spark.log").read_text(errors="replace")
        assert "is starting with url" in said
        assert "Started batch" not in said
        # What is read is out of the way, kept for those who follow.
        assert len(list(live.source.read.rglob("*.jsonl"))) > len(list(live.source.unread.glob("*.jsonl")))
