"""Where the sources are, what they are told about us, and how fast they may be asked.

The same spiders run against the sandbox and the live sites; only these values differ.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from scrapers.errors import SourceSettingsError
from scrapers.live import live_url, source_of

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings

Slot = Literal["query1", "query2", "cookie", "x", "sec", "alphavantage", "search", "rss"]
SLOTS: tuple[Slot, ...] = ("query1", "query2", "cookie", "x", "sec", "alphavantage", "search", "rss")
_SETTING = {
    "query1": "yahoo_query1_url",
    "query2": "yahoo_query2_url",
    "cookie": "yahoo_cookie_url",
    "x": "x_api_url",
    "sec": "sec_url",
    "alphavantage": "alphavantage_url",
    "search": "yahoo_search_url",
    "rss": "yahoo_rss_url",
}
_PREFIX = {
    "query1": "/query1",
    "query2": "/query2",
    "cookie": "/fc/",
    "x": "/x",
    "sec": "/sec",
    "alphavantage": "/alphavantage",
    "search": "/query2",
    "rss": "/rss",
}
NAME_AND_EMAIL = re.compile(r"[^@/]*[\w.)][ \t]+[^\s@/:]+@[^\s@/]+\.[A-Za-z]{2,}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class SourceUrls:
    """The base address of each source; None where there is none to ask.

    Attributes:
        sandboxed: whether they are the sandbox's, which takes no offence and may be asked for the past.
    """

    query1: str | None
    query2: str | None
    cookie: str | None
    x: str | None
    sec: str | None
    sandboxed: bool
    alphavantage: str | None = None
    search: str | None = None
    rss: str | None = None

    def base(self, slot: Slot) -> str:
        """A source's address without a final slash.

        Raises:
            SourceSettingsError: when it has none.
        """
        url: str | None = getattr(self, slot)
        if not url:
            raise SourceSettingsError(
                f"{slot} is not asked: TIDEMARK_SOURCE_{source_of(slot).name.upper()} is not 'live', "
                f"and a real home is never fed from the sandbox"
            )
        return url if slot == "cookie" else url.rstrip("/")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a crawl's job file."""
        return asdict(self)


def source_urls(settings: Settings, home: Home) -> SourceUrls:
    """The addresses of a home: the sandbox's in a simulated one, those of its live sources in a real one.

    Raises:
        SourceSettingsError: when a simulated home is pointed at a live site, or terms were not accepted.
    """
    given: dict[str, str | None] = {slot: getattr(settings, name) for slot, name in _SETTING.items()}
    if not home.simulated:
        live = {slot: live_url(settings, slot, url) for slot, url in given.items()}
        return SourceUrls(sandboxed=False, **live)
    for slot, url in given.items():
        if url and urlsplit(url).hostname not in _LOOPBACK:
            raise SourceSettingsError(
                f"TIDEMARK_{_SETTING[slot].upper()}={url}: a simulated home takes everything from the sandbox; "
                f"make another home with TIDEMARK_WORLD=real"
            )
    # The port is asked for only where it is needed: asking reserves it.
    root = "" if all(given.values()) else f"http://127.0.0.1:{home.port('sandbox')}"
    return SourceUrls(sandboxed=True, **{slot: url or root + _PREFIX[slot] for slot, url in given.items()})


def limits(settings: Settings, urls: SourceUrls) -> dict[str, dict[str, float]]:
    """For each source how many requests may be in flight, the seconds between two, and how many a day where counted."""
    if urls.sandboxed:
        return {slot: {"concurrency": settings.sandbox_concurrency, "delay": 0.0, "jitter": 0.0} for slot in SLOTS}
    rates = {
        "query1": settings.yahoo_requests_per_second,
        "query2": settings.yahoo_requests_per_second,
        "cookie": settings.yahoo_requests_per_second,
        "x": settings.x_requests_per_second,
        "sec": settings.sec_requests_per_second,
        "alphavantage": settings.alphavantage_requests_per_minute / 60,
        "search": settings.yahoo_requests_per_second,
        "rss": settings.yahoo_requests_per_second,
    }
    # Without jitter: a rate that a source names is a limit, not an average.
    fixed = {"concurrency": settings.live_concurrency, "jitter": 0.0}
    found = {slot: {**fixed, "delay": 1 / rate} for slot, rate in rates.items()}
    if settings.alphavantage_requests_per_day:
        found["alphavantage"]["per_day"] = settings.alphavantage_requests_per_day
    return found


def agents(settings: Settings, urls: SourceUrls) -> dict[str, str]:
    """What each source is told about who asks.

    Yahoo accepts an honest name in the browser's form and refuses libraries' defaults; SEC wants a name and an
    address and refuses forms with URLs.

    Raises:
        SourceSettingsError: when live sources are to be asked without a contact.
    """
    contact = settings.contact
    if not contact:
        if not urls.sandboxed:
            raise SourceSettingsError("TIDEMARK_CONTACT is not set: live sources are told 'NAME EMAIL'")
        contact = "Tidemark simulated@example.org"
    yahoo = f"Mozilla/5.0 (compatible; Tidemark/0.1; {contact})"
    plain = f"Tidemark/0.1 ({contact})"
    told = dict.fromkeys(("query1", "query2", "cookie", "search", "rss"), yahoo)
    return {**told, "x": plain, "sec": contact, "alphavantage": plain}
