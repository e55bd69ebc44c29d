"""Where the live stream's messages are: a folder of files, or a Kafka topic. Reading, writing and following either.

All that differs between the two is behind `lines`, `writer_of` and `follow`. A message is a line of JSON; what is in it is
said in docs/stream.md and read by `live_messages`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from spark_jobs.kafka_login import Login

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession

    from lake.home import Home
    from lake.settings import Settings

# Of files read in one micro-batch: what a small Java heap holds.
BATCH_BYTES = 48 << 20


@dataclass(frozen=True)
class Source:
    """Where the messages are.

    Attributes:
        kind: files or kafka.
        folder: of the files; below it `in` holds those to be read and `read` those that are.
        servers, topic, login: Kafka's.
    """

    kind: Literal["files", "kafka"]
    folder: Path
    servers: str | None = None
    topic: str = ""
    login: Login = field(default_factory=Login)

    @classmethod
    def of(cls, home: Home, settings: Settings, kind: Literal["files", "kafka"] | None = None) -> Source:
        """The source of a home, by default of the kind that the settings say."""
        return cls(
            kind or settings.stream_source,
            home.landing / "stream",
            settings.kafka_servers,
            settings.kafka_topic,
            Login.of(settings),
        )

    @property
    def unread(self) -> Path:
        """Files that the job is to read."""
        return self.folder / "in"

    @property
    def read(self) -> Path:
        """Those that it has read, in a folder for each hour; see `live_files`."""
        return self.folder / "read"


class StreamBusy(RuntimeError):
    """Another process writes the stream."""


class StreamWriter(Protocol):
    """Writes one stream's messages, each once, however often its process is killed and begun again.

    Attributes:
        position: the number of the message that comes next; those before it are written.
    """

    position: int

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        """Write messages, all or none.

        Args:
            messages: `cik` (null for a start or an end) and `line`, from `position` on, in order.
            next_seq: the number after the last of them.
        """

    def close(self) -> None:
        """End it; what was written stays."""


def lines(spark: SparkSession, source: Source) -> DataFrame:
    """The messages as a streaming frame: `partition` (text) and `line`.

    A partition is what keeps the order of a stream's numbers: a file, or a partition of the topic.
    """
    if source.kind == "kafka":
        from spark_jobs import live_kafka

        return live_kafka.lines(spark, source)
    source.unread.mkdir(parents=True, exist_ok=True)
    reader = spark.readStream.format("text").schema("value string").option("maxBytesPerTrigger", str(BATCH_BYTES))
    # Age would be counted from the newest file, and a stream that waited for long must not be left out.
    text = reader.option("maxFileAge", "3650d").load(str(source.unread))
    return text.selectExpr("_metadata.file_name AS partition", "value AS line")


def writer_of(source: Source, stream: str) -> StreamWriter:
    """A writer of one stream, which finds where the stream goes on."""
    if source.kind == "kafka":
        from spark_jobs import live_kafka

        return live_kafka.writer(source, stream)
    from spark_jobs import live_files

    return live_files.FileWriter(source, stream)


def follow(source: Source, from_beginning: bool = False) -> Iterator[str]:
    """The messages as they come, without end; all that is kept of them first where asked."""
    if source.kind == "kafka":
        from spark_jobs import live_kafka

        return live_kafka.follow_source(source, from_beginning)
    from spark_jobs import live_files

    return live_files.follow(source, from_beginning)
