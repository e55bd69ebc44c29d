"""The logged days over the API: minutes and words against a plain count of the same seconds, companies, documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient

from chat_api.api import build_api
from chat_api.app import build_live, build_service
from chat_api.attention_api import add_attention
from chat_api.execute import Database
from chat_api.live import Band, word_of
from chat_api.offline import Offline
from chat_api.service import Service
from lake.clock import Clock
from tests.chat_api import small_attention, small_marts
from tests.chat_api.conftest import SmallHome
from tests.chat_api.small_attention import NEWEST, OLD

HOME = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def client(small_home: SmallHome) -> Iterator[TestClient]:
    small_marts.fill(small_home.owner_dsn)
    small_attention.fill(small_home.owner_dsn)
    service = build_service(small_home.settings, small_home.home)
    service.open()
    app = build_api(service)
    add_attention(app, service, build_live(small_home.settings, small_home.home))
    yield TestClient(app, base_url=HOME)
    service.close()
    small_marts.fill(small_home.owner_dsn)


def test_days_are_listed_with_what_each_log_tells(client: TestClient) -> None:
    seen = client.get("/api/attention").json()
    assert seen["days"] == [["v2", "2026-11-20"], ["v1", "2017-01-03"]]
    new, old = seen["lines"]
    assert (new["companies"], new["visits_human"], new["visitors"]) == (29, None, None)
    assert (old["companies"], old["visits_human"], old["visitors"]) == (7, old["visits_all"] // 3 - 2, 61_234)
    assert "request" in seen["definition"]


def test_minutes_and_words_are_those_of_all_seconds(client: TestClient) -> None:
    seen = client.get(f"/api/attention/days/{NEWEST}").json()
    assert (seen["series"], seen["measure"], seen["simulated"]) == ("v2", "all", True)
    held = {row["second_of_day"]: row["visits_all"] for row in small_attention.seconds("v2", NEWEST)}
    assert len(held) < 86_400  # some seconds have no visit, and count
    bands = {row["second_of_day"]: row for row in small_attention.bands() if row["day_kind"] == "weekday"}
    assert len(seen["minutes"]) == 1440
    for minute in (0, 700, 845, 1439):
        seconds = range(60 * minute, 60 * minute + 60)
        told = seen["minutes"][minute]
        visits = [held.get(second, 0) for second in seconds]
        assert told["visits_mean"] == pytest.approx(sum(visits) / 60)
        assert told["visits_peak"] == max(visits)
        for part in ("p25", "p75", "p95"):
            assert told[part] == pytest.approx(sum(bands[second][part] for second in seconds) / 60)
    words: Counter[str] = Counter()
    for second, band in bands.items():
        words[word_of(held.get(second, 0), Band(**{key: band[key] for key in Band.model_fields}))] += 1
    told = seen["seconds_by_word"]
    assert {name: told[name] for name in words} == dict(words)
    assert (sum(words.values()), told["days"], told["day_kind"]) == (86_400, 24, "weekday")


def test_companies_stand_beside_their_usual_and_their_price(client: TestClient) -> None:
    seen = client.get(f"/api/attention/days/{NEWEST}").json()
    ranks = [line["rank"] for line in seen["by_visits"]]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1
    told = [(line["unusual_score"], line["is_unusual"]) for line in seen["by_unusual"]]
    assert told == sorted(((score, score >= 6) for score, _ in told), reverse=True)
    # A company that is not judged comes after those that are, whatever its score.
    (second,) = [line for line in seen["by_visits"] if line["rank"] == 2]
    assert second["is_unusual"] is None
    assert second["unusual_score"] > told[-1][0]
    assert second["cik"] not in {line["cik"] for line in seen["by_unusual"]}
    prices = {line["price"]: line["return_pct"] for line in seen["by_unusual"]}
    assert prices["no_bar"] is None
    assert prices["bar"] is not None


def test_documents_are_the_most_visited_first_and_unknown_companies_keep_their_cik(client: TestClient) -> None:
    documents = client.get(f"/api/attention/days/{NEWEST}").json()["documents"]
    assert [line["visits"] for line in documents] == sorted((line["visits"] for line in documents), reverse=True)
    assert documents[0]["accession"] == "0000320193-26-000000"
    unknown = next(line for line in documents if line["cik"] == 4_000_001)
    assert (unknown["ticker"], unknown["name"]) == (None, None)


def test_the_first_form_goes_by_people_where_that_is_set_and_the_second_cannot(
    small_home: SmallHome, client: TestClient
) -> None:
    service = Service(
        Database(small_home.reader_dsn), Offline(), Clock.from_settings(small_home.settings), True, "human"
    )
    service.open()
    try:
        old, new = service.attention_day(OLD), service.attention_day(NEWEST)
        held = {row["second_of_day"]: row["visits_human"] for row in small_attention.seconds("v1", OLD)}
        assert (old.series, old.measure, new.measure) == ("v1", "human", "all")
        assert old.minutes[800].visits_mean == pytest.approx(sum(held.get(48_000 + n, 0) for n in range(60)) / 60)
        assert old.minutes[800].visitors == round(small_attention.level(48_000) * 9)
        # There are bands of all requests alone: people are not held against those.
        assert old.seconds_by_word is None
        assert "person" in old.definition
    finally:
        service.close()


def test_a_day_that_is_not_loaded_is_empty_and_a_wrong_one_is_told(client: TestClient) -> None:
    seen = client.get("/api/attention/days/2019-01-01").json()
    assert (seen["minutes"], seen["by_visits"], seen["documents"]) == ([], [], [])
    wrong = client.get("/api/attention/days/yesterday")
    assert wrong.status_code == 422
    assert "log_date" in wrong.json()["error"]


def test_a_home_of_an_earlier_version_shows_what_it_has(small_home: SmallHome, client: TestClient) -> None:
    names = ("visits_bands", "visits_prices", "visits_documents", "visits_total_second", "visitors_day")
    with psycopg.connect(small_home.owner_dsn) as connection:
        for name in names:
            connection.execute(f"ALTER TABLE marts.{name} RENAME TO {name}_away")
    try:
        seen = client.get(f"/api/attention/days/{NEWEST}").json()
        assert (seen["minutes"], seen["seconds_by_word"], seen["documents"]) == ([], None, [])
        assert len(seen["by_visits"]) == 12
        assert seen["by_visits"][0]["return_pct"] is None
        assert len(client.get("/api/attention").json()["lines"]) == 2
    finally:
        with psycopg.connect(small_home.owner_dsn) as connection:
            for name in names:
                connection.execute(f"ALTER TABLE marts.{name}_away RENAME TO {name}")
