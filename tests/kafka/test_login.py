"""A broker that wants encryption and a login, by the lines of docs/scale-out.md: who has both is let in, nobody else."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from pydantic import SecretStr

from lake.settings import load_settings
from spark_jobs import kafka_topic
from spark_jobs.engine import connected, free_port, start, stop
from spark_jobs.kafka_login import Login
from spark_jobs.kafka_topic import KafkaUnusable
from spark_jobs.live_kafka import lines, topic_of
from spark_jobs.live_source import Source, follow, writer_of
from tests.kafka.conftest import Broker
from tests.kafka.replay_worker import messages
from tests.kafka.scale_out import block, run


@pytest.fixture
def source(broker: Broker, names: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A topic of its own behind the login, by the page's settings."""
    said = run("login", names, first=f"{block('login')}env | grep ^TIDEMARK_KAFKA_\n")
    for name, value in re.findall(r"^(\w+)=(.*)$", said, re.M):
        monkeypatch.setenv(name, value)
    settings = load_settings(stream_source="kafka")
    assert settings.kafka_servers != broker.servers
    return Source("kafka", tmp_path, settings.kafka_servers, "login.visits", Login.of(settings))


def test_who_logs_in_writes_follows_and_reads_with_spark(source: Source, names: dict[str, str], tmp_path: Path) -> None:
    assert topic_of(source).create(3, 1) == 3
    writer = writer_of(source, "own")
    writer.write(messages("own", 0, 100), 100)
    writer.close()
    assert len(list(islice(follow(source, from_beginning=True), 100))) == 100
    own = start("spark", free_port(), tmp_path, "1g", {"spark.driver.extraClassPath": f"{names['JARS']}/spark/*"})
    try:
        with connected(own.remote) as spark:
            stream = lines(spark, source).writeStream.format("memory").queryName("own").trigger(availableNow=True)
            query = stream.start()
            assert query.awaitTermination(120)
            assert query.exception() is None
            found = spark.sql("SELECT count(DISTINCT line) AS lines FROM own").toArrow()
    finally:
        stop(own)
    assert found["lines"].to_pylist() == [100]
    assert names["KAFKA_PASSWORD"] not in own.log.read_text()


def test_a_wrong_password_and_an_unknown_certificate_are_told_by_their_settings(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_topic, "ANSWER_SECONDS", 3)
    wrong = SecretStr("not-that-one")
    for login, said in (
        (replace(source.login, password=wrong), r"uthentication failed.*; check .*TIDEMARK_KAFKA_PASSWORD"),
        (replace(source.login, ca=None), r"certificate verify failed.*; check .*TIDEMARK_KAFKA_CA"),
        (Login(), r"; check TIDEMARK_KAFKA_SERVERS.*TIDEMARK_KAFKA_SECURITY=PLAINTEXT"),
    ):
        with pytest.raises(KafkaUnusable, match=said) as error:
            topic_of(replace(source, login=login)).partitions()
        assert wrong.get_secret_value() not in str(error.value)
