"""What every floor's tests share: the material's folder, a fresh home, and the closing line on skips."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TIDEMARK_SHARED", ROOT.parent / "shared")).resolve()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and questions; a test that needs it skips where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no material at {SHARED}: set TIDEMARK_SHARED")
    return SHARED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One closing line says how many tests skipped for want of the material."""
    skipped = terminalreporter.stats.get("skipped", [])
    absent = sum("TIDEMARK_SHARED" in str(report.longrepr) for report in skipped)
    terminalreporter.write_line(f"skipped: {len(skipped)} in all, {absent} because the shared material is absent")
