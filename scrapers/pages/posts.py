"""X API v2 recent search: a page of posts.

The schema is being renamed, so reposts are read under either name. Authors are kept as a hash only. Tags come from the
post's own entities, and from its text where there are none.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from lake.clock import INDIA
from lake.contracts import table
from scrapers.errors import BodyRefused, Reason
from scrapers.pages.base import Parsed, Records, RowRefused, guarded, json_object, must, parsed, text, whole
from scrapers.pages.bodies import Json, by_status, load_json

POSTS = table("silver.posts")
_HASHTAG = re.compile(r"(?:^|(?<=[^\w&]))[#＃](\w+)")
_PROBLEMS = {
    "usage-capped": Reason.USAGE_CAPPED,
    "rate-limit-exceeded": Reason.THROTTLED,
    "invalid-request": Reason.BAD_REQUEST,
    "not-authorized": Reason.UNAUTHORIZED,
    "unsupported-authentication": Reason.UNAUTHORIZED,
    "client-forbidden": Reason.FORBIDDEN,
    "resource-not-found": Reason.NOT_FOUND,
}


def read_posts(body: bytes, status: int | None = None) -> Records:
    """Posts of a page as records; see `parse_posts`."""

    def read(records: Records) -> None:
        root = load_json(body, status)
        if not isinstance(root, dict):
            raise BodyRefused(by_status(status) or Reason.UNEXPECTED_SHAPE)
        _raise_problem(root, status)
        meta, data = json_object(root.get("meta")), root.get("data")
        token = meta.get("next_token")
        records.next_token = token if isinstance(token, str) and token else None
        if data is None and "result_count" in meta:
            return
        if not isinstance(data, list) or "result_count" not in meta:
            raise BodyRefused(Reason.API_V1_1 if "statuses" in root or "id_str" in root else Reason.UNEXPECTED_SHAPE)
        records.read_each(data, lambda post, _: _row(post))

    return guarded(read, body)


def parse_posts(body: bytes, status: int | None = None) -> Parsed:
    """Rows of silver.posts from a page of recent search; an empty page has none, and none refused."""
    return parsed(read_posts(body, status), POSTS)


def _raise_problem(root: dict[str, Json], status: int | None) -> None:
    kind = root.get("type")
    if isinstance(kind, str) and "/problems/" in kind:
        name = kind.rsplit("/", 1)[-1]
        reason = _PROBLEMS.get(name, by_status(status) or Reason.SOURCE_ERROR)
        raise BodyRefused(reason, f"{name}: {root.get('detail')}"[:300])
    errors = root.get("errors")
    if isinstance(errors, list) and "data" not in root and "meta" not in root:
        throttled = any(json_object(error).get("code") == 88 for error in errors)
        raise BodyRefused(Reason.THROTTLED if throttled else by_status(status) or Reason.SOURCE_ERROR)
    if (named := by_status(status)) is not None:
        raise BodyRefused(named)


def _row(post: dict[str, Json]) -> dict[str, object]:
    post_id = must(text(post, "id"), Reason.ID_MISSING)
    words = must(text(post, "text"), Reason.TEXT_MISSING)
    created = _instant(must(text(post, "created_at"), Reason.TIME_MISSING))
    author = must(text(post, "author_id"), Reason.AUTHOR_MISSING)
    metrics = json_object(post.get("public_metrics"))
    likes, replies = whole(metrics, "like_count"), whole(metrics, "reply_count")
    reposts = whole(metrics, "repost_count") if "repost_count" in metrics else whole(metrics, "retweet_count")
    if likes is None or replies is None or reposts is None:
        raise RowRefused(Reason.METRICS_MISSING)
    tags = _tags(post, words)
    if not tags:
        raise RowRefused(Reason.NO_TAG)
    return {
        "post_id": post_id,
        "created_at": created,
        "day": created.astimezone(INDIA).date(),
        "author_key": hashlib.blake2b(author.encode(), digest_size=12, person=b"x-author").hexdigest(),
        "text": words,
        "language": text(post, "lang"),
        "tags": tags,
        "likes": likes,
        "reposts": reposts,
        "replies": replies,
        "is_repost": _is_repost(post, words),
    }


def _instant(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
        if at.tzinfo is None or not 1900 <= at.year <= 2200:
            raise RowRefused(Reason.WRONG_TYPE)
        return at.astimezone(UTC)
    except ValueError:
        raise RowRefused(Reason.WRONG_TYPE) from None


def _tags(post: dict[str, Json], words: str) -> list[str]:
    entities = json_object(post.get("entities")).get("hashtags")
    if isinstance(entities, list):
        found = [text(entity, "tag") for entity in entities if isinstance(entity, dict)]
    else:
        found = list(_HASHTAG.findall(words))
    return sorted({tag.lower().lstrip("#") for tag in found if tag} - {""})


def _is_repost(post: dict[str, Json], words: str) -> bool:
    references = post.get("referenced_posts", post.get("referenced_tweets"))
    if isinstance(references, list):
        kinds = {text(reference, "type") for reference in references if isinstance(reference, dict)}
        return bool(kinds & {"retweeted", "reposted"})
    return words.startswith("RT @")
