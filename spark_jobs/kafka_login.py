"""How Kafka's servers are spoken to: encrypted or not, as whom, and whose certificates are believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lake.stream_settings import certificates_of

if TYPE_CHECKING:
    from pydantic import SecretStr

    from lake.settings import Settings

_JAVA = "org.apache.kafka.common.security"
_MODULES = {
    "PLAIN": f"{_JAVA}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_JAVA}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_JAVA}.scram.ScramLoginModule",
}


@dataclass(frozen=True)
class Login:
    """How servers are spoken to; by default in the clear, as nobody. The settings have seen that it is whole.

    Attributes:
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, as Kafka calls them.
        mechanism: of SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        ca: PEM file of the certificates that vouch for the servers; None for those that the system and Java believe.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    user: str | None = None
    password: SecretStr | None = field(default=None, repr=False)
    ca: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Login:
        """That of the settings."""
        return cls(
            settings.kafka_security,
            settings.kafka_mechanism,
            settings.kafka_user,
            settings.kafka_password,
            settings.kafka_ca,
        )

    @property
    def client(self) -> dict[str, str]:
        """What librdkafka's clients are told. It holds the password."""
        told = {"security.protocol": self.protocol}
        if self.ca is not None:
            told["ssl.ca.location"] = str(self.ca)
        if self.mechanism is not None:
            told |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user or "", "sasl.password": self._secret}
        return told

    @property
    def spark(self) -> Mapping[str, str]:
        """What Spark's reader is told, for Kafka's Java client. It holds the password, which Spark and Kafka do not log."""
        told = {"kafka.security.protocol": self.protocol}
        if self.ca is not None:
            # The certificates themselves: a cluster has not this machine's files.
            told["kafka.ssl.truststore.type"] = "PEM"
            told["kafka.ssl.truststore.certificates"] = certificates_of(self.ca)
        if self.mechanism is not None:
            words = f"username={_quoted(self.user or '')} password={_quoted(self._secret)}"
            told["kafka.sasl.mechanism"] = self.mechanism
            told["kafka.sasl.jaas.config"] = f"{_MODULES[self.mechanism]} required {words};"
        return told

    @property
    def settings(self) -> str:
        """The settings that say it, for who must check them."""
        names = ["KAFKA_SECURITY"]
        if self.mechanism is not None:
            names += ["KAFKA_MECHANISM", "KAFKA_USER", "KAFKA_PASSWORD"]
        if self.protocol.endswith("SSL"):
            names.append("KAFKA_CA")
        return ", ".join(f"TIDEMARK_{name}" for name in names)

    @property
    def _secret(self) -> str:
        return "" if self.password is None else self.password.get_secret_value()


def _quoted(word: str) -> str:
    """A word in Java's login configuration."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
