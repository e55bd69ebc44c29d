"""Questions answered over full-size marts, held against SQL written by hand; and that the judge can say no."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chat_api import context as contexts
from chat_api.context import Context
from chat_api.evaluate import EvalReport, Golden, evaluate, resolve, same_rows
from chat_api.guard import check, marts_catalog
from chat_api.offline import Offline
from chat_api.plan import Clarification, Compiled, Definition, Plan, Refusal
from lake import postgres as server
from lake.home import Home
from lake.settings import load_settings
from tests.chat_api import marts_fixture


@dataclass
class Chat:
    """The offline chat over the full marts, without a service around it."""

    connection: psycopg.Connection[tuple[Any, ...]]
    context: Context
    plans: dict[str, Plan]
    made: dict[str, list[dict[str, Any]]]

    def fetch(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Run a SELECT."""
        return self.connection.execute(statement.encode()).fetchall()

    def ask(self, question: str, conversation: str | None = None) -> Mapping[str, Any]:
        """Answer as the service does, guard included."""
        name = conversation or f"c{len(self.plans)}-{question}"
        language = Offline()
        reading = language.read(question, self.context, self.plans.get(name))
        reply: dict[str, Any] = {"conversation_id": name, "rows": []}
        if isinstance(reading, Refusal):
            return reply | {"kind": "refuse", "sentence": reading.sentence}
        if isinstance(reading, Clarification):
            return reply | {"kind": "clarify", "sentence": reading.question}
        if isinstance(reading, Definition):
            return reply | {"kind": "definition", "sentence": reading.text}
        self.plans[name] = reading
        compiled = language.compile(reading, self.context)
        assert isinstance(compiled, Compiled), compiled
        rows = self.fetch(check(compiled.sql, marts_catalog(), 5000).sql)
        return reply | {
            "kind": "answer",
            "sentence": language.sentence(reading, compiled, rows, self.context),
            "rows": rows,
        }


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A PostgreSQL of its own with the full marts."""
    settings = load_settings(home=tmp_path_factory.mktemp("full") / "home", postgres_url=None)
    home = Home.open(settings)
    home.move_port("postgres")
    running = server.start(home, settings)
    try:
        made = marts_fixture.fill(server.owner_dsn(home, settings))
        with psycopg.connect(server.reader_dsn(home, settings), autocommit=True) as connection:
            found = Chat(connection, Context(now=marts_fixture.NOW), {}, made)
            found.context = contexts.load(found.fetch, marts_fixture.NOW)
            yield found
    finally:
        if running is not None:
            running.stop()


@pytest.fixture(scope="module")
def report(chat: Chat, shared: Path) -> EvalReport:
    """The shared questions judged."""
    return evaluate(shared / "chat" / "questions_dev.jsonl", chat.ask, chat.fetch, marts_fixture.NOW)


def test_no_answer_is_wrong(report: EvalReport) -> None:
    assert [(one.id, one.why) for one in report.questions if one.verdict in {"wrong", "not_held"}] == []


def test_every_answer_was_held_against_something(report: EvalReport) -> None:
    assert report.summary()["unverified_ids"] == []


def test_enough_is_right_in_enough_kinds_and_subjects(report: EvalReport) -> None:
    found = report.summary()
    assert found["right"] >= 60
    assert found["kinds_right"] >= 10
    assert found["subjects_right"] >= 6


def test_all_that_must_be_refused_is(report: EvalReport) -> None:
    found = report.summary()
    assert found["refuse_all"] > 0
    assert found["refuse_refused"] == found["refuse_all"]


def test_hand_written_sql_holds_no_question(shared: Path) -> None:
    text = (Path(__file__).parents[2] / "chat_api" / "evaluation" / "golden.toml").read_text(encoding="utf-8")
    lines = (shared / "chat" / "questions_dev.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    assert not [line for line in lines if line.split('"question": "')[1].split('"')[0] in text]


# --- answers against numbers counted here -----------------------------------------------------------------------------


def test_volatility_is_the_sample_deviation_times_the_root_of_252(chat: Chat) -> None:
    returns = [row["return_pct"] for row in chat.made["bars_daily"] if row["symbol"] == "XOM"][-20:]
    mean = sum(returns) / 20
    expected = math.sqrt(sum((value - mean) ** 2 for value in returns) / 19) * math.sqrt(252)
    (row,) = chat.ask("Exxon volatility over the last 20 sessions")["rows"]
    assert row[-1] == pytest.approx(expected)


def test_drawdown_is_from_the_highest_so_far(chat: Chat) -> None:
    peak, worst = 0.0, 0.0
    for row in chat.made["bars_daily"]:
        if row["symbol"] == "V" and row["session"].year == 2026:
            peak = max(peak, row["adj_close"])
            worst = max(worst, 1 - row["adj_close"] / peak)
    (row,) = chat.ask("Visa max drawdown year to date")["rows"]
    assert row[-1] == pytest.approx(worst * 100)


def test_a_day_without_visits_counts_as_zero(chat: Chat) -> None:
    visits = [
        row["visits_all"]
        for row in chat.made["visits_day"]
        if row["symbol"] == "MSFT" and 9 <= row["log_date"].day <= 15 and row["log_date"].month == 11
    ]
    (row,) = chat.ask("average daily visits to Microsoft's filings last week")["rows"]
    assert row[-1] == pytest.approx(sum(visits) / 7)


def test_a_day_s_sentiment_is_the_mean_over_its_posts(chat: Chat) -> None:
    held = [row for row in chat.made["signals_hourly"] if row["tag"] == "sensex" and row["day"].day == 20]
    expected = sum(row["sentiment"] * row["posts"] for row in held) / sum(row["posts"] for row in held)
    (row,) = chat.ask("sensex sentiment yesterday")["rows"]
    assert row[-1] == pytest.approx(expected)


def test_absent_values_are_no_part_of_an_average_or_an_order(chat: Chat) -> None:
    known = [
        row["pe_trailing"]
        for row in chat.made["quotes"]
        if row["sector"] == "Energy" and row["pe_trailing"] is not None
    ]
    (row,) = chat.ask("mean P/E across energy")["rows"]
    assert row[0] == pytest.approx(sum(known) / len(known))
    lowest = chat.ask("5 lowest P/E in energy")["rows"]
    assert [row[-1] for row in lowest] == sorted(known)[:5]


def test_every_number_said_stands_with_its_time(chat: Chat) -> None:
    said = chat.ask("Apple p/e")["sentence"]
    assert "2026-11-20 16:00 New York time" in said
    assert "Simulated" in said


# --- the judge --------------------------------------------------------------------------------------------------------


def test_rows_are_the_same_in_any_order_and_beside_other_columns() -> None:
    assert same_rows([("A", 1.0), ("B", 2.0)], [["x", 2.0000000001, "B"], ["y", 1, "A"]])
    assert same_rows([], [])


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ([("A", 1.0)], [["A", 1.1]]),
        ([("A", 1.0)], []),
        ([("A", 1.0)], [["A", 1.0], ["B", 2.0]]),
        ([("A", 1.0), ("B", 2.0)], [["A", 2.0], ["B", 1.0]]),
        ([("A", None)], [["A", 0.0]]),
        ([(5,)], [["5"]]),
    ],
)
def test_other_rows_are_not_the_same(expected: list[tuple[Any, ...]], got: list[list[Any]]) -> None:
    assert not same_rows(expected, got)


def test_a_wrong_answer_and_an_unheld_refusal_are_counted(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        '{"id": "q1", "question": "a", "kind": "lookup", "expect": "answer", "meaning": {"subject": "quote"}}\n'
        '{"id": "q2", "question": "b", "kind": "refuse", "expect": "refuse", "meaning": {}}\n'
        '{"id": "q3", "question": "c", "kind": "lookup", "expect": "answer", "meaning": {"subject": "bar"}}\n',
        encoding="utf-8",
    )
    reply = {"kind": "answer", "sentence": "", "rows": [[1]], "conversation_id": "x"}
    golden = Golden({"q1": "SELECT 2"}, {})
    found = evaluate(
        questions,
        lambda _question, _conversation: reply,
        lambda _sql: [(2,)],
        datetime(2026, 11, 21, tzinfo=UTC),
        golden,
    )
    assert (found.right, found.wrong, found.unverified) == (0, 2, 1)


def test_times_of_hand_written_sql_follow_the_clock() -> None:
    text = resolve("{{today}} {{india}} {{newest 11-30}} {{newest 01-05}}", datetime(2027, 1, 10, 20, tzinfo=UTC))
    assert text == "DATE '2027-01-10' DATE '2027-01-11' DATE '2026-11-30' DATE '2027-01-05'"
