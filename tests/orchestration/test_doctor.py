"""The doctor's checks, each where all is well and where it is not: a failure names a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.home import Home
from lake.settings import Settings, load_settings
from lake.storage import lake_of
from orchestration import doctor
from orchestration.cli import main
from tests.s3_server import Bucket


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", postgres_url=None, now=None)


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home.open(settings)


def failed(finding: doctor.Finding) -> bool:
    """A failure always says what to do."""
    assert finding.ok or finding.remedy
    return not finding.ok


def test_python() -> None:
    assert not failed(doctor.check_python((3, 11, 7)))
    assert not failed(doctor.check_python((3, 12, 1)))
    assert failed(doctor.check_python((3, 10, 13)))
    assert failed(doctor.check_python((3, 13, 0)))


def test_disk_and_memory() -> None:
    assert not failed(doctor.check_disk(Path("/"), free=6 * doctor.GIB))
    assert failed(doctor.check_disk(Path("/"), free=4 * doctor.GIB))
    assert not failed(doctor.check_memory(4 * doctor.GIB))
    assert failed(doctor.check_memory(2 * doctor.GIB))


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    assert not failed(doctor.check_writable(tmp_path))
    assert failed(doctor.check_writable(tmp_path / "absent"))


def test_ports_that_are_taken_are_moved_unless_they_were_given(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not failed(doctor.check_ports(home, running=False, is_free=lambda port: True))
    chat = home.port("chat")
    taken = doctor.check_ports(home, running=False, is_free=lambda port: port != chat)
    assert failed(taken)
    assert taken.optional
    assert f"chat {chat}" in taken.found
    assert not failed(doctor.check_ports(home, running=True, is_free=lambda port: False)), "they are its own"
    monkeypatch.setenv("TIDEMARK_PORT_CHAT", str(chat))
    given = doctor.check_ports(home, running=False, is_free=lambda port: port != chat)
    assert failed(given)
    assert not given.optional
    assert "TIDEMARK_PORT" in given.remedy


def test_postgres_can_be_made_here_and_leaves_nothing(home: Home, settings: Settings) -> None:
    before = sorted(home.root.iterdir())
    finding = doctor.check_postgres(settings, home)
    assert finding.ok, finding
    # Ports and secrets may be chosen by asking; folders may not be left.
    assert [p for p in home.root.iterdir() if p not in before and p.is_dir()] == []


def test_postgres_that_may_not_run(home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from lake import postgres

    def refuse() -> postgres.Privilege:
        raise postgres.PostgresError("PostgreSQL does not run as root")

    monkeypatch.setattr(postgres, "privilege", refuse)
    finding = doctor.check_postgres(settings, home)
    assert failed(finding)
    assert "TIDEMARK_POSTGRES_URL" in finding.remedy


def test_a_server_of_ones_own_that_does_not_answer(home: Home, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", postgres_url="postgresql://me:secret-word@127.0.0.1:1/db")
    finding = doctor.check_postgres(settings, home)
    assert failed(finding)
    assert "secret-word" not in finding.found + finding.remedy


def test_engine_and_java() -> None:
    assert not failed(doctor.check_engine())
    assert failed(doctor.check_engine(["/no/such/sail"]))
    assert failed(doctor.check_engine(["false"])) if Path("/bin/false").exists() else True
    assert not failed(doctor.check_java())
    broken = doctor.check_java(Path("/no/such/java"))
    assert failed(broken)
    assert broken.optional


def test_sandbox() -> None:
    assert not failed(doctor.check_sandbox())
    absent = doctor.check_sandbox("scrapers.no_such_module")
    assert failed(absent)
    assert "no_such_module" in absent.found


def test_clock(settings: Settings) -> None:
    friday = settings.model_copy(update={"now": "2026-11-20T15:00:00Z!"})
    finding = doctor.check_clock(friday)
    assert finding.ok
    assert "2026-11-20 15:00 UTC by TIDEMARK_NOW; newest tick 2026-11-20 15:00" in finding.found
    assert failed(doctor.check_clock(settings.model_copy(update={"now": "2199-11-20T15:00:00Z!"})))


def test_the_lake(bucket: Bucket, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "there")
    finding = doctor.check_lake(Home.open(settings).lake, "simulated")
    assert finding == doctor.Finding("lake", True, f"s3://{bucket.name}/lake at {bucket.endpoint}, simulated")
    absent = doctor.check_lake(lake_of(tmp_path, "s3://no-such-one", settings), None)
    assert failed(absent)
    assert "TIDEMARK_LAKE=s3://no-such-one" in absent.found


def test_the_command_looks_at_a_lake_before_there_is_a_home(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("TIDEMARK_POSTGRES_URL", raising=False)
    main(["doctor", "--json"])
    (told,) = [check for check in json.loads(capsys.readouterr().out)["checks"] if check["name"] == "lake"]
    assert told["ok"]
    assert told["found"] == f"s3://{bucket.name}/lake at {bucket.endpoint}, empty so far"
    assert bucket.objects() == []
    assert list(tmp_path.iterdir()) == []


def test_browser_is_optional() -> None:
    absent = doctor.check_browser(["no-such-browser"])
    assert failed(absent)
    assert absent.optional
    assert doctor.check_browser(["sh"]).ok


def test_the_command_reports_and_makes_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("TIDEMARK_POSTGRES_URL", raising=False)
    monkeypatch.setattr(doctor, "check_memory", lambda: doctor.Finding("memory", False, "1 GiB", "close programs"))
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert [c["name"] for c in report["checks"] if not c["ok"] and not c["optional"]] == ["memory"]
    assert {"python", "ports", "disk", "memory", "postgres", "engine", "sandbox", "clock"} <= {
        c["name"] for c in report["checks"]
    }
    assert not (tmp_path / "new").exists(), "looking must not decide a home's world"
    assert list(tmp_path.iterdir()) == []
