"""The chat over HTTP: questions, SQL, the overview, CSV and health. Loopback and same origin only."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from chat_api.data_health import DataHealth
from chat_api.execute import DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.guard import Refused
from chat_api.overview import Overview
from chat_api.reply import Answer, Health, Table
from chat_api.service import Service

MAX_BODY = 64 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Question(_Closed):
    """A question, and the conversation that it goes on with."""

    question: str
    conversation_id: Annotated[str, StringConstraints(max_length=64)] | None = None


class Query(_Closed):
    """A SELECT over the marts."""

    sql: str


class Doorkeeper:
    """Lets in who asks by a name of this host, from a page of this host, with a body of bounded size.

    Another site's page can send a browser here, by a form or by a name that it points to loopback; it can choose
    neither the Host nor the Origin header that the browser sends along. Websockets are covered too.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the security headers added to the response."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await _problem(refusal[0], refusal[1])(scope, receive, send)
            return

        async def with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                raw = message.setdefault("headers", [])
                assert isinstance(raw, list)
                raw += [
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                ]
            await send(message)

        await self._app(scope, receive, with_headers)  # type: ignore[arg-type]  # starlette: a message is a mutable mapping

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return 421, "This address is served to this machine only: use http://127.0.0.1."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Requests from other sites' pages are not taken."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY or "chunked" in headers.get("transfer-encoding", ""):
            return 413, f"A request is at most {MAX_BODY:,} bytes, its length given."
        return None


def _name(host: str) -> str:
    """The host without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _problem(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status_code=status)


def build_api(service: Service, hosts: frozenset[str] = LOOPBACK, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The API over a service; pages are mounted on it by `chat_api.pages`.

    Args:
        hosts: names that this host is asked by, without port.
        lifespan: what to open and close with the application.
    """
    app = FastAPI(
        title="Tidemark",
        summary="Questions over the marts",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.add_middleware(Doorkeeper, hosts=hosts)
    _add_routes(app, service)
    _add_errors(app)
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    @app.post("/ask")
    def ask(body: Question) -> Answer:
        """Answer a question in plain language. Clarifications and refusals are answers too: see `kind`."""
        return service.ask(body.question, body.conversation_id)

    @app.post("/sql")
    def sql(body: Query) -> Table:
        """Run one SELECT over the marts, through the same guard and role as the chat."""
        return service.sql(body.sql)

    @app.get("/healthz")
    def healthz(response: Response) -> Health:
        """200 once PostgreSQL answers, 503 with what to do until then."""
        health = service.health()
        response.status_code = 200 if health.status == "ok" else 503
        return health

    @app.get("/api/overview")
    def market() -> Overview:
        """The market at a glance."""
        return service.overview()

    @app.get("/api/data-health")
    def state_of_the_data() -> DataHealth:
        """Ticks, gaps, freshness by table, and what was refused by which rule."""
        return service.data_health()

    @app.get("/api/answers/{answer_id}.csv")
    def download(answer_id: str) -> Response:
        """The rows of an answer as CSV, safe to open in a spreadsheet."""
        text = service.csv(answer_id)
        if text is None:
            return _problem(404, "This answer is no longer kept: ask again.")
        name = f"tidemark{'-simulated' if service.simulated else ''}.csv"
        return Response(
            text,
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )


def _add_errors(app: FastAPI) -> None:
    for kind, status in ((DatabaseDown, 503), (NotLoaded, 503), (TooSlow, 408), (QueryFailed, 400), (Refused, 400)):

        def answer(_request: Request, error: Exception, status: int = status) -> Response:
            return _problem(status, str(error))

        app.add_exception_handler(kind, answer)

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, _error: Exception) -> Response:
        # Only the reply: the server goes on to log the error itself.
        return _problem(500, "This went wrong here: `tidemark logs chat` says why.")

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _problem(422, f"{where or 'body'}: {first['msg']}")
