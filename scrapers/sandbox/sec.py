"""The sandbox's SEC: EDGAR's access logs and the ticker files, for clients that say who they are."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from lake.market_calendar import NEW_YORK
from scrapers.sandbox.edgar_index import master_index
from scrapers.sandbox.edgar_log import write_log
from scrapers.sandbox.replies import json_reply, market_of, sandbox_of
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world.companies import EXCHANGES, Company
from scrapers.sandbox.world.visits import series_of

_KEPT_LOGS = 40
_FIRST_INDEX = 2003
_MAKING = Lock()
# SEC asks for a name and an address to write to; a URL is not enough.
_DECLARED = re.compile(r"^[^@]*[\w.)]\s+\S*[^\s@/:]+@[^\s@/]+\.[A-Za-z]{2,}\S*$")
_REFUSAL = """<!DOCTYPE html><html><head><title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title>
</head><body><h1>Your Request Originates from an Undeclared Automated Tool</h1><p>Please declare your traffic by
updating your user agent to include company specific information.</p></body></html>"""
_MISSING = "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


def _refused(request: Request) -> Response | None:
    agent = request.headers.get("user-agent", "")
    return None if _DECLARED.match(agent) else HTMLResponse(_REFUSAL, 403)


async def day_log(request: Request) -> Response:
    """A day's access log as a zip; parts of it by Range."""
    if refusal := _refused(request):
        return refusal
    year, quarter, name = (request.path_params[part] for part in ("year", "quarter", "name"))
    try:
        day = date(int(name[3:7]), int(name[7:9]), int(name[9:11])) if re.fullmatch(r"log\d{8}\.zip", name) else None
    except ValueError:
        day = None
    # The newest log is yesterday's, where the SEC is.
    newest = request.state.at.astimezone(NEW_YORK).date() - timedelta(days=1)
    address_fits = day is not None and year == day.year and quarter == f"Qtr{(day.month + 2) // 3}"
    if day is None or not address_fits or day > newest or series_of(day) is None:
        return HTMLResponse(_MISSING, 404)
    path = await run_in_threadpool(_log_file, sandbox_of(request), day)
    return FileResponse(path, media_type="application/zip", filename=name)


def _log_file(sandbox: Sandbox, day: date) -> Path:
    """The day's zip, made when it is first asked for; the oldest of many are let go."""
    path = sandbox.files / f"log{day:%Y%m%d}-{sandbox.seed}-{sandbox.per_sector}-{sandbox.edgar_rows}.zip"
    with _MAKING:
        if not path.exists():
            sandbox.files.mkdir(parents=True, exist_ok=True)
            made = sorted(sandbox.files.glob("log*.zip"), key=lambda file: file.stat().st_mtime)
            # What a killed process left half made goes too.
            for old in (*made[:-_KEPT_LOGS], *sandbox.files.glob("*.part")):
                old.unlink()
            partial = path.with_suffix(f".{os.getpid()}.part")
            write_log(partial, sandbox.seed, sandbox.per_sector, day, sandbox.edgar_rows)
            partial.replace(path)
    return path


def _filers(request: Request) -> list[Company]:
    known = [company for company in market_of(request).everyone(request.state.at) if company.cik]
    return sorted(known, key=lambda company: -company.shares * company.price)


async def tickers(request: Request) -> Response:
    """Filers with their tickers, the largest first."""
    if refusal := _refused(request):
        return refusal
    rows = enumerate(_filers(request))
    return json_reply({str(n): {"cik_str": c.cik, "ticker": c.symbol, "title": _filer_name(c)} for n, c in rows})


async def tickers_exchange(request: Request) -> Response:
    """Filers with their tickers and exchanges."""
    if refusal := _refused(request):
        return refusal
    rows = [
        [company.cik, _filer_name(company), company.symbol, EXCHANGES[company.exchange].removesuffix("GS")]
        for company in _filers(request)
    ]
    return json_reply({"fields": ["cik", "name", "ticker", "exchange"], "data": rows})


async def quarter_index(request: Request) -> Response:
    """All filings of a quarter so far, as SEC's master index lists them."""
    if refusal := _refused(request):
        return refusal
    year, quarter = request.path_params["year"], request.path_params["quarter"]
    today = request.state.at.astimezone(NEW_YORK).date()
    number = int(quarter.removeprefix("QTR")) if re.fullmatch(r"QTR[1-4]", quarter) else 0
    if not number or year < _FIRST_INDEX or date(year, 3 * number - 2, 1) > today:
        return HTMLResponse(_MISSING, 404)
    sandbox = sandbox_of(request)
    names = {company.cik: _filer_name(company) for company in _filers(request) if company.cik}
    body = await run_in_threadpool(master_index, sandbox.seed, sandbox.per_sector, (year, number), today, names)
    return Response(body, media_type="text/plain")


def _filer_name(company: Company) -> str:
    """A company's name as the SEC writes it."""
    plain = company.name.replace(",", "").replace(".", "").upper().removeprefix("THE ")
    for word, short in (
        (" CORPORATION", " CORP"),
        (" COMPANY", " CO"),
        (" INCORPORATED", " INC"),
        (" LIMITED", " LTD"),
    ):
        plain = plain.removesuffix(word) + short if plain.endswith(word) else plain
    return plain


ROUTES = [
    Route("/sec/dera/data/Public-EDGAR-log-file-data/{year:int}/{quarter}/{name}", day_log),
    Route("/sec/Archives/edgar/full-index/{year:int}/{quarter}/master.idx", quarter_index),
    Route("/sec/files/company_tickers.json", tickers),
    Route("/sec/files/company_tickers_exchange.json", tickers_exchange),
]
