"""The command where nothing runs: help, wrong use, exit codes, ports, the lock and what is written."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from lake.clock import Clock
from lake.home import Home, HomeError
from lake.log_files import bound
from lake.postgres import PostgresError
from lake.settings import Settings, load_settings
from orchestration import commands_look, dagster_home, processes, running, services
from orchestration.cli import main
from orchestration.commands_look import megabytes
from orchestration.console import LoadProgress, Screen, answer, cell

if TYPE_CHECKING:
    from tests.conftest import Server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [n for n in os.environ if n.startswith("TIDEMARK_") and n != "TIDEMARK_SHARED"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "home"))
    return load_settings()


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home.open(settings)


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        yield


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    out = run_python(
        "import sys; from orchestration.cli import main; main(['--help'])\n"
        "print('LOADED', sorted({m.partition('.')[0] for m in sys.modules} & {'dagster', 'polars', 'pydantic', 'rich', "
        "'psycopg', 'mlflow', 'pyspark', 'deltalake', 'dataframely', 'fastapi', 'pandas'}))"
    )
    for command in ("up", "down", "status", "once", "ask", "sql", "import", "eval", "logs", "doctor", "home", "bench"):
        assert f"\n  {command} " in out
    assert out.rstrip().endswith("LOADED []")


WRONG = {
    "TIDEMARK_UNIVERSE_PER_SECTOR": ("0", "greater than or equal to 1"),
    "TIDEMARK_WORLD": ("imaginary", "'simulated' or 'real'"),
    "TIDEMARK_NOW": ("yesterday", "an instant such as"),
    "TIDEMARK_PORT_CHAT": ("eighty", "a number from 1 to 65535"),
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_ends_with_its_name_value_and_what_is_allowed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    value, allowed = WRONG[setting]
    monkeypatch.setenv(setting, value)
    assert main(["up", "--once"]) == 2
    told = capsys.readouterr().err
    assert f"{setting}={value!r}" in told
    assert allowed in told


@pytest.mark.parametrize(
    "words", [["no-such-command"], ["ask"], ["up", "--no-such-option"], ["import", "/no/such/file"]]
)
def test_wrong_use_is_code_2(settings: Settings, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize("words", [["status"], ["down"], ["ask", "why?"], ["sql", "SELECT 1"], ["logs"], ["home"]])
def test_commands_that_look_at_a_home_make_none(
    settings: Settings, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "no home at" in capsys.readouterr().err
    assert not settings.home.exists()


@pytest.mark.parametrize("words", [["ask", "Which is the largest company?"], ["sql", "SELECT 1"]])
def test_a_question_while_nothing_runs_says_what_to_start(
    home: Home, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert "`tidemark up`" in capsys.readouterr().err


def test_status_and_down_where_nothing_runs(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["running"], found["services"], found["load"]) == (False, [], None)
    assert found["home"] == str(home.root)
    assert main(["down"]) == 0
    assert "nothing was running" in capsys.readouterr().out


def test_started_twice_it_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    lock = running.take(home)
    chat = {"name": "chat", "address": "http://127.0.0.1:8123"}
    running.tell(home, {"pid": 4242, "since": "2026-11-20T15:00:00+00:00", "services": [chat]})
    try:
        assert main(["up"]) == 2
        told = capsys.readouterr().err
        assert "already runs" in told
        assert "4242" in told
        assert "http://127.0.0.1:8123" in told
    finally:
        lock.release()
    running.take(home).release()


def test_an_end_is_seen_though_nobody_has_collected_it(home: Home) -> None:
    asked = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        processes.remember(home.run, running.SUPERVISOR, asked.pid, "token")
        assert running.is_running(home)
        assert running.ask_to_end(home, 30)
        assert not running.is_running(home)
    finally:
        asked.kill()
        asked.wait()


def test_taken_ports_are_replaced_and_said(home: Home, settings: Settings) -> None:
    names = services.ports_of(home, settings)
    services.settle_ports(home, names)
    before = {name: home.port(name) for name in names}
    with taken(before["chat"]), taken(before["dagster"]):
        notes = services.settle_ports(home, names)
    after = {name: home.port(name) for name in names}
    assert {name for name in names if before[name] != after[name]} == {"chat", "dagster"}
    assert f"chat: port {before['chat']} is taken, using {after['chat']}" in notes
    assert f"dagster-webserver: port {before['dagster']} is taken, using {after['dagster']}" in notes
    later = services.settle_ports(home, names)
    assert {name: home.port(name) for name in names} == after, "a home keeps its ports"
    assert any(note.startswith("chat: this home has port") for note in later)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    port = home.port("chat")
    monkeypatch.setenv("TIDEMARK_PORT_CHAT", str(port))
    with taken(port), pytest.raises(HomeError, match=f"TIDEMARK_PORT_CHAT={port}"):
        services.settle_ports(home, ("chat",))


def built(home: Home, settings: Settings) -> dict[str, services.Service]:
    env = services.environment(home, settings, Clock.from_settings(settings))
    return {service.name: service for service in services.build(home, settings, env)}


def test_the_services_of_a_simulated_home(home: Home, settings: Settings) -> None:
    found = built(home, settings)
    assert set(found) == {
        "postgres", "sandbox", "sail", "mlflow", "chat", "dagster-code", "dagster-webserver", "dagster-daemon",
    }  # fmt: skip
    assert set(services.LOAD_NEEDS) <= set(found)
    for service in found.values():
        assert set(service.needs) <= set(found)
        assert service.env["TIDEMARK_HOME"] == str(home.root)
        assert "PYTHONDONTWRITEBYTECODE" not in service.env


def test_no_command_line_and_no_file_shows_a_secret(home: Home, settings: Settings) -> None:
    secrets = [home.secret("postgres_owner"), home.secret("postgres_reader")]
    for service in built(home, settings).values():
        assert not any(secret in word for word in service.command for secret in secrets), service.name
        assert not any(secret in (service.address or "") for secret in secrets), service.name
    path = dagster_home.write(home, 4000)
    for text in (path.read_text(), (home.dagster / "dagster.yaml").read_text()):
        assert not any(secret in text for secret in secrets)


def test_a_real_home_has_no_sandbox_and_ones_own_servers_replace_ours(tmp_path: Path, settings: Settings) -> None:
    own = settings.model_copy(
        update={
            "home": tmp_path / "real",
            "world": "real",
            "spark_remote": "sc://cluster:15002",
            "postgres_url": load_settings(postgres_url="postgresql://me:word@db:5432/tidemark").postgres_url,
        }
    )
    home = Home.open(own)
    assert set(built(home, own)) == {"mlflow", "chat", "dagster-code", "dagster-webserver", "dagster-daemon"}
    assert set(services.ports_of(home, own)) == {"mlflow", "chat", "code", "dagster"}


def test_a_server_of_ones_own_gets_what_it_needs_or_is_named(settings: Settings, postgres: Server) -> None:
    own = load_settings(home=postgres.home.root, postgres_url=postgres.owner_dsn)
    services.prepare_own_server(postgres.home, own)
    services.prepare_own_server(postgres.home, load_settings(home=postgres.home.root))
    absent = load_settings(home=settings.home, postgres_url="postgresql://me:secret-word@127.0.0.1:1/tidemark")
    with pytest.raises(PostgresError, match="TIDEMARK_POSTGRES_URL") as told:
        services.prepare_own_server(Home.open(absent), absent)
    assert "secret-word" not in str(told.value)


def test_all_services_share_one_running_clock(home: Home, settings: Settings) -> None:
    assert "TIDEMARK_NOW" not in services.environment(home, settings, Clock.from_settings(settings))
    moved = settings.model_copy(update={"now": "2026-11-20T15:00:00Z"})
    assert services.environment(home, moved, Clock.from_settings(moved))["TIDEMARK_NOW"].startswith(
        "2026-11-20T15:00:00+00:00@"
    )


def test_dagsters_settings_are_ones_that_dagster_takes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster import DagsterInstance

    dagster_home.write(home, 4000)
    settings_file = json.loads((home.dagster / "dagster.yaml").read_text())
    # The same file with storage that needs no server.
    settings_file["storage"] = {"sqlite": {"base_dir": str(home.dagster)}}
    (home.dagster / "dagster.yaml").write_text(json.dumps(settings_file))
    with DagsterInstance.from_config(str(home.dagster)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.code_server_settings["local_startup_timeout"] == 180
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 2
        assert instance.run_coordinator.inst_data is not None
        assert "dequeue_interval_seconds: 1" in instance.run_coordinator.inst_data.config_yaml


def test_runs_whose_process_was_killed_are_told_as_failed() -> None:
    import dagster as dg
    from dagster._core.events import EngineEventData

    from orchestration.orphans import settle

    @dg.op
    def nothing() -> None: ...

    @dg.job
    def job() -> None:
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance)
        killed = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        instance.report_engine_event("Started process for run", killed, EngineEventData.in_process(gone.pid))
        waiting = instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
        assert settle(instance) == [killed.run_id]
        assert instance.get_run_by_id(killed.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert instance.get_run_by_id(waiting.run_id).status is dg.DagsterRunStatus.NOT_STARTED  # type: ignore[union-attr]
        assert instance.get_run_by_id(done.run_id).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
        assert settle(instance) == []


def plain_screen() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(Console(file=out, highlight=False, soft_wrap=True)), out


def test_plain_output_has_no_markup_and_no_control_characters() -> None:
    screen, out = plain_screen()
    screen.table(("name", "rows"), [("[bold]x[/bold]", 1234567), ("\x1b[31mred", None)])
    assert "\x1b" not in out.getvalue()
    assert "[bold]x[/bold]" in out.getvalue()
    assert "1,234,567" in out.getvalue()
    assert cell(True) == "yes"


def test_progress_without_a_terminal_is_lines() -> None:
    screen, out = plain_screen()
    progress = LoadProgress(screen)
    progress.on_event({"event": "imported"})
    progress.on_event({"event": "step", "name": "quotes", "number": 2, "of": 7, "seconds": None})
    progress.on_event({"event": "step", "name": "quotes", "number": 2, "of": 7, "seconds": 1.25})
    progress.close()
    assert out.getvalue().splitlines() == ["load 2/7: quotes", "load 2/7: quotes done in 1.2 s"]


def test_an_answer_from_the_sandbox_says_so() -> None:
    screen, out = plain_screen()
    reply = {
        "simulated": True, "sentence": "Apple.", "notes": ["read as market cap"], "choices": [], "as_of": "2026-11-20",
        "columns": [{"label": "market cap", "unit": "USD"}], "rows": [[3.5e12]], "sql": "SELECT 1",
    }  # fmt: skip
    answer(screen, "Which is the largest?", reply)
    assert "Apple. (simulated)" in out.getvalue()
    assert "market cap (USD)" in out.getvalue()
    assert "SQL: SELECT 1" in out.getvalue()


def test_logs(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.logs / "chat.log").write_text("one\ntwo\nthree\n")
    assert main(["logs"]) == 0
    assert capsys.readouterr().out.split() == ["chat"]
    assert main(["logs", "chat", "-n", "2"]) == 0
    assert capsys.readouterr().out.split() == ["two", "three"]
    assert main(["logs", "nobody"]) == 2
    assert "there are: chat" in capsys.readouterr().out


def test_who_follows_a_log_goes_on_after_it_was_emptied(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = home.logs / "chat.log"
    log.write_text("one\ntwo\nthree\n")
    texts = ["four\n", ""]

    def meanwhile(_: float) -> None:
        if not (text := texts.pop(0)):
            raise KeyboardInterrupt
        bound(log, 5)
        with log.open("a") as file:
            file.write(text)

    monkeypatch.setattr(commands_look.time, "sleep", meanwhile)
    assert main(["logs", "chat", "-n", "1", "-f"]) == 130
    assert capsys.readouterr().out.split() == ["three", "four"]


def test_memory_of_a_process() -> None:
    assert (megabytes(os.getpid()) or 0) > 1
    assert megabytes(None) is None


def test_a_status_file_is_no_record_of_a_process(home: Home) -> None:
    running.tell(home, {"pid": os.getpid(), "name": "chat"})
    assert processes.records(home.run) == []
