"""News: addresses and words made plain, what a feed may not do, and one row a story and company over several days."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest

from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from scrapers.crawl import run_crawl
from scrapers.errors import SourceSettingsError
from scrapers.news import news_rows
from scrapers.pages import parse_news_rss, parse_news_search
from scrapers.pages.base import RowRefused
from scrapers.pages.links import canonical_url, plain_text
from scrapers.spool import request_text
from scrapers.urls import source_urls
from tests.scrapers.bodies import SEEN, SESSION, bronze, encode
from tests.scrapers.small_source import Asked, Reply, small_source

NOBODY = pl.DataFrame(schema={"url": pl.String, "symbol": pl.String})
AT = datetime(2026, 11, 20, 14, tzinfo=UTC)


def story(**changes: Any) -> dict[str, Any]:
    """A story of the search."""
    known = {
        "uuid": "1",
        "title": "ABC rises",
        "publisher": "Wire",
        "link": "https://news.example/abc",
        "providerPublishTime": int(AT.timestamp()),
    }
    return {name: value for name, value in {**known, **changes}.items() if value is not ...}


def searched(*stories: Any) -> bytes:
    return encode({"quotes": [], "news": list(stories)})


def item(**changes: str) -> str:
    """An item of a feed; values are put in as they are."""
    known = {
        "title": "ABC rises",
        "link": "https://news.example/abc?.tsrc=rss",
        "pubDate": format_datetime(AT),
        "description": "More of it.",
        **changes,
    }
    return "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in known.items() if text) + "</item>"


def feed(*items: str) -> bytes:
    channel = f"<channel><title>t</title><language>en-US</language>{''.join(items)}</channel>"
    return f"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'>{channel}</rss>".encode()


def bodies(*parts: tuple[str, str, bytes], session: date = SESSION, at: datetime = SEEN) -> pl.DataFrame:
    """Bronze rows of (search or rss, symbol, body), received a second apart."""
    frames = []
    for n, (source, symbol, body) in enumerate(parts):
        asked = request_text(source, {"symbols" if source == "rss" else "symbol": symbol})
        when = at + timedelta(seconds=n)
        frames.append(bronze((asked, body), source=f"yahoo_{source}", session=session, at=when))
    return pl.concat(frames)


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("HTTPS://News.Example:443/a/?.tsrc=rss&utm_source=x&b=2&a=1#top", "https://news.example/a/?a=1&b=2"),
        ("http://u:p@news.example", "http://news.example/"),
        ("https://news.example/é b", "https://news.example/%C3%A9%20b"),
        ("https://news.example/a%2Fb", "https://news.example/a%2Fb"),
        ("https://bücher.example./", "https://xn--bcher-kva.example/"),
    ],
)
def test_addresses_are_canonical_and_stay_so(link: str, canonical: str) -> None:
    assert canonical_url(link) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "/relative", "https://", "https://[::1", "ftp://a.example/"]
)
def test_what_is_no_web_address_is_refused(link: str) -> None:
    with pytest.raises(RowRefused, match="link_refused"):
        canonical_url(link)
    page = parse_news_search(searched(story(link=link)), SESSION, "ABC")
    assert [refusal.reason for refusal in page.refusals] == ["link_refused"]


def test_markup_scripts_and_direction_marks_leave_plain_words() -> None:
    text = "<p>A&amp;B &lt;b&gt;rises&lt;/b&gt;<script>alert(1)</script> \u202eto\u200b 5 &lt; 6</p>"
    assert plain_text(text, 200) == "A&B rises to 5 < 6"
    assert plain_text("<script>alert(1)</script>", 200) is None
    assert plain_text("word " * 100, 11) == "word word w"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel/></rss>", "xml_declares_entities"),
        ("<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE rss><rss><channel/></rss>".encode("utf-16"), "not_xml"),
        (feed(item())[:-20], "malformed_xml"),
        (b"<?xml version='1.0'?><feed></feed>", "unexpected_shape"),
        (b"<html>Will be right back</html>", "maintenance_page"),
        (b"", "empty_body"),
        (b"{}", "not_xml"),
    ],
)
def test_what_is_no_feed_is_refused_by_name(body: bytes, reason: str) -> None:
    page = parse_news_rss(body, SESSION, ("ABC",), 200)
    assert (page.refused, page.rows.height) == (reason, 0)


def test_an_item_becomes_a_row_or_a_named_refusal() -> None:
    items = [item(), item(link=""), item(title=""), item(pubDate="soon"), item(pubDate="Fri, 20 Nov 2026 14:00:00")]
    page = parse_news_rss(feed(*items), SESSION, ("ABC",), 200)
    assert [refusal.reason for refusal in page.refusals] == ["link_missing", "text_missing", "wrong_type", "wrong_type"]
    row = page.rows.row(0, named=True)
    assert (row["url"], row["published_at"], row["language"]) == ("https://news.example/abc", AT, "en-US")
    assert json.loads(row["document"])["link"] == "https://news.example/abc?.tsrc=rss"


def test_a_document_is_json_whatever_the_words_are() -> None:
    title = 'A\x00 rises \\u0000"'
    page = parse_news_search(searched(story(title=title, extra={"a\x00": [title, 1]})), SESSION, "ABC")
    document = json.loads(page.rows["document"][0])
    assert (document["title"], document["extra"]) == ('A rises \\u0000"', {"a": ['A rises \\u0000"', 1]})
    assert "\x00" not in page.rows["headline"][0]


def test_of_several_companies_asked_for_only_those_named_are_meant() -> None:
    named = item(title="Alpha (ABC) and Beta (NYSE: XYZ) rise")
    page = parse_news_rss(feed(named, item(title="Markets rise")), SESSION, ("ABC", "XYZ", "QQQ"), 200)
    assert page.rows["symbol"].to_list() == ["ABC", "XYZ"]
    assert [refusal.reason for refusal in page.refusals] == ["symbol_missing"]


def test_both_sources_make_one_row_that_lacks_nothing_either_has() -> None:
    found = news_rows(bodies(("search", "ABC", searched(story())), ("rss", "ABC", feed(item()))), NOBODY)
    row = found.good.row(0, named=True)
    assert found.account == (2, 1, 1, 0)
    assert (row["source"], row["publisher"], row["summary"], row["language"]) == (
        "search",
        "Wire",
        "More of it.",
        "en-US",
    )
    assert row["observed_at"] == SEEN + timedelta(seconds=1)
    assert row["_payload_sha256"] is None


def test_a_story_about_companies_that_nobody_asked_about_has_no_row_for_them() -> None:
    both = story(relatedTickers=["ABC", "XYZ"])
    one = news_rows(bodies(("search", "ABC", searched(both))), NOBODY)
    assert (one.good["symbol"].to_list(), one.account) == (["ABC"], (1, 1, 0, 0))
    two = news_rows(bodies(("search", "ABC", searched(both)), ("search", "XYZ", searched(both))), NOBODY)
    assert (sorted(two.good["symbol"]), two.account) == (["ABC", "XYZ"], (4, 2, 2, 0))


def test_what_the_source_corrects_on_the_same_day_counts_and_on_a_later_day_does_not() -> None:
    first = bodies(("search", "ABC", searched(story())), ("search", "ABC", searched(story(title="ABC rises 3%"))))
    later = bodies(("search", "ABC", searched(story(title="ABC rises 9%"))), session=date(2026, 11, 23))
    for day in (first, pl.concat([first, later])):
        found = news_rows(day, NOBODY).good
        assert found.select("headline", "session").rows() == [("ABC rises 3%", SESSION)]
    again = news_rows(later, found)
    assert (again.good.height, again.account) == (0, (1, 0, 1, 0))


def test_times_that_cannot_be_are_quarantined_by_the_contract() -> None:
    odd = [
        story(link=f"https://news.example/{n}", providerPublishTime=at) for n, at in enumerate((4_000_000_000, 86_400))
    ]
    found = news_rows(bodies(("search", "ABC", searched(*odd, story(providerPublishTime=...)))), NOBODY)
    rules = sorted(found.quarantined["rules"])
    assert rules == ["not_published_in_the_future", "published_in_the_age_of_the_web", "time_missing"]
    assert found.account == (3, 0, 0, 3)


def _recorded(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["url"]:
                found.setdefault(row["symbol"], []).append(row)
    return found


def _feeds(day: dict[str, list[dict[str, str]]]) -> Iterable[tuple[str, str, bytes]]:
    for symbol, rows in day.items():
        items = [item(title=escape(r["title"]), link=escape(r["url"]), pubDate=r["published"]) for r in rows]
        yield "rss", symbol, feed(*items)


def test_two_recorded_days_of_yahoo_s_feeds_have_each_story_once(shared: Path) -> None:
    seen: dict[date, pl.DataFrame] = {}
    known, stories = NOBODY, 0
    for day in (date(2026, 8, 21), date(2026, 8, 22)):
        recorded = _recorded(shared / f"data/news/yahoo_rss_news_by_ticker_{day}.csv")
        stories += sum(map(len, recorded.values()))
        landed = bodies(*_feeds(recorded), session=day, at=datetime(day.year, day.month, day.day + 1, 4, tzinfo=UTC))
        found = news_rows(landed, known)
        assert found.quarantined.is_empty()
        assert found.account.rows_in == sum(map(len, recorded.values()))
        seen[day] = landed
        known = pl.concat([known, found.good.select("url", "symbol")])
        if day.day == 21:
            first = found.good
            times = {canonical_url(r["url"]): r["published_parsed"] for rows in recorded.values() for r in rows}
    assert known.height == known.unique().height < stories
    assert not known["url"].str.contains("tsrc").any()
    assert all(
        f"{row[1]:%Y-%m-%dT%H:%M:%SZ}" == times[row[0]] for row in first.select("url", "published_at").iter_rows()
    )
    together = news_rows(pl.concat(list(seen.values())), NOBODY)
    assert together.good.select("url", "symbol").sort("url", "symbol").equals(known.sort("url", "symbol"))
    assert table("silver.news").schema.is_valid(together.good)


def test_a_real_home_asks_for_news_alone_and_reads_a_recorded_feed(shared: Path, tmp_path: Path) -> None:
    recorded = (shared / "data/news/google_news_rss_brent_2026.xml").read_bytes()

    def answer(asked: Asked, _before: int) -> Reply:
        is_feed = asked.path == "/rss/rss/2.0/headline"
        return Reply(recorded if is_feed else searched(story()), headers={"Content-Type": "text/xml"})

    with small_source(answer) as source:
        addresses = {"yahoo_search_url": source.urls.search, "yahoo_rss_url": source.urls.rss}
        chosen = {"home": tmp_path / "home", "world": "real", "source_news": "live", **addresses}
        with pytest.raises(SourceSettingsError, match="TIDEMARK_ACCEPT_TERMS=news"):
            source_urls(load_settings(**chosen), Home.open(load_settings(**chosen)))
        settings = load_settings(**chosen, accept_terms="news", contact="Jo Doe jo@example.org")
        urls = source_urls(settings, Home.open(settings))
        assert (urls.query1, urls.cookie) == (None, None)
        reports = [
            run_crawl(spider, {"session": "2026-08-05", "symbols": ["BZ=F"]}, tmp_path / spider, urls, settings)
            for spider in ("news_search", "news_rss")
        ]
    assert {asked.headers["user-agent"] for asked in source.asked} == {
        "Mozilla/5.0 (compatible; Tidemark/0.1; Jo Doe jo@example.org)"
    }
    found = news_rows(reports[1].bodies(), NOBODY)
    assert found.account.quarantined == 0
    assert found.good.height == recorded.count(b"<item>") > 3
    row = found.good.sort("published_at").row(0, named=True)
    assert row["publisher"]
    assert "<" not in f"{row['headline']}{row['summary']}"
    assert row["url"].startswith("https://news.google.com/rss/articles/")
