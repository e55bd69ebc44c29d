"""A Kafka topic: how its servers are reached, whether it is there, and how it is made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spark_jobs.kafka_login import Login

ANSWER_SECONDS = 15.0


class KafkaUnusable(RuntimeError):
    """Kafka does not answer, or refuses; the text names the servers, the topic and, after a semicolon, what to do."""


@dataclass(frozen=True)
class Topic:
    """A topic and how its servers are reached.

    Attributes:
        servers: HOST:PORT of one or more brokers, comma separated.
        name: of the topic.
        login: as whom, and encrypted or not.
    """

    servers: str
    name: str
    login: Login = field(default_factory=Login)

    @classmethod
    def of(cls, servers: str | None, name: str, login: Login) -> Topic:
        """The topic of settings.

        Raises:
            KafkaUnusable: when no servers are named.
        """
        if not servers:
            raise KafkaUnusable("no Kafka servers are named; set TIDEMARK_KAFKA_SERVERS, such as host:9092")
        return cls(servers, name, login)

    @property
    def positions(self) -> Topic:
        """The topic of streams' positions: key = stream, value = the number of its next message."""
        return Topic(self.servers, f"{self.name}.positions", self.login)

    @property
    def client(self) -> dict[str, Any]:
        """What every client is told."""
        return {"bootstrap.servers": self.servers, "client.id": "tidemark", "log_level": 2, **self.login.client}

    def partitions(self) -> int | None:
        """How many partitions the topic has; None where there is no such topic, or one has no leader yet.

        Raises:
            KafkaUnusable: when the servers do not answer.
        """
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        refusals: list[Any] = []
        try:
            told: dict[str, Any] = {**self.client, "error_cb": refusals.append}
            admin = AdminClient(told)
            try:
                known = admin.list_topics(timeout=ANSWER_SECONDS).topics
            finally:
                admin.poll(0)
        except KafkaException as error:
            # The answer says that none came; why none came is said beside it.
            raise self.unusable(error, refusals) from error
        parts = known[self.name].partitions.values() if self.name in known else ()
        return len(parts) if parts and all(part.leader >= 0 for part in parts) else None

    def existing(self) -> int:
        """How many partitions the topic has.

        Raises:
            KafkaUnusable: when there is no such topic, or the servers do not answer.
        """
        there = self.partitions()
        if there is None:
            raise KafkaUnusable(f"no topic {self.name!r} at {self.servers}; `tidemark stream topic` makes it")
        return there

    def create(self, partitions: int, replication: int) -> int:
        """Make the topic and that of positions, where they are absent.

        Args:
            partitions: how many parts of it a job reads side by side.
            replication: how many brokers hold each.

        Returns:
            How many partitions it has, whoever made it.

        Raises:
            KafkaUnusable: when the servers do not answer or refuse.
        """
        self.positions._create(1, replication, {"cleanup.policy": "compact"})
        return self._create(partitions, replication, {})

    def _create(self, partitions: int, replication: int, config: dict[str, str]) -> int:
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        if (there := self.partitions()) is not None:
            return there
        # The client must outlive its answer.
        admin = AdminClient(self.client)
        new = NewTopic(self.name, partitions, replication, config=config)
        try:
            admin.create_topics([new])[self.name].result(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self.unusable(error) from error
        end = time.monotonic() + ANSWER_SECONDS
        # The brokers tell each other of it.
        while (there := self.partitions()) is None:
            if time.monotonic() > end:
                raise KafkaUnusable(f"{self.name!r} at {self.servers} was made and has no leader; see the broker's log")
            time.sleep(0.1)
        return there

    def unusable(self, error: Any, refusals: Sequence[Any] = ()) -> KafkaUnusable:
        """A client's error as one of ours.

        Args:
            refusals: what the client has said of its connections; a refused login or certificate among them is the cause.
        """
        from confluent_kafka import KafkaError

        said = next((one for one in refusals if one.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL)), None)
        remedy = (
            "check TIDEMARK_KAFKA_SERVERS, that the broker runs, and that it listens as TIDEMARK_KAFKA_SECURITY="
            f"{self.login.protocol} says"
            if said is None
            else f"check {self.login.settings}"
        )
        reason = (said or error.args[0]).str().replace("; ", ", ")
        return KafkaUnusable(f"Kafka at {self.servers}, topic {self.name!r}: {reason}; {remedy}")
