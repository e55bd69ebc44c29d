"""EDGAR's logs with the lake in S3: kept, copied to be read, and the engine's files brought to their tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake import delta
from lake.home import Home
from lake.settings import load_settings
from orchestration.steps import attention
from orchestration.steps.files import RawFile, keep
from orchestration.work import Work
from spark_jobs.edgar_days import DaysFailed
from spark_jobs.edgar_gold import VISITS
from spark_jobs.edgar_requests import REQUESTS
from tests.s3_server import Bucket
from tests.spark_jobs.test_edgar_job import damaged_logs, facts


def test_the_logs_of_a_lake_in_s3_are_those_of_a_folder(
    sail: SparkSession, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "COPIED_BYTES", 1)
    logs = damaged_logs(tmp_path / "logs")
    cut_short = tmp_path / "log20170313.zip"
    cut_short.write_bytes(b"PK\x03\x04 and no more")
    brought = [
        *(RawFile(day.raw_path, f"edgar_log_v{n}", "file:x", day.log_date) for n, day in enumerate(logs, start=1)),
        RawFile(cut_short, "edgar_log_v1", "file:x", date(2017, 3, 13)),
    ]

    def load(lake: str | None) -> Home:
        monkeypatch.setenv("TIDEMARK_LAKE", lake or "")
        settings = load_settings(home=tmp_path / ("there" if lake else "here"), world="real")
        home = Home.open(settings)
        work = Work(home, settings, "run", date(2017, 1, 1), date(2020, 12, 31))
        keep(work, brought)
        for _ in range(2):
            with pytest.raises(DaysFailed, match=r"2017-03-13: .*a zip without its directory") as failed:
                list(attention.settle_logs(work, sail))
            assert [report.log_date for report in failed.value.reports] == [day.log_date for day in logs]
        return home

    here, there = load(None), load(f"s3://{bucket.name}/lake")
    for known in (REQUESTS, VISITS):
        assert facts(here, known.id).height
        assert facts(there, known.id).equals(facts(here, known.id)), known.id
    assert delta.read_quarantine(there, REQUESTS).height == delta.read_quarantine(here, REQUESTS).height > 0
    assert len(bucket.objects("lake/bronze/raw_files/")) == len(brought)
    left = [path for folder in ("landing", "run") for path in (there.root / folder).rglob("*") if path.is_file()]
    assert left == []
    assert not (there.root / "lake").exists()
