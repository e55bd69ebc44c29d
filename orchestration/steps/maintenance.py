"""The night's work on tables: retention, compaction, vacuum; and staging is told that only names of files changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psycopg

from lake import delta, postgres
from lake.contracts import Table
from lake.maintenance import compact, forget, size, tidy
from lake.market_calendar import NEW_YORK
from lake.partitions import partitions
from orchestration.work import Work

if TYPE_CHECKING:
    from lake.partitions import Partition


@dataclass(frozen=True)
class Night:
    """What a night did to a table.

    Attributes:
        rows_deleted: rows beyond the table's retention.
        busy: whether somebody wrote meanwhile, so that the files stay as they are until the next night.
    """

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    rows_deleted: int
    files_vacuumed: int
    leavings: int
    busy: bool

    def facts(self) -> dict[str, int | str | bool]:
        """Its numbers, named by the table."""
        told = asdict(self)
        return {f"{self.table} {name}": value for name, value in told.items() if name != "table"}


def maintain(work: Work, tables: Sequence[Table]) -> list[Night]:
    """Look after each table that exists, and after the rows that it refused."""
    nights = []
    for known in tables:
        if delta.exists(work.home, known):
            nights.append(_table(work, known))
        refused = work.home.lake.quarantine(known)
        if known.layer == "silver" and refused.exists():
            files, before = size(refused)
            busy = not compact(refused)
            tidied = tidy(refused)
            after = size(refused)
            nights.append(Night(f"quarantine.{known.name}", files, after[0], before, after[1], 0, *tidied, busy))
    return nights


def _table(work: Work, known: Table) -> Night:
    address, now = work.home.lake.table(known), work.clock.now()
    files, before = size(address)
    deleted = forget(work.home, known, now.astimezone(NEW_YORK).date(), now)
    version, parts = _fingerprints(work, known)
    busy = not compact(address)
    version_after, parts_after = _fingerprints(work, known)
    # One commit later it was the compaction alone that changed the files: the rows are those that staging has.
    if known.layer == "gold" and version is not None and version_after == version + 1:
        _renote(work, known, parts, parts_after)
    tidied = tidy(address)
    after = size(address)
    return Night(known.id, files, after[0], before, after[1], deleted, *tidied, busy)


def _fingerprints(work: Work, known: Table) -> tuple[int | None, dict[str, Partition]]:
    """The version and its partitions; no version where a writer came between."""
    version = delta.version(work.home, known)
    found = partitions(work.home, known)
    return (version if delta.version(work.home, known) == version else None), found


def _renote(work: Work, known: Table, before: dict[str, Partition], after: dict[str, Partition]) -> None:
    """Staging holds the rows of `before`; they are those of `after`. Not told, it would load them once more."""
    changed = [
        (after[label].fingerprint, known.id, label, part.fingerprint)
        for label, part in before.items()
        if label in after and after[label].fingerprint != part.fingerprint
    ]
    with psycopg.connect(postgres.owner_dsn(work.home, work.settings)) as memory:
        there = memory.execute("SELECT to_regclass('staging._loaded')").fetchone()
        if not changed or there is None or there[0] is None:
            return
        memory.cursor().executemany(
            "UPDATE staging._loaded SET fingerprint = %s WHERE table_id = %s AND slice = %s AND fingerprint = %s",
            changed,
        )
