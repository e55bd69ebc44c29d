"""`python -m benchmarks.edgar_work CONTENDER CSV OUT`: the whole work once, in a process of its own.

What is timed is the work from the CSV's first byte to the last table written and accounted for. Before it each contender
has imported its packages, and an engine is up and has answered.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.edgar_log import DAY
from benchmarks.machine import cpu_seconds
from lake.clock import NEW_YORK
from lake.rows import RowAccount

OBSERVED = datetime(2026, 11, 1, tzinfo=UTC)
RUN = "benchmark"
SHA256 = "0" * 64


@dataclass(frozen=True)
class Job:
    """What there is to do.

    Attributes:
        csv: the log.
        out: a folder for what is made of it.
    """

    csv: Path
    out: Path

    @property
    def midnight(self) -> int:
        """The logged day's first second in seconds since 1970; the day has no change of the clocks."""
        return int(datetime.combine(DAY, clock(), NEW_YORK).timestamp())

    @property
    def provenance_sql(self) -> dict[str, str]:
        """The provenance of every row, as SQL."""
        return {
            "observed_at": f"TIMESTAMPTZ '{OBSERVED.isoformat()}'",
            "_run_id": f"'{RUN}'",
            "_payload_sha256": f"'{SHA256}'",
        }

    @property
    def provenance(self) -> dict[str, pl.Expr]:
        """The provenance of every row, for Polars."""
        return {
            "observed_at": pl.lit(OBSERVED, pl.Datetime("us", "UTC")),
            "_run_id": pl.lit(RUN),
            "_payload_sha256": pl.lit(SHA256),
        }


Phases = dict[str, float]


@contextmanager
def _ours(kind: str, job: Job) -> Iterator[Callable[[], tuple[RowAccount, Phases]]]:
    """The job as Dagster runs it, on an engine of its own."""
    from benchmarks.machine import Stopwatch
    from lake.home import Home
    from lake.settings import load_settings
    from spark_jobs import edgar
    from spark_jobs.engine import connected, engine

    home = Home.open(load_settings(home=job.out / "home", world="real"))
    watch = Stopwatch(
        edgar,
        {"_clean_all": "clean", "write": "silver", "_account": "account", "stage_gold": "gold", "_commit": "commit"},
    )
    kinds: dict[str, Any] = {"sail": "sail", "spark": "spark"}
    with engine(kinds[kind], job.out / "log", memory="1g") as remote, connected(remote) as spark:
        spark.range(1).count()

        def run() -> tuple[RowAccount, Phases]:
            with watch:
                day = edgar.Day(job.csv, DAY, SHA256, OBSERVED)
                report = edgar.run_day(spark, home, day, RUN)
            return RowAccount(report.rows_in, report.rows_out, report.duplicates, report.quarantined), watch.seconds

        yield run


@contextmanager
def _duckdb(job: Job) -> Iterator[Callable[[], tuple[RowAccount, Phases]]]:
    import duckdb  # noqa: F401 - its import is not what is measured

    from benchmarks import edgar_duckdb

    yield lambda: (edgar_duckdb.run(job), {})


@contextmanager
def _polars(job: Job) -> Iterator[Callable[[], tuple[RowAccount, Phases]]]:
    from benchmarks import edgar_polars

    yield lambda: (edgar_polars.run(job), {})


CONTENDERS = {
    "sail": lambda job: _ours("sail", job),
    "duckdb": _duckdb,
    "polars": _polars,
    "spark": lambda job: _ours("spark", job),
}


def main() -> int:
    """Do the work and print what it took."""
    name, csv, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    with CONTENDERS[name](Job(csv, out)) as run:
        began, before = time.perf_counter(), cpu_seconds()
        account, phases = run()
        seconds, processor = time.perf_counter() - began, cpu_seconds() - before
        written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    print(
        json.dumps(
            {
                "seconds": round(seconds, 2),
                "cpu_seconds": round(processor, 2),
                "account": account._asdict(),
                "phases": {phase: round(taken, 2) for phase, taken in phases.items()},
                "written_mb": round(written / 2**20, 1),
                "load_average": round(os.getloadavg()[0], 1),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
