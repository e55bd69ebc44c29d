"""The sandbox's Yahoo: cookie, crumb, screener, quotes, summaries and charts, with the errors as recorded."""

from __future__ import annotations

from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scrapers.sandbox.replies import json_reply, market_of, sandbox_of
from scrapers.sandbox.world import us_index
from scrapers.sandbox.world.companies import Company
from scrapers.sandbox.world.india import INDICES
from scrapers.sandbox.world.snapshot import Snapshot, snapshot
from scrapers.sandbox.yahoo_chart import chart
from scrapers.sandbox.yahoo_index import index_chart, index_range_start
from scrapers.sandbox.yahoo_quote import quote_row
from scrapers.sandbox.yahoo_screener import ScreenerError, screen
from scrapers.sandbox.yahoo_summary import MODULES, modules
from scrapers.sandbox.yahoo_window import ChartError, range_start, read_window

COOKIE = "A3"
MAX_SYMBOLS = 1_500


def error(root: str, status: int, code: str, description: str) -> Response:
    """An error body in Yahoo's form."""
    return json_reply({root: {"result": None, "error": {"code": code, "description": description}}}, status)


def result(root: str, rows: list[object]) -> Response:
    """A good body in Yahoo's form."""
    return json_reply({root: {"result": rows, "error": None}})


async def give_cookie(request: Request) -> Response:
    """The address that sets the cookie and has no page."""
    reply = Response("", 404, media_type="text/html")
    reply.set_cookie(COOKIE, sandbox_of(request).new_cookie(), max_age=31_536_000, path="/", httponly=True)
    return reply


def _cookie(request: Request) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(request.headers.get("cookie", ""))
    except CookieError:
        return None
    return jar[COOKIE].value if COOKIE in jar else None


def _refused(request: Request, crumb_needed: bool = True) -> Response | None:
    """What a client gets that Yahoo does not serve: a library's default name, or no crumb to its cookie."""
    if not request.headers.get("user-agent", "").startswith("Mozilla/5.0"):
        return PlainTextResponse("Edge: Too Many Requests", 429)
    if not crumb_needed:
        return None
    cookie = _cookie(request)
    crumb = sandbox_of(request).crumb_of(cookie) if cookie else None
    if crumb is None or request.query_params.get("crumb") != crumb:
        return error("finance", 401, "Unauthorized", "Invalid Crumb")
    return None


async def give_crumb(request: Request) -> Response:
    """The crumb that belongs to the client's cookie."""
    if refusal := _refused(request, crumb_needed=False):
        return refusal
    cookie = _cookie(request)
    crumb = sandbox_of(request).crumb_of(cookie) if cookie else None
    if crumb is None:
        return error("finance", 401, "Unauthorized", "Invalid Cookie")
    return PlainTextResponse(crumb)


async def screener(request: Request) -> Response:
    """The largest companies of a sector."""
    if refusal := _refused(request):
        return refusal
    try:
        body = orjson.loads(await request.body())
        found = screen(market_of(request), request.state.at, body)
    except orjson.JSONDecodeError:
        return error("finance", 400, "Bad Request", "the body is not JSON")
    except ScreenerError as problem:
        return error("finance", 400, "Bad Request", str(problem))
    return result("finance", [found])


def _seen(request: Request, company: Company | None) -> Snapshot | None:
    """A company at the instant asked about, by the source's clock."""
    market = market_of(request)
    return snapshot(market.seed, company, request.state.at, market.changes.ahead) if company else None


async def quotes(request: Request) -> Response:
    """Quotes of many symbols at once; unknown ones are simply absent."""
    if refusal := _refused(request):
        return refusal
    symbols = [symbol for symbol in request.query_params.get("symbols", "").split(",") if symbol]
    if not symbols:
        return error("finance", 400, "Bad Request", "Missing required query parameter=symbols")
    if len(symbols) > MAX_SYMBOLS:
        return error("finance", 400, "Bad Request", f"Too many symbols: {len(symbols)}")
    rows: list[object] = []
    for symbol in dict.fromkeys(symbols):
        if seen := _seen(request, market_of(request).find(symbol, request.state.at)):
            rows.append(quote_row(market_of(request).seed, seen))
    return result("quoteResponse", rows)


async def summary(request: Request) -> Response:
    """The modules of one company."""
    if refusal := _refused(request):
        return refusal
    symbol = request.path_params["symbol"]
    names = [name for name in request.query_params.get("modules", "").split(",") if name]
    if not any(name in MODULES for name in names):
        detail = f"No fundamentals data found for any of the summaryTypes={','.join(names)}"
        return error("quoteSummary", 404, "Not Found", detail)
    seen = _seen(request, market_of(request).find(symbol, request.state.at))
    if seen is None:
        return error("quoteSummary", 404, "Not Found", f"Quote not found for ticker symbol: {symbol}")
    return result("quoteSummary", [modules(market_of(request).seed, seen, names)])


async def bars(request: Request) -> Response:
    """Bars of one symbol, daily or by the minute."""
    if refusal := _refused(request, crumb_needed=False):
        return refusal
    try:
        return result("chart", [_chart(request)])
    except ChartError as problem:
        return error("chart", problem.status, problem.code, str(problem))


def _chart(request: Request) -> dict[str, Any]:
    market, symbol, query = market_of(request), request.path_params["symbol"], request.query_params
    at: datetime = request.state.at
    if symbol in INDICES:
        window = read_window(query, int(at.timestamp()), lambda name: index_range_start(name, at))
        return index_chart(market.seed, INDICES[symbol], at, window, market.changes.ahead)
    company = us_index.sp500(market.seed) if symbol == us_index.SYMBOL else market.find(symbol, at)
    seen = _seen(request, company)
    if company is None or seen is None:
        raise ChartError(404, "Not Found", "No data found, symbol may be delisted")
    window = read_window(query, int(at.timestamp()), lambda name: range_start(name, seen.moment, company))
    return chart(market.seed, seen, window, query.get("events", ""))


ROUTES = [
    Route("/fc/", give_cookie),
    *(
        route
        for host in ("/query1", "/query2")
        for route in (
            Route(f"{host}/v1/test/getcrumb", give_crumb),
            Route(f"{host}/v1/finance/screener", screener, methods=["POST"]),
            Route(f"{host}/v7/finance/quote", quotes),
            Route(f"{host}/v10/finance/quoteSummary/{{symbol}}", summary),
            Route(f"{host}/v8/finance/chart/{{symbol}}", bars),
        )
    ),
]
