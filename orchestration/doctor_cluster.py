"""`tidemark doctor` on what a scaled-out Tidemark reaches: Spark clusters and Kafka, where settings name them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestration.doctor import Finding

if TYPE_CHECKING:
    from lake.settings import Settings

CONNECT_PORT = 15002
ANSWER_SECONDS = 5.0
PAGE = "docs/scale-out.md"


def check_cluster(settings: Settings) -> list[Finding]:
    """What is found of the clusters and of Kafka that the settings name."""
    found = []
    if settings.spark_remote is not None:
        found.append(check_remote("spark", "TIDEMARK_SPARK_REMOTE", settings.spark_remote))
    if settings.stream_remote is not None:
        kafka = settings.stream_source == "kafka"
        found.append(check_remote("stream", "TIDEMARK_STREAM_REMOTE", settings.stream_remote, kafka=kafka))
    elif settings.stream_source == "kafka":
        found.append(check_jars(settings.stream_jars))
    if settings.stream_source == "kafka":
        found.append(check_kafka(settings))
    return found


def check_remote(name: str, setting: str, remote: str, *, kafka: bool = False) -> Finding:
    """Whether a Spark Connect server answers, is of a version that fits, and can read Kafka where it must.

    Args:
        name: of the check.
        setting: that names the server.
        remote: its address.
        kafka: whether the stream comes from Kafka.
    """
    at = urlsplit(remote)
    try:
        # Spark's client would go on asking for minutes.
        socket.create_connection((at.hostname or "", at.port or CONNECT_PORT), ANSWER_SECONDS).close()
    except OSError as error:
        return Finding(name, False, f"{remote}: {error}", f"check {setting}, and start the server as {PAGE} says")
    import pyspark
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        spark = SparkSession.builder.remote(remote).create()
        try:
            # Nobody is asked twice: a server that is there answers.
            spark.client.set_retry_policies([])
            theirs = spark.version
            reads = _reads_kafka(spark) if kafka else None
        finally:
            spark.client.close()
    except PySparkException as error:
        said = str(error).strip().partition("\n")[0]
        return Finding(name, False, f"{remote}: {said}", f"name a Spark Connect server in {setting}: see {PAGE}")
    ours = pyspark.__version__
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        return Finding(name, False, f"{remote} is Spark {theirs}", f"run a server of Spark {ours}: see {PAGE}")
    if reads is not None:
        return Finding(name, False, f"{remote}: {reads}", f"start the server with the jars of {PAGE}")
    return Finding(name, True, f"Spark {theirs} at {remote}" + (", reads Kafka" if kafka else ""))


def _reads_kafka(spark: Any) -> str | None:
    """Why a session cannot read Kafka; None where it can. No broker is asked."""
    from pyspark.errors import AnalysisException

    options = {"kafka.bootstrap.servers": "127.0.0.1:1", "subscribe": "none"}
    try:
        _ = spark.readStream.format("kafka").options(**options).load().schema
    except AnalysisException as error:
        return str(error).partition("\n")[0]
    return None


def check_jars(folder: Path | None) -> Finding:
    """Whether the stream's own Apache Spark gets what it lacks to read Kafka."""
    found = sorted(path.name for path in folder.glob("spark-sql-kafka-*.jar")) if folder else []
    if not found:
        there = f"no Kafka reader for Spark in {folder}" if folder else "no jars for the stream's own Apache Spark"
        return Finding("stream", False, there, f"set TIDEMARK_STREAM_JARS or TIDEMARK_STREAM_REMOTE: see {PAGE}")
    return Finding("stream", True, f"the stream's own Apache Spark reads Kafka by {found[-1]}")


def check_kafka(settings: Settings) -> Finding:
    """Whether the brokers answer and the topic is there."""
    from spark_jobs.kafka_login import Login
    from spark_jobs.kafka_topic import KafkaUnusable, Topic

    try:
        topic = Topic.of(settings.kafka_servers, settings.kafka_topic, Login.of(settings))
        parts = topic.existing()
    except KafkaUnusable as error:
        found, _, remedy = str(error).rpartition("; ")
        return Finding("kafka", False, found or str(error), remedy if found else f"see {PAGE}")
    return Finding("kafka", True, f"{topic.name!r} at {topic.servers} has {parts} partitions")
