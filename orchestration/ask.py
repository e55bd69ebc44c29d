"""Questions and SQL from the command: to the running chat, else in this process where PostgreSQL answers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestration import running
from orchestration.services import reach

if TYPE_CHECKING:
    from chat_api.service import Service
    from lake.home import Home
    from lake.settings import Settings

NOT_RUNNING = "PostgreSQL does not run: `tidemark up` starts everything"


class AskError(RuntimeError):
    """There is nobody to ask, or the chat broke; the text says what to do."""


class NotRun(RuntimeError):
    """What was asked is refused or cannot be answered; the text says why."""


def ask(home: Home, settings: Settings, question: str) -> dict[str, Any]:
    """The answer of the running chat, else one made here: the fields of `chat_api.reply.Answer`.

    Raises:
        AskError: when neither the chat nor PostgreSQL runs.
    """
    try:
        return _post(home, settings, "/ask", {"question": question})
    except ConnectionError:
        with service_here(home, settings) as service:
            return service.ask(question).model_dump(mode="json")


def sql(home: Home, settings: Settings, statement: str) -> dict[str, Any]:
    """The rows of a query: the fields of `chat_api.reply.Table`.

    Raises:
        NotRun: when the guard refuses it, or PostgreSQL does.
        AskError: when neither the chat nor PostgreSQL runs.
    """
    try:
        return _post(home, settings, "/sql", {"sql": statement})
    except ConnectionError:
        from chat_api.execute import NotLoaded, QueryFailed, TooSlow
        from chat_api.guard import Refused

        with service_here(home, settings) as service:
            try:
                return service.sql(statement).model_dump(mode="json")
            except (Refused, NotLoaded, QueryFailed, TooSlow) as error:
                raise NotRun(str(error)) from None


def _post(home: Home, settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the running chat.

    Raises:
        ConnectionError: when none runs.
    """
    if not running.is_running(home):
        # Whoever listens at this home's port then belongs to another home.
        raise ConnectionError(f"nothing runs in {home.root}")
    connection = http.client.HTTPConnection(reach(settings), home.port("chat"), timeout=60)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        status, text = response.status, response.read()
    except (http.client.HTTPException, TimeoutError) as error:
        raise AskError(f"the chat broke off: {error}; see `tidemark logs chat`") from error
    finally:
        connection.close()
    try:
        reply: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        raise AskError(f"the chat failed with status {status}; see `tidemark logs chat`") from None
    if status >= 400:
        raise NotRun(str(reply.get("error", reply)))
    return reply


@contextmanager
def service_here(home: Home, settings: Settings) -> Iterator[Service]:
    """The chat's service in this process, for where no chat runs or many questions are asked.

    Raises:
        AskError: when PostgreSQL does not answer.
    """
    import psycopg

    from chat_api.app import build_service
    from chat_api.execute import DatabaseDown
    from lake.postgres import reader_dsn

    try:
        psycopg.connect(reader_dsn(home, settings), connect_timeout=5).close()
    except psycopg.OperationalError:
        raise AskError(NOT_RUNNING) from None
    service = build_service(settings, home)
    service.open()
    try:
        yield service
    except DatabaseDown as error:
        raise AskError(str(error)) from error
    finally:
        service.close()
