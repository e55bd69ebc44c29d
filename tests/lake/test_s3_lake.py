"""The lake in S3: the same tables, files and refusals as in a folder, and two writers at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from lake import delta, staged
from lake.contracts import table
from lake.contracts.quarantine import Quarantined
from lake.home import Home, HomeError
from lake.partitions import inventory, partitions
from lake.s3_connection import Connection
from lake.settings import SettingsError, load_settings
from lake.storage import LakeError
from tests import s3_server
from tests.s3_server import Bucket

VISITS, FILES = table("gold.visits_second"), table("bronze.files")
ONE, TWO = date(2017, 1, 1), date(2017, 1, 2)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(bucket: Bucket, tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home", world="real"))


def rows(day: date, ciks: list[int]) -> pl.DataFrame:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = [("v1", day, 5, cik, None, 1, None, at, "run", None) for cik in ciks]
    names = ["series", "log_date", "second_of_day", "cik", "second", "visits_all", "visits_human"]
    frame = pl.DataFrame(made, schema=[*names, "observed_at", "_run_id", "_payload_sha256"], orient="row")
    return frame.select(pl.col(name).cast(kind) for name, kind in VISITS.schema.create_empty().schema.items())


def of(day: date) -> delta.Slice:
    return delta.Slice({"series": "v1", "log_date": day})


def ciks(home: Home, day: date, at_version: int | None = None) -> list[int]:
    return sorted(delta.read(home, VISITS, of(day), at_version)["cik"].to_list())


def test_a_table_there_and_back(home: Home, bucket: Bucket) -> None:
    assert not delta.exists(home, VISITS)
    assert delta.version(home, VISITS) is None
    assert delta.read(home, VISITS).is_empty()
    delta.append(home, VISITS, rows(ONE, [1, 2]), delta.Commit("load", 1))
    assert delta.append(home, VISITS, rows(ONE, [1, 2]), delta.Commit("load", 1)).rows == 0
    delta.append(home, VISITS, rows(TWO, [7]))
    before = partitions(home, VISITS)
    written = delta.replace_slice(home, VISITS, rows(ONE, [3]), of(ONE))
    assert (ciks(home, ONE), ciks(home, TWO)) == ([3], [7])
    assert ciks(home, ONE, written.version - 1) == [1, 2]
    after = partitions(home, VISITS)
    assert [before[label] == after[label] for label in (of(ONE).label, of(TWO).label)] == [False, True]
    delta.replace_slice(home, VISITS, rows(TWO, []), of(TWO))
    assert ciks(home, TWO) == []
    assert not (home.root / "lake").exists()
    assert {key.split("/")[1] for key in bucket.objects("lake/")} == {"gold", "tidemark.json"}


def test_refused_rows_and_the_inventory(home: Home) -> None:
    assert delta.read_quarantine(home, VISITS).is_empty()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    refused = pl.DataFrame(
        [("v1", "rule", "row", at, "run", None)], schema=Quarantined.create_empty().schema, orient="row"
    ).with_columns(slice=pl.lit(of(ONE).label))
    for _ in range(2):
        delta.replace_quarantine(home, VISITS, refused, of(ONE))
    delta.append(home, VISITS, rows(ONE, [1, 2]))
    assert delta.read_quarantine(home, VISITS).height == 1
    (told,) = inventory(home, (VISITS,)).iter_rows(named=True)
    assert (told["rows"], told["quarantined_rows"]) == (2, 1)


def test_two_writers_at_once_lose_nothing(home: Home) -> None:
    """Appends of four writers, one of which also replaces a day, from before the table is there."""

    def appends(writer: int) -> None:
        own = Home.open(load_settings(home=home.root))
        for number in range(5):
            delta.append(own, VISITS, rows(ONE, [writer * 100 + number]), delta.Commit(f"writer-{writer}", number))

    def replaces() -> None:
        own = Home.open(load_settings(home=home.root))
        for number in range(5):
            delta.replace_slice(own, VISITS, rows(TWO, [number]), of(TWO))

    with ThreadPoolExecutor(4) as pool:
        for done in [*(pool.submit(appends, writer) for writer in range(3)), pool.submit(replaces)]:
            done.result()
    assert ciks(home, ONE) == sorted(writer * 100 + number for writer in range(3) for number in range(5))
    assert ciks(home, TWO) == [4]


_TWO_WRITES = """
import os, signal, sys
from lake import delta
from lake.home import Home
from lake.settings import load_settings
from tests.lake.test_s3_lake import FILES, ONE, VISITS, files, of, rows
home = Home.open(load_settings(home=sys.argv[1], lake=sys.argv[2], world="real"))
delta.append(home, FILES, files(), delta.Commit("load", 1))
if "killed" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
delta.replace_slice(home, VISITS, rows(ONE, [1, 2]), of(ONE))
"""


def files() -> pl.DataFrame:
    row = {"sha256": "a" * 64, "kind": "sec_tickers", "file_name": "x", "stored_as": "x", "bytes": 1}
    more = {"_ingested_at": datetime(2026, 1, 1, tzinfo=UTC), "_source_url": "file:x", "_run_id": "run"}
    return pl.DataFrame([row | more], schema=FILES.schema.create_empty().schema)


def test_killed_between_two_writes_and_run_again(bucket: Bucket, tmp_path: Path) -> None:
    def load(name: str, *words: str) -> int:
        command = [sys.executable, "-c", _TWO_WRITES, str(tmp_path / name), f"s3://{bucket.name}/{name}", *words]
        return subprocess.run(command, cwd=ROOT, check=False).returncode

    def home(name: str) -> Home:
        return Home.open(load_settings(home=tmp_path / name, lake=None))

    assert load("undisturbed") == 0
    for _ in range(2):
        assert load("victim", "killed") == -signal.SIGKILL
        assert (delta.count(home("victim"), FILES), delta.count(home("victim"), VISITS)) == (1, 0)
    assert load("victim") == 0
    for known in (FILES, VISITS):
        assert delta.read(home("victim"), known).equals(delta.read(home("undisturbed"), known)), known.id


def test_an_engine_s_files_are_brought_there_and_committed(home: Home, bucket: Bucket, tmp_path: Path) -> None:
    def stage(frame: pl.DataFrame) -> list[staged.StagedFile]:
        folder = staged.new_folder(home, VISITS, tmp_path / "scratch")
        inside = folder / "series=v1" / f"log_date={frame['log_date'][0]}"
        inside.mkdir(parents=True)
        pq.write_table(delta.to_arrow(VISITS, frame).drop_columns(["series", "log_date"]), inside / "part-0.parquet")
        return staged.files_of(VISITS, folder)

    day = {"series": "v1", "log_date": ONE.isoformat()}
    left = stage(rows(ONE, [9]))
    assert not [key for key in bucket.objects() if key.endswith(".parquet")]
    staged.commit(home, VISITS, stage(rows(ONE, [1, 2])), [day])
    assert ciks(home, ONE) == [1, 2]
    staged.commit(home, VISITS, stage(rows(ONE, [3])), [day])
    assert ciks(home, ONE) == [3]
    # Brought there, then killed before the commit: nobody reads it, and vacuum removes it.
    home.lake.take(VISITS, left[0].path, left[0].key)
    assert ciks(home, ONE) == [3]
    opened = home.lake.table(VISITS).open()
    opened.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
    assert len([key for key in bucket.objects() if key.endswith(".parquet")]) == 1
    assert ciks(home, ONE) == [3]


def test_raw_files_are_kept_once_and_copied_to_be_read(home: Home, bucket: Bucket, tmp_path: Path) -> None:
    brought = tmp_path / "log.zip"
    brought.write_bytes(b"raw" * 5_000_000)
    for _ in range(2):
        home.lake.keep(brought, "edgar_log_v1/abc.zip")
    assert "lake/bronze/raw_files/edgar_log_v1/abc.zip" in bucket.objects()
    (home.root / "run" / "raw-files" / "999999999-dead").mkdir(parents=True)
    with home.lake.local("edgar_log_v1/abc.zip") as path:
        assert path.suffix == ".zip"
        assert path.read_bytes() == brought.read_bytes()
    assert list((home.root / "run" / "raw-files").iterdir()) == []
    with pytest.raises(LakeError, match=r"bronze\.files names it"), home.lake.local("edgar_log_v1/none.zip"):
        pass


@pytest.mark.parametrize("wrong", ["bucket/prefix", "s3://", "s3://B", "s3://bucket/a b", "s3://bucket/../x", "gs://b"])
def test_a_wrong_address_is_named(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("TIDEMARK_LAKE", wrong)
    with pytest.raises(SettingsError, match=r"TIDEMARK_LAKE='.*s3://BUCKET/PREFIX"):
        load_settings()


def test_a_home_keeps_its_lake(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = home.lake.uri
    monkeypatch.delenv("TIDEMARK_LAKE")
    assert Home.open(load_settings(home=home.root)).lake.uri == address
    with pytest.raises(HomeError, match=r"is s3://test-.*/lake, and TIDEMARK_LAKE=s3://other was asked for"):
        Home.open(load_settings(home=home.root, lake="s3://other"))
    local = Home.open(load_settings(home=tmp_path / "local"))
    with pytest.raises(HomeError, match=r"local/lake, and TIDEMARK_LAKE"):
        Home.open(load_settings(home=local.root, lake=address))


def test_one_lake_one_world(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pytest.raises(LakeError, match="holds real data, and this home is simulated"):
        Home.open(load_settings(home=other))
    assert not other.exists()
    assert Home.open(load_settings(home=tmp_path / "beside", world="real")).lake.uri == home.lake.uri


def test_what_is_wrong_with_the_lake_is_said_with_the_setting_and_nothing_is_made(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(match: str, **settings: object) -> str:
        with pytest.raises(LakeError, match=match) as error:
            Home.open(load_settings(home=tmp_path / "home", **settings))
        assert not (tmp_path / "home").exists()
        assert s3_server.USER["AWS_SECRET_ACCESS_KEY"] not in str(error.value)
        return str(error.value)

    refused(r"TIDEMARK_LAKE=s3://no-such-one: .* has no bucket 'no-such-one'", lake="s3://no-such-one")
    # Nobody listens at the discard service's port.
    refused("check TIDEMARK_S3_ENDPOINT", s3_endpoint="http://127.0.0.1:9")
    refused("TIDEMARK_S3_ALLOW_HTTP=true where", s3_endpoint="http://192.0.2.1:9000")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    refused("name no credentials: set AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    refused("AWS_PROFILE")


def test_refused_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    refused = pytest.raises(LakeError, match=r"refuses these credentials \(403\): set AWS_ACCESS_KEY_ID")
    with s3_server.running(tmp_path / "server.log", "forbidding") as endpoint, refused:
        Home.open(load_settings(home=tmp_path / "home", s3_endpoint=endpoint))
    assert not (tmp_path / "home").exists()


def test_a_server_without_conditional_writes_is_refused(tmp_path: Path, bucket: Bucket) -> None:
    with s3_server.running(tmp_path / "server.log", "unconditional") as endpoint:
        Connection(endpoint).client.create_bucket(Bucket=bucket.name)
        with pytest.raises(LakeError, match="ignores If-None-Match"):
            Home.open(load_settings(home=tmp_path / "home", s3_endpoint=endpoint))
        assert "Contents" not in Connection(endpoint).client.list_objects_v2(Bucket=bucket.name)


def test_looking_changes_nothing_and_nothing_shows_a_secret(home: Home, bucket: Bucket) -> None:
    before = bucket.objects()
    assert home.lake.check("real") == f"{home.lake.uri} at {bucket.endpoint}, real"
    assert bucket.objects() == before
    shown = f"{home!r} {home.lake!r} {home.lake.table(VISITS)!r}"
    assert s3_server.USER["AWS_SECRET_ACCESS_KEY"] not in shown


def test_credentials_are_those_of_now(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "for-an-hour")
    found = Connection("https://s3.example.org").options()
    assert found["aws_session_token"] == "for-an-hour"
    assert (found["aws_endpoint"], found["aws_conditional_put"]) == ("https://s3.example.org", "etag")
    assert "aws_allow_http" not in found
    profiles = tmp_path / "credentials"
    profiles.write_text("[work]\naws_access_key_id = other-key\naws_secret_access_key = other-secret\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profiles))
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    amazon = Connection().options()
    assert (amazon["aws_access_key_id"], amazon["aws_region"]) == ("other-key", "eu-west-1")
    assert "aws_endpoint" not in amazon


def test_a_home_s_lake_can_be_moved_there(bucket: Bucket, tmp_path: Path) -> None:
    """As docs/s3.md says: the folder is copied as it is, then home.json names the address."""
    address = load_settings().lake
    local = Home.open(load_settings(home=tmp_path / "home", lake=None))
    delta.append(local, VISITS, rows(ONE, [1, 2]))
    kept = local.root / "lake"
    for path in sorted(path for path in kept.rglob("*") if path.is_file()):
        bucket.client.upload_file(str(path), bucket.name, f"lake/{path.relative_to(kept).as_posix()}")
    mark = local.root / "home.json"
    mark.write_text(mark.read_text().replace("{", f'{{ "lake": "{address}",', 1))
    moved = Home.open(load_settings(home=local.root))
    moved.lake.claim(moved.world)
    assert partitions(moved, VISITS) == partitions(local, VISITS)
    delta.append(moved, VISITS, rows(ONE, [3]))
    assert (ciks(moved, ONE), ciks(local, ONE)) == ([1, 2, 3], [1, 2])
