"""What a step is given and what it gives back. Steps are plain functions; only `orchestration/assets` knows Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from lake.clock import Clock
from lake.contracts import Table
from lake.delta import Written
from lake.home import Home
from lake.market_calendar import Calendar, xnys
from lake.rows import RowAccount
from lake.settings import Settings


@dataclass(frozen=True)
class Work:
    """A run's surroundings and what it is about.

    Attributes:
        run_id: goes into every row it writes.
        first, last: the days asked for, both included; sessions, logged days or India's days by the table.
        tick: the tick asked for (UTC), where the run is for one.
        again: whether to ask anew for what bronze already has an answer to.
    """

    home: Home
    settings: Settings
    run_id: str
    first: date
    last: date
    tick: datetime | None = None
    clock: Clock = field(default_factory=Clock)
    again: bool = False

    @property
    def calendar(self) -> Calendar:
        """The New York exchange's calendar."""
        return xnys()

    @property
    def simulated(self) -> bool:
        """Whether the home's sources are the sandbox."""
        return self.home.simulated


@dataclass(frozen=True)
class Finding:
    """What a check beside the contract's found; it blocks nothing.

    Attributes:
        passed: whether all is well.
        bearable: whether it is a warning only where it is not.
    """

    check: str
    passed: bool
    bearable: bool
    facts: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a step did to a table.

    Attributes:
        account: what became of the rows in, where rows came in from raw.
        problem: why the table's contract was not met; nothing was written then.
        facts: further numbers and words for the run's page.
        findings: of checks beside the contract's.
    """

    table: Table
    written: Written
    account: RowAccount | None = None
    problem: str | None = None
    facts: Mapping[str, int | float | str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
