"""Settings, clock and home: what is wrong is named, what was chosen is kept."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import table
from lake.home import Home, HomeError, is_free
from lake.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("TIDEMARK_UNIVERSE_PER_SECTOR", "many", "valid integer"),
        ("TIDEMARK_UNIVERSE_PER_SECTOR", "0", "greater than or equal to 1"),
        ("TIDEMARK_WORLD", "imaginary", "'simulated' or 'real'"),
        ("TIDEMARK_NOW", "yesterday", "2026-11-20T15:00:00Z"),
        ("TIDEMARK_NOW", "2026-11-20T15:00:00", "with a zone"),
        ("TIDEMARK_SPARK_REMOTE", "http://spark", "sc://host"),
        ("TIDEMARK_TAGS", " , ", "at least one tag"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert name in str(error.value)
    assert value.strip() in str(error.value)
    assert allowed in str(error.value)


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_X_BEARER_TOKEN", "hunter2")
    assert "hunter2" not in repr(load_settings())


def test_tags_are_read_without_their_sign() -> None:
    assert load_settings(tags="#Nifty50, sensex").tags == ("nifty50", "sensex")


def test_a_frozen_clock_stands_still() -> None:
    clock = Clock.from_settings(load_settings(now="2026-11-20T10:00:00-05:00!"))
    assert clock.now() == clock.now() == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_another_process_gets_the_very_clock() -> None:
    clock = Clock(datetime(2026, 11, 20, 15, tzinfo=UTC), anchor=time.time() - 3600)
    other = Clock.from_settings(load_settings(now=clock.setting()))
    assert abs((other.now() - clock.now()).total_seconds()) < 1
    assert other.now() >= datetime(2026, 11, 20, 16, tzinfo=UTC)


def test_one_home_one_world(tmp_path: Path) -> None:
    made = Home.open(load_settings(home=tmp_path / "h"))
    assert made.simulated
    assert Home.open(load_settings(home=tmp_path / "h"), make_world="real").world == "simulated"
    with pytest.raises(HomeError, match="is simulated, and TIDEMARK_WORLD=real"):
        Home.open(load_settings(home=tmp_path / "h", world="real"))


def test_a_home_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="tidemark up"):
        Home.open(load_settings(home=tmp_path / "none"), create=False)


def test_ports_are_free_distinct_and_kept(tmp_path: Path) -> None:
    home = Home.open(load_settings(home=tmp_path / "h"))
    names = ("chat", "dagster", "postgres")
    ports = [home.port(name) for name in names]
    assert len(set(ports)) == 3
    assert ports == [Home.open(load_settings(home=tmp_path / "h")).port(name) for name in names]


def test_a_taken_port_is_not_chosen(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert not is_free(other.getsockname()[1])
        home = Home.open(load_settings(home=tmp_path / "h"))
        assert home.move_port("chat") != other.getsockname()[1]


def test_secrets_are_kept_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    home = Home.open(load_settings(home=tmp_path / "h"))
    assert home.secret("a") == home.secret("a") != home.secret("b")
    assert (home.root / "secrets.json").stat().st_mode & 0o077 == 0


def test_raw_files_outlive_the_vacuum_of_their_table_in_homes_of_any_version(tmp_path: Path) -> None:
    files, old = table("bronze.files"), time.time() - 30 * 86_400
    home = Home.open(load_settings(home=tmp_path / "home", lake=None))
    delta.ensure(home, files)
    before = home.root / "lake" / "bronze" / "files" / "edgar_log_v1"
    before.mkdir()
    (before / "abc.zip").write_bytes(b"kept by the first version")
    brought = tmp_path / "brought.zip"
    brought.write_bytes(b"kept since")
    home.lake.keep(brought, "edgar_log_v1/def.zip")
    for _ in range(2):
        home.lake.claim(home.world)
    for path in (home.root / "lake").rglob("*.zip"):
        os.utime(path, (old, old))
    home.lake.table(files).open().vacuum(retention_hours=168, dry_run=False, full=True)
    for name, content in (("abc", b"kept by the first version"), ("def", b"kept since")):
        with home.lake.local(f"edgar_log_v1/{name}.zip") as path:
            assert path.read_bytes() == content
    assert delta.exists(home, files)


def test_hot_days_are_by_table() -> None:
    settings = load_settings(hot_days="quotes=400, visits_second=31")
    assert settings.hot_days == {"quotes": 400, "visits_second": 31}
    assert settings.hot_days_of(table("gold.visits_second")) == 31
    assert settings.hot_days_of(table("gold.bars_minute")) == table("gold.bars_minute").hot_days


@pytest.mark.parametrize("value", ["quotes", "quotes=0", "quotes=x", "nothing=3", "companies=3"])
def test_hot_days_that_make_no_sense_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"TIDEMARK_HOT_DAYS.*such as quotes"):
        load_settings(hot_days=value)
