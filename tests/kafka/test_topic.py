"""The stream's topic on a real broker: what is written is there once, in each company's order, whoever is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from itertools import islice
from pathlib import Path

import pytest

from spark_jobs import kafka_topic
from spark_jobs.kafka_topic import KafkaUnusable, Topic
from spark_jobs.live_kafka import Superseded, topic_of
from spark_jobs.live_source import Source, follow, writer_of
from tests.kafka.conftest import Broker
from tests.kafka.replay_worker import COMPANIES, messages

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 3


@pytest.fixture
def source(broker: Broker, tmp_path: Path) -> Source:
    """A topic of its own."""
    name = f"test-{uuid.uuid4().hex}"
    assert Topic(broker.servers, name).create(PARTITIONS, 1) == PARTITIONS
    return Source("kafka", tmp_path, broker.servers, name)


def held(source: Source, count: int) -> list[dict[str, int]]:
    return [json.loads(text) for text in islice(follow(source, from_beginning=True), count)]


def test_a_topic_is_made_once_and_its_absence_is_told(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    assert topic_of(source).create(PARTITIONS + 1, 1) == PARTITIONS, "one that is there is left as it is"
    absent = Source("kafka", source.folder, source.servers, "absent")
    for use in (lambda: writer_of(absent, "s"), lambda: next(follow(absent))):
        with pytest.raises(KafkaUnusable, match=r"no topic 'absent'.*tidemark stream topic"):
            use()
    with pytest.raises(KafkaUnusable, match="TIDEMARK_KAFKA_SERVERS"):
        writer_of(Source("kafka", source.folder, None, "any"), "s")
    monkeypatch.setattr(kafka_topic, "ANSWER_SECONDS", 1)
    with pytest.raises(KafkaUnusable, match=r"127\.0\.0\.1:1.*TIDEMARK_KAFKA_SERVERS"):
        Topic("127.0.0.1:1", "any").partitions()


def test_a_company_s_messages_are_in_one_partition_in_order_and_companies_in_several(source: Source) -> None:
    from confluent_kafka import Consumer, TopicPartition

    writer = writer_of(source, "open")
    writer.write(messages("open", 0, 500), 500)
    writer.close()
    consumer = Consumer({"bootstrap.servers": source.servers, "group.id": "looking"})
    consumer.assign([TopicPartition(source.topic, number, 0) for number in range(PARTITIONS)])
    found = [
        (m.key(), m.partition(), json.loads(m.value())) for m in islice(iter(lambda: consumer.poll(20), None), 500)
    ]
    consumer.close()
    assert sorted(said["seq"] for _, _, said in found) == list(range(500))
    assert {part for _, part, _ in found} == set(range(PARTITIONS))
    for cik in range(1, COMPANIES + 1):
        mine = [(part, said["seq"]) for key, part, said in found if key == str(cik).encode()]
        assert len({part for part, _ in mine}) == 1
        assert [seq for _, seq in mine] == sorted(seq for _, seq in mine)
        assert len(mine) == sum(said["cik"] == cik for _, _, said in found)


def test_a_replay_killed_again_and_again_with_its_broker_writes_each_message_once(
    broker: Broker, source: Source
) -> None:
    lines = 3000
    command = [sys.executable, "-m", "tests.kafka.replay_worker", broker.servers, source.topic, "replay", str(lines)]

    def replay() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    reached = 0
    for progress in (3, 7, 1):
        writer = replay()
        assert writer.stdout is not None
        told = [int(next(writer.stdout)) for _ in range(progress)]
        assert told[0] > reached, "it goes on where it was"
        writer.kill()
        writer.wait()
        reached = told[-1]

    writer = replay()
    assert writer.stdout is not None
    next(writer.stdout)
    broker.process.kill()
    broker.process.start()
    rest = [int(text) for text in writer.stdout]
    assert writer.wait() == 0
    assert rest[-1] == lines

    last = writer_of(source, "last")
    last.write(messages("last", lines, lines + 1), 1)
    last.close()
    assert sorted(said["seq"] for said in held(source, lines + 1)) == list(range(lines + 1))
    again = writer_of(source, "replay")
    assert again.position == lines, "run again, it has nothing to do"
    again.close()


def test_of_two_writers_of_a_stream_the_older_one_ends(source: Source) -> None:
    first = writer_of(source, "replay")
    first.write(messages("replay", 0, 10), 10)
    second = writer_of(source, "replay")
    assert second.position == 10
    with pytest.raises(Superseded, match="replay"):
        first.write(messages("replay", 10, 11), 11)
    second.write(messages("replay", 10, 20), 20)
    assert [writer_of(source, name).position for name in ("replay", "other")] == [20, 0]
    assert sorted(said["seq"] for said in held(source, 20)) == list(range(20))
