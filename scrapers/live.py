"""The live sources: where they are, what each one's terms say, and whether the user has chosen and accepted it.

In a real home each source is `live`, `files` or `off` by itself. A live one is asked only after its terms were accepted
by name; nothing is asked of a site because of a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapers.errors import SourceSettingsError

if TYPE_CHECKING:
    from lake.settings import Settings


@dataclass(frozen=True)
class LiveSource:
    """A site that can be asked.

    Attributes:
        name: as in `TIDEMARK_SOURCE_<NAME>`.
        slots: its addresses by slot.
        terms: what its terms and robots.txt say, in a sentence.
    """

    name: str
    slots: Mapping[str, str]
    terms: str


SOURCES: tuple[LiveSource, ...] = (
    LiveSource(
        "yahoo",
        {
            "query1": "https://query1.finance.yahoo.com",
            "query2": "https://query2.finance.yahoo.com",
            "cookie": "https://fc.yahoo.com",
        },
        "robots.txt of query1 and query2 disallows all, and Yahoo's terms forbid automated collection without "
        "permission and any redistribution",
    ),
    LiveSource(
        "x",
        {"x": "https://api.x.com"},
        "the X API costs money by the post read, and its developer agreement limits what may be kept and shown",
    ),
    LiveSource(
        "news",
        {"search": "https://query2.finance.yahoo.com", "rss": "https://feeds.finance.yahoo.com"},
        "robots.txt of query2 disallows all, Yahoo's terms forbid automated collection without permission, and its feeds "
        "are offered for personal reading; headlines and summaries belong to their publishers",
    ),
    LiveSource(
        "sec",
        {"sec": "https://www.sec.gov"},
        "SEC's fair access rules allow ten requests a second in all and want your name and mail address",
    ),
    LiveSource(
        "alphavantage",
        {"alphavantage": "https://www.alphavantage.co"},
        "a key is one person's own, a free one allows 25 requests a day, minute bars are a paid function, and the data "
        "may not be passed on without a licence",
    ),
)
_BY_SLOT = {slot: source for source in SOURCES for slot in source.slots}


def source_of(slot: str) -> LiveSource:
    """The source that a slot belongs to."""
    return _BY_SLOT[slot]


def is_live(settings: Settings, source: LiveSource) -> bool:
    """Whether the user has chosen to ask a source."""
    return bool(getattr(settings, f"source_{source.name}") == "live")


def live_url(settings: Settings, slot: str, given: str | None) -> str | None:
    """Where a slot is asked in a real home: the address given, else the site's own; None where it is not asked.

    Raises:
        SourceSettingsError: when the source is live and its terms were not accepted.
    """
    source = source_of(slot)
    if not is_live(settings, source):
        return None
    if source.name not in settings.accept_terms:
        accepted = ",".join(sorted({*settings.accept_terms, source.name}))
        raise SourceSettingsError(
            f"TIDEMARK_SOURCE_{source.name.upper()}=live: {source.terms}. docs/sources.md says more; "
            f"TIDEMARK_ACCEPT_TERMS={accepted} says that you have read them and may"
        )
    return given or source.slots[slot]
