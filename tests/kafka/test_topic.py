"""The stream's topic on a real broker: what is written is there once, in each company's order, whoever is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from itertools import islice
from pathlib import Path

import pytest

from spark_jobs import live_kafka
from spark_jobs.live_kafka import KafkaUnusable, Line, ReplayWriter, Superseded, Topic, follow, put
from tests.kafka.conftest import Broker
from tests.kafka.replay_worker import COMPANIES, line

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 3


@pytest.fixture
def topic(broker: Broker) -> Topic:
    """A topic of its own."""
    made = Topic(broker.servers, f"test-{uuid.uuid4().hex}")
    assert made.create(PARTITIONS, 1) == PARTITIONS
    return made


def held(topic: Topic, count: int) -> list[str]:
    return list(islice(follow(topic, from_beginning=True), count))


def test_a_topic_is_made_once_and_its_absence_is_told(
    broker: Broker, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert topic.create(PARTITIONS + 1, 1) == PARTITIONS, "one that is there is left as it is"
    absent = Topic(broker.servers, "absent")
    for use in (lambda: put(absent, []), lambda: ReplayWriter(absent, "s"), lambda: next(follow(absent))):
        with pytest.raises(KafkaUnusable, match=r"no topic 'absent'.*tidemark stream topic"):
            use()
    monkeypatch.setattr(live_kafka, "ANSWER_SECONDS", 1)
    with pytest.raises(KafkaUnusable, match=r"127\.0\.0\.1:1.*TIDEMARK_KAFKA_SERVERS"):
        Topic("127.0.0.1:1", "any").partitions()


def test_lines_put_in_are_followed_from_the_beginning_in_each_company_s_order(topic: Topic) -> None:
    lines = [line("open", seq) for seq in range(500)]
    assert put(topic, lines) == 500
    found = [json.loads(text) for text in held(topic, 500)]
    assert sorted(one["seq"] for one in found) == list(range(500))
    for cik in range(1, COMPANIES + 1):
        mine = [one["seq"] for one in found if one["cik"] == cik]
        assert mine == sorted(mine)


def test_the_lines_of_a_company_are_in_one_partition_and_companies_in_several(topic: Topic) -> None:
    from confluent_kafka import Consumer, TopicPartition

    put(topic, [line("open", seq) for seq in range(200)])
    consumer = Consumer({**topic.client, "group.id": "looking"})
    consumer.assign([TopicPartition(topic.name, number, 0) for number in range(PARTITIONS)])
    where: dict[bytes, set[int]] = {}
    for message in islice(iter(lambda: consumer.poll(20), None), 200):
        where.setdefault(message.key(), set()).add(message.partition())
    consumer.close()
    assert {len(parts) for parts in where.values()} == {1}
    assert set().union(*where.values()) == set(range(PARTITIONS))


def test_a_replay_killed_again_and_again_with_its_broker_writes_each_line_once(broker: Broker, topic: Topic) -> None:
    lines = 3000
    command = [sys.executable, "-m", "tests.kafka.replay_worker", broker.servers, topic.name, "replay", str(lines)]

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

    put(topic, [Line(None, "the end")])
    found = held(topic, lines + 1)
    seqs = [json.loads(text)["seq"] for text in found if text != "the end"]
    assert sorted(seqs) == list(range(lines))
    again = ReplayWriter(topic, "replay")
    assert again.position == lines, "run again, it has nothing to do"
    again.close()


def test_of_two_writers_of_a_stream_the_older_one_ends(topic: Topic) -> None:
    first = ReplayWriter(topic, "replay")
    first.write([line("replay", seq) for seq in range(10)], 10)
    second = ReplayWriter(topic, "replay")
    assert second.position == 10
    with pytest.raises(Superseded, match="replay"):
        first.write([line("replay", 10)], 11)
    second.write([line("replay", seq) for seq in range(10, 20)], 20)
    assert sorted(json.loads(text)["seq"] for text in held(topic, 20)) == list(range(20))
