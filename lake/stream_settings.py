"""The settings of the live stream and of Kafka; part of `Settings`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BEGIN = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE = re.compile(rf"{_BEGIN}\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def certificates_of(pem: Path) -> str:
    """The certificates of a PEM file without the words between them, which may be in any language.

    Raises:
        OSError: when it cannot be read.
    """
    return "".join(f"{one}\n" for one in _CERTIFICATE.findall(pem.read_text(encoding="ascii", errors="replace")))


class StreamSettings(BaseSettings):
    """Where the live stream comes from, where it is counted, and how long it stays."""

    stream: Literal["on", "off"] = Field(
        "off", description="whether `tidemark up` runs the live stream's job; its Java takes some 1.2 GB"
    )
    stream_source: Literal["files", "kafka"] = Field("files", description="where the live stream comes from")
    stream_remote: str | None = Field(
        None, description="Spark Connect address of the stream's cluster; empty for an Apache Spark of its own"
    )
    stream_checkpoint: str | None = Field(
        None,
        validate_default=True,
        description="folder or URI where the stream's cluster keeps its checkpoint; needed with a cluster",
    )
    stream_lateness_seconds: int = Field(
        10, ge=0, le=86_400, description="how far behind the newest second a row of the stream is not yet late"
    )
    stream_hot_minutes: int = Field(
        60, ge=2, le=100_000, description="minutes for which the live page holds companies by second"
    )
    stream_keep_days: int = Field(
        7, ge=1, le=3_650, description="days for which a stream's messages and live state stay after its end"
    )
    stream_jars: Path | None = Field(
        None, description="folder of jars for the stream's own Apache Spark, such as those that read Kafka"
    )
    kafka_servers: str | None = Field(
        None, validate_default=True, description="Kafka brokers, HOST:PORT, comma separated"
    )
    kafka_topic: str = Field("tidemark.visits", description="Kafka topic of the live stream")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how Kafka's brokers are spoken to: SSL encrypts, SASL logs in"
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, validate_default=True, description="how to log in at Kafka"
    )
    kafka_user: str | None = Field(None, validate_default=True, description="who logs in at Kafka")
    kafka_password: SecretStr | None = Field(None, validate_default=True, description="the password of Kafka's user")
    kafka_ca: Path | None = Field(
        None, description="PEM file of the certificates that vouch for Kafka's brokers; empty for the usual ones"
    )

    @field_validator("stream_checkpoint")
    @classmethod
    def _check_checkpoint(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value and info.data.get("stream_remote"):
            raise ValueError("with TIDEMARK_STREAM_REMOTE, a folder or URI that its cluster can write")
        return value or None

    @field_validator("stream_jars")
    @classmethod
    def _check_jars(cls, value: Path | None) -> Path | None:
        if value is not None and not any(value.glob("*.jar")):
            raise ValueError("a folder with jars in it, such as docs/scale-out.md fetches")
        return value

    @field_validator("kafka_servers")
    @classmethod
    def _check_servers(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            if info.data.get("stream_source") == "kafka":
                raise ValueError("with TIDEMARK_STREAM_SOURCE=kafka, HOST:PORT of each broker, comma separated")
            return None
        servers = [server.strip() for server in value.split(",")]
        if not all(_SERVER.fullmatch(server) for server in servers):
            raise ValueError("HOST:PORT of each broker, comma separated, such as kafka1:9092,kafka2:9092")
        return ",".join(servers)

    @field_validator("kafka_topic")
    @classmethod
    def _check_topic(cls, value: str) -> str:
        if not _TOPIC.fullmatch(value) or value in {".", ".."}:
            raise ValueError("up to 249 letters, digits and . _ -, such as tidemark.visits")
        return value

    @field_validator("kafka_mechanism", "kafka_user", "kafka_password")
    @classmethod
    def _check_login(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        security = info.data.get("kafka_security")
        if security is None:
            return value
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not security.startswith("SASL_"):
            if text:
                raise ValueError(
                    f"nobody logs in with TIDEMARK_KAFKA_SECURITY={security}: set it to SASL_SSL or SASL_PLAINTEXT"
                )
            return None
        if not text:
            missing = {"kafka_mechanism": "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", "kafka_user": "the user's name"}
            raise ValueError(
                f"with TIDEMARK_KAFKA_SECURITY={security}, {missing.get(str(info.field_name), 'the password')}"
            )
        if not text.isprintable():
            raise ValueError("characters that can be printed, on one line")
        return value

    @field_validator("kafka_ca")
    @classmethod
    def _check_ca(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        security = info.data.get("kafka_security")
        if value is None or security is None:
            return value
        if not security.endswith("SSL"):
            raise ValueError(f"nothing is encrypted with TIDEMARK_KAFKA_SECURITY={security}: set it to SASL_SSL or SSL")
        try:
            if not certificates_of(value):
                raise ValueError(f"a file with certificates in PEM, that is with {_BEGIN}")
        except OSError as error:
            raise ValueError(f"a file with certificates in PEM that can be read ({error.strerror})") from None
        return value
