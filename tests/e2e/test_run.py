"""The command from end to end in fresh homes: the first load, what it leaves, what it survives."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import psutil
import pytest

from lake import delta
from lake.contracts import SECTORS, of_layer, table
from lake.home import Home, is_free
from lake.market_calendar import xnys
from lake.settings import load_settings
from tests.e2e.command import EDGAR_DAYS, EDGAR_ROWS, PER_SECTOR, Command, read_until, wait_until

pytestmark = pytest.mark.e2e

COMPANIES = PER_SECTOR * len(SECTORS)


def home_of(command: Command) -> Home:
    return Home.open(load_settings(home=command.home, world=None), create=False)


def rows(command: Command, name: str) -> int:
    return delta.count(home_of(command), table(name))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, str]:
    """A home after its first load, with what the command wrote; below a folder that only its owner may enter."""
    folder = tmp_path_factory.mktemp("closed")
    folder.chmod(0o700)
    command = Command(folder / "home")
    done = command.run("up", "--once")
    assert done.returncode == 0, done.stdout
    return command, done.stdout


def test_the_first_load_fills_every_table(loaded: tuple[Command, str]) -> None:
    command, _ = loaded
    assert rows(command, "silver.universe") == rows(command, "gold.universe") == COMPANIES
    assert rows(command, "gold.companies") == COMPANIES
    assert rows(command, "gold.quotes") == rows(command, "gold.coverage") == COMPANIES
    assert rows(command, "gold.sectors") == len(SECTORS)
    home = home_of(command)
    days = delta.scan(home, table("gold.bars_daily")).select("session")
    first, last = days.min().collect().item(), days.max().collect().item()
    assert (last - first).days > 350
    assert rows(command, "gold.bars_daily") == COMPANIES * len(xnys().sessions(first, last))
    quarantined = delta.read_quarantine(home, table("silver.edgar_requests")).height
    assert rows(command, "silver.edgar_requests") + quarantined == EDGAR_DAYS * EDGAR_ROWS
    visits = delta.scan(home, table("gold.visits_second")).select(pl.col("visits_all").sum()).collect().item()
    assert 0 < visits <= rows(command, "silver.edgar_requests")
    for name in (
        "gold.posts",
        "gold.signals_hourly",
        "gold.forecasts",
        "gold.forecast_scores",
        "gold.visits_day",
        "gold.visits_total_second",
        "gold.visits_documents",
        "gold.visitors_day",
        "gold.filers",
        "gold.filings",
        "gold.news",
    ):
        assert rows(command, name) > 0, name
    assert list((command.home / "mlflow").rglob("*.png")), "the model's plot went through MLflow's server"


def test_the_summary_tells_rows_seconds_and_an_answer(loaded: tuple[Command, str]) -> None:
    command, out = loaded
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line.split()}
    for name in ("gold.quotes", "mart.quotes", "gold.bars_daily", "mart.bars_daily"):
        assert int(lines[name][1].replace(",", "")) == rows(command, name.replace("mart.", "gold."))
    assert {"companies", "quotes", "posts", "attention", "forecasts", "marts"} <= set(lines)
    assert "? What are the five largest companies by market cap?" in out
    assert "simulated" in out
    assert "http://127.0.0.1:" in out


def test_nothing_is_left_running_and_no_folder_was_opened(loaded: tuple[Command, str]) -> None:
    command, _ = loaded
    assert command.alive() == []
    ports = json.loads((command.home / "ports.json").read_text())
    assert set(ports) >= {"postgres", "sandbox", "mlflow", "dagster", "code", "chat", "spark"}
    assert all(is_free(port) for port in ports.values())
    assert [path.name for path in (command.home / "run").glob("*.json")] == ["status.json"]
    assert stat.S_IMODE(command.home.parent.stat().st_mode) == 0o700


def test_no_log_shows_a_secret(loaded: tuple[Command, str]) -> None:
    command, out = loaded
    secrets = json.loads((command.home / "secrets.json").read_text()).values()
    assert stat.S_IMODE((command.home / "secrets.json").stat().st_mode) == 0o600
    logs = {path.name: path.read_text(errors="replace") for path in (command.home / "logs").glob("*.log")}
    assert {"postgres.log", "sandbox.log", "mlflow.log", "chat.log", "load.log"} <= set(logs)
    assert [name for name, text in (logs | {"output": out}).items() if any(secret in text for secret in secrets)] == []


@pytest.fixture
def held_port(loaded: tuple[Command, str]) -> Iterator[int]:
    """The chat's port, taken by somebody else."""
    port = int(json.loads((loaded[0].home / "ports.json").read_text())["chat"])
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        yield port


def test_a_loaded_home_answers_again_beside_a_taken_port_and_ends_when_told(
    loaded: tuple[Command, str], held_port: int
) -> None:
    command, _ = loaded
    process = command.start("up")
    try:
        out = read_until(process, "Ctrl-C")
        moved = json.loads((command.home / "ports.json").read_text())["chat"]
        assert f"chat: port {held_port} is taken, using {moved}" in out
        assert f"http://127.0.0.1:{moved}" in out
        assert "load 1/" not in out, "what is loaded is served at once"

        again = command.run("up")
        assert again.returncode == 2
        assert f"already runs in {command.home}" in again.stdout
        assert str(process.pid) in again.stdout
        assert f"http://127.0.0.1:{moved}" in again.stdout

        status = json.loads(command.run("status", "--json").stdout)
        assert status["running"]
        assert {service["state"] for service in status["services"]} == {"ready"}
        assert 0 < status["memory_mb"] < 3_000

        reply = json.loads(command.run("ask", "--json", "What are the three largest companies by market cap?").stdout)
        assert (reply["kind"], len(reply["rows"]), reply["simulated"]) == ("answer", 3, True)
        mlflow = next(service["address"] for service in status["services"] if service["name"] == "mlflow")
        search = f"{mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
        assert httpx.get(search).status_code == 200
        assert httpx.get(search, headers={"Host": "evil.example"}).status_code == 403, "a name that points to loopback"
        counted = json.loads(command.run("sql", "--json", "SELECT count(*) AS n FROM marts.quotes").stdout)
        assert counted["rows"] == [[COMPANIES]]
        assert command.run("sql", "DELETE FROM marts.quotes").returncode == 1

        assert command.run("down").returncode == 0
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        wait_until(lambda: command.alive() == [], "everything ended")


# Between bronze and silver, silver and gold, gold and marts, and after the marts' swap; all but the last early in
# the load, so that a later run finds half of it done.
KILLS = ("bronze.yahoo_quotes", "silver.quotes", "gold.quotes", "marts")


# Lists come by imports alone, nobody plays a stream, two days make no company's bands, and today's logs tell no visitors.
WITHOUT_ROWS = {"bars_minute", "listings", "visits_live", "visits_bands_cik", "visitors_minute"}


def test_killed_between_the_layers_the_rerun_ends_with_equal_gold(loaded: tuple[Command, str], tmp_path: Path) -> None:
    command = Command(tmp_path / "home")
    for point in KILLS:
        process = command.start("up", "--once", extra={"TIDEMARK_TEST_KILL_AFTER": point})
        out, _ = process.communicate(timeout=600)
        assert process.returncode == -9, f"not killed after {point}:\n{out}"
        assert not (command.home / "last_load.json").exists()
    done = command.run("up", "--once")
    assert done.returncode == 0, done.stdout
    assert command.alive() == []
    reference, survivor = home_of(loaded[0]), home_of(command)
    for known in of_layer("gold"):
        if known.name == "loads":
            # The inventory counts bronze too, which keeps what a killed run had received.
            continue
        columns = [name for name in known.columns if name not in known.provenance]
        expected, got = (delta.read(home, known).select(columns).sort(known.key) for home in (reference, survivor))
        assert got.equals(expected), known.id

        assert got.height == expected.height > 0 or known.name in WITHOUT_ROWS, known.id


def test_killed_while_the_services_start_the_next_start_clears_up(tmp_path: Path) -> None:
    command = Command(tmp_path / "home")
    process = command.start("up", "--once")
    wait_until((command.home / "run" / "postgres.json").exists, "PostgreSQL's start")
    group = [p for p in command.alive() if p.pid != os.getpid()]
    assert group
    for member in group:
        # Some of PostgreSQL's live for a moment alone.
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    assert process.wait(30) == -9
    wait_until(lambda: command.alive() == [], "the end of those that PostgreSQL leaves for a moment")
    again = command.start("up")
    try:
        read_until(again, "load 1/")
        again.terminate()
        assert again.wait(90) == 130
    finally:
        again.kill()
        again.wait()
    wait_until(lambda: command.alive() == [], "everything ended")
