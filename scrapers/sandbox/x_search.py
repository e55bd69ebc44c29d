"""The sandbox's X: recent search over the simulated posts, in the form of API v2."""

from __future__ import annotations

import re
from base64 import b32hexdecode, b32hexencode
from binascii import Error as Base32Error
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hmac import compare_digest
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scrapers.sandbox.replies import json_reply, sandbox_of
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world import noise
from scrapers.sandbox.world.post_texts import stated_language, text, user_id, username
from scrapers.sandbox.world.posts import REPOST, Day, day_of, instant_of, posts
from scrapers.sandbox.x_query import Group, QueryError, Term, parse

Row = dict[str, Any]
_WINDOW = timedelta(days=7)
_FRESH = timedelta(seconds=10)  # what is younger cannot be searched
_PAGE_MARK = "b26"
_HASHTAG = re.compile(r"#(\w+)")


class SearchError(ValueError):
    """A request that the search refuses: which parameter, and why."""

    def __init__(self, parameter: str, value: str, message: str) -> None:
        super().__init__(message)
        self.parameter, self.value = parameter, value


@dataclass(frozen=True)
class Search:
    """What is asked for: posts with lowest ≤ id < highest, newest first."""

    query: Term | Group
    lowest: int
    highest: int
    size: int


def _read(request: Request) -> Search:
    given, now = request.query_params, request.state.at
    if not given.get("query"):
        raise SearchError("query", "", "The 'query' parameter is required.")
    try:
        query = parse(given["query"])
    except QueryError as problem:
        raise SearchError("query", given["query"], f"Invalid 'query': {problem}") from None
    size = given.get("max_results", "10")
    if not size.isdigit() or not 10 <= int(size) <= 100:
        raise SearchError(
            "max_results", size, f"The `max_results` query parameter value [{size}] is not between 10 and 100"
        )
    newest = now - _FRESH
    start = _instant(given.get("start_time"), "start_time") or now - _WINDOW
    end = _instant(given.get("end_time"), "end_time") or newest
    if start < now - _WINDOW - timedelta(minutes=1):
        oldest = (now - _WINDOW).strftime("%Y-%m-%dT%H:%MZ")
        raise SearchError(
            "start_time",
            given["start_time"],
            f"Invalid 'start_time':'{given['start_time']}'. 'start_time' must be on or after {oldest}",
        )
    if end > newest + _FRESH:
        raise SearchError(
            "end_time",
            given["end_time"],
            f"Invalid 'end_time':'{given['end_time']}'. 'end_time' must be a minimum of 10 seconds prior to the request time.",
        )
    lowest, highest = first_id(start), first_id(min(end, newest))
    lowest = max(lowest, _number(given.get("since_id"), "since_id", -1) + 1)
    highest = min(highest, _number(given.get("until_id"), "until_id", highest))
    if token := given.get("next_token") or given.get("pagination_token"):
        highest = min(highest, _from_token(token))
    return Search(query, lowest, highest, int(size))


def _instant(value: str | None, name: str) -> datetime | None:
    if not value:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise SearchError(name, value, f"Invalid '{name}':'{value}'. It must be an RFC 3339 date-time.")
    return at


def _number(value: str | None, name: str, default: int) -> int:
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,19}", value):
        raise SearchError(name, value, f"Invalid '{name}':'{value}'.")
    return int(value)


def first_id(at: datetime) -> int:
    """The lowest id that a post of an instant can have."""
    return max(0, int(at.timestamp() * 1000) - 1_288_834_974_657) << 22


def _token(lowest: int) -> str:
    return _PAGE_MARK + b32hexencode(lowest.to_bytes(8, "big")).decode().rstrip("=").lower()


def _from_token(token: str) -> int:
    packed = token.removeprefix(_PAGE_MARK).upper()
    try:
        raw = b32hexdecode(packed + "=" * (-len(packed) % 8))
    except (Base32Error, ValueError):
        raw = b""
    if len(raw) != 8 or not token.startswith(_PAGE_MARK):
        raise SearchError("next_token", token, f"Invalid 'next_token':'{token}'.")
    return int.from_bytes(raw, "big")


async def recent(request: Request) -> Response:
    """One page of a search."""
    sandbox = sandbox_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    allowed = bool(token) if sandbox.token is None else compare_digest(token.encode(), sandbox.token.encode())
    if kind.lower() != "bearer" or not allowed:
        refusal = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
        return json_reply(refusal, 401)
    try:
        search = _read(request)
        found, more = find(sandbox, search)
    except SearchError as problem:
        return _bad(problem.parameter, problem.value, str(problem))
    except QueryError as problem:
        return _bad("query", request.query_params["query"], f"Invalid 'query': {problem}")
    if not found:
        return json_reply({"meta": {"result_count": 0}})
    return json_reply(_page(request, found, more))


def _bad(parameter: str, value: str, message: str) -> Response:
    return json_reply(
        {
            "errors": [{"parameters": {parameter: [value]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.x.com/2/problems/invalid-request",
        },
        400,
    )


Found = tuple[Day, int]


def find(sandbox: Sandbox, search: Search) -> tuple[list[Found], bool]:
    """The newest posts that a search asks for, and whether older ones are left."""
    found: list[Found] = []
    day = day_of(instant_of(max(search.highest - 1, 0)))
    oldest: date = day_of(instant_of(search.lowest))
    while day >= oldest:
        that = posts(sandbox.seed, day, sandbox.posts_per_day, sandbox.tags)
        inside = (that.ids >= search.lowest) & (that.ids < search.highest)
        if inside.any():
            numbers = np.flatnonzero(inside & search.query.mask(that))[::-1]
            missing = search.size + 1 - len(found)
            found += [(that, int(number)) for number in numbers[:missing]]
            if len(found) > search.size:
                return found[: search.size], True
        day -= timedelta(days=1)
    return found, False


def _page(request: Request, found: list[Found], more: bool) -> Row:
    given = request.query_params
    fields = set(f"{given.get('tweet.fields', '')},{given.get('post.fields', '')}".split(","))
    user_fields = set(given.get("user.fields", "").split(","))
    expansions = set(given.get("expansions", "").split(","))
    ids = [int(day.ids[number]) for day, number in found]
    meta: Row = {"newest_id": str(ids[0]), "oldest_id": str(ids[-1]), "result_count": len(ids)}
    if more:
        meta["next_token"] = _token(ids[-1])
    page: Row = {"data": [post_row(day, number, fields) for day, number in found]}
    includes: Row = {}
    if "author_id" in expansions:
        authors = dict.fromkeys(int(day.author[number]) for day, number in found)
        includes["users"] = [_user(found[0][0].seed, author, user_fields) for author in authors]
    if expansions & {"referenced_tweets.id", "referenced_posts.id"}:
        sources = {int(day.ids[day.source[n]]): (day, int(day.source[n])) for day, n in found if day.kind[n] == REPOST}
        if sources:
            includes["tweets"] = [post_row(day, number, fields) for day, number in sources.values()]
    if includes:
        page["includes"] = includes
    return page | {"meta": meta}


def post_row(day: Day, number: int, fields: set[str]) -> Row:
    """One element of `data`, with the fields asked for."""
    identity, words = str(day.ids[number]), text(day, number)
    row: Row = {"id": identity, "text": words, "edit_history_tweet_ids": [identity]}
    if "created_at" in fields:
        at = datetime.fromtimestamp(int(day.at[number]), UTC)
        row["created_at"] = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if "author_id" in fields:
        row["author_id"] = str(user_id(int(day.author[number])))
    if "lang" in fields:
        row["lang"] = stated_language(day, number)
    if "conversation_id" in fields:
        row["conversation_id"] = identity
    if "possibly_sensitive" in fields:
        row["possibly_sensitive"] = False
    if "public_metrics" in fields:
        likes, reposts = int(day.likes[number]), int(day.reposts[number])
        row["public_metrics"] = {
            "retweet_count": reposts,
            "reply_count": int(day.replies[number]),
            "like_count": likes,
            "quote_count": reposts // 6,
            "bookmark_count": likes // 9,
            "impression_count": 40 + likes * 37 + reposts * 90,
        }
    if "entities" in fields and (tags := list(_HASHTAG.finditer(words))):
        spans = [{"start": tag.start(), "end": tag.end(), "tag": tag.group(1)} for tag in tags]
        row["entities"] = {"hashtags": spans}
    if fields & {"referenced_tweets", "referenced_posts"} and day.kind[number] == REPOST:
        row["referenced_tweets"] = [{"type": "retweeted", "id": str(day.ids[day.source[number]])}]
    return row


def _user(seed: int, author: int, fields: set[str]) -> Row:
    row: Row = {"id": str(user_id(author)), "name": username(author).replace("_", " "), "username": username(author)}
    spin = noise.one(noise.key(seed, "users"), author)
    if "verified" in fields:
        row["verified"] = spin < 0.06
    if "created_at" in fields:
        row["created_at"] = f"{2010 + int(spin * 14)}-{1 + author % 12:02d}-{1 + author % 28:02d}T08:00:00.000Z"
    if "public_metrics" in fields:
        followers = int(30 * spin**-1.2)
        row["public_metrics"] = {
            "followers_count": followers,
            "following_count": int(50 + 900 * spin),
            "tweet_count": 100 + author * 3,
            "listed_count": followers // 200,
        }
    return row


ROUTES = [Route("/x/2/tweets/search/recent", recent)]
