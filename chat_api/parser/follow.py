"""Follow-ups: a short question that edits the plan before it."""

from __future__ import annotations

from chat_api.parser.draft import Draft
from chat_api.plan import Plan


def follow(draft: Draft, previous: Plan) -> Plan | None:
    """The edited plan, or None where the question stands by itself."""
    return None
