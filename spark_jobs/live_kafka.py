"""The stream in Kafka: how Spark reads it, who writes it and who follows it.

A message's key is the company's CIK, so that the messages of a company keep their order; its value is the stream's JSON
line (docs/stream.md). Writers write in transactions, each with the number of the message that comes next, so a stream
whose writer was killed goes on with nothing lost or doubled. That number is kept in a topic beside the stream's, the newest
for each stream, and not as a consumer group's offset: the client waits for ever for the group after its broker was killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spark_jobs.kafka_topic import ANSWER_SECONDS, KafkaUnusable, Topic
from spark_jobs.live_source import StreamBusy

if TYPE_CHECKING:
    import polars as pl
    from confluent_kafka import Producer
    from pyspark.sql import DataFrame, SparkSession

    from spark_jobs.live_source import Source

# A broker that is away for longer is somebody's task, not this program's.
PATIENCE_SECONDS = 120.0
# How long a writer that was killed can hold back who reads what came after it; the next writer of its stream ends that.
TRANSACTION_MILLISECONDS = 60_000
# Of one micro-batch: what a small Java heap holds.
BATCH_MESSAGES = 250_000


class Superseded(StreamBusy):
    """Another process writes this stream now; this one must end."""


def topic_of(source: Source) -> Topic:
    """The topic of a source.

    Raises:
        KafkaUnusable: when no servers are named.
    """
    return Topic.of(source.servers, source.topic, source.login)


def lines(spark: SparkSession, source: Source) -> DataFrame:
    """The topic from its beginning as a streaming frame: `partition` (text) and `line`.

    Args:
        spark: a session on Apache Spark with the jars of docs/scale-out.md.
        source: names the topic.
    """
    topic = topic_of(source)
    options = {
        "kafka.bootstrap.servers": topic.servers,
        "subscribe": topic.name,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(BATCH_MESSAGES),
        "kafka.isolation.level": "read_committed",
        # Messages that were deleted before they were counted are an error, not a smaller count.
        "failOnDataLoss": "true",
        **topic.login.spark,
    }
    return as_lines(spark.readStream.format("kafka").options(**options).load())


def as_lines(records: DataFrame) -> DataFrame:
    """Kafka's records (`topic`, `partition` and `value`) as `partition`, which names its topic, and `line`."""
    # Another topic's partitions have the same numbers, and marks of their own.
    return records.selectExpr(
        "concat(topic, '/', CAST(partition AS STRING)) AS partition", "CAST(value AS STRING) AS line"
    )


def writer(source: Source, stream: str) -> TopicWriter:
    """A writer of one stream; see `TopicWriter`."""
    return TopicWriter(topic_of(source), stream)


class TopicWriter:
    """Writes one stream's messages, each once, however often its process is killed and begun again.

    To open a writer is to end what another writer of the stream has under way.

    Attributes:
        position: the number of the message that comes next; those before it are written.
    """

    position: int

    def __init__(self, topic: Topic, stream: str) -> None:
        """Open it, and find where the stream goes on.

        Raises:
            KafkaUnusable: when there is no such topic, or its servers do not answer.
        """
        topic.existing()
        topic.positions.existing()
        self._topic, self._stream = topic, stream
        self._producer: Producer | None = self._open()
        self.position = position(topic, stream)

    def _open(self) -> Producer:
        from confluent_kafka import KafkaException, Producer

        producer = Producer(
            {
                **self._topic.client,
                "transactional.id": f"{self._topic.name}.{self._stream}",
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
            raise self._topic.unusable(error) from error
        return producer

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        """Write messages in one transaction: when it returns, every reader will see all of them.

        Args:
            messages: `cik` (null for a start or an end) and `line`, from `position` on, in order.
            next_seq: the number after the last of them.

        Raises:
            Superseded: when another process writes this stream now.
            KafkaUnusable: when the broker is away for more than two minutes, or refuses.
        """
        from confluent_kafka import KafkaException

        end = time.monotonic() + PATIENCE_SECONDS
        while self.position < next_seq:
            try:
                self._transact(messages, next_seq, end)
            except KafkaException as error:
                self._open_again(error, next_seq, end)
            else:
                self.position = next_seq

    def _transact(self, messages: pl.DataFrame, next_seq: int, end: float) -> None:
        producer = self._producer
        if producer is None:
            raise ValueError(f"the writer of {self._stream} is closed")
        producer.begin_transaction()
        for cik, line in messages.select("cik", "line").iter_rows():
            _produce(producer, self._topic.name, None if cik is None else str(cik), line)
        _produce(producer, self._topic.positions.name, self._stream, str(next_seq))
        producer.commit_transaction(max(1.0, end - time.monotonic()))

    def _open_again(self, error: Any, next_seq: int, end: float) -> None:
        """After a failure: end what was under way, and find out whether it had been committed."""
        from confluent_kafka import KafkaError

        reason = error.args[0]
        if reason.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED):
            raise Superseded(f"another process writes the stream {self._stream} now") from error
        passing = reason.retriable() or reason.txn_requires_abort() or reason.fatal()
        if not passing or time.monotonic() > end:
            raise self._topic.unusable(error) from error
        self._producer = None
        self._producer = self._open()
        there = position(self._topic, self._stream)
        if there not in (self.position, next_seq):
            raise Superseded(f"another process has written the stream {self._stream}") from error
        self.position = there

    def close(self) -> None:
        """End it; what was written stays, what was not committed never was."""
        # The client ends with its last reference.
        self._producer = None


def _produce(producer: Producer, topic: str, key: str | None, value: str) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def position(topic: Topic, stream: str) -> int:
    """The number of a stream's next message: what its last committed transaction says.

    Waits for what other streams have under way, since its own word may lie behind theirs.

    Raises:
        KafkaUnusable: when the servers do not answer.
    """
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

    where = topic.positions
    base = {**where.client, "group.id": "tidemark-positions", "enable.auto.commit": False}
    every = Consumer({**base, "isolation.level": "read_uncommitted"})
    committed = Consumer({**base, "isolation.level": "read_committed", "enable.partition.eof": True})
    found, end = 0, time.monotonic() + PATIENCE_SECONDS
    try:
        _, newest = every.get_watermark_offsets(TopicPartition(where.name, 0), ANSWER_SECONDS)
        committed.assign([TopicPartition(where.name, 0, OFFSET_BEGINNING)])
        while time.monotonic() < end:
            message = committed.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is None:
                if message.key() == stream.encode():
                    found = int(message.value() or 0)
            elif error.code() != KafkaError._PARTITION_EOF:
                raise where.unusable(KafkaException(error))
            elif (message.offset() or 0) >= newest:
                return found
    except KafkaException as error:
        raise where.unusable(error) from error
    finally:
        every.close()
        committed.close()
    raise KafkaUnusable(f"{where.name!r} at {where.servers} could not be read to its end; see the broker's log")


def follow_source(source: Source, from_beginning: bool = False) -> Iterator[str]:
    """The topic's messages as they come, without end; those of one partition in order.

    Args:
        source: names the topic.
        from_beginning: whether all that the topic holds comes first.

    Raises:
        KafkaUnusable: when there is no such topic, or a server refuses.
    """
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

    topic = topic_of(source)
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
                raise topic.unusable(KafkaException(error))
            yield (message.value() or b"").decode("utf-8", "replace")
    finally:
        consumer.close()
