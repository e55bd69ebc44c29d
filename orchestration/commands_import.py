"""`import`: files of one's own, with progress and what became of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lake.imports import uncollected
from orchestration.console import LoadProgress, Screen, summary_tables
from orchestration.worker import as_json as summary_as_json

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings
    from orchestration.importing import ImportReport
    from orchestration.recognising import Said


def run(where: tuple[Home, Settings], screen: Screen, paths: list[Path], said: Said, *, as_json: bool) -> int:
    """Import; exit code 1 when a file was refused or a step failed."""
    with uncollected():
        from orchestration.importing import ImportBusy, NothingToImport, import_files
        from orchestration.load import LoadFailed

    progress = LoadProgress(screen)
    try:
        report = import_files(
            *where,
            paths,
            said,
            None if as_json else lambda step: progress.on_event({"event": "step", **step._asdict()}),
        )
    except (NothingToImport, ImportBusy, LoadFailed) as error:
        screen.say(str(error))
        return 1
    finally:
        progress.close()
    if as_json:
        screen.json({**asdict(report), "summary": summary_as_json(report.summary)})
    else:
        _tell_files(screen, report)
        accounts = [(name, *account) for name, account in report.summary.accounts.items()]
        if accounts:
            screen.table(("table", "in", "out", "duplicates", "quarantined"), accounts, "What became of the rows")
        summary_tables(screen, summary_as_json(report.summary))
        screen.say("a model was trained on the bars" if report.forecast else "no forecast: it needs 250 daily bars")
    return 1 if report.refused else 0


def _tell_files(screen: Screen, report: ImportReport) -> None:
    """What each file is, what became of its rows, what is wrong with it as a whole, and which were left out."""
    heads = ("file", "shape", "basis", "in", "out", "duplicates", "quarantined", "rules")
    rows = []
    for name, file in report.files.items():
        rules = ", ".join(f"{rule} {count}" for rule, count in file.rules.items())
        account = tuple(file.account) if file.account is not None else ("", "", "", "")
        rows.append((name, file.shape or file.kind, file.basis or "", *account, rules))
    screen.table(heads, rows, "Files imported")
    for name, file in report.files.items():
        for finding in file.findings:
            screen.say(f"{name}: {finding}")
    for name, reason in report.refused.items():
        screen.say(f"refused {name}: {reason}")
    if report.superseded:
        screen.say(f"superseded in gold: {report.superseded} bars, by a higher basis or a newer import")
    for rule, count in report.disputed.items():
        screen.say(f"refused on the way to gold: {count} bars, {rule}")
