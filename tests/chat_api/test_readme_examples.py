"""The README is true: its commands exist, its questions are answered, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from chat_api.app import build_service
from chat_api.guard import check, marts_catalog
from lake.home import DEFAULT_PORTS
from lake.settings import Settings
from tests.chat_api.conftest import SmallHome

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
COMMANDS = [shlex.split(line.split("tidemark ", 1)[1]) for line in SHELL if ".venv/bin/tidemark " in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("name", sorted({words[0] for words in COMMANDS} | set(re.findall(r"`tidemark (\w+)", README))))
def test_commands_exist(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", name, "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_make_targets_exist() -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {line.split()[1] for line in SHELL if line.startswith("make ")}
    assert targets == {target for target in targets if re.search(rf"^{target}:", rules, re.M)} != set()


def test_questions_are_answered(small_home: SmallHome) -> None:
    service = build_service(small_home.settings, small_home.home)
    service.open()
    try:
        questions = [words[1] for words in COMMANDS if words[0] == "ask"]
        kinds = {question: service.ask(question).kind for question in questions}
    finally:
        service.close()
    assert kinds == dict.fromkeys(questions, "answer")


def test_sql_passes_the_guard() -> None:
    queries = [words[1] for words in COMMANDS if words[0] == "sql"]
    assert queries
    for query in queries:
        assert check(query, marts_catalog(), 100).sql


def test_addresses_name_the_usual_ports() -> None:
    for port in re.findall(r"127\.0\.0\.1:(\d+)", README):
        assert int(port) in DEFAULT_PORTS.values()


def test_settings_exist() -> None:
    named = {name.lower() for page in PAGES for name in re.findall(r"TIDEMARK_([A-Z0-9_]+)\b", page.read_text("utf-8"))}
    elsewhere = (
        {"shared", "chromium", "soak", "soak_kills", "soak_per_sector"}
        | {"bench_sessions", "bench_repetitions", "stream_dsn"}
        | {f"port_{name}" for name in DEFAULT_PORTS}
    )
    assert {name for name in named if not name.startswith(("port_", "test_"))} - elsewhere <= set(Settings.model_fields)
