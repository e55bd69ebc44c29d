"""Follow-ups: a short question that edits the plan before it.

An edit applies only where every word of the question belongs to it; else the question is read by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from chat_api.parser.draft import Draft, clarify
from chat_api.parser.follow.entities import other_companies, other_metric, other_role, other_sectors, other_tags
from chat_api.parser.follow.forms import as_chart, counted, filtered, grouped, ordered, per_head
from chat_api.parser.follow.times import other_time, shifted
from chat_api.parser.sentence.checks import finish
from chat_api.plan import Plan

_MARKS = {
    "and",
    "about",
    "same",
    "now",
    "instead",
    "only",
    "without",
    "drop",
    "add",
    "put",
    "sort",
    "pronoun",
    "make",
    "as",
    "ie",
    "divide",
    "per_employee",
    "other",
}


def follow(draft: Draft, previous: Plan) -> Plan | None:
    """The edited plan, or None where the question stands by itself."""
    if draft.has("follow", "other"):
        raise clarify("Which other one? Name a company, sector or tag.", ("name a company or ticker", None))
    kinds = {item.kind for item in draft.items if item.kind not in {"fill", "follow", "by_metric"}} - {"and"}
    marks = {cast("str", item.value) for item in draft.of("follow")} | (
        {"and"} if draft.items and draft.items[0].kind == "and" else set()
    )
    for edit in _EDITS:
        edited = edit(draft, previous, kinds, marks)
        if edited is not None:
            _settle(draft)
            return edited.model_copy(update={"notes": tuple(draft.notes)})
    return None


def _settle(draft: Draft) -> None:
    draft.take("follow")
    draft.take("and")
    draft.take("filings")
    finish(draft)


_EDITS: tuple[Callable[[Draft, Plan, set[str], set[str]], Plan | None], ...] = (
    shifted, as_chart, other_companies, other_tags, other_role, other_sectors, counted, ordered, grouped, filtered, per_head, other_metric, other_time,
)  # fmt: skip
