"""What is done beside the query: checkpoints are left when they are large, and the lake may be away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest
from deltalake.exceptions import DeltaError

from lake import delta, live_history
from lake.contracts import table
from lake.home import Home
from lake.live_store import COUNTS, Batch, Rules, apply_batch
from lake.settings import load_settings
from spark_jobs import live_keeper
from spark_jobs.engine import free_port
from spark_jobs.live_keeper import Keeper
from spark_jobs.live_source import Source

if TYPE_CHECKING:
    from tests.conftest import Server

AT = datetime(2026, 11, 25, 14, tzinfo=UTC)


@pytest.fixture
def owner(postgres: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        yield connection
        names = ("streams", "state", "seconds", "visits", "totals", "marks", "batches", "refused", "outbox")
        connection.execute(f"TRUNCATE {', '.join(f'live.{name}' for name in names)}")


@pytest.fixture
def keeper(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    settings = load_settings(home=tmp_path / "home", world="real")
    home = Home.open(settings)
    source = Source("files", home.landing / "stream")
    source.unread.mkdir(parents=True)
    # Whatever is due is done at every look.
    monkeypatch.setattr(live_keeper, "_TIDY_SECONDS", 0.0)
    monkeypatch.setattr(live_keeper, "FLUSH_SECONDS", 0.0)
    return Keeper(home, settings, source, postgres.owner_dsn)


def count_files(owner: psycopg.Connection, keeper: Keeper, files: int) -> None:
    """Files as the query leaves them: each in a batch of its own, the last of which it may yet repeat."""
    for number in range(files):
        name = f"s.{number:012d}-{number + 1:012d}.jsonl"
        (keeper.source.unread / name).touch()
        apply_batch(owner, Batch(keeper.query, number, one_row("s", name, number)), Rules())


def one_row(stream: str, partition: str = "p", seq: int = 0) -> pl.DataFrame:
    """A visit to a company in a second."""
    row = (partition, stream, datetime(2017, 1, 1), 5, 1, 0, AT, AT, seq)
    return pl.DataFrame([row], COUNTS, orient="row")


def test_a_checkpoint_that_is_large_is_left_for_a_new_one_though_its_log_does_not_say_so(
    owner: psycopg.Connection, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_keeper, "FILES_A_CHECKPOINT", 15)
    first, _ = keeper.checkpoint()
    keeper.query = "q"
    count_files(owner, keeper, 15)
    keeper.look()
    assert not keeper.checkpoint_is_large()
    assert keeper.checkpoint()[0] == first
    apply_batch(owner, Batch("q", 15, COUNTS.to_frame()), Rules())
    keeper.look()
    assert len(list(keeper.source.read.rglob("*.jsonl"))) == 15
    assert keeper.checkpoint_is_large()
    second, _ = keeper.checkpoint()
    assert second != first
    assert not keeper.checkpoint_is_large()
    assert keeper.checkpoint()[0] == second


@pytest.mark.parametrize("error", [OSError("Generic S3 error: 503"), DeltaError("no log")])
def test_while_the_lake_is_away_counting_goes_on_and_the_outbox_keeps_the_history(
    error: Exception,
    owner: psycopg.Connection,
    keeper: Keeper,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def away(*_: object) -> None:
        raise error

    keeper.query = "q"
    count_files(owner, keeper, 2)
    with monkeypatch.context() as patch:
        patch.setattr(live_history.delta, "append", away)
        keeper.look()
        keeper.flush()
    assert capsys.readouterr().err.count(str(error)) == 2
    assert owner.execute("SELECT count(*) FROM live.outbox").fetchall() == [(2,)]
    # What else is done beside the query is done.
    assert len(list(keeper.source.read.rglob("*.jsonl"))) == 1
    keeper.look()
    assert owner.execute("SELECT count(*) FROM live.outbox").fetchall() == [(0,)]
    keeper.flush()


def test_a_connection_lost_before_the_end_costs_no_history(owner: psycopg.Connection, keeper: Keeper) -> None:
    keeper.query = "q"
    count_files(owner, keeper, 1)
    keeper.look()
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tidemark stream keeper'"
    assert owner.execute(count).fetchone() == (1,)
    apply_batch(owner, Batch("q", 1, one_row("t")), Rules())
    owner.execute(count.replace("count(*)", "pg_terminate_backend(pid)"))
    keeper.flush()
    assert owner.execute("SELECT count(*) FROM live.outbox").fetchone() == (0,)
    assert delta.read(keeper.home, table("gold.visits_live"))["stream"].unique().sort().to_list() == ["s", "t"]


def test_a_file_that_a_new_checkpoint_s_query_reads_again_is_counted_once(
    owner: psycopg.Connection, keeper: Keeper
) -> None:
    keeper.query = "old"
    count_files(owner, keeper, 3)
    (name,) = (keeper.source.unread / f"s.{2:012d}-{3:012d}.jsonl",)
    # The new query's first batch has read what is there and is not added yet.
    keeper.query = "new"
    keeper.look()
    applied = apply_batch(owner, Batch("new", 0, one_row("s", name.name, 2)), Rules())
    assert (applied.rows, applied.repeats) == (0, 1)
    assert owner.execute("SELECT rows FROM live.state").fetchone() == (3,)
    assert name.exists()
    apply_batch(owner, Batch("new", 1, COUNTS.to_frame()), Rules())
    keeper.look()
    assert not name.exists()


def test_an_end_while_postgresql_is_away_is_an_end(
    owner: psycopg.Connection, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.query = "q"
    count_files(owner, keeper, 1)
    monkeypatch.setattr(live_keeper, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(keeper, "_dsn", f"postgresql://tidemark@127.0.0.1:{free_port()}/tidemark")
    keeper.flush()
    assert capsys.readouterr().err.count("PostgreSQL is away") == 2
    assert owner.execute("SELECT count(*) FROM live.outbox").fetchone() == (1,)
