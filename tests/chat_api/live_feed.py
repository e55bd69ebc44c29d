"""A live stream for the chat's tests, fed through the same transactions as the stream's job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg

from lake import live_store
from lake.live_store import COUNTS, Batch, End, Rules, Start

RULES = Rules()


def clear(owner_dsn: str) -> None:
    """No stream any more."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("TRUNCATE live.streams, live.state, live.seconds, live.visits, live.totals, live.marks")
        connection.execute("TRUNCATE live.batches, live.outbox, live.refused")


class Feed:
    """A stream of which each `put` is a batch."""

    def __init__(self, owner_dsn: str, stream: str = "edgar-20261120-test", speed: float | None = 1.0) -> None:
        self._connection = psycopg.connect(owner_dsn, autocommit=True)
        self.stream = stream
        self._speed = speed
        self._batch = 0
        self._seq = 0
        self.rows = 0

    def close(self) -> None:
        """End the connection; the stream stays as it is."""
        self._connection.close()

    def begin(self, replay_of: date = date(2026, 11, 20), series: str = "v2", simulated: bool = True) -> None:
        """What a replay says of itself."""
        start = Start(
            self.stream, "f", 0, datetime.now(UTC), "replay", replay_of, series, self._speed, False, "files", simulated
        )
        self._apply(pl.DataFrame(schema=COUNTS), starts=(start,))

    def put(self, seconds: Mapping[datetime, Mapping[int, int]], stamped: datetime | None = None) -> None:
        """Visits by second and CIK, stamped as now."""
        at = stamped or datetime.now(UTC)
        rows = []
        for clock, companies in seconds.items():
            for cik, visits in companies.items():
                self._seq += visits
                self.rows += visits
                rows.append(("f", self.stream, clock, cik, visits, 0, at, at + timedelta(milliseconds=1), self._seq))
        self._apply(pl.DataFrame(rows, schema=COUNTS, orient="row"))

    def end(self) -> None:
        """The end, which says how many rows there are."""
        self._seq += 1
        self._apply(pl.DataFrame(schema=COUNTS), ends=(End(self.stream, "f", self._seq, datetime.now(UTC), self.rows),))

    def _apply(self, counts: pl.DataFrame, starts: Sequence[Start] = (), ends: Sequence[End] = ()) -> None:
        batch = Batch(f"query-{self.stream}", self._batch, counts, starts=starts, ends=ends, simulated=True)
        self._batch += 1
        assert not live_store.apply_batch(self._connection, batch, RULES).again
