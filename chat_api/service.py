"""The chat as one object: a question comes in, an `Answer` goes out. The API, the command and the pages all ask here."""

from __future__ import annotations

import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from chat_api import attention, charts, context, data_health, overview
from chat_api.context import Context
from chat_api.csv_export import to_csv
from chat_api.execute import Database, DatabaseDown, NotLoaded, QueryFailed, TooSlow
from chat_api.guard import Refused, check, marts_catalog
from chat_api.memory import Memory
from chat_api.plan import Clarification, Compiled, Definition, Plan, Reading, Refusal
from chat_api.reply import Answer, Health, Table
from chat_api.values import plain_rows
from lake.clock import Clock

MAX_QUESTION = 500
MAX_ROWS = 1_000
_KEPT_ANSWERS = 200
_KEPT_CELLS = 2_000_000
_KEPT_CONVERSATIONS = 2_000


class Language(Protocol):
    """What turns a question into a plan, a plan into SQL, and rows into a sentence. It holds no connection."""

    def read(self, question: str, context: Context, previous: Plan | None) -> Reading:
        """What a question asks, in the light of the one before."""
        ...

    def compile(self, plan: Plan, context: Context) -> Compiled | Refusal:
        """The plan as SQL, or why there is none."""
        ...

    def sentence(self, plan: Plan, compiled: Compiled, rows: Sequence[tuple[Any, ...]], context: Context) -> str:
        """The answer in words."""
        ...


@dataclass(frozen=True)
class _Kept:
    """The rows of an answer as they were given, for its CSV."""

    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def cells(self) -> int:
        return len(self.header) * (len(self.rows) + 1)


class Service:
    """Answers questions over the marts.

    Args:
        database: the read-only role's connections.
        language: reads questions; offline by default rules, or a model.
        clock: the one clock.
        simulated: whether the home's world is simulated.
        visits: which visits attention goes by.
    """

    def __init__(
        self,
        database: Database,
        language: Language,
        clock: Clock,
        simulated: bool,
        visits: attention.Visits = "all",
    ) -> None:
        self._database = database
        self._language = language
        self._clock = clock
        self.simulated = simulated
        self._visits = visits
        self._lock = threading.Lock()
        self._stamp: tuple[Any, ...] | None = None
        self._context: Context | None = None
        self._overview: tuple[Any, overview.Overview] | None = None
        self._answers: Memory[_Kept] = Memory(_KEPT_ANSWERS, lambda kept: kept.cells, _KEPT_CELLS)
        self._conversations: Memory[Plan] = Memory(_KEPT_CONVERSATIONS)

    def open(self) -> None:
        """Begin to connect."""
        self._database.open()

    def close(self) -> None:
        """End the connections."""
        self._database.close()

    def context(self) -> Context:
        """What questions are read against, read again when the marts have changed, at the present instant."""
        now = self._clock.now()
        # Outside the lock: where PostgreSQL is down, nobody waits for another's waiting.
        stamp = context.stamp(self._database.fetch)
        with self._lock:
            if self._context is None or stamp != self._stamp:
                self._context = context.load(self._database.fetch, now, simulated=self.simulated)
                self._stamp = stamp
            # Kept moved on: the indexes that reading makes of it go along.
            self._context = self._context.at(now)
            return self._context

    def ask(self, question: str, conversation_id: str | None = None) -> Answer:
        """Answer a question.

        Args:
            question: as typed.
            conversation_id: of the answer that it follows up; None for a new conversation.

        Raises:
            DatabaseDown: when PostgreSQL does not answer; every other trouble is an answer.
        """
        started = time.perf_counter()
        conversation = conversation_id or secrets.token_urlsafe(9)
        question = _clean(question)

        def reply(**parts: Any) -> Answer:
            return Answer(
                id=secrets.token_urlsafe(9),
                conversation_id=conversation,
                question=question[:MAX_QUESTION],
                simulated=self.simulated,
                took_ms=round((time.perf_counter() - started) * 1000, 1),
                **parts,
            )

        if refusal := _unreadable(question):
            return reply(kind="refuse", code=refusal.code, sentence=refusal.sentence)
        try:
            now = self.context()
            if not now.loads:
                raise NotLoaded(
                    "Nothing is loaded yet. `make run` makes the first load; `tidemark import PATH` takes your own files."
                )
            reading = self._language.read(question, now, self._conversations.get(conversation))
            return self._answer(reading, now, conversation, reply)
        except NotLoaded as error:
            return reply(kind="refuse", code="not_loaded", sentence=str(error))
        except (TooSlow, QueryFailed) as error:
            return reply(kind="refuse", code="not_answered", sentence=str(error))

    def _answer(self, reading: Reading, now: Context, conversation: str, reply: Callable[..., Answer]) -> Answer:
        match reading:
            case Clarification():
                return reply(kind="clarify", sentence=reading.question, choices=reading.choices)
            case Refusal():
                return reply(kind="refuse", code=reading.code, sentence=reading.sentence)
            case Definition():
                return reply(kind="definition", sentence=reading.text)
            case Plan():
                return self._run(reading, now, conversation, reply)

    def _run(self, plan: Plan, now: Context, conversation: str, reply: Callable[..., Answer]) -> Answer:
        compiled = self._language.compile(plan, now)
        if isinstance(compiled, Refusal):
            return reply(kind="refuse", code=compiled.code, sentence=compiled.sentence)
        try:
            guarded = check(compiled.sql, marts_catalog(), MAX_ROWS)
        except Refused as refused:
            return reply(kind="refuse", code="not_answered", sentence=f"The query for this is not run: {refused}.")
        result = self._database.run(guarded)
        sentence = self._language.sentence(plan, compiled, result.rows, now)
        rows = tuple(map(tuple, plain_rows(result.rows)))
        answer = reply(
            kind="answer",
            sentence=sentence,
            notes=plan.notes,
            sql=guarded.sql,
            columns=compiled.columns,
            rows=rows,
            chart=charts.choose(plan, compiled.columns, rows),
            as_of=compiled.as_of,
            truncated=result.truncated,
        )
        self._conversations.put(conversation, plan)
        self._answers.put(
            answer.id, _Kept(tuple(_header(column.label, column.unit) for column in compiled.columns), rows)
        )
        return answer

    def sql(self, text: str, limit: int = MAX_ROWS) -> Table:
        """Run a SELECT over the marts through the guard.

        Raises:
            Refused: by the guard, with the reason.
            DatabaseDown, NotLoaded, TooSlow, QueryFailed: as the database raises.
        """
        started = time.perf_counter()
        guarded = check(text, marts_catalog(), min(max(limit, 1), MAX_ROWS))
        result = self._database.run(guarded)
        rows = tuple(map(tuple, plain_rows(result.rows)))
        name = secrets.token_urlsafe(9)
        self._answers.put(name, _Kept(result.columns, rows))
        return Table(
            id=name,
            sql=guarded.sql,
            columns=result.columns,
            rows=rows,
            simulated=self.simulated,
            truncated=result.truncated,
            took_ms=round((time.perf_counter() - started) * 1000, 1),
        )

    def csv(self, answer_id: str) -> str | None:
        """The rows of an answer as CSV, as they were shown; None where it is not remembered."""
        kept = self._answers.get(answer_id)
        return None if kept is None else to_csv(kept.header, kept.rows)

    def overview(self) -> overview.Overview:
        """The market at a glance, read again when the marts have changed or a new tick has passed.

        Raises:
            DatabaseDown, NotLoaded, TooSlow, QueryFailed: as the database raises.
        """
        now = self.context()
        key = (self._stamp, now.latest_tick)
        if self._overview is None or self._overview[0] != key:
            self._overview = (key, overview.read(self._database.records, now))
        return self._overview[1]

    def data_health(self) -> data_health.DataHealth:
        """The state of the data.

        Raises:
            DatabaseDown, NotLoaded, TooSlow, QueryFailed: as the database raises.
        """
        return data_health.read(self._database.records, self.context())

    def attention_days(self) -> attention.AttentionDays:
        """The logged days that are loaded.

        Raises:
            DatabaseDown, NotLoaded, TooSlow, QueryFailed: as the database raises.
        """
        return attention.read_days(self._database.records, simulated=self.simulated, visits=self._visits)

    def attention_day(self, day: date, series: str | None = None) -> attention.AttentionDay:
        """A logged day, of a form of the log; without one, of the form that has the day. Raises as `attention_days`."""
        chosen = series or self.context().series_of(day)
        return attention.read_day(self._database.records, chosen, day, simulated=self.simulated, visits=self._visits)

    def readable(self, questions: Sequence[str]) -> tuple[str, ...]:
        """Those of some questions that can be answered as they stand."""
        now = self.context()
        return tuple(question for question in questions if isinstance(self._language.read(question, now, None), Plan))

    def health(self) -> Health:
        """Whether PostgreSQL answers and something is loaded."""
        try:
            loaded = bool(self.context().loads)
        except NotLoaded:
            loaded = False
        except (DatabaseDown, TooSlow, QueryFailed) as error:
            return Health(status="down", simulated=self.simulated, what_to_do=str(error))
        return Health(status="ok", loaded=loaded, simulated=self.simulated)


def _header(label: str, unit: str | None) -> str:
    return f"{label} ({unit})" if unit else label


def _clean(question: str) -> str:
    """Without what no keyboard writes: control and surrogate characters become blanks."""
    head = question[: MAX_QUESTION * 4]
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in head).strip()


def _unreadable(question: str) -> Refusal | None:
    if not question:
        return Refusal(code="not_understood", reason="The question is empty.", suggestion="Try: top 5 gainers today.")
    if len(question) > MAX_QUESTION:
        return Refusal(
            code="not_understood",
            reason=f"The question is longer than {MAX_QUESTION} characters.",
            suggestion="Ask one thing at a time, such as: Apple close last Friday.",
        )
    return None
