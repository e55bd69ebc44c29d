"""Parquet files that an engine wrote, committed as a table's partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import delta, staged
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings

VISITS = table("gold.visits_second")
ONE, TWO = date(2017, 1, 1), date(2017, 1, 2)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home", world="real"))


def rows(day: date, ciks: Sequence[int], series: str = "v1") -> pl.DataFrame:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = [(series, day, 5, cik, None, 1, None, at, "run", None) for cik in ciks]
    names = ["series", "log_date", "second_of_day", "cik", "second", "visits_all", "visits_human"]
    frame = pl.DataFrame(made, schema=[*names, "observed_at", "_run_id", "_payload_sha256"], orient="row")
    return frame.select(pl.col(name).cast(kind) for name, kind in VISITS.schema.create_empty().schema.items())


def stage(home: Home, *frames: pl.DataFrame) -> list[staged.StagedFile]:
    """Files as an engine writes them: partition columns in folder names, some files empty, marks beside them."""
    folder = staged.new_folder(home, VISITS, home.landing / "scratch")
    for number, frame in enumerate(frames):
        series, day = frame.select("series", "log_date").row(0)
        inside = folder / f"series={series}" / f"log_date={day}"
        inside.mkdir(parents=True, exist_ok=True)
        data = delta.to_arrow(VISITS, frame).drop_columns(["series", "log_date"])
        pq.write_table(data, inside / f"part-{number}.parquet")
        pq.write_table(data.slice(0, 0), inside / f"empty-{number}.parquet")
        (inside / f".part-{number}.parquet.crc").write_bytes(b"x")
    (folder / "_SUCCESS").touch()
    return staged.files_of(VISITS, folder)


def partition(day: date, series: str = "v1") -> dict[str, str]:
    return {"series": series, "log_date": day.isoformat()}


def ciks(home: Home, day: date, series: str = "v1") -> list[int]:
    return sorted(delta.read(home, VISITS, delta.Slice({"series": series, "log_date": day}))["cik"].to_list())


def test_files_become_partitions_in_place_of_what_was_there(home: Home) -> None:
    files = stage(home, rows(ONE, [1, 2]), rows(ONE, [3]), rows(TWO, [4]))
    assert [f.rows for f in files] == [2, 1, 1]
    written = staged.commit(home, VISITS, files, [partition(ONE), partition(TWO)])
    assert written == (1, 4)
    again = staged.commit(home, VISITS, stage(home, rows(TWO, [5, 6])), [partition(TWO)])
    assert again == (2, 2)
    assert (ciks(home, ONE), ciks(home, TWO)) == ([1, 2, 3], [5, 6])


def test_each_series_keeps_its_own_day(home: Home) -> None:
    files = stage(home, rows(ONE, [1]), rows(ONE, [2], "v2"))
    staged.commit(home, VISITS, files, [partition(ONE), partition(ONE, "v2")])
    staged.commit(home, VISITS, stage(home, rows(ONE, [7], "v2")), [partition(ONE, "v2")])
    assert (ciks(home, ONE), ciks(home, ONE, "v2")) == ([1], [7])


def test_a_partition_without_files_ends_empty(home: Home) -> None:
    staged.commit(home, VISITS, stage(home, rows(ONE, [1]), rows(TWO, [2])), [partition(ONE), partition(TWO)])
    staged.commit(home, VISITS, [], [partition(ONE)])
    assert (ciks(home, ONE), ciks(home, TWO)) == ([], [2])


def test_what_is_not_committed_is_not_there_and_vacuum_removes_it(home: Home) -> None:
    staged.commit(home, VISITS, stage(home, rows(ONE, [1])), [partition(ONE)])
    left = stage(home, rows(ONE, [2]))
    assert ciks(home, ONE) == [1]
    table_ = home.lake.table(VISITS).open()
    removed = table_.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
    assert any(left[0].path.name in path for path in removed)
    assert not left[0].path.exists()
    assert ciks(home, ONE) == [1]


def test_the_statistics_let_readers_skip_only_what_does_not_match(home: Home) -> None:
    files = stage(home, rows(ONE, [1, 5]), rows(ONE, [7, 9]))
    staged.commit(home, VISITS, files, [partition(ONE)])
    actions = pl.DataFrame(pa.table(home.lake.table(VISITS).open().get_add_actions(flatten=True)))
    assert sorted(actions.select("num_records", "min.cik", "max.cik").rows()) == [(2, 1, 5), (2, 7, 9)]
    for cik in (1, 5, 6, 7, 9):
        found = delta.scan(home, VISITS).filter(pl.col("cik") == cik).collect()
        assert found.height == (cik != 6)


def test_a_file_outside_the_partitions_or_of_other_columns_is_refused(home: Home) -> None:
    files = stage(home, rows(ONE, [1]))
    with pytest.raises(ValueError, match="not being replaced"):
        staged.commit(home, VISITS, files, [partition(TWO)])
    folder = staged.new_folder(home, VISITS, home.landing / "scratch")
    inside = folder / "series=v1" / "log_date=2017-01-01"
    inside.mkdir(parents=True)
    pq.write_table(pa.table({"cik": ["1"], "more": [1]}), inside / "x.parquet")
    with pytest.raises(staged.SchemaMismatch, match=r"cik is string, not int64.*not in it: \['more'\]"):
        staged.files_of(VISITS, folder)
