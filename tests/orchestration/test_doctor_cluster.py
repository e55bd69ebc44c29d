"""The doctor on clusters and Kafka: asked only where settings name them, and what to do where they do not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.settings import Settings, SettingsError, load_settings
from orchestration import doctor_cluster
from spark_jobs import kafka_topic
from spark_jobs.engine import free_port


@pytest.fixture
def base(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def mute() -> Iterator[int]:
    """A port where somebody listens who is no Connect server: whatever is said to it, it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_nothing_is_asked_of_what_no_setting_names(base: Settings) -> None:
    assert doctor_cluster.check_cluster(base) == []


def test_a_remote_that_is_not_there_or_is_no_connect_server(mute: int) -> None:
    for remote in (f"sc://127.0.0.1:{free_port()}", f"sc://127.0.0.1:{mute}"):
        found = doctor_cluster.check_remote("stream", "TIDEMARK_STREAM_REMOTE", remote, kafka=True)
        assert not found.ok
        assert remote in found.found
        assert "TIDEMARK_STREAM_REMOTE" in found.remedy


def test_kafka_that_does_not_answer_and_a_stream_without_its_jars(
    base: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_topic, "ANSWER_SECONDS", 1)
    settings = base.model_copy(
        update={"stream_source": "kafka", "kafka_servers": f"127.0.0.1:{free_port()}", "stream_jars": None}
    )
    jars, kafka = doctor_cluster.check_cluster(settings)
    assert not jars.ok
    assert "TIDEMARK_STREAM_JARS" in jars.remedy
    assert not kafka.ok
    assert "tidemark.visits" in kafka.found
    assert "TIDEMARK_KAFKA_SERVERS" in kafka.remedy
    (tmp_path / "spark-sql-kafka-0-10_2.13-4.2.0.jar").touch()
    assert doctor_cluster.check_jars(tmp_path).ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stream_source": "kafka"}, r"TIDEMARK_KAFKA_SERVERS=None: with TIDEMARK_STREAM_SOURCE=kafka"),
        ({"stream_remote": "sc://x:1"}, r"TIDEMARK_STREAM_CHECKPOINT=None: with TIDEMARK_STREAM_REMOTE"),
        ({"kafka_servers": "kafka1,kafka2:9092"}, r"'kafka1,kafka2:9092': HOST:PORT"),
        ({"kafka_topic": "a b"}, r"'a b': up to 249"),
        (
            {"kafka_security": "SASL_SSL", "kafka_user": "u", "kafka_password": "p"},
            r"TIDEMARK_KAFKA_MECHANISM=None: with",
        ),
        (
            {"kafka_security": "SASL_SSL", "kafka_mechanism": "PLAIN"},
            r"(?s)KAFKA_USER=None: with TIDEMARK_KAFKA_SECURITY=SASL_SSL, the user.*KAFKA_PASSWORD=\(hidden\): with.*password",
        ),
        ({"kafka_user": "u"}, r"KAFKA_USER='u': nobody logs in with TIDEMARK_KAFKA_SECURITY=PLAINTEXT"),
        ({"kafka_security": "SSL", "kafka_ca": "/nowhere"}, r"KAFKA_CA='/nowhere': a file with certificates in PEM"),
        ({"kafka_ca": "/nowhere"}, r"KAFKA_CA='/nowhere': nothing is encrypted"),
        ({"stream_jars": "/nowhere"}, r"/nowhere.*a folder with jars"),
    ],
)
def test_settings_that_do_not_go_together_are_named(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(**wrong)
