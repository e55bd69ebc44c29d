"""Guarded SQL, run: as the read-only role, in a read-only transaction, for a bounded time and number of rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolTimeout

from chat_api.guard import GuardedSql

Row = tuple[Any, ...]


class DatabaseDown(RuntimeError):
    """PostgreSQL does not answer; the text says what to do."""


class NotLoaded(RuntimeError):
    """The marts are not there yet; the text says how to load."""


class TooSlow(RuntimeError):
    """The query was ended because it ran too long."""


class QueryFailed(RuntimeError):
    """PostgreSQL could not run the query; the text is its own first line."""


@dataclass(frozen=True)
class Result:
    """What a query gave.

    Attributes:
        columns: names as PostgreSQL gives them.
        rows: at most the guarded limit; instants carry UTC.
        truncated: whether there are more.
        seconds: how long it took, the wait for a connection included.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    truncated: bool
    seconds: float


class _Watch:
    """Cancels a connection's query when its time is over, and says whether it did."""

    def __init__(self, connection: psycopg.Connection[Row], seconds: float) -> None:
        self._connection = connection
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self.fired = False

    def _fire(self) -> None:
        self.fired = True
        self._connection.cancel_safe(timeout=5)

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.fired:
            # The request to cancel may still be under way and would hit whatever runs next: give this one up.
            self._timer.join()
            self._connection.close()


class Database:
    """A small pool of connections of the read-only role.

    Args:
        dsn: the read-only role's; it holds a password and is never logged.
        seconds: how long a query may run before the application cancels it; the server does a second later.
        size: connections at most.
        patience: how long to wait for a connection before saying that the database is down.
    """

    def __init__(self, dsn: str, *, seconds: float = 5.0, size: int = 4, patience: float = 3.0) -> None:
        self.seconds = seconds
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            open=False,
            timeout=patience,
            reconnect_timeout=10,
            check=ConnectionPool.check_connection,
            configure=_configure,
            name="chat",
            kwargs={
                "application_name": "tidemark chat",
                "connect_timeout": 3,
                # Marts are swapped underneath: a prepared statement would remember the old ones.
                "prepare_threshold": None,
                "options": f"-c statement_timeout={int((seconds + 1) * 1000)} -c timezone=UTC",
            },
        )

    def open(self) -> None:
        """Begin to connect, without waiting."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """End all connections."""
        self._pool.close(timeout=5)

    def run(self, guarded: GuardedSql) -> Result:
        """Run a guarded query.

        Raises:
            DatabaseDown, NotLoaded, TooSlow, QueryFailed: with a sentence for the person who asked.
        """
        started = time.perf_counter()
        columns, rows = self._run(guarded.sql, guarded.limit + 1)
        return Result(columns, tuple(rows[: guarded.limit]), len(rows) > guarded.limit, time.perf_counter() - started)

    def fetch(self, query: str) -> Sequence[Row]:
        """Run one of the program's own constant queries, which bounds itself. Raises as `run` does."""
        return self._run(query, None)[1]

    def records(self, query: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Run a constant query with parameters; its rows by column name. Raises as `run` does."""
        columns, rows = self._run(query, None, parameters)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _run(
        self, query: str, most: int | None, parameters: Mapping[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[Row]]:
        watch = None
        try:
            with self._pool.connection() as connection, connection.cursor() as cursor:
                with _Watch(connection, self.seconds) as watch:
                    # Without parameters a percent sign in the text is a percent sign.
                    cursor.execute(query.encode(), parameters)
                    rows = cursor.fetchall() if most is None else cursor.fetchmany(most)
                return tuple(column.name for column in cursor.description or ()), rows
        except errors.QueryCanceled:
            raise TooSlow(
                f"This took longer than {self.seconds:g} s and was ended. Ask for fewer rows or days."
            ) from None
        except (errors.UndefinedTable, errors.InvalidSchemaName, errors.InsufficientPrivilege):
            raise NotLoaded(
                "Nothing is loaded yet. `make run` makes the first load; `tidemark import PATH` takes your own files."
            ) from None
        except (PoolTimeout, psycopg.InterfaceError, psycopg.OperationalError) as error:
            if watch is not None and watch.fired:
                raise TooSlow(f"This took longer than {self.seconds:g} s and was ended.") from None
            raise DatabaseDown(
                "PostgreSQL does not answer. `tidemark status` says what runs, `tidemark up` starts it, "
                "`tidemark logs postgres` shows why it ended."
            ) from error
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error).splitlines()[0]
            raise QueryFailed(f"PostgreSQL could not run this: {said}.") from None


def _configure(connection: psycopg.Connection[Row]) -> None:
    connection.read_only = True
