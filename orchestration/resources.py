"""Resources: the lake a run works on, and the Spark engine. Both are cheap to make; nothing is opened before use."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from lake.clock import Clock
from lake.home import Home
from lake.settings import Settings, load_settings
from orchestration.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from pyspark.sql import SparkSession


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The home and its settings.

    Attributes:
        overrides: settings that win over the environment, such as {"home": "/data/tidemark"}.
    """

    overrides: dict[str, Any] = {}  # noqa: RUF012 - a pydantic field

    def settings(self) -> Settings:
        """The settings as the environment and the overrides give them."""
        return load_settings(**self.overrides)

    def home(self, settings: Settings) -> Home:
        """The home of the settings."""
        return Home.open(settings)

    def work(self, run_id: str, first: date, last: date, tick: datetime | None = None, *, again: bool = False) -> Work:
        """What a step is given."""
        settings = self.settings()
        return Work(self.home(settings), settings, run_id, first, last, tick, Clock.from_settings(settings), again)

    def clock(self) -> Clock:
        """The one clock."""
        return Clock.from_settings(self.settings())


class SparkResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A Spark Connect session on the embedded engine, or on the cluster that `TIDEMARK_SPARK_REMOTE` names."""

    @contextmanager
    def session(self, work: Work) -> Iterator[SparkSession]:
        """A session for the length of a step; where no engine runs, one is started for it."""
        from orchestration.steps.engine import remote_for
        from spark_jobs.engine import connected

        with remote_for(work) as remote, connected(remote) as spark:
            yield spark
