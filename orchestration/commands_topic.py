"""`stream topic`: the stream's topic in Kafka, made where it is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.settings import Settings
    from orchestration.console import Screen


def topic(settings: Settings, screen: Screen, partitions: int, replication: int) -> int:
    """Make the topic that the settings name, and say what there is; the exit code.

    Args:
        partitions: how many parts of it a job reads side by side.
        replication: how many brokers hold each.

    Raises:
        spark_jobs.kafka_topic.KafkaUnusable: when Kafka does not answer or refuses.
    """
    from spark_jobs.kafka_login import Login
    from spark_jobs.kafka_topic import Topic

    wanted = Topic.of(settings.kafka_servers, settings.kafka_topic, Login.of(settings))
    was_there = wanted.partitions() is not None
    there = wanted.create(partitions, replication)
    screen.say(f"topic {wanted.name} at {wanted.servers}: {there} partitions, {'was there' if was_there else 'made'}")
    if there != partitions:
        screen.say(f"not {partitions}: what is there was left alone, since another number would move companies about")
    return 0
