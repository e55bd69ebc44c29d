"""From bytes to JSON, or to the name of what came instead."""

from __future__ import annotations

import re
from typing import TypeAlias

import orjson

from scrapers.errors import BodyRefused, Reason

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_START = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t\r\n]*")
_THROTTLED = re.compile(
    rb"too many requests|rate limit exceeded|request rate threshold exceeded|undeclared automated tool", re.IGNORECASE
)
_MAINTENANCE = re.compile(rb"will be right back", re.IGNORECASE)
# Every Yahoo page links to its consent host; only the form itself asks.
_CONSENT = re.compile(rb"collectConsent|#consent-page|class=\"consent-|name=\"agree\"", re.IGNORECASE)
_HTML = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)
# Notices are short or stand at the top of a page; the rest of a large page is somebody's data.
_LOOKED_AT = 200_000

_BY_STATUS = {
    400: Reason.BAD_REQUEST,
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    422: Reason.WINDOW_REFUSED,
    429: Reason.THROTTLED,
}


def load_json(body: bytes, status: int | None = None) -> Json:
    """The JSON of a body.

    Args:
        body: the payload as received.
        status: the response's HTTP status, where known; it names what an unreadable body does not.

    Raises:
        BodyRefused: naming what came instead of JSON.
    """
    text = body[_START.match(body).end() :]  # type: ignore[union-attr]  # the pattern matches the empty string too
    if not text:
        raise BodyRefused(by_status(status) or Reason.EMPTY_BODY)
    if text[:1] not in (b"{", b"["):
        raise BodyRefused(_name_text(text, status), shown(text))
    try:
        loaded: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if re.match(rb'\{"(created_at|text|id_str|lang)"', text) and b'"id_str"' in text[:4000]:
            raise BodyRefused(Reason.API_V1_1, "lines of v1.1 statuses") from None
        cut = "end of data" in error.msg or "no closing quote" in error.msg or _ends_within_a_character(text)
        named = by_status(status)
        raise BodyRefused(named or (Reason.TRUNCATED_JSON if cut else Reason.MALFORMED_JSON), error.msg) from None
    return loaded


def _ends_within_a_character(text: bytes) -> bool:
    """Whether the only fault of the UTF-8 is that its last character is not whole."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.end == len(text) and error.reason == "unexpected end of data"
    return False


def by_status(status: int | None) -> Reason | None:
    """What an HTTP status alone says; None for a status that says nothing is wrong."""
    if status is None or 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Reason.REDIRECTED
    return _BY_STATUS.get(status, Reason.SERVER_ERROR if status >= 500 else Reason.BAD_REQUEST)


def _name_text(text: bytes, status: int | None) -> Reason:
    top = text[:_LOOKED_AT]
    html = text[:1] == b"<" or _HTML.search(text[:300]) is not None
    if (html or len(text) < 2_000) and _THROTTLED.search(top):
        return Reason.THROTTLED
    if (html or len(text) < 2_000) and _MAINTENANCE.search(top):
        return Reason.MAINTENANCE_PAGE
    if html and _CONSENT.search(top):
        return Reason.CONSENT_PAGE
    return by_status(status) or (Reason.HTML_INSTEAD_OF_JSON if html else Reason.NOT_JSON)


def shown(body: bytes, length: int = 300) -> str:
    """The beginning of a body as text that any store takes."""
    return body[:length].decode("utf-8", "replace").replace("\x00", "")


def raise_source_error(root: str, error: Json, status: int | None = None) -> None:
    """Name the error object that Yahoo puts beside a null result; nothing where there is none.

    Raises:
        BodyRefused: with the error's name and its own description.
    """
    if not error:
        return
    if not isinstance(error, dict):
        raise BodyRefused(by_status(status) or Reason.SOURCE_ERROR, f"{root}: {error!r}"[:300])
    code, description = str(error.get("code") or ""), str(error.get("description") or "")
    raise BodyRefused(_name_error(code, description, status), description[:300])


def _name_error(code: str, description: str, status: int | None) -> Reason:
    phrases = {
        "invalid crumb": Reason.CRUMB_INVALID,
        "invalid cookie": Reason.CRUMB_INVALID,
        "too many requests": Reason.THROTTLED,
        "delisted": Reason.DELISTED,
        "no fundamentals data": Reason.NO_FUNDAMENTALS,
        "data doesn't exist for startdate": Reason.EMPTY_WINDOW,
    }
    for phrase, reason in phrases.items():
        if phrase in description.lower():
            return reason
    codes = {
        "unauthorized": Reason.UNAUTHORIZED,
        "not found": Reason.NOT_FOUND,
        "bad request": Reason.BAD_REQUEST,
        "unprocessable entity": Reason.WINDOW_REFUSED,
        "internal-error": Reason.SERVER_ERROR,
    }
    return codes.get(code.lower(), by_status(status) or Reason.SOURCE_ERROR)
