"""dbt in this process: parse to a manifest without a server, and build chosen marts into `marts_next`.

dbt keeps state for the whole process (flags, adapters, its event manager) and reads the connection from the
environment, so builds take turns, and the environment is put back after each. dbt itself is imported inside the
functions: two seconds that a command or a code server need not pay.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from psycopg.conninfo import conninfo_to_dict

PROJECT = Path(__file__).parent
TARGET = PROJECT / "target"
# The same as in profiles.yml.
DATABASE = "tidemark"
# What dbt keeps of a parse beside the manifest, and can read back.
PARSED = "partial_parse.msgpack"
_MARK = "project.sha256"
# Whose macros are in a parse, and who can read it back.
_MADE_BY = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-postgres")
_ONE_AT_A_TIME = Lock()


class DbtError(RuntimeError):
    """dbt could not do its work; the text holds what it said."""


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        models: marts and views built.
        tests: tests that ran.
        seconds: wall time.
        failures: `name: what dbt said` of each model or test that failed; what depends on it was not built.
        warnings: the same of tests that only warn.
        by_model: seconds of each model.
    """

    models: tuple[str, ...]
    tests: int
    seconds: float
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    by_model: dict[str, float]

    @property
    def success(self) -> bool:
        """Whether everything asked for was built and no test failed."""
        return not self.failures


def ensure_manifest(target_dir: Path = TARGET, database: str = DATABASE) -> Path:
    """The project's manifest, parsed anew only where a file of the project has changed since. Needs no server.

    `make setup` calls it once, so that whoever assembles definitions only reads a file. A folder that cannot be
    written to (an installed package of another user) is the caller's to avoid: give a folder of the home.

    Args:
        database: whose relations it names.

    Raises:
        DbtError: when the project cannot be parsed.
    """
    manifest, mark = target_dir / "manifest.json", target_dir / _MARK
    wanted = project_fingerprint() if database == DATABASE else f"{project_fingerprint()} {database}"
    if _is_current(manifest, mark, wanted):
        return manifest
    target_dir.mkdir(parents=True, exist_ok=True)
    with _locked(target_dir / ".lock"):
        if not _is_current(manifest, mark, wanted):
            # Of a parse that was ended half way nothing is to be taken for whole.
            mark.unlink(missing_ok=True)
            result = _invoke(["parse"], target_dir, {"TIDEMARK_DBT_DATABASE": database})
            if not result.success:
                raise DbtError(f"dbt cannot parse the project: {result.exception}")
            mark.write_text(wanted, encoding="utf-8")
    return manifest


def _is_current(manifest: Path, mark: Path, wanted: str) -> bool:
    parsed = manifest.with_name(PARSED)
    return manifest.exists() and parsed.exists() and mark.exists() and mark.read_text(encoding="utf-8") == wanted


def project_fingerprint() -> str:
    """A hash of every file that dbt reads, and of which dbt it is."""
    digest = hashlib.sha256(" ".join(map(version, _MADE_BY)).encode())
    folders = [PROJECT / name for name in ("models", "macros", "tests")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".sql", ".yml"}]
    for path in sorted([*files, PROJECT / "dbt_project.yml", PROJECT / "profiles.yml"]):
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def models_for(sources: Iterable[str], manifest: Path | None = None) -> list[str]:
    """The marts that rest on any of these gold tables (`quotes` or `gold.quotes`), in name order."""
    path = manifest or ensure_manifest()
    parents, wanted = _parents(path, path.stat().st_mtime_ns), {name.removeprefix("gold.") for name in sources}
    return sorted(mart for mart, tables in parents.items() if tables & wanted)


@lru_cache(maxsize=4)
def _parents(manifest: Path, _modified: int) -> dict[str, frozenset[str]]:
    """The gold tables behind each mart."""
    nodes: dict[str, Any] = json.loads(manifest.read_bytes())["nodes"]

    def sources_of(unique_id: str) -> frozenset[str]:
        if unique_id.startswith("source."):
            return frozenset({unique_id.rsplit(".", 1)[1]})
        return frozenset().union(*(sources_of(parent) for parent in nodes[unique_id]["depends_on"]["nodes"]))

    marts = {key: node for key, node in nodes.items() if node["resource_type"] == "model" and "marts" in node["fqn"]}
    return {node["name"]: sources_of(key) for key, node in marts.items()}


def build(  # noqa: PLR0913 - what, where to, and how it is told
    select: Sequence[str],
    dsn: str,
    target_dir: Path,
    *,
    threads: int = 4,
    on_line: Callable[[str], None] | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> BuildReport:
    """Build marts into `marts_next` and test them; what they rest on is written into them.

    Args:
        select: marts by name, as `models_for` gives them; empty for all.
        dsn: the owner's libpq URL. Its password reaches dbt by the environment and is scrubbed from its logs.
        target_dir: where dbt puts its artifacts, below the home. The project is parsed there (3 s, once) where the
            database has another name than usual; else the parse of the installation is used.
        on_line: told each line that dbt would print.
        slices: mart → predicates, for marts of which only these slices are built.

    Raises:
        DbtError: when dbt itself could not run (a model or test that fails is in the report instead).
    """
    started = time.monotonic()
    target_dir.mkdir(parents=True, exist_ok=True)
    # Of a build nothing is kept but its report; the manifest is megabytes.
    words = ["build", "--no-write-json", "--threads", str(threads), "--indirect-selection", "cautious"]
    if select:
        # What a mart rests on comes along with its tests; companies are what the marts' symbols are held against.
        words += ["--select", "stg_companies", *(f"+{name}" for name in select)]
    environment = _environment(dsn) | {"TIDEMARK_DBT_SLICES": _either(slices or {})}
    database = environment["TIDEMARK_DBT_DATABASE"]
    parse = _parse_in(TARGET if database == DATABASE else target_dir, database)
    with _locked(target_dir / ".lock"):
        result = _invoke(words, target_dir, environment, on_line, parse)
    if result.exception is not None and result.result is None:
        raise DbtError(f"dbt cannot build: {result.exception}")
    return _report(result.result, time.monotonic() - started)


def _report(results: Any, seconds: float) -> BuildReport:
    models, tests = [], 0
    failures, warnings, by_model = [], [], {}
    for entry in results:
        status, name = str(entry.status), str(entry.node.name)
        tests += entry.node.resource_type == "test"
        if entry.node.resource_type == "model" and status == "success":
            models.append(name)
            by_model[name] = round(float(entry.execution_time), 3)
        line = f"{name}: {' '.join(str(entry.message).split())}"
        if status in {"error", "fail", "runtime error", "partial success"}:
            failures.append(line)
        elif status == "skipped":
            failures.append(f"{name}: not built, because what it rests on failed")
        elif status == "warn":
            warnings.append(line)
    return BuildReport(tuple(models), tests, round(seconds, 3), tuple(failures), tuple(warnings), by_model)


def _either(slices: Mapping[str, Sequence[str]]) -> str:
    return json.dumps({mart: " OR ".join(f"({one})" for one in predicates) for mart, predicates in slices.items()})


def _environment(dsn: str) -> dict[str, str]:
    parts = conninfo_to_dict(dsn)
    return {
        "TIDEMARK_DBT_HOST": str(parts.get("host", "127.0.0.1")),
        "TIDEMARK_DBT_PORT": str(parts.get("port", 5432)),
        "TIDEMARK_DBT_USER": str(parts.get("user", "")),
        "TIDEMARK_DBT_DATABASE": str(parts.get("dbname", "")),
        "DBT_ENV_SECRET_TIDEMARK_PASSWORD": str(parts.get("password", "")),
        # A year of bars or a month of seconds is sorted in memory; with PostgreSQL's 4 MB it would go to disk.
        "PGOPTIONS": "-c work_mem=64MB",
    }


def _invoke(
    words: list[str],
    target_dir: Path,
    environment: dict[str, str],
    on_line: Callable[[str], None] | None = None,
    parse: Any = None,
) -> Any:
    """Run one dbt command to its end; its `dbtRunnerResult`.

    Args:
        parse: the project, which dbt would else parse: what it keeps itself is good for the same host and port alone.
    """
    from dbt.cli.main import dbtRunner

    def told(event: Any) -> None:
        if on_line is not None and event.info.level in {"info", "warn", "error"} and event.info.msg:
            on_line(event.info.msg)

    # The command's own flags come before it, so that nothing of the user's dbt settings decides.
    flags = ["--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors", "--log-level", "none"]
    paths = ["--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", target_dir, "--log-path", target_dir]
    with _ONE_AT_A_TIME, _environ(environment):
        return dbtRunner(manifest=parse, callbacks=[told]).invoke([*flags, *words, *map(str, paths)])


def _parse_in(folder: Path, database: str) -> Any:
    """The project's parse; a build writes into it, so each reads its own (30 ms). One that is damaged is made anew."""
    ensure_manifest(folder, database)
    try:
        return _read_parse(folder)
    except (ValueError, LookupError):
        with _locked(folder / ".lock"):
            (folder / _MARK).unlink(missing_ok=True)
    ensure_manifest(folder, database)
    try:
        return _read_parse(folder)
    except (ValueError, LookupError) as error:
        raise DbtError(f"dbt's parse of the project cannot be read back ({folder / PARSED}): {error}") from error


def _read_parse(folder: Path) -> Any:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    # Not while it is written.
    with _locked(folder / ".lock"):
        packed = (folder / PARSED).read_bytes()
    return Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)


@contextmanager
def _environ(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two processes that use one target folder take turns."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        flock(fd, LOCK_EX)
        yield
    finally:
        os.close(fd)
