"""The sandbox's news: Yahoo's search with the stories beside its hits, and the RSS feed of headlines."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scrapers.sandbox.replies import json_reply, market_of, sandbox_of
from scrapers.sandbox.world import companies
from scrapers.sandbox.world.companies import EXCHANGES, Company
from scrapers.sandbox.world.news import Story, stories

MOST_STORIES, FEED_LENGTH = 100, 20
_TIMES = ("Quotes", "News", "Algowatchlist", "PredefinedScreener", "Crunchbase", "Nav", "ResearchReports")


def search(request: Request) -> Response:
    """Companies by symbol or name, and the newest stories about the first."""
    if refusal := _refused(request):
        return refusal
    query = request.query_params
    if "q" not in query:
        problem = {"code": "Bad Request", "description": "Missing required query parameter=q"}
        return json_reply({"finance": {"result": None, "error": problem}}, 400)
    found = _hits(request, query["q"])
    quotes = [_hit(company, place) for place, company in enumerate(found[: _count(query.get("quotesCount"), 7)])]
    count = min(_count(query.get("newsCount"), 4), MOST_STORIES)
    told = stories(sandbox_of(request).seed, found[0], request.state.at, count) if found else []
    body: dict[str, Any] = {
        "explains": [],
        "count": len(quotes) + len(told),
        "quotes": quotes,
        "news": [_element(story) for story in told],
        **{name: [] for name in ("nav", "lists", "researchReports", "screenerFieldResults")},
        "totalTime": 20,
        **{f"timeTakenFor{name}": 0 for name in _TIMES},
    }
    return json_reply(body)


def feed(request: Request) -> Response:
    """The newest stories about some companies as RSS 2.0; unknown symbols have none."""
    if refusal := _refused(request):
        return refusal
    sandbox = sandbox_of(request)
    symbols = [symbol for symbol in request.query_params.get("s", "").split(",") if symbol]
    known = filter(None, (market_of(request).find(symbol, request.state.at) for symbol in symbols))
    told = {story.id: story for c in known for story in stories(sandbox.seed, c, request.state.at, FEED_LENGTH)}
    newest = sorted(told.values(), key=lambda story: (story.published, story.id), reverse=True)[:FEED_LENGTH]
    return Response(_rss(",".join(symbols), newest, request), media_type="application/rss+xml;charset=utf-8")


def _refused(request: Request) -> Response | None:
    """Libraries' default names are turned away, as by the rest of the sandbox's Yahoo."""
    if request.headers.get("user-agent", "").startswith("Mozilla/5.0"):
        return None
    return PlainTextResponse("Edge: Too Many Requests", 429)


def _count(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 5 else usual


def _hits(request: Request, words: str) -> list[Company]:
    """The company of a symbol, else the well-known ones whose names hold the words, the largest first."""
    sandbox = sandbox_of(request)
    if exact := market_of(request).find(words.upper(), request.state.at):
        return [exact]
    wanted = words.casefold().strip()
    everyone = (company for known in companies.listed(sandbox.seed).values() for company in known)
    named = [company for company in everyone if wanted and wanted in company.name.casefold()]
    return sorted(named, key=lambda company: company.price * company.shares, reverse=True)


def _hit(company: Company, place: int) -> dict[str, Any]:
    return {
        "exchange": company.exchange,
        "shortname": company.short_name,
        "quoteType": "EQUITY",
        "symbol": company.symbol,
        "index": "quotes",
        "score": round(20_000 / (place + 1), 1),
        "typeDisp": "Equity",
        "longname": company.name,
        "exchDisp": EXCHANGES[company.exchange],
        "sector": company.sector,
        "industry": company.industry,
        "isYahooFinance": True,
    }


def _element(story: Story) -> dict[str, Any]:
    return {
        "uuid": story.id,
        "title": story.title,
        "publisher": story.publisher,
        "link": story.link,
        "providerPublishTime": int(story.published.timestamp()),
        "type": "STORY",
        "relatedTickers": list(story.symbols),
    }


def _rss(symbols: str, told: list[Story], request: Request) -> bytes:
    """A feed as Yahoo writes it: links with a tracking parameter, no publisher, descriptions as escaped HTML."""
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _text(channel, "copyright", "Simulated; nobody's.")
    _text(channel, "description", f"Latest Financial News for {symbols}")
    for story in told:
        item = ET.SubElement(channel, "item")
        _text(item, "description", f"<p>{story.summary}</p>")
        ET.SubElement(item, "guid", isPermaLink="false").text = story.id
        _text(item, "link", f"{story.link}?.tsrc=rss")
        _text(item, "pubDate", format_datetime(story.published))
        _text(item, "title", story.title)
    _text(channel, "language", "en-US")
    _text(channel, "lastBuildDate", format_datetime(request.state.at))
    _text(channel, "link", "https://news.example.com/")
    _text(channel, "title", f"Simulated: {symbols} News")
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


ROUTES = [
    Route("/query1/v1/finance/search", search),
    Route("/query2/v1/finance/search", search),
    Route("/rss/rss/2.0/headline", feed),
]
