"""Parts of a plan that edits take apart and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chat_api.parser.draft import Draft
from chat_api.plan import (
    AllOf,
    Among,
    Condition,
    Day,
    Days,
    Frozen,
    Instant,
    Latest,
    Measure,
    Plan,
    Ratio,
)  # fmt: skip
from chat_api.times import When


def mapped(node: Any, change: Callable[[Measure], Measure]) -> Any:
    """A plan (or a part) with every measure changed."""
    if isinstance(node, Measure):
        return change(node)
    if isinstance(node, tuple):
        return tuple(mapped(part, change) for part in node)
    if isinstance(node, Frozen):
        parts = {name: mapped(getattr(node, name), change) for name in type(node).model_fields}
        return node.model_copy(update=parts)
    return node


def pieces_of(where: Condition | None) -> tuple[Condition, ...]:
    return () if where is None else where.parts if isinstance(where, AllOf) else (where,)


def together(pieces: list[Condition]) -> Condition | None:
    return None if not pieces else pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))


def values_among(plan: Plan, dimension: str) -> tuple[str, ...]:
    for piece in pieces_of(plan.where):
        if isinstance(piece, Among) and piece.dimension == dimension and not piece.negated:
            return piece.values
    return ()


def with_values(plan: Plan, dimension: str, values: tuple[str, ...], *, negated: bool = False) -> Plan:
    """The plan with one list of a dimension put in the place of another, or added."""
    kept = [
        p
        for p in pieces_of(plan.where)
        if not (isinstance(p, Among) and p.dimension == dimension and p.negated == negated)
    ]
    return plan.model_copy(
        update={"where": together([Among(dimension=dimension, values=values, negated=negated), *kept])}
    )


def symbols_of(draft: Draft) -> tuple[str, ...]:
    found: list[str] = []
    for item in draft.of("company"):
        found.extend(symbol for symbol in cast("tuple[str, ...]", item.value) if symbol not in found)
    return tuple(found)


def time_of(plan: Plan) -> When | None:
    """The time of the plan before, for another figure at the same time."""
    for value in plan.values:
        measure = value.over if isinstance(value, Ratio) else value
        if measure.base is not None or measure.metric.startswith(("company.", "forecast.")):
            return None
        time = measure.time
        if isinstance(time, Day):
            return When("day", time.day, time.day, text=str(time.day))
        if isinstance(time, Days):
            return When("period", time.start, time.end, text=f"{time.start} to {time.end}")
        if isinstance(time, Latest | Instant):
            return None
    return None
