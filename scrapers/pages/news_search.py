"""Yahoo's search: the news beside its hits. A story about several companies becomes a row for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import orjson

from lake.contracts import table
from lake.contracts.base import SYMBOL
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Parsed, Records, RowRefused, guarded, instant, json_object, must, parsed, text
from scrapers.pages.bodies import Json, by_status, load_json, raise_source_error
from scrapers.pages.links import canonical_url, plain_text

NEWS = table("silver.news")
LONGEST_HEADLINE, LONGEST_SUMMARY = 1_000, 20_000
_SYMBOL = re.compile(SYMBOL)


def read_news_search(body: bytes, session: date, symbol: str | None, status: int | None = None) -> Records:
    """Stories of a search as records; see `parse_news_search`."""

    def read(records: Records) -> None:
        root = load_json(body, status)
        if not isinstance(root, dict):
            raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE)
        finance = json_object(root.get("finance"))
        raise_source_error("finance", finance.get("error"), status)
        stories = root.get("news")
        if (named := by_status(status)) is not None:
            raise BodyRefused(named)
        if not isinstance(stories, list):
            raise BodyRefused(Reason.UNEXPECTED_SHAPE)
        for story in stories:
            add_story(records, story, lambda element: _rows(element, session, symbol))

    return guarded(read, body)


def parse_news_search(body: bytes, session: date, symbol: str | None, status: int | None = None) -> Parsed:
    """Rows of silver.news from a search's body.

    Args:
        body: the payload as received.
        session: the day it was asked for.
        symbol: the symbol asked for; a story that names no ticker is about it.
        status: the response's HTTP status, where known.
    """
    return parsed(read_news_search(body, session, symbol, status), NEWS)


def add_story(records: Records, story: Json, read: Callable[[dict[str, Json]], list[dict[str, object]]]) -> None:
    """Add the rows of an element; one that makes no row is one refused element."""
    if not isinstance(story, dict):
        records.rows_in += 1
        records.refuse(Reason.NOT_AN_OBJECT, story)
        return
    try:
        rows = read(story)
    except RowRefused as refused:
        records.rows_in += 1
        records.refuse(refused.reason, story)
        return
    records.rows += rows
    records.rows_in += len(rows)


def _rows(story: dict[str, Json], session: date, symbol: str | None) -> list[dict[str, object]]:
    published = instant(story, "providerPublishTime")
    if published is None:
        raise RowRefused(Reason.TIME_MISSING)
    row = {
        "url": canonical_url(must(text(story, "link"), Reason.LINK_MISSING)),
        "session": session,
        "published_at": published,
        "headline": must(plain_text(text(story, "title"), LONGEST_HEADLINE), Reason.TEXT_MISSING),
        "publisher": plain_text(text(story, "publisher"), 200),
        "summary": plain_text(text(story, "summary"), LONGEST_SUMMARY),
        "language": None,
        "document": as_document(story),
        "source": "search",
    }
    related = story.get("relatedTickers")
    named = [ticker for ticker in related if isinstance(ticker, str)] if isinstance(related, list) else []
    symbols = [ticker for ticker in dict.fromkeys(named) if _SYMBOL.match(ticker)] or ([symbol] if symbol else [])
    if not symbols:
        raise RowRefused(Reason.SYMBOL_MISSING)
    return [{**row, "symbol": ticker} for ticker in symbols]


def as_document(element: Json) -> str:
    """A source's element as JSON text that PostgreSQL's jsonb takes: it holds every character but NUL, which is left out."""
    return orjson.dumps(_without_nul(element)).decode()


def _without_nul(value: Json) -> Json:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {key.replace("\x00", ""): _without_nul(part) for key, part in value.items()}
    return [_without_nul(part) for part in value] if isinstance(value, list) else value
