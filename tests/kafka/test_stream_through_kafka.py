"""A real day through Kafka and a Spark cluster while broker, job and replay are killed: live ends equal to batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from spark_jobs.kafka_topic import Topic
from spark_jobs.live_replay import Pace, Played, Replay, logged
from spark_jobs.live_source import Source, StreamWriter, writer_of
from tests.kafka.conftest import DAY, Broker
from tests.live_stream import Live

PARTITIONS = 3
STREAM = "edgar-20170101-kafka"
MESSAGES_A_WRITE = 10_000
# One company in seven comes that many requests after its time.
BEHIND = 3_000


class Killed(BaseException):
    """The replay is gone, in the middle of its work."""


@dataclass
class InPieces:
    """A writer of many small transactions, after each of which something may happen."""

    writer: StreamWriter
    after: Callable[[int], None]

    @property
    def position(self) -> int:
        return self.writer.position

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        first = self.writer.position
        for done in range(0, messages.height, MESSAGES_A_WRITE):
            piece = messages[done : done + MESSAGES_A_WRITE]
            self.writer.write(piece, first + done + piece.height)
            self.after(self.writer.position)
        assert self.writer.position == next_seq

    def close(self) -> None:
        self.writer.close()


def out_of_order(played: Played) -> Played:
    """The day with some of its requests behind their time."""
    rows = played.requests.with_row_index("place").with_columns(
        pl.col("place").cast(pl.Int64) + pl.when(pl.col("cik") % 7 == 0).then(BEHIND).otherwise(0)
    )
    return replace(played, requests=rows.sort("place", maintain_order=True).drop("place"))


@pytest.fixture(scope="module")
def source(broker: Broker, live: Live) -> Source:
    """The topic of the stream."""
    topic = Topic(broker.servers, "tidemark.visits")
    assert topic.create(PARTITIONS, 1) == PARTITIONS
    return Source("kafka", live.source.folder, broker.servers, topic.name)


@pytest.fixture
def stream_settings(source: Source, cluster: str, names: dict[str, str]) -> dict[str, str]:
    """All that makes the stream of a home go through Kafka and a cluster."""
    assert source.servers is not None
    return {
        "TIDEMARK_STREAM_SOURCE": "kafka",
        "TIDEMARK_KAFKA_SERVERS": source.servers,
        "TIDEMARK_STREAM_REMOTE": cluster,
        "TIDEMARK_STREAM_CHECKPOINT": str(Path(names["WORK"], "checkpoint")),
    }


def test_a_day_through_kills_of_broker_job_and_replay_is_counted_as_the_batch_counts_it(
    live: Live, broker: Broker, source: Source, stream_settings: dict[str, str]
) -> None:
    played = logged(live.home, DAY, (0, 86_400), count_repeats=True)
    assert played is not None
    played = out_of_order(played)
    rows = played.requests.height
    assert rows > 170_000
    live.start_job(**stream_settings)
    left = {rows // 4: "broker", rows // 2: "replay", rows * 3 // 4: "job"}

    def disturb(position: int) -> None:
        due = [place for place in left if place <= position]
        for what in [left.pop(place) for place in due]:
            if what == "broker":
                broker.process.kill()
                broker.process.start()
            elif what == "job":
                live.wait(lambda: live.rows() > rows // 2, "the first half is counted")
                live.kill_job()
                live.start_job(**stream_settings)
            else:
                # Half of the day and its start are written, a quarter of it after the broker's end.
                live.wait(lambda: live.rows() >= rows // 2 - 1, "it is counted through the broker's end")
                raise Killed

    def play() -> None:
        writer = InPieces(writer_of(source, STREAM), disturb)
        assert Replay(played, STREAM, Pace(None)).run(writer)
        writer.close()

    with pytest.raises(Killed):
        play()
    play()
    live.wait(live.ended, "the stream is over")
    live.stop_job()
    assert left == {}

    assert_equal_to_batch(live)
    assert live.ask("SELECT late > 0 FROM live.state") == [(True,)]
    assert live.ask("SELECT count(DISTINCT partition) FROM live.marks") == [(PARTITIONS,)]
    assert live.ask("SELECT sum(repeats)::bigint, sum(refused)::bigint FROM live.batches") == [(0, 0)]


def assert_equal_to_batch(live: Live) -> None:
    """Every second, company and pair of them is counted as the batch counts it, in PostgreSQL and in the history."""
    batch = delta.read(live.home, table("gold.visits_second")).filter(pl.col("log_date") == DAY)
    key = ["second_of_day", "cik"]
    history = delta.read(live.home, table("gold.visits_live")).filter(pl.col("stream") == STREAM)
    pairs = history.group_by(key).agg(pl.col("visits").sum().alias("visits_all")).sort(key)
    assert pairs.height > 170_000
    assert pairs.equals(batch.select(*key, "visits_all").sort(key))
    for name, column, text in (
        ("seconds", "second_of_day", "extract(epoch FROM clock - clock::date)::int"),
        ("totals", "cik", "cik"),
    ):
        counted = live.ask(f"SELECT {text}, visits FROM live.{name} WHERE stream = '{STREAM}' ORDER BY 1")
        assert counted == batch.group_by(column).agg(pl.col("visits_all").sum()).sort(column).rows()
    assert live.ask("SELECT rows, late FROM live.state") == [(batch["visits_all"].sum(), history["late"].sum())]
    assert live.ask("SELECT count(*) FROM live.outbox") == [(0,)]
