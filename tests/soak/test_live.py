"""The live stream killed many times, its job, its engine, PostgreSQL or the replay itself, at any moment.

Resumable: the home and the count stay in `.tidemark-soak` (or TIDEMARK_SOAK); a second call goes on where the first ended.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live_stream import ROOT, Live, assert_equal_to_batch, live_home

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]

FOLDER = Path(os.environ.get("TIDEMARK_SOAK", ROOT / ".tidemark-soak")).resolve() / "live"
KILLS = int(os.environ.get("TIDEMARK_SOAK_KILLS", "100"))
PLAY_SECONDS = 120.0
_PLAY = """
import sys
from pathlib import Path
from tests.live_stream import home_of, play
play(home_of(Path(sys.argv[1]))[0], float(sys.argv[2]), stream=sys.argv[3])
"""


def _player(stream: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _PLAY, str(FOLDER), str(PLAY_SECONDS), stream], cwd=ROOT)


def _kill(live: Live, what: str, player: subprocess.Popen[bytes]) -> None:
    if what == "job":
        live.kill_job()
    elif what == "engine":
        live.java().kill()
        assert live.await_job_s_end() == 1
    elif what == "postgres":
        live.kill_postgres()
    else:
        player.send_signal(signal.SIGKILL)
        player.wait()
    if live.job is None:
        live.start_job()


def test_killed_at_any_moment_live_counts_end_equal_to_the_batch_s() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    note = FOLDER / "kills.json"
    done = json.loads(note.read_text()) if note.exists() else {"kills": 0, "streams": 0}
    with live_home(FOLDER, rows=200_000) as live:
        live.start_job()
        while done["kills"] < KILLS:
            stream = f"edgar-20161121-{done['streams']}"
            player, chance = _player(stream), random.Random(f"{done['kills']} {time.time()}")
            while player.poll() is None and done["kills"] < KILLS:
                time.sleep(chance.uniform(0.0, 8.0))
                what = chance.choice(("job", "engine", "postgres", "replay"))
                _kill(live, what, player)
                done["kills"] += 1
                note.write_text(json.dumps(done))
                if player.poll() is not None and not live.ended(done["streams"] + 1):
                    player = _player(stream)
            while player.wait() != 0:
                player = _player(stream)
            live.wait(lambda: live.ended(done["streams"] + 1), "the stream is over")
            live.stop_job()
            assert_equal_to_batch(live, stream)
            done["streams"] += 1
            note.write_text(json.dumps(done))
            live.start_job()
        live.stop_job()
