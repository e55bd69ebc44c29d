"""What a story's address and words are once tracking and markup are taken off."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from w3lib.html import remove_tags, remove_tags_with_content, replace_entities

from scrapers.errors import Reason
from scrapers.pages.base import RowRefused

_LONGEST_URL = 1_900  # PostgreSQL's index holds no key of more than 2,700 bytes
_TRACKING = re.compile(
    r"^(utm_.*|\.?tsrc|guccounter|guce_.*|soc_src|soc_trk|yptr|ncid|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|"
    r"_hs(enc|mi)|cmpid|ref_src|__twitter_impression)$",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def canonical_url(link: str) -> str:
    """The address that a story is known by, in ASCII.

    Scheme and host in lower case, without user, default port, fragment, dot at the host's end and the parameters by
    which sites track where a reader came from; the other parameters sorted. `http` and `https`, and a path with and
    without its last slash, stay apart: sites answer them differently.

    Raises:
        RowRefused: for what is no web address (`javascript:`, a bare path), or is too long to be a key.
    """
    try:
        parts = urlsplit(link.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host.encode("idna").decode("ascii") if host else ""
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=200)
    except ValueError:  # UnicodeError is one
        raise RowRefused(Reason.LINK_REFUSED) from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not re.fullmatch(r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?", host):
        raise RowRefused(Reason.LINK_REFUSED)
    kept = sorted((name, value) for name, value in pairs if not _TRACKING.match(name))
    where = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    path = _quoted(parts.path, "/%:@!$&'()*+,;=~-._") or "/"
    query = urlencode(kept, errors="replace")
    url = urlunsplit((scheme, where, path, query, ""))
    if len(url) > _LONGEST_URL:
        raise RowRefused(Reason.LINK_REFUSED)
    return url


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="replace")


def plain_text(text: str | None, longest: int) -> str | None:
    """A text without markup, scripts, entities, control and direction characters; None where nothing is left.

    Tags are taken off a second time once entities are read, because feeds escape markup once more than needed.
    """
    if not text:
        return None
    bare = _untagged(replace_entities(_untagged(text[: longest * 10])))
    return _BLANK.sub(" ", bare).strip()[:longest].rstrip() or None


def _untagged(text: str) -> str:
    return remove_tags(remove_tags_with_content(text, which_ones=("script", "style")))
