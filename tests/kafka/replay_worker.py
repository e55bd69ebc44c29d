"""Writes one stream to Kafka in small transactions: `python -m tests.kafka.replay_worker SERVERS TOPIC STREAM LINES`.

Each step is told on a line of its own, for a test that kills it in the middle.
"""

from __future__ import annotations

import json
import sys

from spark_jobs.live_kafka import Line, ReplayWriter, Topic

LINES_A_TRANSACTION = 50
COMPANIES = 40


def line(stream: str, seq: int) -> Line:
    cik = seq * 7919 % COMPANIES + 1
    return Line(cik, json.dumps({"stream": stream, "seq": seq, "cik": cik}))


def main(servers: str, topic: str, stream: str, lines: int) -> None:
    writer = ReplayWriter(Topic(servers, topic), stream)
    for first in range(writer.position, lines, LINES_A_TRANSACTION):
        last = min(first + LINES_A_TRANSACTION, lines)
        writer.write([line(stream, seq) for seq in range(first, last)], last)
        sys.stdout.write(f"{last}\n")
        sys.stdout.flush()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
