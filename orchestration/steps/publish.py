"""From gold to the marts: load what has changed into staging, check it, build with dbt, swap in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl
import psycopg

from lake import delta, postgres
from lake.contracts import TABLES, Table, of_layer, table
from lake.delta import EVERYTHING, Written
from lake.load import ensure_staging, load_slice, pending_marts, staged_tables, swap
from lake.partitions import Partition, hot_partitions, inventory, partitions
from lake.quarantine import by_rule
from orchestration.steps.common import write_gold
from orchestration.work import Outcome, Work

_MEMORY = """
    CREATE TABLE IF NOT EXISTS staging._loaded (
        table_id text, slice text, fingerprint text NOT NULL, PRIMARY KEY (table_id, slice))
"""


class PublishError(RuntimeError):
    """The marts were left as they were; the text says what was wrong."""


@dataclass
class Published:
    """What a publication did: staging slices and rows by table, marts swapped, seconds by part."""

    loaded: dict[str, int] = field(default_factory=dict)
    marts: tuple[str, ...] = ()
    mart_rows: dict[str, int] = field(default_factory=dict)


def gold_loads(work: Work) -> Outcome:
    """The inventory of the lake: how much of each table there is, and how fresh."""
    known = table("gold.loads")
    counted = tuple(t for t in TABLES.values() if t.layer != "mart" and t.name != "loads")
    frame = inventory(work.home, counted)
    return Outcome(known, delta.replace_slice(work.home, known, frame, EVERYTHING))


def gold_quarantine(work: Work) -> Outcome:
    """What quarantine holds, by table and rule."""
    known = table("gold.quarantine")
    before = delta.read(work.home, known)
    frame = by_rule(work.home, of_layer("silver"), before)
    if frame.equals(before.sort("table_name", "rule")):
        return Outcome(known, Written(delta.version(work.home, known) or 0, before.height))
    return write_gold(work, known.id, frame, EVERYTHING)


def stage(work: Work, dsn: str) -> dict[str, int]:
    """Bring the staging tables up to gold, by the partitions whose files have changed since they were loaded.

    A kill between a load and its note makes the next run load that slice again, which leaves the same rows.

    Returns:
        Rows loaded by table, for the tables that had changed.
    """
    made = set(ensure_staging(dsn))
    loaded: dict[str, int] = {}
    with psycopg.connect(dsn, autocommit=True) as memory:
        memory.execute(_MEMORY)
        for known in staged_tables():
            if known.id in made:
                memory.execute("DELETE FROM staging._loaded WHERE table_id = %s", (known.id,))
            rows = _stage_table(work, dsn, memory, known)
            if rows is not None:
                loaded[known.id] = rows
    return loaded


def _stage_table(work: Work, dsn: str, memory: psycopg.Connection, known: Table) -> int | None:
    found = partitions(work.home, known)
    hot = hot_partitions(known, found)
    noted: dict[str, str] = dict(
        memory.execute("SELECT slice, fingerprint FROM staging._loaded WHERE table_id = %s", (known.id,)).fetchall()
    )
    changed = {label: part for label, part in hot.items() if noted.get(label) != part.fingerprint}
    gone = set(noted) - set(hot)
    if not changed and not gone:
        return None
    if not noted or gone:
        # Nothing to keep, or slices to drop: all of the hot period in one transaction.
        rows = load_slice(dsn, known, _read_all(work, known, hot.values()), None)
        _note(memory, known, hot, forget_others=True)
        return rows
    rows = 0
    for label, part in changed.items():
        rows += load_slice(dsn, known, delta.read(work.home, known, part.where), part.where)
        _note(memory, known, {label: part})
    return rows


def _read_all(work: Work, known: Table, parts: Iterable[Partition]) -> pl.DataFrame:
    frames = [delta.read(work.home, known, part.where) for part in parts]
    return pl.concat(frames) if frames else known.schema.create_empty()


def _note(
    memory: psycopg.Connection, known: Table, parts: dict[str, Partition], *, forget_others: bool = False
) -> None:
    with memory.transaction():
        if forget_others:
            memory.execute("DELETE FROM staging._loaded WHERE table_id = %s", (known.id,))
        for label, part in parts.items():
            memory.execute(
                "INSERT INTO staging._loaded VALUES (%s, %s, %s) "
                "ON CONFLICT (table_id, slice) DO UPDATE SET fingerprint = excluded.fingerprint",
                (known.id, label, part.fingerprint),
            )


def publish(work: Work, *, expectations: bool) -> Published:
    """Load what changed in gold, check it, build the marts that rest on it, and swap them in.

    Marts that an earlier run loaded for but did not reach are built too, and so are absent ones.

    Args:
        expectations: judge the staging tables with Great Expectations first; not in a tick's path.

    Raises:
        PublishError: when staging breaks an expectation or dbt fails; the marts are as they were.
    """
    from dbt_project.runner import build

    dsn = postgres.owner_dsn(work.home, work.settings)
    loaded = stage(work, dsn)
    names = sorted({*pending_marts(dsn), *_absent_marts(dsn)})
    if not names:
        return Published(loaded)
    if expectations:
        _judge(work, dsn, names)
    report = build(names, dsn=dsn, target_dir=work.home.root / "dbt")
    if report.failures:
        raise PublishError("dbt: " + "; ".join(report.failures))
    swapped = swap(dsn, names)
    return Published(loaded, swapped, _count(dsn, swapped))


def _judge(work: Work, dsn: str, marts: Iterable[str]) -> None:
    from dbt_project.expectations import check_staging

    named = {source.strip() for mart in marts for source in table(f"mart.{mart}").source.split(",")}
    tables = [known for known in staged_tables() if known.id in named]
    verdict = check_staging(dsn, tables, docs=work.home.data_docs)
    if not verdict.success:
        raise PublishError("staging breaks what the contracts expect: " + "; ".join(verdict.failures))


def _absent_marts(dsn: str) -> set[str]:
    from lake.contracts import of_layer

    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'marts'").fetchall()
    present = {row[0] for row in rows}
    return {mart.name for mart in of_layer("mart") if mart.name not in present}


def _count(dsn: str, names: Iterable[str]) -> dict[str, int]:
    with psycopg.connect(dsn) as connection:
        counts = {}
        for name in names:
            row = connection.execute(f'SELECT count(*) FROM marts."{name}"').fetchone()  # noqa: S608 - a contract's name
            counts[name] = int(row[0]) if row else 0
    return counts
