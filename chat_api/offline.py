"""The offline language: rules read the question, the compiler makes the SQL, templates say the answer. No network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chat_api import answer, compiler, parser
from chat_api.context import Context
from chat_api.plan import Compiled, Plan, Reading, Refusal


class Offline:
    """Reads questions by rules; it keeps nothing between them."""

    def read(self, question: str, context: Context, previous: Plan | None) -> Reading:
        """What a question asks, in the light of the one before."""
        return parser.read(question, context, previous)

    def compile(self, plan: Plan, context: Context) -> Compiled | Refusal:
        """The plan as SQL, or why there is none."""
        try:
            return compiler.compile(plan, context)
        except compiler.PlanError as error:
            return Refusal(
                code="not_understood",
                reason=f"I understood the words, but not what they ask together: {error}.",
                suggestion="Ask for one metric of a company, sector or tag at a time.",
            )

    def sentence(self, plan: Plan, compiled: Compiled, rows: Sequence[tuple[Any, ...]], context: Context) -> str:
        """The answer in words."""
        return answer.sentence(plan, compiled, rows, context)
