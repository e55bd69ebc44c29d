"""RSS headlines: XML is read without entities, DTDs, network or unbounded trees, and only as far as it is well formed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from lake.contracts.base import SYMBOL
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Parsed, Records, RowRefused, guarded, must, parsed
from scrapers.pages.bodies import Json, by_status, load_json, shown
from scrapers.pages.links import canonical_url, plain_text
from scrapers.pages.news_search import LONGEST_HEADLINE, LONGEST_SUMMARY, NEWS, add_story, as_document

# How feeds write the company of a story: "(NVDA)", "(NASDAQ: NVDA)", "NYSE:JPM".
_NAMED = re.compile(r"(?:\((?:[A-Za-z]{3,10}:\s?)?|\b(?:NASDAQ|NYSE):\s?)([A-Z0-9^][A-Z0-9.\-=^]{0,19})\b")
_SYMBOL = re.compile(SYMBOL)
_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_LONGEST_FEED = 16 * 2**20


def read_news_rss(body: bytes, session: date, symbols: tuple[str, ...], status: int | None = None) -> Records:
    """Stories of a feed as records; see `parse_news_rss`."""

    def read(records: Records) -> None:
        channel = _channel(body, status)
        language = _text(channel, "language")
        for item in channel.iterfind("item"):
            add_story(records, _element(item), lambda story: _rows(story, session, symbols, language))

    return guarded(read, body)


def parse_news_rss(body: bytes, session: date, symbols: tuple[str, ...], status: int | None = None) -> Parsed:
    """Rows of silver.news from an RSS 2.0 feed.

    Args:
        body: the payload as received.
        session: the day it was asked for.
        symbols: the symbols asked for. A feed does not say which of them an item is about: with one it is that one,
            with several those that title or description name by ticker, and an item that names none is refused.
        status: the response's HTTP status, where known.
    """
    return parsed(read_news_rss(body, session, symbols, status), NEWS)


def _channel(body: bytes, status: int | None) -> etree._Element:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise BodyRefused(by_status(status) or Reason.EMPTY_BODY)
    if not start.startswith((b"<?xml", b"<rss")):
        _name_other(body, status)
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)
    if len(body) > _LONGEST_FEED:
        raise BodyRefused(Reason.UNEXPECTED_SHAPE, f"{len(body)} bytes")
    if _DOCTYPE.search(body):
        raise BodyRefused(Reason.XML_DECLARES_ENTITIES)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(start, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise BodyRefused(Reason.MALFORMED_XML, str(error)[:200]) from None
    # UTF-16 hides a declaration from the look at the bytes.
    if root.getroottree().docinfo.doctype:
        raise BodyRefused(Reason.XML_DECLARES_ENTITIES)
    channel = root.find("channel") if root.tag == "rss" else None
    if channel is None:
        raise BodyRefused(Reason.UNEXPECTED_SHAPE, f"the root is {str(root.tag)[:80]}")
    return channel


def _name_other(body: bytes, status: int | None) -> None:
    """Name what came instead of XML, as the JSON sources' reader does.

    Raises:
        BodyRefused: always.
    """
    try:
        load_json(body, status)
    except BodyRefused as refused:
        ours = {Reason.NOT_JSON, Reason.TRUNCATED_JSON, Reason.MALFORMED_JSON, Reason.HTML_INSTEAD_OF_JSON}
        raise BodyRefused(Reason.NOT_XML if refused.reason in ours else refused.reason, refused.detail) from None
    raise BodyRefused(by_status(status) or Reason.NOT_XML, shown(body))


def _text(parent: etree._Element, name: str) -> str | None:
    found = parent.find(name)
    return _clean("".join(map(str, found.itertext()))) if found is not None else None


def _clean(text: str) -> str | None:
    return text.replace("\x00", "").strip() or None


def _element(item: etree._Element) -> Json:
    """An item as JSON: each child's text by its local name, the first of each, and its source's address."""
    found: dict[str, Json] = {}
    for child in item.iterchildren(tag=etree.Element):
        name = etree.QName(child).localname
        value = _clean("".join(map(str, child.itertext())))
        if value is not None and name not in found:
            found[name] = value
        if name in {"source", "content", "thumbnail"} and child.get("url"):
            found.setdefault(f"{name}_url", str(child.get("url")))
    return found


def _rows(
    story: dict[str, Json], session: date, symbols: tuple[str, ...], language: str | None
) -> list[dict[str, object]]:
    said = {name: value for name, value in story.items() if isinstance(value, str)}
    headline = must(plain_text(said.get("title"), LONGEST_HEADLINE), Reason.TEXT_MISSING)
    summary = plain_text(said.get("description"), LONGEST_SUMMARY)
    row: dict[str, object] = {
        "url": canonical_url(must(said.get("link"), Reason.LINK_MISSING)),
        "session": session,
        "published_at": _published(must(said.get("pubDate"), Reason.TIME_MISSING)),
        "headline": headline,
        "publisher": plain_text(said.get("source") or said.get("creator"), 200),
        "summary": summary,
        "language": plain_text(language, 35),
        "document": as_document(story),
        "source": "rss",
    }
    asked = tuple(symbol for symbol in dict.fromkeys(symbols) if _SYMBOL.match(symbol))
    named = set(_NAMED.findall(f"{headline} {summary or ''}"))
    about = asked if len(asked) == 1 else tuple(symbol for symbol in asked if symbol in named)
    if not about:
        raise RowRefused(Reason.SYMBOL_MISSING)
    return [{**row, "symbol": symbol} for symbol in about]


def _published(written: str) -> datetime:
    """RFC 822's form, with any zone; one without a zone is none that could be believed."""
    try:
        at = parsedate_to_datetime(written)
    except (ValueError, IndexError, TypeError, OverflowError):
        raise RowRefused(Reason.WRONG_TYPE) from None
    if at.tzinfo is None or not 1900 <= at.year <= 2200:
        raise RowRefused(Reason.WRONG_TYPE)
    return at.astimezone(UTC)
