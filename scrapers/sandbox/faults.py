"""How the sandbox misbehaves on purpose: a closed list of faults between a source and its client, and who is hit.

Whether a request is hit is a function of the seed, what is asked (path, query without the crumb, body, instant) and the
attempt that the client names in `X-Sandbox-Attempt`, so that a run can be repeated and a retry usually passes. Nothing
here changes the world: what a source knows is the same in a bad hour. See docs/faults.md.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Scope

from scrapers.sandbox.world import noise

ALL = "all"
_PAGE = "<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>"
_EXPIRED = {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}
_SERVER = {"finance": {"result": None, "error": {"code": "internal-error", "description": "Internal Server Error"}}}


class FaultError(ValueError):
    """Faults that cannot be read; the text names what was given and what there is."""


@dataclass(frozen=True)
class Fault:
    """One way of misbehaving.

    Attributes:
        what: what the client sees.
        reply: status, headers and body that come instead of the source's own answer.
        way: how the source's own answer is sent: cut, reset, stalled, dripped, short, mislabelled or with a wrong byte.
        damage: what is done to the answer's JSON.
        where: the parts of paths that it befalls; empty for every source.
    """

    name: str
    what: str
    reply: tuple[int, dict[str, str], bytes] | None = None
    way: str = ""
    damage: Callable[[Any, random.Random], Any] | None = None
    where: tuple[str, ...] = ()

    def befalls(self, path: str) -> bool:
        """Whether requests to a path can have it."""
        return not self.where or any(part in path for part in self.where)


def _html(title: str, body: str) -> bytes:
    return _PAGE.format(title=title, body=body).encode()


def _charts(value: Any) -> list[dict[str, Any]]:
    """The charts of a body that have bars."""
    results = (value.get("chart") or {}).get("result") or []
    return [result for result in results if result.get("timestamp")]


def _columns(chart: dict[str, Any]) -> list[list[Any]]:
    quote = chart["indicators"]["quote"][0]
    adjusted = chart["indicators"].get("adjclose", [{}])[0]
    return [chart["timestamp"], *quote.values(), *adjusted.values()]


def _nulls(value: Any, draw: random.Random) -> Any:
    for chart in _charts(value):
        place = draw.randrange(len(chart["timestamp"]))
        for column in _columns(chart)[1:]:
            column[place] = None
    return value


def _quotes(value: Any) -> list[Any]:
    rows: list[Any] = (value.get("quoteResponse") or {}).get("result") or []
    return rows


def _doubled(value: Any, draw: random.Random) -> Any:
    for chart in _charts(value):
        place = draw.randrange(len(chart["timestamp"]))
        for column in _columns(chart):
            column.insert(place, column[place])
    if rows := _quotes(value):
        rows.append(rows[draw.randrange(len(rows))])
    return value


def _shuffled(value: Any, draw: random.Random) -> Any:
    for chart in _charts(value):
        order = list(range(len(chart["timestamp"])))
        draw.shuffle(order)
        for column in _columns(chart):
            column[:] = [column[place] for place in order]
    draw.shuffle(_quotes(value))
    return value


KEY = b"{apikey}"  # in a fault's body: the key that the request was sent with
_MORE = b"Please see the premium plans at https://www.alphavantage.co/premium/"
_CAP = b"We have detected your API key as " + KEY + b" and our standard API rate limit is 25 requests per day. " + _MORE
_PREMIUM = b"Thank you for using Alpha Vantage! This is a premium endpoint. " + _MORE
_BURST = b"Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly "
_CRUMBED = ("/v1/finance/screener", "/v7/finance/quote", "/v10/finance/quoteSummary")
_CHART, _ROWS = ("/v8/finance/chart",), ("/v8/finance/chart", "/v7/finance/quote")
_SERIES = ("/alphavantage/",)
_SEC, _ZIPS = ("/sec/",), ("/sec/dera/",)
_TOLD_OFF = "SEC.gov | Your Request Originates from an Undeclared Automated Tool"
_TOO_FAST = "SEC.gov | Request Rate Threshold Exceeded"
_TEXT, _JSON = {"content-type": "text/plain"}, {"content-type": "application/json"}
_PAGES = {"content-type": "text/html; charset=utf-8"}
_AGREE = "<form class='consent-form' action='/v2/collectConsent'><button name=\"agree\">Agree</button></form>"
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "throttled",
            "HTTP 429 with `Retry-After: 1`",
            (429, _TEXT | {"retry-after": "1"}, b"Edge: Too Many Requests"),
        ),
        Fault("throttled_bare", "HTTP 429 without Retry-After", (429, _TEXT, b"Edge: Too Many Requests")),
        Fault("crumb_expired", "HTTP 401, Invalid Crumb", (401, _JSON, orjson.dumps(_EXPIRED)), where=_CRUMBED),
        Fault("forbidden", "HTTP 403", (403, _PAGES, _html("403 Forbidden", "Access denied"))),
        Fault("server_error", "HTTP 500", (500, _JSON, orjson.dumps(_SERVER))),
        Fault("unavailable", "HTTP 503 without a body", (503, _TEXT, b"")),
        Fault("consent", "a consent form with HTTP 200", (200, _PAGES, _html("Your privacy", _AGREE))),
        Fault("maintenance", "Will be right back, HTTP 200", (200, _PAGES, _html("Oops", "Will be right back..."))),
        Fault("html", "some page with HTTP 200", (200, _PAGES, _html("Welcome", "A page about something else"))),
        Fault("truncated", "fewer bytes than Content-Length promised, then the end", way="cut"),
        Fault("cut_short", "half a document, its Content-Length right", way="short"),
        Fault("slow", "the body drips for two seconds and is whole", way="drip"),
        Fault("stalled", "half a body, then silence", way="stall"),
        Fault("reset", "the connection is reset before an answer", way="reset"),
        Fault("wrong_type", "a good body as `text/html`", way="label"),
        Fault("nulls", "a bar of nulls", damage=_nulls, where=_CHART),
        Fault("duplicates", "a row that is there twice", damage=_doubled, where=_ROWS),
        Fault("out_of_order", "rows out of order", damage=_shuffled, where=_ROWS),
        Fault(
            "daily_cap",
            "the notice of the daily cap with HTTP 200, which repeats the key",
            (200, _JSON, b'{"Information": "%s"}' % _CAP),
            where=_SERIES,
        ),
        Fault(
            "premium_function",
            "the notice of a paid function with HTTP 200",
            (200, _JSON, b'{"Information": "%s"}' % _PREMIUM),
            where=_SERIES,
        ),
        Fault(
            "throttled_note",
            "the notice of too many requests in a row with HTTP 200",
            (200, _JSON, b'{"Note": "%s(1 request per second). %s"}' % (_BURST, _MORE)),
            where=_SERIES,
        ),
        Fault("damaged_zip", "a zip with a wrong byte in its middle", way="flip", where=_ZIPS),
        Fault(
            "undeclared_agent",
            "SEC's page about undeclared tools with HTTP 200",
            (200, _PAGES, _html(_TOLD_OFF, "Please declare your traffic")),
            where=_SEC,
        ),
        Fault(
            "rate_exceeded",
            "SEC's page about too many requests with HTTP 200",
            (200, _PAGES, _html(_TOO_FAST, "Please try again in ten minutes")),
            where=_SEC,
        ),
    )
}


@dataclass(frozen=True)
class Plan:
    """What befalls how many requests: (name or `all`, share, attempts that can be hit; 0 for any)."""

    parts: tuple[tuple[str, float, int], ...] = ()

    @classmethod
    def read(cls, text: str) -> Plan:
        """Read `NAME:SHARE` or `NAME:SHARE:ATTEMPTS`, comma separated.

        Raises:
            FaultError: naming the part that is wrong.
        """
        parts = tuple(_part(part.strip()) for part in text.split(",") if part.strip())
        if (whole := sum(share for _, share, _ in parts)) > 1:
            raise FaultError(f"{text!r}: the shares add up to {whole:g}, which is more than 1")
        return cls(parts)

    def hits(self, seed: int, scope: Scope, body: bytes) -> Fault | None:
        """The fault that befalls a request, if one does."""
        headers, path = Headers(scope=scope), scope["path"]
        if named := headers.get("x-sandbox-fault"):
            return _wished(named, _attempt(headers), path)
        if not self.parts:
            return None
        asked, attempt = _asked(scope, headers, body), _attempt(headers)
        drawn = noise.one(noise.key(seed, "faults", asked, attempt))
        for name, share, attempts in self.parts:
            if drawn < share:
                return self._one(seed, name, asked, attempt, path) if not attempts or attempt < attempts else None
            drawn -= share
        return None

    @staticmethod
    def _one(seed: int, name: str, asked: str, attempt: int, path: str) -> Fault | None:
        if name != ALL:
            return FAULTS[name] if FAULTS[name].befalls(path) else None
        fitting = [fault for fault in FAULTS.values() if fault.befalls(path)]
        return fitting[int(noise.one(noise.key(seed, "which fault", asked, attempt)) * len(fitting))]


def damage_of(fault: Fault, seed: int, body: bytes) -> bytes:
    """A JSON body with a fault's damage; the same for the same body."""
    if fault.damage is None:
        return body
    draw = random.Random(noise.key(seed, fault.name, body[:4_000]))  # noqa: S311 - a simulation's
    return orjson.dumps(fault.damage(orjson.loads(body), draw))


def page_of(page: bytes, scope: Scope) -> bytes:
    """A fault's body as a request gets it."""
    if KEY not in page:
        return page
    given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("apikey", "")
    return page.replace(KEY, given.encode())


def _asked(scope: Scope, headers: Headers, body: bytes) -> str:
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = sorted((name, value) for name, value in query if name not in ("crumb", "apikey"))
    return "|".join((scope["path"], repr(kept), headers.get("x-sandbox-at", ""), repr(body)))


def _attempt(headers: Headers) -> int:
    text = headers.get("x-sandbox-attempt", "0")
    return int(text) if text.isdigit() else 0


def _wished(text: str, attempt: int, path: str) -> Fault | None:
    """The fault of `X-Sandbox-Fault: NAME` or `NAME:ATTEMPTS`, which only the first attempts have."""
    name, _, attempts = text.partition(":")
    if name not in FAULTS or (attempts and not attempts.isdigit()):
        raise FaultError(f"X-Sandbox-Fault: {text!r} is not NAME or NAME:ATTEMPTS with one of {', '.join(FAULTS)}")
    hit = FAULTS[name].befalls(path) and (not attempts or attempt < int(attempts))
    return FAULTS[name] if hit else None


def _part(text: str) -> tuple[str, float, int]:
    name, _, rest = text.partition(":")
    share, _, attempts = rest.partition(":")
    try:
        part = (name, float(share), int(attempts or 0))
    except ValueError:
        raise FaultError(f"{text!r} is not NAME:SHARE or NAME:SHARE:ATTEMPTS, such as throttled:0.1") from None
    if name not in FAULTS and name != ALL:
        raise FaultError(f"no fault {name!r}; there are {', '.join((ALL, *FAULTS))}")
    if not 0 <= part[1] <= 1 or part[2] < 0:
        raise FaultError(f"{text!r}: a share is from 0 to 1, and attempts are a count")
    return part
