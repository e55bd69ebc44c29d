"""Where the live stream's messages are: a folder of files, or a Kafka topic. Reading, writing and following either.

All that differs between the two is behind `lines`, `writer_of` and `follow`. A message is a line of JSON; what is in it is
said in docs/stream.md and read by `live_messages`.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import polars as pl

from spark_jobs.kafka_login import Login

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lake.home import Home
    from lake.settings import Settings

# Of files read in one micro-batch: what a small Java heap holds.
BATCH_BYTES = 48 << 20
_FOLLOW_SECONDS = 0.25
_POSITION_BYTES = 12
# stream, number of its first message, number after its last.
_NAME = re.compile(r"(?P<stream>[a-z0-9][a-z0-9_-]{0,63})\.(?P<first>\d{12})-(?P<next>\d{12})\.jsonl")


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
        """Files that it has read."""
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
    return FileWriter(source, stream)


def follow(source: Source, from_beginning: bool = False) -> Iterator[str]:
    """The messages as they come, without end; all that is kept of them first where asked."""
    if source.kind == "kafka":
        from spark_jobs import live_kafka

        return live_kafka.follow_source(source, from_beginning)
    return _follow_files(source, from_beginning)


class FileWriter:
    """Writes files that are whole when they appear, named by the stream and the numbers of their messages.

    The file that holds the lock holds the position too, since files that were read are removed in time.
    """

    def __init__(self, source: Source, stream: str) -> None:
        """Hold the stream, and find where it goes on.

        Raises:
            StreamBusy: when another process writes it.
        """
        self._source, self._stream = source, stream
        for folder in (source.unread, source.read, source.folder / "writers"):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(source.folder / "writers" / stream, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StreamBusy(
                f"another process writes the stream {stream}: let it end, or name another stream"
            ) from None
        # A file is moved from the one folder to the other, so it is in the second where it is no longer in the first.
        found = (_NAME.fullmatch(path.name) for folder in (source.unread, source.read) for path in folder.iterdir())
        written = max((int(name["next"]) for name in found if name and name["stream"] == stream), default=0)
        # A kill between a file and the note of it leaves the note behind.
        self.position = max(written, int(os.pread(self._lock, _POSITION_BYTES, 0) or 0))
        self._note()

    def write(self, messages: pl.DataFrame, next_seq: int) -> None:
        """Write messages as one file; see `StreamWriter`."""
        if messages.is_empty():
            return
        target = self._source.unread / f"{self._stream}.{self.position:012d}-{next_seq:012d}.jsonl"
        # Engines leave names that begin with a dot unread.
        partial = target.with_name(f".{target.name}.part")
        messages.select("line").write_csv(partial, include_header=False, quote_style="never")
        partial.rename(target)
        self.position = next_seq
        self._note()

    def _note(self) -> None:
        os.pwrite(self._lock, f"{self.position:0{_POSITION_BYTES}d}".encode(), 0)

    def close(self) -> None:
        """Let others write the stream."""
        os.close(self._lock)


def _follow_files(source: Source, from_beginning: bool) -> Iterator[str]:
    seen = {path.name for path in _files(source)} if not from_beginning else set[str]()
    while True:
        fresh = [path for path in _files(source) if path.name not in seen]
        for path in fresh:
            seen.add(path.name)
            # It may be moved between the look and the read.
            at = path if path.exists() else source.read / path.name
            yield from at.read_text(encoding="utf-8").splitlines()
        if not fresh:
            time.sleep(_FOLLOW_SECONDS)


def _files(source: Source) -> list[Path]:
    """All files of messages, in the order in which they were written."""
    found: dict[str, tuple[int, str, Path]] = {}
    for folder in (source.unread, source.read):
        for path in folder.glob("[!.]*.jsonl"):
            try:
                found[path.name] = (path.stat().st_mtime_ns, path.name, path)
            except FileNotFoundError:
                continue
    return [path for _, _, path in sorted(found.values())]
