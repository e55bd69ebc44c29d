"""The stream in Kafka: its topic, who writes to it, who follows it, and how Spark reads it.

A message's key is the company's CIK, so that the lines of a company keep their order; its value is the stream's JSON
line (docs/stream.md). A replay writes in transactions, each with the sequence number that comes next, so that a replay
that was killed goes on with no line lost or doubled; readers see what is committed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from pyspark.sql import DataFrame, SparkSession

    from lake.settings import Settings

# A broker that is away for longer is somebody's task, not this program's.
PATIENCE_SECONDS = 120.0
ANSWER_SECONDS = 15.0
# How long a writer that was killed can hold back readers of what came after it; the next one of its name ends that.
TRANSACTION_MILLISECONDS = 30_000


class KafkaUnusable(RuntimeError):
    """Kafka does not answer, or refuses; the text names the servers, the topic and what to do."""


class Superseded(RuntimeError):
    """Another process writes this stream now; this one must end."""


@dataclass(frozen=True)
class Line:
    """A message: the company it is of (none for the end of a stream) and its JSON text."""

    cik: int | None
    text: str


@dataclass(frozen=True)
class Topic:
    """A topic and how its servers are reached.

    Attributes:
        servers: HOST:PORT of one or more brokers, comma separated.
        name: of the topic.
    """

    servers: str
    name: str

    @classmethod
    def of(cls, settings: Settings) -> Topic:
        """The topic of the settings.

        Raises:
            KafkaUnusable: when no servers are named.
        """
        if not settings.kafka_servers:
            raise KafkaUnusable("no Kafka servers are named; set TIDEMARK_KAFKA_SERVERS, such as host:9092")
        return cls(settings.kafka_servers, settings.kafka_topic)

    @property
    def client(self) -> dict[str, Any]:
        """What every client is told."""
        return {"bootstrap.servers": self.servers, "client.id": "tidemark", "log_level": 2}

    def partitions(self) -> int | None:
        """How many partitions the topic has; None where there is no such topic, or one has no leader yet.

        Raises:
            KafkaUnusable: when the servers do not answer.
        """
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        try:
            known = AdminClient(self.client).list_topics(timeout=ANSWER_SECONDS).topics
        except KafkaException as error:
            raise self._unusable(error) from error
        parts = known[self.name].partitions.values() if self.name in known else ()
        return len(parts) if parts and all(part.leader >= 0 for part in parts) else None

    def create(self, partitions: int, replication: int) -> int:
        """Make the topic where there is none.

        Args:
            partitions: how many parts a job reads side by side.
            replication: how many brokers hold each.

        Returns:
            How many partitions it has, whoever made it.

        Raises:
            KafkaUnusable: when the servers do not answer or refuse.
        """
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import AdminClient, NewTopic

        if (there := self.partitions()) is not None:
            return there
        # The client must outlive its answer.
        admin = AdminClient(self.client)
        try:
            admin.create_topics([NewTopic(self.name, partitions, replication)])[self.name].result(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._unusable(error) from error
        return self._led()

    def _led(self) -> int:
        """Wait until the brokers have told each other of a new topic; how many partitions it has."""
        end = time.monotonic() + ANSWER_SECONDS
        while (there := self.partitions()) is None:
            if time.monotonic() > end:
                raise KafkaUnusable(f"the brokers at {self.servers} do not tell each other of {self.name!r}")
            time.sleep(0.1)
        return there

    def existing(self) -> int:
        """How many partitions the topic has.

        Raises:
            KafkaUnusable: when there is no such topic, or the servers do not answer.
        """
        there = self.partitions()
        if there is None:
            raise KafkaUnusable(f"no topic {self.name!r} at {self.servers}; `tidemark stream topic` makes it")
        return there

    def _unusable(self, error: Any) -> KafkaUnusable:
        return KafkaUnusable(
            f"Kafka at {self.servers}, topic {self.name!r}: {error.args[0].str()}; "
            "check TIDEMARK_KAFKA_SERVERS, and that the broker runs"
        )


def read(spark: SparkSession, topic: Topic, rows_a_batch: int | None = None) -> DataFrame:
    """The topic from its beginning as a streaming frame: one column `value`, a JSON line.

    Args:
        spark: a session on Apache Spark with the Kafka jars.
        topic: which one.
        rows_a_batch: the most messages of a micro-batch; None for all there are.
    """
    options = {
        "kafka.bootstrap.servers": topic.servers,
        "subscribe": topic.name,
        "startingOffsets": "earliest",
        "kafka.isolation.level": "read_committed",
        # Messages that were deleted before they were counted are an error, not a smaller count.
        "failOnDataLoss": "true",
    }
    if rows_a_batch is not None:
        options["maxOffsetsPerTrigger"] = str(rows_a_batch)
    return spark.readStream.format("kafka").options(**options).load().selectExpr("CAST(value AS STRING) AS value")


class ReplayWriter:
    """Writes one stream, each of its lines once, however often its process is killed and begun again.

    Each call of `write` is a transaction that also holds the sequence number that comes next, as the offset of a
    consumer group with the stream's name. To open a writer is to end what another writer of the stream has under way.
    """

    def __init__(self, topic: Topic, stream: str) -> None:
        """Open it, and find where the stream goes on.

        Args:
            topic: where to.
            stream: its name.

        Raises:
            KafkaUnusable: when there is no such topic, or its servers do not answer.
        """
        topic.existing()
        self._topic = topic
        self._group = f"tidemark-replay-{stream}"
        self._producer = self._open()
        self.position = self._committed()

    def _open(self) -> Producer:
        from confluent_kafka import KafkaException, Producer

        producer = Producer(
            {
                **self._topic.client,
                "transactional.id": self._group,
                "transaction.timeout.ms": TRANSACTION_MILLISECONDS,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": 5,
            }
        )
        try:
            producer.init_transactions(PATIENCE_SECONDS)
        except KafkaException as error:
            raise self._topic._unusable(error) from error
        return producer

    def _committed(self) -> int:
        from confluent_kafka import Consumer

        consumer = Consumer({**self._topic.client, "group.id": self._group, "enable.auto.commit": False})
        try:
            self._metadata = consumer.consumer_group_metadata()
            return max(self._offset(consumer), 0)
        finally:
            consumer.close()

    def _offset(self, consumer: Consumer) -> int:
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        end = time.monotonic() + PATIENCE_SECONDS
        # A broker that has just begun looks first who keeps the groups.
        early = (
            KafkaError.NOT_COORDINATOR,
            KafkaError.COORDINATOR_NOT_AVAILABLE,
            KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        )
        while True:
            try:
                (found,) = consumer.committed([TopicPartition(self._topic.name, 0)], _left(end))
            except KafkaException as error:
                if error.args[0].code() not in early or time.monotonic() > end:
                    raise self._topic._unusable(error) from error
                time.sleep(0.2)
            else:
                return int(found.offset)

    def write(self, lines: Sequence[Line], next_seq: int) -> None:
        """Write lines in one transaction; when it returns, every reader will see all of them.

        Args:
            lines: in order; those before `position` are not among them.
            next_seq: the sequence number that follows the last of them, kept as `position`.

        Raises:
            Superseded: when another process writes this stream now.
            KafkaUnusable: when the broker is away for more than two minutes, or refuses.
        """
        from confluent_kafka import KafkaException

        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._transact(lines, next_seq, end)
            except KafkaException as error:
                self._give_up_unless_it_may_be_sent_again(error, end)
            else:
                self.position = next_seq
                return

    def _transact(self, lines: Sequence[Line], next_seq: int, end: float) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        producer = self._producer
        producer.begin_transaction()
        for line in lines:
            _produce(producer, self._topic.name, line)
        position = [TopicPartition(self._topic.name, 0, next_seq)]
        producer.send_offsets_to_transaction(position, self._metadata, _left(end))
        while True:
            try:
                producer.commit_transaction(_left(end))
            except KafkaException as error:
                # Asked again it goes on with the commit under way.
                if not error.args[0].retriable() or time.monotonic() > end:
                    raise
            else:
                return

    def _give_up_unless_it_may_be_sent_again(self, error: Any, end: float) -> None:
        from confluent_kafka import KafkaError

        reason = error.args[0]
        if reason.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED):
            raise Superseded(f"another process writes {self._group.removeprefix('tidemark-replay-')}") from error
        if not reason.txn_requires_abort() or time.monotonic() > end:
            raise self._topic._unusable(error) from error
        self._producer.abort_transaction(_left(end))

    def close(self) -> None:
        """End it; what is not committed was never written."""
        # The client ends with its last reference.
        del self._producer


def _left(end: float) -> float:
    return max(1.0, end - time.monotonic())


def _produce(producer: Producer, topic: str, line: Line, on_delivery: Any = None) -> None:
    key = None if line.cik is None else str(line.cik)
    while True:
        try:
            producer.produce(topic, line.text, key, on_delivery=on_delivery)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def put(topic: Topic, lines: Iterable[Line]) -> int:
    """Write lines that others put in, each once.

    Returns:
        How many.

    Raises:
        KafkaUnusable: when there is no such topic, or not all of them could be delivered.
    """
    from confluent_kafka import Producer

    topic.existing()
    failed: list[str] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer({**topic.client, "enable.idempotence": True, "acks": "all", "linger.ms": 5})
    count = 0
    for line in lines:
        _produce(producer, topic.name, line, delivered)
        producer.poll(0)
        count += 1
    left = producer.flush(PATIENCE_SECONDS)
    if failed or left:
        why = failed[0] if failed else "no answer"
        raise KafkaUnusable(f"{len(failed) + left} of {count} lines did not reach {topic.name!r}: {why}")
    return count


def follow(topic: Topic, from_beginning: bool = False) -> Iterator[str]:
    """The topic's lines as they come, without end; those of one partition in order.

    Args:
        topic: which one.
        from_beginning: whether all that the topic holds comes first.

    Raises:
        KafkaUnusable: when there is no such topic, or a server refuses.
    """
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, TopicPartition

    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    parts = [TopicPartition(topic.name, number, start) for number in range(topic.existing())]
    # A group that keeps nothing: who follows leaves no trace.
    consumer = Consumer({**topic.client, "group.id": "tidemark-follow", "enable.auto.commit": False})
    try:
        consumer.assign(parts)
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise KafkaUnusable(f"topic {topic.name!r} at {topic.servers}: {error}")
            yield message.value().decode("utf-8", "replace")
    finally:
        consumer.close()
