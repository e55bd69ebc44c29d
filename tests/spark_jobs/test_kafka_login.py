"""How Kafka's clients are told to log in and to encrypt, in librdkafka's words and in Java's."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.settings import SettingsError, load_settings
from spark_jobs.kafka_login import Login
from spark_jobs.kafka_topic import Topic

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
SECRET = 'pass"wo\\rd'


def login(ca: Path, mechanism: str = "SCRAM-SHA-512") -> Login:
    ca.write_text(CERTIFICATE)
    words = {"kafka_user": "tide", "kafka_password": SECRET, "kafka_mechanism": mechanism}
    return Login.of(load_settings(kafka_security="SASL_SSL", kafka_ca=ca, **words))


def test_nobody_logs_in_unless_it_is_said() -> None:
    plain = Login.of(load_settings())
    assert plain.client == {"security.protocol": "PLAINTEXT"}
    assert plain.spark == {"kafka.security.protocol": "PLAINTEXT"}
    assert Topic("host:1", "t", plain).client["bootstrap.servers"] == "host:1"


def test_both_clients_are_told_the_same_and_the_certificates_go_with_the_job(tmp_path: Path) -> None:
    known = login(tmp_path / "ca.pem")
    topic = Topic("host:1", "t", known)
    for client in (topic.client, topic.positions.client):
        assert client["security.protocol"] == "SASL_SSL"
        assert client["ssl.ca.location"] == str(tmp_path / "ca.pem")
        assert (client["sasl.mechanism"], client["sasl.username"], client["sasl.password"]) == (
            *("SCRAM-SHA-512", "tide"),
            SECRET,
        )
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    assert known.spark == {
        "kafka.security.protocol": "SASL_SSL",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.certificates": CERTIFICATE,
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": f'{module} required username="tide" password="pass\\"wo\\\\rd";',
    }
    assert "plain.PlainLoginModule" in login(tmp_path / "ca.pem", "PLAIN").spark["kafka.sasl.jaas.config"]


def test_the_password_is_in_no_text_of_it(tmp_path: Path) -> None:
    known = login(tmp_path / "ca.pem")
    assert SECRET not in repr(known) + repr(Topic("host:1", "t", known))


def test_words_in_any_language_may_stand_between_certificates(tmp_path: Path) -> None:
    known = login(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text(
        f"# Subject: CN=F\u0151tan\u00fas\u00edtv\u00e1ny\n{CERTIFICATE}\n# the next\n{CERTIFICATE}"
    )
    assert known.spark["kafka.ssl.truststore.certificates"] == 2 * CERTIFICATE


def test_a_file_of_certificates_that_cannot_be_read_is_an_error_of_the_settings(tmp_path: Path) -> None:
    words = {"kafka_mechanism": "PLAIN", "kafka_user": "u", "kafka_password": "p"}
    with pytest.raises(SettingsError, match="TIDEMARK_KAFKA_CA"):
        load_settings(kafka_security="SASL_SSL", kafka_ca=tmp_path, **words)
