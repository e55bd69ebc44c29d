"""How well questions are answered: the shared questions, put to the chat, against SQL written by hand.

Right means the same rows, whatever stands beside them; wrong is worse than a question back. What is answered without
hand-written SQL counts as unverified, never as right.
"""

from __future__ import annotations

import json
import math
import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from lake.market_calendar import INDIA, NEW_YORK

Verdict = Literal["right", "wrong", "unverified", "clarified", "refused", "held", "not_held"]
Ask = Callable[[str, str | None], Mapping[str, Any]]
RunSql = Callable[[str], Sequence[Sequence[Any]]]

GOLDEN = Path(__file__).parent / "evaluation" / "golden.toml"
_NEWEST = re.compile(r"\{\{newest (\d\d)-(\d\d)\}\}")
_RELATIVE = 1e-6
_ABSOLUTE = 1e-9


class Judged(BaseModel):
    """One question and what became of it. `held` and `not_held` are for those that must not be answered."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    subject: str | None
    expect: str
    got: str
    verdict: Verdict
    seconds: float
    why: str | None = None


class EvalReport(BaseModel):
    """All questions judged, with the counts by kind and subject."""

    model_config = ConfigDict(frozen=True)

    questions: tuple[Judged, ...]

    @property
    def right(self) -> int:
        """Answered with the rows of the hand-written SQL."""
        return self._count("right")

    @property
    def wrong(self) -> int:
        """Answered otherwise, or answered where a refusal or a question back was due."""
        return self._count("wrong") + self._count("not_held")

    @property
    def unverified(self) -> int:
        """Answered without hand-written SQL to hold it against."""
        return self._count("unverified")

    def _count(self, verdict: Verdict) -> int:
        return sum(one.verdict == verdict for one in self.questions)

    def by(self, name: Literal["kind", "subject"]) -> dict[str, dict[str, int]]:
        """Verdicts by kind or by subject."""
        groups: dict[str, Counter[str]] = {}
        for one in self.questions:
            groups.setdefault(str(getattr(one, name) or "–"), Counter())[one.verdict] += 1
        return {group: dict(counts) for group, counts in sorted(groups.items())}

    def summary(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        right = [one for one in self.questions if one.verdict == "right"]
        due = [one for one in self.questions if one.expect == "refuse"]
        slow = sorted(one.seconds for one in self.questions)
        return {
            "questions": len(self.questions),
            "answerable": sum(one.expect == "answer" for one in self.questions),
            "right": self.right,
            "wrong": self.wrong,
            "unverified": self.unverified,
            "kinds_right": len({one.kind for one in right}),
            "subjects_right": len({one.subject for one in right if one.subject}),
            "refuse_refused": sum(one.verdict == "held" for one in due),
            "refuse_all": len(due),
            "seconds_p95": slow[max(0, math.ceil(0.95 * len(slow)) - 1)] if slow else None,
            "by_kind": self.by("kind"),
            "by_subject": self.by("subject"),
            "wrong_ids": [one.id for one in self.questions if one.verdict in {"wrong", "not_held"}],
            "unverified_ids": [one.id for one in self.questions if one.verdict == "unverified"],
        }


@dataclass(frozen=True)
class Golden:
    """What questions should give: SQL, or the terms of a definition, by id."""

    sql: Mapping[str, str]
    terms: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path = GOLDEN) -> Golden:
        """Read the hand-written file."""
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(dict(held["sql"]), {name: tuple(terms) for name, terms in held["terms"].items()})

    def query(self, name: str, now: datetime) -> str | None:
        """The SQL of a question at a moment."""
        text = self.sql.get(name)
        return None if text is None else resolve(text, now)


def resolve(text: str, now: datetime) -> str:
    """Fill a hand-written query's times in.

    Args:
        text: SQL with {{now}}, {{today}}, {{india}}, {{tick}}, {{session}} and {{newest MM-DD}}.
        now: the moment asked at, with a zone.
    """
    today = now.astimezone(NEW_YORK).date()
    parts = {
        "{{now}}": f"TIMESTAMPTZ '{now.astimezone(UTC).replace(microsecond=0).isoformat()}'",
        "{{today}}": f"DATE '{today}'",
        "{{india}}": f"DATE '{now.astimezone(INDIA).date()}'",
        "{{tick}}": "(SELECT max(tick) FROM marts.quotes)",
        "{{session}}": "(SELECT max(session) FROM marts.bars_daily)",
    }
    for mark, sql in parts.items():
        text = text.replace(mark, sql)

    def newest(found: re.Match[str]) -> str:
        day = date(today.year, int(found[1]), int(found[2]))
        return f"DATE '{day if day <= today else day.replace(year=day.year - 1)}'"

    return _NEWEST.sub(newest, text)


def read_questions(path: Path) -> list[dict[str, Any]]:
    """The questions of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def evaluate(
    questions_path: Path, ask: Ask, run_sql: RunSql, now: datetime, golden: Golden | None = None
) -> EvalReport:
    """Put every question to the chat and judge the reply.

    Args:
        questions_path: JSON lines with id, question, kind, expect, meaning and, for follow-ups, the questions before.
        ask: question and conversation → the reply as plain data (kind, sentence, columns, rows, conversation_id).
        run_sql: the rows of a SELECT over the marts.
        now: the chat's present moment.
        golden: hand-written SQL and terms; the project's own by default.
    """
    golden = golden or Golden.read()
    judged = []
    for question in read_questions(questions_path):
        conversation: str | None = None
        for before in question.get("after", ()):
            conversation = ask(before, conversation).get("conversation_id")
        started = time.perf_counter()
        reply = ask(question["question"], conversation)
        seconds = time.perf_counter() - started
        verdict, why = _judge(question, reply, run_sql, golden, now)
        judged.append(
            Judged(
                id=question["id"],
                kind=question["kind"],
                subject=question.get("meaning", {}).get("subject"),
                expect=question["expect"],
                got=str(reply["kind"]),
                verdict=verdict,
                seconds=round(seconds, 4),
                why=why,
            )
        )
    return EvalReport(questions=tuple(judged))


def _judge(
    question: Mapping[str, Any], reply: Mapping[str, Any], run_sql: RunSql, golden: Golden, now: datetime
) -> tuple[Verdict, str | None]:
    got, told = reply["kind"], str(reply["sentence"])
    if question["expect"] != "answer":
        allowed = {"refuse"} if question["expect"] == "refuse" else {"refuse", "clarify"}
        return ("held", None) if got in allowed else ("not_held", f"{got}: {told}")
    if got in {"refuse", "clarify"}:
        return ("refused" if got == "refuse" else "clarified"), told
    if got == "definition":
        return _judge_terms(golden.terms.get(question["id"]), told)
    query = golden.query(question["id"], now)
    if query is None:
        return "unverified", None
    expected = run_sql(query)
    if same_rows(expected, reply["rows"]):
        return "right", None
    return "wrong", f"expected {_few(expected)}, got {_few(reply['rows'])}"


def _judge_terms(terms: Sequence[str] | None, told: str) -> tuple[Verdict, str | None]:
    if terms is None:
        return "unverified", None
    return ("right", None) if all(f"{term.lower()}:" in told.lower() for term in terms) else ("wrong", told)


def _few(rows: Sequence[Sequence[Any]]) -> str:
    return f"{len(rows)} rows: {[tuple(row) for row in rows[:3]]}"


# --- comparison -----------------------------------------------------------------------------------------------------


def same_rows(expected: Sequence[Sequence[Any]], got: Sequence[Sequence[Any]]) -> bool:
    """Whether an answer holds the expected rows, in any order, with further columns allowed.

    A row expected once for each entity may be answered by as many rows; no expected row needs no row.
    """
    if len(expected) != len(got):
        return False
    if not expected:
        return True
    wanted = [[_plain(value) for value in row] for row in expected]
    held = [[_plain(value) for value in row] for row in got]
    width = len(wanted[0])
    fitting = [
        [n for n in range(len(held[0])) if _same_values([row[k] for row in wanted], [row[n] for row in held])]
        for k in range(width)
    ]
    if any(not columns for columns in fitting):
        return False
    return any(_match(wanted, held, columns) for columns in _choices(fitting))


def _choices(fitting: list[list[int]]) -> Sequence[tuple[int, ...]]:
    """Every way to give each expected column a column of the answer of its own."""
    columns = sorted({n for choice in fitting for n in choice})
    return [p for p in permutations(columns, len(fitting)) if all(n in fitting[k] for k, n in enumerate(p))][:5000]


def _match(wanted: list[list[Any]], held: list[list[Any]], columns: tuple[int, ...]) -> bool:
    chosen = sorted(([row[n] for n in columns] for row in held), key=_key)
    return all(
        _same(a, b)
        for left, right in zip(sorted(wanted, key=_key), chosen, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def _same_values(left: list[Any], right: list[Any]) -> bool:
    return all(_same(a, b) for a, b in zip(sorted(left, key=_rank), sorted(right, key=_rank), strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float) and not isinstance(left, bool):
        return math.isclose(left, right, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return bool(left == right)


def _rank(value: Any) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        # Rounded, so that two that count as the same sort alike.
        return (1, float(f"{value:.7g}"), "")
    return (2, 0.0, str(value))


def _key(row: list[Any]) -> list[tuple[int, float, str]]:
    return [_rank(value) for value in row]
