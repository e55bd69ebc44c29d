"""The Spark Connect address for a step: the cluster's, the running embedded engine's, or one started for the step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lake.home import is_free
from orchestration.work import Work


@contextmanager
def remote_for(work: Work) -> Iterator[str]:
    """Yield the address; an engine that was started here ends with the step."""
    if work.settings.spark_remote is not None:
        yield work.settings.spark_remote
        return
    port = work.home.port("spark")
    if not is_free(port):
        yield f"sc://127.0.0.1:{port}"
        return
    from spark_jobs.engine import engine

    with engine("sail", work.home.logs) as remote:
        yield remote
