"""Yahoo's crumb: a short text that goes with a cookie."""

from __future__ import annotations

import re

from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import json_object
from scrapers.pages.bodies import by_status, load_json, raise_source_error, shown

_CRUMB = re.compile(r"^[^\s<>{}\"&?#]{6,64}$")


def read_crumb(body: bytes, status: int | None = None) -> str:
    """The crumb in a getcrumb body.

    Raises:
        BodyRefused: when it is empty, a page, a notice or an error; some of those come with HTTP 200.
    """
    text = body.decode("utf-8", "replace").strip()
    if by_status(status) is None and _CRUMB.match(text):
        return text
    if text and by_status(status) is None and text[0] not in "<{[" and "too many" not in text.lower():
        raise BodyRefused(Reason.CRUMB_INVALID, shown(body))
    root = json_object(load_json(body, status))
    raise_source_error("finance", json_object(root.get("finance")).get("error"), status)
    raise BodyRefused(by_status(status) or Reason.CRUMB_INVALID, shown(body))


def crumb_or_reason(body: bytes, status: int | None = None) -> str | Reason:
    """The crumb, or the name of what came instead."""
    try:
        return read_crumb(body, status)
    except BodyRefused as refused:
        return refused.reason
