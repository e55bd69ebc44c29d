"""The simulated posts: enough of them, in order, found page by page, and one tag that knows what comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from scrapers.sandbox.app import build_app
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world import companies, filers, india, post_texts, posts
from scrapers.sandbox.world.posts import COPY, HOSTILE, REPOST, SPAM

TAGS = ("nifty50", "sensex", "intraday", "banknifty")
DAY = date(2026, 11, 19)
QUERY = " OR ".join(f"#{tag}" for tag in TAGS)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEARCH = "/x/2/tweets/search/recent"
FIELDS = "created_at,author_id,public_metrics,lang,entities,referenced_tweets"
START, END = "2026-11-18T18:30:00Z", "2026-11-19T18:30:00Z"  # India's 19 November


def _sandbox(tmp_path: Path, token: str | None = None, posts_per_day: int = 300) -> Sandbox:
    return Sandbox(
        seed=7,
        per_sector=20,
        edgar_rows=1_000,
        posts_per_day=posts_per_day,
        tags=TAGS,
        clock=Clock(start=NOW, frozen=True),
        files=tmp_path,
        token=token,
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(build_app(_sandbox(tmp_path)), headers={"authorization": "Bearer any"}) as made:
        yield made


def _search(client: TestClient, **params: object) -> httpx.Response:
    return client.get(SEARCH, params={"query": QUERY} | {name.replace("__", "."): str(v) for name, v in params.items()})


def _all(client: TestClient, **params: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = _search(client, start_time=START, end_time=END, max_results=100, **params, **token).json()
        rows += page.get("data", [])
        meta = page["meta"]
        assert meta["result_count"] == len(page.get("data", []))
        if "next_token" not in meta:
            return rows
        assert (meta["newest_id"], meta["oldest_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        token = {"next_token": meta["next_token"]}


@pytest.mark.parametrize("day", [DAY, date(2026, 11, 21), date(2026, 1, 26)])
def test_every_day_has_at_least_what_was_asked(day: date) -> None:
    made = posts.posts(7, day, 2_400, TAGS)
    assert 2_400 <= len(made) < 2_900
    assert (np.diff(made.ids) > 0).all()
    assert (np.diff(made.at) >= 0).all()
    assert {posts.day_of(datetime.fromtimestamp(int(at), UTC)) for at in made.at[[0, -1]]} == {day}
    assert {posts.day_of(posts.instant_of(int(identity))) for identity in made.ids[[0, -1]]} == {day}


def test_posts_follow_the_market_s_hours() -> None:
    made = posts.posts(7, DAY, 2_400, TAGS)
    hours = (made.at + 19_800) % 86_400 // 3600
    trading = ((hours >= 9) & (hours < 16)).mean()
    rest = posts.posts(7, date(2026, 11, 21), 2_400, TAGS)
    resting_hours = (rest.at + 19_800) % 86_400 // 3600
    assert trading > 0.55 > ((resting_hours >= 9) & (resting_hours < 16)).mean()


def test_there_is_everything_that_people_write() -> None:
    made = posts.posts(7, DAY, 2_400, TAGS)
    assert set(made.kind.tolist()) == {posts.ORDINARY, REPOST, SPAM, COPY, HOSTILE}
    words = [post_texts.text(made, number) for number in range(len(made))]
    assert {post_texts.stated_language(made, number) for number in range(200)} == {"en", "hi"}
    assert any("<script>" in text for text in words)
    assert any("Ignore all previous instructions" in text for text in words)
    assert any("तेजी" in text for text in words)
    assert len(set(words)) < len(words)  # some copy others
    assert len(set(words)) > 0.85 * len(words)
    tagged = [any(f"#{tag}" in text.lower() for tag in TAGS) for text in words]
    assert np.mean(tagged) > 0.995
    assert made.likes.max() > 50 * (np.median(made.likes) + 1)
    for number in np.flatnonzero(made.kind == REPOST):
        source = int(made.source[number])
        assert source < number
        assert words[number].startswith(f"RT @{post_texts.username(int(made.author[source]))}: {words[source][:40]}")
        assert made.likes[number] == 0


def test_the_same_day_again_is_the_same() -> None:
    first = [post_texts.text(posts.posts(7, DAY, 300, TAGS), number) for number in range(50)]
    posts.posts.cache_clear()
    posts.posts(7, DAY - timedelta(days=1), 300, TAGS)
    made = posts.posts(7, DAY, 300, TAGS)
    assert [post_texts.text(made, number) for number in reversed(range(50))] == first[::-1]


def _lead(tag: str, index: str, days: int = 40) -> tuple[float, float]:
    """Correlation of a tag's mean mood in an hour with its index's return in the next hour, and in the same one."""
    mood, coming, present = [], [], []
    for day in india.sessions(DAY - timedelta(days=days), DAY):
        made = posts.posts(7, day, 1_200, TAGS)
        hour = (made.at + 19_800) % 86_400 // 3600
        for of in range(9, 15):
            wrote = made.mood[(made.tag == TAGS.index(tag)) & (hour == of) & (made.kind == posts.ORDINARY)]
            if len(wrote) > 3:
                mood.append(wrote.mean())
                coming.append(india.hour_return(7, index, day, of + 1))
                present.append(india.hour_return(7, index, day, of))
    return float(np.corrcoef(mood, coming)[0, 1]), float(np.corrcoef(mood, present)[0, 1])


def test_the_planted_tag_leads_its_index() -> None:
    coming, present = _lead(posts.LEADING_TAG, posts.LED_INDEX)
    assert coming > 0.35
    assert abs(present) < 0.2


@pytest.mark.parametrize(("tag", "index"), [("nifty50", "^NSEI"), ("sensex", "^BSESN"), ("intraday", "^NSEBANK")])
def test_no_other_tag_leads_anything(tag: str, index: str) -> None:
    coming, present = _lead(tag, index)
    assert abs(coming) < 0.2
    assert abs(present) < 0.2


def test_the_index_s_hours_add_up_to_its_day() -> None:
    levels = india.path(7, "^NSEBANK", DAY)
    hours = sum(india.hour_return(7, "^NSEBANK", DAY, hour) for hour in range(24))
    assert hours == pytest.approx(np.log(levels[-1] / levels[0]), abs=1e-9)
    assert india.path(7, "^NSEBANK", india.ANCHOR)[-1] == india.INDICES["^NSEBANK"].level
    with pytest.raises(LookupError):
        india.path(7, "^NSEBANK", date(2026, 11, 21))


def test_paging_finds_every_post_once(client: TestClient) -> None:
    rows = _all(client, tweet__fields=FIELDS)
    made = posts.posts(7, DAY, 300, TAGS)
    assert [int(row["id"]) for row in rows] == made.ids[::-1].tolist()
    stamps = [row["created_at"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert all(START <= stamp < END.replace("Z", ".000Z") for stamp in stamps)
    assert _all(client, tweet__fields=FIELDS) == rows


def test_fields_are_given_when_asked_for(client: TestClient) -> None:
    plain = _search(client).json()
    assert len(plain["data"]) == 10
    assert all(row.keys() == {"id", "text", "edit_history_tweet_ids"} for row in plain["data"])
    assert "includes" not in plain
    rich = _search(
        client,
        tweet__fields=FIELDS,
        expansions="author_id,referenced_tweets.id",
        user__fields="verified",
        max_results=100,
    ).json()
    users = {user["id"]: user for user in rich["includes"]["users"]}
    assert {row["author_id"] for row in rich["data"]} == users.keys()
    assert all(user.keys() == {"id", "name", "username", "verified"} for user in users.values())
    repeated = [row for row in rich["data"] if "referenced_tweets" in row]
    assert repeated
    known = {row["id"] for row in rich["includes"]["tweets"]}
    assert {row["referenced_tweets"][0]["id"] for row in repeated} == known
    for row in rich["data"]:
        for tag in row.get("entities", {}).get("hashtags", []):
            assert row["text"][tag["start"] : tag["end"]] == f"#{tag['tag']}"


def test_queries_choose(client: TestClient) -> None:
    whole = {row["id"] for row in _all(client)}
    own = {row["id"] for row in _all(client, query=f"({QUERY}) -is:retweet")}
    repeats = {row["id"] for row in _all(client, query=f"({QUERY}) is:retweet")}
    assert own | repeats == whole
    assert not own & repeats
    assert repeats
    bank = _all(client, query="#banknifty")
    assert 0 < len(bank) < len(whole)
    hindi = _all(client, query=f"({QUERY}) lang:hi", tweet__fields="lang")
    assert {row["lang"] for row in hindi} == {"hi"}
    assert {row["id"] for row in _all(client, query=f"({QUERY}) -lang:hi")} == whole - {row["id"] for row in hindi}
    assert all("breakout" in row["text"].lower() for row in _all(client, query="breakout #nifty50"))


def test_since_id_leaves_out_what_is_known(client: TestClient) -> None:
    rows = _all(client)
    newer = _all(client, since_id=rows[20]["id"])
    assert newer == rows[:20]
    assert _all(client, until_id=rows[20]["id"]) == rows[21:]
    nothing = _search(client, since_id=rows[0]["id"], start_time=START, end_time=END).json()
    assert nothing == {"meta": {"result_count": 0}}


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"query": ""}, "query"),
        ({"query": "(#nifty50"}, "query"),
        ({"query": "#nifty50 near:Mumbai"}, "query"),
        ({"max_results": 9}, "max_results"),
        ({"max_results": 101}, "max_results"),
        ({"start_time": "2026-11-10T00:00:00Z"}, "start_time"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"end_time": "2026-11-22T00:00:00Z"}, "end_time"),
        ({"next_token": "b26v89"}, "next_token"),
        ({"since_id": "x"}, "since_id"),
    ],
)
def test_requests_that_are_refused(client: TestClient, params: dict[str, object], parameter: str) -> None:
    reply = _search(client, **params)
    assert reply.status_code == 400
    body = reply.json()
    assert body["title"] == "Invalid Request"
    assert parameter in body["errors"][0]["parameters"]


def test_a_bearer_token_is_needed(tmp_path: Path) -> None:
    with TestClient(build_app(_sandbox(tmp_path, token="right"))) as client:
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Basic right"},
            {"authorization": "Bearer "},
        ):
            reply = client.get(SEARCH, params={"query": QUERY}, headers=headers)
            assert reply.status_code == 401
            assert reply.json()["title"] == "Unauthorized"
        good = client.get(SEARCH, params={"query": QUERY}, headers={"authorization": "Bearer right"})
        assert good.status_code == 200


def test_posts_of_the_future_are_not_found(client: TestClient) -> None:
    early = client.get(SEARCH, params={"query": QUERY}, headers={"x-sandbox-at": "2026-11-19T06:00:00Z"}).json()
    assert posts.instant_of(int(early["meta"]["newest_id"])) <= datetime(2026, 11, 19, 6, tzinfo=UTC)


def test_the_documentation_names_what_is_planted() -> None:
    words = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")
    planted = words.split("## Planted effects")[1].split("\n## ")[0]
    for named in (f"#{posts.LEADING_TAG}", posts.LED_INDEX, filers.PLANTED_DAY.isoformat()):
        assert f"`{named}`" in planted or f" {named} " in planted
    company = companies.find(7, filers.PLANTED_SYMBOL, 100)
    assert company is not None
    assert f"CIK {company.cik}" in planted
    assert filers.PLANTED_FACTOR == 10
