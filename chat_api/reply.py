"""What a question comes to, as the service, the API, the command and the pages share it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chat_api.charts import ChartSpec
from chat_api.plan import Choice, ColumnInfo

Kind = Literal["answer", "clarify", "refuse", "definition"]


class Answer(BaseModel):
    """The reply to one question.

    Attributes:
        id: names this answer, for its CSV.
        conversation_id: send it with the next question for a follow-up.
        kind: an answer with rows, a question back, a refusal, or the meaning of a term.
        code: why it was refused, for programs.
        sentence: the reply in words.
        notes: how words were read where that is worth saying.
        sql: the text that ran.
        columns: what the rows hold, in order, with unit and time zone.
        rows: plain values; instants are ISO 8601 in UTC.
        as_of: which moment of the data it speaks of, the zone named.
        simulated: whether the data are made up by the sandbox.
        truncated: whether there are more rows than are given.
        choices: the readings to choose from, for a question back.
        took_ms: how long it took here.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    conversation_id: str
    question: str
    kind: Kind
    code: str | None = None
    sentence: str
    notes: tuple[str, ...] = ()
    sql: str | None = None
    columns: tuple[ColumnInfo, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    chart: ChartSpec | None = None
    as_of: str | None = None
    simulated: bool
    truncated: bool = False
    choices: tuple[Choice, ...] = ()
    took_ms: float


class Table(BaseModel):
    """The rows of a query in SQL that passed the guard."""

    model_config = ConfigDict(frozen=True)

    id: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    simulated: bool
    truncated: bool
    took_ms: float


class Health(BaseModel):
    """Whether questions can be answered."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "down"]
    loaded: bool = False
    simulated: bool
    what_to_do: str | None = None
