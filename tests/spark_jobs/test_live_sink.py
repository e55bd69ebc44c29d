"""The sink's own: under which name batches are added, and how long it asks a PostgreSQL that refuses."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.live_store import COUNTS, Batch
from lake.postgres import PostgresError
from spark_jobs import live_sink
from spark_jobs.engine import connected, free_port, start, stop
from spark_jobs.live_sink import DSN, Sink, life

if TYPE_CHECKING:
    from tests.conftest import Server


def sink(name: str = "q") -> Sink:
    return Sink(name, False, True, timedelta(seconds=10), timedelta(minutes=60))


def test_a_checkpoint_made_anew_at_its_place_is_another_query_and_one_gone_on_with_the_same(
    apache: SparkSession, tmp_path: Path
) -> None:
    source, checkpoint, said = tmp_path / "in", tmp_path / "checkpoint", tmp_path / "said"
    source.mkdir()

    def note(frame: DataFrame, batch_id: int) -> None:
        from spark_jobs.live_sink import _query_of

        with said.open("a") as file:
            file.write(f"{_query_of(frame.sparkSession, 'same-name')} {batch_id}\n")

    def run(number: int) -> str:
        (source / f"{number}.txt").write_text("line\n")
        writer = apache.readStream.text(str(source)).writeStream.queryName("same-name").foreachBatch(note)
        query = writer.option("checkpointLocation", str(checkpoint)).start()
        query.processAllAvailable()
        query.stop()
        return life("same-name", query.id)

    first, on = run(0), run(1)
    shutil.rmtree(checkpoint)
    anew = run(2)
    assert first == on
    assert anew != first
    assert said.read_text().splitlines() == [f"{first} 0", f"{first} 1", f"{anew} 0"]


def test_a_worker_that_had_no_batch_ends_with_its_engine(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    running = start("spark", free_port(), tmp_path, memory="512m")
    try:
        with connected(running.remote) as spark:
            writer = spark.readStream.text(str(source)).writeStream.queryName("q").foreachBatch(sink())
            writer.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
            family = with_worker(running.process.pid)
            next(p for p in family if p.name() == "java").kill()
            # Closed, the session asks the engine for nothing at its end.
            spark.client.close()
            # Spark's own patience with a dead engine is ten minutes.
            _, alive = psutil.wait_procs(family, timeout=60)
            assert alive == []
    finally:
        stop(running)


def with_worker(pid: int) -> list[psutil.Process]:
    """An engine's processes, once the worker of a streaming query is among them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        family = psutil.Process(pid).children(recursive=True)
        if any("foreach_batch_worker" in " ".join(p.cmdline()) for p in family):
            return family
        time.sleep(0.1)
    raise AssertionError(f"no worker: {family}")


def test_a_batch_whose_messages_another_query_counts_meanwhile_is_counted_anew(
    apache: SparkSession, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spark_jobs.live_messages import read_messages

    monkeypatch.setenv(DSN, postgres.owner_dsn)

    def batch(last: int) -> DataFrame:
        at = {"stream": "both", "at": "2026-11-25T14:00:00Z", "clock": "2017-01-01T00:00:01", "cik": 5}
        lines = [("t/0", json.dumps({**at, "seq": seq})) for seq in range(1, last + 1)]
        return read_messages(apache.createDataFrame(lines, "partition string, line string"))

    def of(query: str) -> Sink:
        made = Sink(query, True, True, timedelta(seconds=10), timedelta(minutes=60))
        made._query = query
        return made

    marks, asked = Sink._marks, list[str]()

    def overtaken(self: Sink) -> dict[tuple[str, str], int]:
        known = marks(self)
        asked.append(self.name)
        if asked == ["second"]:
            of("first")(batch(2), 0)
        return known

    monkeypatch.setattr(Sink, "_marks", overtaken)
    try:
        of("second")(batch(3), 0)
        assert asked == ["second", "first", "second"]
        with psycopg.connect(postgres.owner_dsn) as connection:
            assert connection.execute("SELECT visits FROM live.totals WHERE stream = 'both'").fetchall() == [(3,)]
            found = connection.execute("SELECT query, rows, repeats FROM live.batches ORDER BY 1").fetchall()
            assert found == [("first", 2, 0), ("second", 1, 2)]
    finally:
        with psycopg.connect(postgres.owner_dsn) as connection:
            names = ("streams", "state", "seconds", "visits", "totals", "marks", "batches", "refused", "outbox")
            connection.execute(f"TRUNCATE {', '.join(f'live.{name}' for name in names)}")


@pytest.fixture
def full_disk(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A PostgreSQL that answers, and refuses every batch with an error of the class of a lost connection."""
    monkeypatch.setenv(DSN, postgres.owner_dsn)
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION live.full() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON live.batches EXECUTE FUNCTION live.full()")
        yield
        connection.execute("DROP FUNCTION live.full() CASCADE")
        connection.execute("TRUNCATE live.batches")


def test_a_postgresql_that_refuses_for_long_ends_the_query_and_is_not_asked_without_pause(
    full_disk: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_sink, "PATIENCE_SECONDS", 1.0)
    with pytest.raises(PostgresError, match="could not extend file"):
        sink().add(Batch("q", 0, COUNTS.to_frame()))
    assert 1 <= capsys.readouterr().err.count("asking again") <= 3


def test_a_postgresql_that_refuses_for_a_moment_takes_the_batch_then(
    full_disk: None, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_sink, "PAUSE_SECONDS", 0.0)
    lose, seen = Sink._lose, list[Exception]()

    def lost(self: Sink, error: Exception) -> None:
        seen.append(error)
        lose(self, error)
        with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
            connection.execute("DROP TRIGGER full_disk ON live.batches")

    monkeypatch.setattr(Sink, "_lose", lost)
    assert not sink().add(Batch("q", 0, COUNTS.to_frame())).again
    assert len(seen) == 1
