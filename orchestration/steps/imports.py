"""Steps for files that a user brought: each file's rows are a slice of silver of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from lake import delta
from lake.contracts import table
from lake.contracts.base import SHA256
from lake.delta import Slice, Written
from lake.rows import Refusal, RowAccount, Settled, settle
from orchestration.steps.common import write_silver
from orchestration.steps.files import kept
from orchestration.work import Finding, Outcome, Work

if TYPE_CHECKING:
    from scrapers.imports.read import FileRows
    from scrapers.imports.shapes import Kind
    from scrapers.imports.verdicts import Verdict

_NONE = RowAccount(0, 0, 0, 0)
_NAMED = 20
# Check → whether it is a warning only.
FILE_CHECKS = {
    "columns_as_named": False,
    "dates_are_sessions": False,
    "sessions_complete": True,
    "adjusted_close_follows": True,
}


def read_kept(work: Work, file: dict[str, Any]) -> FileRows:
    """A file that bronze keeps, read.

    Raises:
        scrapers.imports.recognise.NotRecognised: where the mapping does not know it any more.
    """
    from scrapers.imports.read import Source, read_file

    source = Source(file["sha256"], file["_ingested_at"], file["_run_id"])
    with work.home.lake.local(file["stored_as"]) as path:
        return read_file(path, source, file["file_name"], file["symbol"], file["basis"])


def settle_files(work: Work, kind: Kind) -> Iterator[Outcome]:
    """The rows of every file kept of a kind; written where silver does not hold them already."""
    from scrapers.imports.read import TABLES
    from scrapers.imports.recognise import NotRecognised

    files = kept(work, kind)
    beside = ["silver.corporate_actions"] if kind == "bars_daily" else []
    for table_id in (TABLES[kind], *beside):
        _forget_others(work, table_id, files["sha256"].to_list())
    held: dict[str, dict[tuple[str, str], int]] = {}
    for file in files.iter_rows(named=True):
        try:
            rows = read_kept(work, file)
            settled, verdicts = rows.settled, rows.verdicts
        except NotRecognised as error:
            settled, verdicts = {TABLES[kind]: _nothing(TABLES[kind], file, str(error))}, []
        # The bars last: where they are there, so is what stands beside them.
        for table_id, mine in reversed(settled.items()):
            known = held.setdefault(table_id, {} if work.again else _held(work, table_id, files["sha256"].to_list()))
            outcome = _write(work, table_id, mine, file, known)
            found = findings(verdicts) if table_id == "silver.bars_daily" else ()
            yield Outcome(outcome.table, outcome.written, outcome.account, facts=outcome.facts, findings=found)


def _forget_others(work: Work, table_id: str, files: list[str]) -> None:
    """Take out rows of files that are of another kind by now, as an index's that is said to be a company's."""
    known = table(table_id)
    origins = delta.scan(work.home, known).select(pl.col("origin").unique()).collect()["origin"].drop_nulls()
    for origin in origins.filter(origins.str.contains(SHA256)).to_list():
        if origin not in files:
            write_silver(work, table_id, settle(known, known.schema.create_empty(), 0), Slice({"origin": origin}))


def _nothing(table_id: str, file: dict[str, Any], why: str) -> Settled:
    known = table(table_id)
    refusal = Refusal("not_recognised", why, file["sha256"], file["_ingested_at"], file["_run_id"])
    return settle(known, known.schema.create_empty(), 1, [refusal])


def _held(work: Work, table_id: str, origins: list[str]) -> dict[tuple[str, str], int]:
    """How many rows silver has by file and the run that imported it."""
    rows = delta.scan(work.home, table(table_id)).filter(pl.col("origin").is_in(origins))
    counted = rows.group_by("origin", "_run_id").len().collect()
    return {(origin, run): count for origin, run, count in counted.iter_rows()}


def _write(
    work: Work, table_id: str, settled: Settled, file: dict[str, Any], held: dict[tuple[str, str], int]
) -> Outcome:
    known, size = table(table_id), settled.good.height
    if size and held.get((file["sha256"], file["_run_id"])) == size:
        return Outcome(known, Written(delta.version(work.home, known) or 0, size), settled.account)
    return write_silver(work, table_id, settled, Slice({"origin": file["sha256"]}))


def findings(verdicts: Iterable[Verdict]) -> tuple[Finding, ...]:
    """Each check on files with what it found, or nothing."""
    told = list(verdicts)
    found = []
    for check, bearable in FILE_CHECKS.items():
        mine = [verdict for verdict in told if verdict.check == check]
        facts: dict[str, int | float | str] = {
            "rows": sum(verdict.rows for verdict in mine),
            "found": "; ".join(f"{verdict.file}: {verdict.detail}" for verdict in mine[:_NAMED]),
        }
        found.append(Finding(check, not mine, bearable, facts))
    return tuple(found)


def _together(outcomes: list[Outcome]) -> tuple[Finding, ...]:
    by_check: dict[str, list[Finding]] = {}
    for finding in (finding for outcome in outcomes for finding in outcome.findings):
        by_check.setdefault(finding.check, []).append(finding)
    together = []
    for check, found in by_check.items():
        texts = [str(finding.facts["found"]) for finding in found if not finding.passed]
        rows = sum(int(finding.facts["rows"]) for finding in found)
        facts: dict[str, int | float | str] = {"rows": rows, "found": "; ".join(texts[:_NAMED])}
        together.append(Finding(check, not texts, found[0].bearable, facts))
    return tuple(together)


def as_one(table_id: str, outcomes: list[Outcome]) -> Outcome:
    """Several slices of one table as one outcome."""
    known = table(table_id)
    checked = findings([]) if table_id == "silver.bars_daily" else ()
    if not outcomes:
        return Outcome(known, Written(0, 0), _NONE, findings=checked)
    accounts = [outcome.account for outcome in outcomes if outcome.account is not None]
    facts: dict[str, int | float | str] = {}
    for outcome in outcomes:
        for name, value in outcome.facts.items():
            before = facts.get(name, 0)
            facts[name] = before + value if isinstance(before, int) and isinstance(value, int) else value
    rows = sum(outcome.written.rows for outcome in outcomes)
    told = _together(outcomes) or checked
    return Outcome(known, Written(outcomes[-1].written.version, rows), sum(accounts, _NONE), facts=facts, findings=told)
