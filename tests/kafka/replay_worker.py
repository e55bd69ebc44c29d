"""Writes one stream to Kafka in small transactions: `python -m tests.kafka.replay_worker SERVERS TOPIC STREAM LINES`.

Each step is told on a line of its own, for a test that kills it in the middle.
"""

from __future__ import annotations

import json
import sys

import polars as pl

from spark_jobs.kafka_topic import Topic
from spark_jobs.live_kafka import TopicWriter

LINES_A_TRANSACTION = 50
COMPANIES = 40


def messages(stream: str, first: int, last: int) -> pl.DataFrame:
    """Messages with these numbers, of companies in turn."""
    rows = [(seq * 7919 % COMPANIES + 1, seq) for seq in range(first, last)]
    lines = [(cik, json.dumps({"stream": stream, "seq": seq, "cik": cik})) for cik, seq in rows]
    return pl.DataFrame(lines, schema={"cik": pl.Int64, "line": pl.String}, orient="row")


def main(servers: str, topic: str, stream: str, lines: int) -> None:
    """Write what is not yet written."""
    writer = TopicWriter(Topic(servers, topic), stream)
    for first in range(writer.position, lines, LINES_A_TRANSACTION):
        last = min(first + LINES_A_TRANSACTION, lines)
        writer.write(messages(stream, first, last), last)
        sys.stdout.write(f"{last}\n")
        sys.stdout.flush()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
