"""The batch of a real day on a Spark cluster, by one setting: its gold is that of the embedded engine, row for row."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.doctor_cluster import check_cluster
from orchestration.resources import SparkResource
from orchestration.steps import attention
from orchestration.steps.files import RawFile, keep
from orchestration.work import Work
from spark_jobs.edgar_gold import GOLD
from spark_jobs.edgar_requests import REQUESTS
from tests.kafka.conftest import DAY, LOG, new_home
from tests.live_stream import Live
from tests.spark_jobs.test_edgar_job import facts


def test_gold_of_a_cluster_is_the_embedded_engine_s(
    live: Live, cluster: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_SPARK_REMOTE", cluster)
    home, settings = new_home(tmp_path / "there")
    (finding,) = check_cluster(settings)
    assert finding.ok, finding
    work = Work(home, settings, "run", DAY, DAY)
    keep(work, [RawFile(shared / LOG, "edgar_log_v1", "file:log", DAY)])
    with SparkResource().session(work) as spark:
        assert str(spark.conf.get("spark.master")).startswith("spark://127.0.0.1:")
        list(attention.settle_logs(work, spark))
    for known in (*GOLD, REQUESTS):
        there = facts(home, known.id)
        assert there.height, known.id
        assert there.equals(facts(live.home, known.id)), known.id
