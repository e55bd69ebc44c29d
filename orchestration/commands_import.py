"""`import`: files of one's own, with progress and what became of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.console import LoadProgress, Screen, summary_tables
from orchestration.worker import as_json as summary_as_json

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings


def run(where: tuple[Home, Settings], screen: Screen, paths: list[Path], symbol: str | None, *, as_json: bool) -> int:
    """Import; exit code 1 when a file was refused or a step failed."""
    from orchestration.importing import NothingToImport, import_files
    from orchestration.load import LoadFailed

    progress = LoadProgress(screen)
    try:
        report = import_files(
            *where,
            paths,
            symbol,
            None if as_json else lambda step: progress.on_event({"event": "step", **step._asdict()}),
        )
    except (NothingToImport, LoadFailed) as error:
        screen.say(str(error))
        return 1
    finally:
        progress.close()
    if as_json:
        screen.json({**asdict(report), "summary": summary_as_json(report.summary)})
    else:
        for name, kind in report.files.items():
            screen.say(f"imported {name}: {kind}")
        for name, reason in report.refused.items():
            screen.say(f"refused {name}: {reason}")
        accounts = [(name, *account) for name, account in report.summary.accounts.items()]
        if accounts:
            screen.table(("table", "in", "out", "duplicates", "quarantined"), accounts, "What became of the rows")
        summary_tables(screen, summary_as_json(report.summary))
        screen.say("a model was trained on the bars" if report.forecast else "no forecast: it needs 250 daily bars")
    return 1 if report.refused else 0
