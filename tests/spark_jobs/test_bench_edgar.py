"""The EDGAR benchmark: its contenders make the same rows, and a figure of one that does not is not told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from benchmarks import edgar, edgar_equal, edgar_log
from benchmarks.edgar_work import CONTENDERS


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """So few rows, and damage often enough that each kind of it comes twice."""
    rows = 28_000
    monkeypatch.setattr(edgar_log, "PLANTED_EVERY", rows // (2 * len(edgar_log.DAMAGE)))
    monkeypatch.setenv("TIDEMARK_BENCH_EDGAR_ROWS", str(rows))
    monkeypatch.setenv("TIDEMARK_BENCH_EDGAR_CONTENDERS", "sail,duckdb,polars")
    return rows


def test_contenders_are_compared_when_they_made_the_same(small: int, tmp_path: Path) -> None:
    told = edgar.measure(tmp_path / "bench")
    runs = told["rows"][str(small)]
    assert list(runs) == ["sail", "duckdb", "polars"]
    planted = 2 * len(edgar_log.DAMAGE) + 1
    for run in runs.values():
        assert run["account"] == {
            "rows_in": small + planted,
            "rows_out": small,
            "duplicates": 0,
            "quarantined": planted,
        }
        assert run["peak_gb"] > 0
    assert runs["duckdb"]["ratio"] == 1
    assert runs["sail"]["phases"].keys() == {"clean", "silver", "account", "gold", "commit"}
    assert set(CONTENDERS) == {*runs, "spark"}


def test_other_rows_are_told_apart(tmp_path: Path) -> None:
    plain = pl.DataFrame({"minute_of_day": [1, 2], "visitors": [3, 4], "visitors_human": [0, 1]})
    columns = {"visitors_minute": edgar_equal.COLUMNS["visitors_minute"]}
    seen = []
    for number, change in enumerate((0, 0, 1)):
        changed = plain.with_columns(pl.col("visitors") + pl.Series([0, change]))
        folder = tmp_path / str(number)
        folder.mkdir()
        (changed if number else changed.reverse()).write_parquet(folder / "visitors_minute.parquet")
        seen.append(edgar_equal.numbers(folder, columns))
    assert seen[0] == seen[1] != seen[2]
