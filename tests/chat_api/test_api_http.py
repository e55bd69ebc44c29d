"""The API over the small marts: answers, SQL through the guard, CSV, overview, health, and who is let in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from chat_api.api import build_api
from chat_api.app import build_service
from chat_api.execute import Database
from chat_api.offline import Offline
from chat_api.service import MAX_QUESTION, Service
from lake.clock import Clock
from tests.chat_api import small_marts
from tests.chat_api.attack_corpus import attacks
from tests.chat_api.conftest import SmallHome
from tests.conftest import SHARED

HOME = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def service(small_home: SmallHome) -> Iterator[Service]:
    service = build_service(small_home.settings, small_home.home)
    service.open()
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(service: Service) -> TestClient:
    return TestClient(build_api(service), base_url=HOME)


def ask(client: TestClient, question: str, conversation: str | None = None) -> dict[str, object]:
    body = {"question": question} | ({"conversation_id": conversation} if conversation else {})
    response = client.post("/ask", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_a_question_gets_sentence_rows_sql_and_marks(client: TestClient) -> None:
    answer = ask(client, "AAPL price")
    assert answer["kind"] == "answer", answer
    assert answer["simulated"] is True
    assert "AAPL" in str(answer["sentence"]) or "Apple" in str(answer["sentence"])
    assert str(answer["sql"]).startswith(("SELECT", "WITH"))
    assert "16:00" in str(answer["as_of"])
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    assert float(answer["took_ms"]) > 0  # type: ignore[arg-type]


def test_a_top_list_has_a_chart_of_its_own_columns(client: TestClient) -> None:
    answer = ask(client, "top 3 gainers in Technology")
    assert answer["kind"] == "answer", answer
    chart, columns = answer["chart"], answer["columns"]
    assert isinstance(chart, dict)
    assert isinstance(columns, list)
    assert {chart["x"], *chart["y"]} <= {column["name"] for column in columns}
    assert len(answer["rows"]) == 3  # type: ignore[arg-type]


def test_a_follow_up_goes_on_with_the_conversation(client: TestClient) -> None:
    first = ask(client, "AAPL price")
    then = ask(client, "and Microsoft?", str(first["conversation_id"]))
    assert then["kind"] == "answer", then
    assert then["conversation_id"] == first["conversation_id"]
    assert "MSFT" in str(then["rows"])
    alone = ask(client, "and Microsoft?")
    assert alone["kind"] != "answer"


def test_an_ambiguous_name_is_put_back_with_choices_that_answer(client: TestClient) -> None:
    answer = ask(client, "Alphabet price")
    assert answer["kind"] == "clarify", answer
    choices = answer["choices"]
    assert isinstance(choices, list)
    assert len(choices) >= 2
    chosen = next(choice["ask"] for choice in choices if choice["ask"])
    assert ask(client, chosen)["kind"] == "answer"


def test_a_meaning_is_a_definition_and_advice_is_refused(client: TestClient) -> None:
    assert ask(client, "what does market cap mean?")["kind"] == "definition"
    advice = ask(client, "should I buy AAPL?")
    assert (advice["kind"], advice["code"]) == ("refuse", "advice")
    assert advice["sql"] is None


@pytest.mark.parametrize("question", ["", "   ", "\x00\x01", "x" * (MAX_QUESTION + 1), "\ud800"])
def test_what_cannot_be_a_question_is_refused(service: Service, question: str) -> None:
    answer = service.ask(question)
    assert answer.kind == "refuse"
    assert answer.rows == ()
    answer.model_dump_json()


HARMLESS = ("answer", "clarify", "refuse", "definition")


def test_language_attacks_are_refused_or_answered_in_their_harmless_part(
    client: TestClient, service: Service, shared: object
) -> None:
    tried = attacks(SHARED, "NL-")
    assert len(tried) > 20
    for attack in tried:
        answer = service.ask(attack.payload)
        assert answer.kind in HARMLESS
        if attack.category not in ("NL-DIRECT", "NL-SCOPE"):
            assert answer.kind != "answer", (attack.payload[:80], answer.sentence)
        if answer.sql is not None:
            # Whatever ran passed the guard: marts alone, bounded.
            assert service.sql(answer.sql).sql
        said = answer.sentence.lower()
        assert not any(word in said for word in ("postgresql://", "password", "prompt:", "silver.", "bronze."))


def test_too_large_a_body_is_refused_before_it_is_read(client: TestClient) -> None:
    response = client.post("/ask", json={"question": "AAPL " * 100_000})
    assert response.status_code == 413
    assert "bytes" in response.json()["error"]
    chunked = client.post("/ask", content=iter([b"{}"]), headers={"content-type": "application/json"})
    assert chunked.status_code == 413


@pytest.mark.parametrize("body", ["{}", "[]", "nonsense", '{"question": 3}', '{"question": "x", "extra": 1}'])
def test_a_wrong_body_is_told_what_is_wrong(client: TestClient, body: str) -> None:
    response = client.post("/ask", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert set(response.json()) == {"error"}


def test_sql_runs_through_the_guard(client: TestClient) -> None:
    response = client.post("/sql", json={"sql": "SELECT symbol, price FROM quotes ORDER BY price DESC LIMIT 2"})
    table = response.json()
    assert (table["columns"], len(table["rows"]), table["truncated"]) == (["symbol", "price"], 2, False)
    assert client.post("/sql", json={"sql": "SELECT symbol FROM bars_daily"}).json()["truncated"] is True
    for sql, word in (
        ("DROP TABLE quotes", "SELECT"),
        ("SELECT * FROM pg_shadow", "pg_shadow"),
        ("SELECT nothing FROM quotes", "nothing"),
    ):
        refused = client.post("/sql", json={"sql": sql})
        assert refused.status_code == 400
        assert word in refused.json()["error"]
    failed = client.post("/sql", json={"sql": "SELECT 1 / (rows - rows) FROM loads"})
    assert (failed.status_code, "division" in failed.json()["error"]) == (400, True)


def test_sql_values_that_are_no_numbers_are_null(client: TestClient) -> None:
    table = client.post(
        "/sql", json={"sql": "SELECT CAST('NaN' AS double precision) AS a, session FROM quotes LIMIT 1"}
    ).json()
    assert table["rows"] == [[None, "2026-11-20"]]


def test_an_answer_downloads_as_csv(client: TestClient) -> None:
    answer = ask(client, "top 3 gainers in Technology")
    response = client.get(f"/api/answers/{answer['id']}.csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert "simulated" in response.headers["content-disposition"]
    read = list(csv.reader(io.StringIO(response.text)))
    rows, columns = answer["rows"], answer["columns"]
    assert isinstance(rows, list)
    assert isinstance(columns, list)
    assert len(read) == len(rows) + 1
    assert len(read[0]) == len(columns)
    assert client.get("/api/answers/unknown.csv").status_code == 404


def test_overview_and_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "loaded": True, "simulated": True, "what_to_do": None}
    market = client.get("/api/overview").json()
    assert market["simulated"] is True
    assert len(market["sectors"]) == 11
    changes = [line["change_pct"] for line in market["sectors"] if line["change_pct"] is not None]
    assert changes == sorted(changes, reverse=True)
    assert market["gainers"][0]["change_pct"] >= market["gainers"][-1]["change_pct"] > 0
    assert market["visited"][0]["rank"] == 1
    assert len(market["signals"]) == 4
    assert market["forecast"]["session"] == "2026-11-23"
    assert market["forecast"]["track"][0]["forecasts"] > 0


def test_who_asks_from_elsewhere_is_not_let_in(client: TestClient) -> None:
    body = {"question": "AAPL price"}
    assert client.post("/ask", json=body, headers={"host": "evil.example"}).status_code == 421
    assert client.post("/ask", json=body, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/ask", json=body, headers={"origin": "null"}).status_code == 403
    own = client.post("/ask", json=body, headers={"origin": HOME})
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers
    assert "default-src 'self'" in own.headers["content-security-policy"]
    assert client.get("/healthz", headers={"host": "LOCALHOST:9"}).status_code == 200
    assert client.get("/healthz", headers={"host": "[::1]:9"}).status_code == 200


def test_a_websocket_of_another_site_s_page_is_closed(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect("/any", headers={"origin": "http://evil.example"}),
    ):
        pass
    assert closed.value.code == 1008


def test_a_real_home_is_not_marked_simulated(small_home: SmallHome) -> None:
    service = Service(
        Database(small_home.reader_dsn), Offline(), Clock.from_settings(small_home.settings), simulated=False
    )
    service.open()
    try:
        client = TestClient(build_api(service), base_url=HOME)
        answer = ask(client, "AAPL price")
        assert answer["simulated"] is False
        assert "imulated" not in str(answer["sentence"])
        assert "simulated" not in client.get(f"/api/answers/{answer['id']}.csv").headers["content-disposition"]
    finally:
        service.close()


def test_a_database_that_is_down_gives_503_with_what_to_do() -> None:
    database = Database("postgresql://tidemark_reader:x@127.0.0.1:1/tidemark", patience=0.3)
    service = Service(database, Offline(), Clock(), simulated=True)
    service.open()
    try:
        client = TestClient(build_api(service), base_url=HOME)
        for response in (
            client.post("/ask", json={"question": "AAPL price"}),
            client.post("/sql", json={"sql": "SELECT 1"}),
            client.get("/api/overview"),
        ):
            assert response.status_code == 503
            assert "tidemark up" in response.json()["error"]
        health = client.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (503, "down")
    finally:
        service.close()


def test_empty_marts_are_said_with_how_to_load(small_home: SmallHome) -> None:
    small_marts.fill(small_home.owner_dsn, empty=True)
    service = build_service(small_home.settings, small_home.home)
    service.open()
    try:
        answer = service.ask("AAPL price")
        assert (answer.kind, answer.code) == ("refuse", "not_loaded")
        assert "make run" in answer.sentence
        market = service.overview()
        assert not market.loaded
        assert market.sectors == ()
        assert service.health().status == "ok"
    finally:
        service.close()
        small_marts.fill(small_home.owner_dsn)


def test_new_marts_are_seen_at_once(small_home: SmallHome, service: Service) -> None:
    before = service.overview()
    assert service.overview() is before
    small_marts.fill(small_home.owner_dsn, hostile=["New & Sons"])
    try:
        assert service.overview() is not before
    finally:
        small_marts.fill(small_home.owner_dsn)
