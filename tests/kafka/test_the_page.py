"""What docs/scale-out.md says last: topic, settings, doctor, replay, put and follow, on the broker and cluster of its lines."""

from __future__ import annotations

import os
import re
from pathlib import Path

from spark_jobs.engine import connected, free_port, start, stop
from spark_jobs.live_kafka import lines, topic_of
from spark_jobs.live_source import Source, writer_of
from tests.kafka.conftest import Broker
from tests.kafka.replay_worker import messages
from tests.kafka.scale_out import PAGE, Process, block, run
from tests.live_stream import Live


def test_its_last_lines_do_what_they_say(
    live: Live, broker: Broker, cluster: str, names: dict[str, str], tmp_path: Path
) -> None:
    clean = {name: "" for name in os.environ if name.startswith("TIDEMARK_")}
    page = {
        **clean,
        **names,
        "POSTGRES": live.dsn,
        "TIDEMARK_HOME": str(live.home.root),
        "TIDEMARK_KAFKA_TOPIC": "page.visits",
        "WORK": str(tmp_path),
    }
    assert "page.visits at 127.0.0.1" in run("topic", page)
    assert "6 partitions, was there" in run("topic", page)
    said = run("try it", page, first=block("settings"))
    for name, found in (
        ("spark", f"Spark 4.2.0 at {cluster}"),
        ("stream", f"Spark 4.2.0 at {cluster}, reads Kafka"),
        ("kafka", f"'page.visits' at {broker.servers} has 6 partitions"),
    ):
        assert re.search(rf"^ok +{name}: {re.escape(found)}$", said, re.M), said
    assert re.search(r"^edgar-20170101-\w+: [\d,]+ visits .* equal to the batch's count", said, re.M), said
    assert "mine: 1 put in, 0 refused" in said
    followed = tmp_path / "followed.log"
    env = {**page, "TIDEMARK_STREAM_SOURCE": "kafka", "TIDEMARK_KAFKA_SERVERS": broker.servers}
    mine = re.compile(r'^\{"stream": "mine", "seq": 1, .*"cik": 320193', re.M)
    Process("follow", env, followed, lambda: mine.search(followed.read_text()) is not None).start().stop()
    assert sum('"stream": "edgar-2017' in line for line in followed.read_text().splitlines()) > 1000


def test_an_apache_spark_of_the_stream_s_own_reads_kafka_with_the_jars(
    broker: Broker, names: dict[str, str], tmp_path: Path
) -> None:
    source = Source("kafka", tmp_path, broker.servers, "own.visits")
    topic_of(source).create(3, 1)
    writer = writer_of(source, "own")
    writer.write(messages("own", 0, 100), 100)
    writer.close()
    own = start("spark", free_port(), tmp_path, "1g", {"spark.driver.extraClassPath": f"{names['JARS']}/spark/*"})
    try:
        with connected(own.remote) as spark:
            query = (
                lines(spark, source).writeStream.format("memory").queryName("own").trigger(availableNow=True).start()
            )
            assert query.awaitTermination(120)
            assert query.exception() is None
            found = spark.sql("SELECT count(*), count(DISTINCT line), count(DISTINCT partition) FROM own").toArrow()
    finally:
        stop(own)
    assert [column[0].as_py() for column in found.columns] == [100, 100, 3]


def test_the_page_s_own_lists_are_whole() -> None:
    from lake.settings import Settings

    told = set(re.findall(r"^\| `TIDEMARK_(\w+)`", PAGE.read_text("utf-8"), re.M))
    cluster = {name for name in Settings.model_fields if name.startswith(("kafka_", "spark_"))}
    assert {name.lower() for name in told} >= cluster | {"lake", "postgres_url", "stream_source", "stream_remote"}
