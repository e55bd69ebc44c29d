"""From gold to the marts: load what has changed into staging, check it, build with dbt, swap in one transaction."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

import psycopg

from lake import delta, postgres
from lake.contracts import DISPUTED, TABLES, Table, of_layer, table
from lake.delta import EVERYTHING, Written
from lake.load import (
    Loading,
    built_by,
    drop_slice,
    ensure_staging,
    load_slice,
    pending_slices,
    staged_tables,
    swap,
)
from lake.partitions import Partition, hot_partitions, inventory, partitions
from lake.pending import WHOLE
from lake.quarantine import by_rule
from orchestration import crash
from orchestration.steps.common import write_gold
from orchestration.work import Outcome, Work

_MEMORY = """
    CREATE TABLE IF NOT EXISTS staging._loaded (
        table_id text, slice text, fingerprint text NOT NULL, PRIMARY KEY (table_id, slice));
    ALTER TABLE staging._loaded ADD COLUMN IF NOT EXISTS predicate text;
    ALTER TABLE staging._loaded ADD COLUMN IF NOT EXISTS content text
"""
# With more slices than these to renew, a mart is built whole: as quick, and it lies in order again.
_MANY = 64


class PublishError(RuntimeError):
    """The marts were left as they were; the text says what was wrong."""


class Staged(NamedTuple):
    """Rows by table: what was loaded into staging, and what it holds."""

    loaded: dict[str, int]
    held: dict[str, int]


@dataclass
class Published:
    """What a publication did.

    Attributes:
        loaded: rows put into staging, by table.
        marts: those swapped in.
        seconds: of each part: load, expectations, dbt, swap.
    """

    loaded: dict[str, int] = field(default_factory=dict)
    marts: tuple[str, ...] = ()
    mart_rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


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
    frame = by_rule(work.home, (*of_layer("silver"), DISPUTED), before)
    if frame.equals(before.sort("table_name", "rule")):
        return Outcome(known, Written(delta.version(work.home, known) or 0, before.height))
    return write_gold(work, known.id, frame, EVERYTHING)


def stage(work: Work, dsn: str) -> Staged:
    """Bring the staging tables up to gold, by the partitions whose files have changed since they were loaded.

    A kill between a load and its note makes the next run load that slice again, which leaves the same rows.

    Returns:
        Rows by table: those loaded, of the tables that had changed, and those held, of all.
    """
    made = set(ensure_staging(dsn))
    loaded: dict[str, int] = {}
    held: dict[str, int] = {}
    with psycopg.connect(dsn, autocommit=True) as memory, closing(Loading(dsn)) as to:
        memory.execute(_MEMORY)
        for known in staged_tables():
            if known.id in made:
                _forget(memory, known)
            hot = hot_partitions(known, partitions(work.home, known), work.settings.hot_days_of(known))
            rows = _stage_table(work, to, memory, known, hot)
            held[known.id] = sum(part.rows for part in hot.values())
            if rows is not None:
                loaded[known.id] = rows
    return Staged(loaded, held)


def _stage_table(
    work: Work, to: Loading, memory: psycopg.Connection, known: Table, hot: dict[str, Partition]
) -> int | None:
    rows = memory.execute("SELECT slice, fingerprint, predicate FROM staging._loaded WHERE table_id = %s", (known.id,))
    noted: dict[str, tuple[str, str | None]] = {label: (mark, predicate) for label, mark, predicate in rows}
    changed = {label: part for label, part in hot.items() if noted.get(label, ("",))[0] != part.fingerprint}
    gone = {label: predicate for label, (_, predicate) in noted.items() if label not in hot}
    if not changed and not gone:
        return None
    if changed and not known.partition_by:
        return _stage_whole(work, to, memory, known, changed)
    if not noted or None in gone.values():
        # Nothing to keep, or a note that does not say what it was of: all of the hot period, on an empty table.
        _forget(memory, known)
        drop_slice(to, known, WHOLE)
        changed, gone = hot, {}
    # Slice by slice, each with its note: memory holds one, and who is killed goes on with the next.
    count = 0
    for label, part in changed.items():
        count += load_slice(to, known, delta.read(work.home, known, part.where), part.where)
        _note(memory, known, {label: part})
    for label, predicate in gone.items():
        drop_slice(to, known, str(predicate))
        memory.execute("DELETE FROM staging._loaded WHERE table_id = %s AND slice = %s", (known.id, label))
    return count


def _stage_whole(
    work: Work, to: Loading, memory: psycopg.Connection, known: Table, parts: dict[str, Partition]
) -> int | None:
    """A table without partitions, loaded if its rows have changed.

    Companies are written anew with every profile and are mostly the same; every mart that names them rests on them.
    """
    frame = delta.read(work.home, known)
    rows = BytesIO()
    frame.sort(known.key).write_ipc(rows)
    content = sha256(rows.getvalue()).hexdigest()
    noted = memory.execute("SELECT content FROM staging._loaded WHERE table_id = %s", (known.id,)).fetchone()
    count = None if noted == (content,) else load_slice(to, known, frame, None)
    _note(memory, known, parts)
    memory.execute("UPDATE staging._loaded SET content = %s WHERE table_id = %s", (content, known.id))
    return count


def _forget(memory: psycopg.Connection, known: Table) -> None:
    memory.execute("DELETE FROM staging._loaded WHERE table_id = %s", (known.id,))


def _note(memory: psycopg.Connection, known: Table, parts: dict[str, Partition]) -> None:
    with memory.transaction():
        for label, part in parts.items():
            memory.execute(
                "INSERT INTO staging._loaded (table_id, slice, fingerprint, predicate) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (table_id, slice) DO UPDATE "
                "SET fingerprint = excluded.fingerprint, predicate = excluded.predicate",
                (known.id, label, part.fingerprint, part.where.postgres),
            )


def publish(work: Work, *, expectations: bool) -> Published:
    """Load what changed in gold, check it, build the marts that rest on it, and swap them in.

    Marts that an earlier run loaded for but did not reach are built too, and so are absent ones.

    Args:
        expectations: judge the staging tables with Great Expectations first; not in a tick's path.

    Raises:
        PublishError: when staging breaks an expectation or dbt fails; the marts are as they were.
    """
    from dbt_project.runner import build, project_fingerprint

    dsn = postgres.owner_dsn(work.home, work.settings)
    done = Published()
    with _timed(done, "load"):
        done.loaded, held = stage(work, dsn)
    crash.after(work.home, "staged")
    pending = pending_slices(dsn)
    names = sorted({*pending, *_absent_marts(dsn)})
    if not names:
        return done
    if expectations:
        with _timed(done, "expectations"):
            _judge(work, dsn, names)
    definition = project_fingerprint()
    parts = _parts(pending, {mart for mart, by in built_by(dsn).items() if by == definition})
    with _timed(done, "dbt"):
        report = build(names, dsn=dsn, target_dir=work.home.root / "dbt", slices=parts)
    if report.failures:
        raise PublishError("dbt: " + "; ".join(report.failures))
    crash.after(work.home, "dbt")
    with _timed(done, "swap"):
        done.marts = swap(dsn, names, slices=parts, definition=definition)
        done.mart_rows = _count(dsn, done.marts, held)
    return done


@contextmanager
def _timed(done: Published, part: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    done.seconds[part] = round(time.monotonic() - began, 3)


def _parts(pending: Mapping[str, tuple[str, ...]], current: Container[str]) -> dict[str, tuple[str, ...]]:
    """The marts that are there by today's definitions and of which only some slices wait."""
    return {
        mart: slices
        for mart, slices in pending.items()
        if table(f"mart.{mart}").slices_of and mart in current and WHOLE not in slices and len(slices) <= _MANY
    }


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


def _count(dsn: str, names: Iterable[str], held: Mapping[str, int]) -> dict[str, int]:
    """Rows by mart. dbt has tested that a sliced mart's are those of its gold table's hot period: the lake knows them."""
    counts = {}
    with psycopg.connect(dsn) as connection:
        for name in names:
            gold = table(f"mart.{name}").slices_of
            if gold is None:
                row = connection.execute(f'SELECT count(*) FROM marts."{name}"').fetchone()  # noqa: S608 - a contract's name
                counts[name] = int(row[0]) if row else 0
            else:
                counts[name] = held[gold]
    return counts
