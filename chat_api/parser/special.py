"""Questions about meanings and about the data themselves."""

from __future__ import annotations

from typing import cast

from chat_api.glossary import define
from chat_api.parser.draft import Draft, clarify, not_loaded, not_understood, when_of
from chat_api.parser.sentence.checks import finish
from chat_api.plan import AllOf, Among, Compare, Condition, Definition, Known, Measure, Op, Order, Plan

_TABLES = {
    "quotes": ("gold.quotes",), "bars_daily": ("gold.bars_daily",), "bars_minute": ("gold.bars_minute",), "signals_hourly": ("gold.signals_hourly",), "posts": ("gold.posts",),
    "visits": ("gold.visits_day", "gold.visits_second"), "forecasts": ("gold.forecasts",), "companies": ("gold.companies",), "sectors": ("gold.sectors",), "coverage": ("gold.coverage",),
    "news": ("gold.news",),
}  # fmt: skip
_BY_CONCEPT = {
    "posts": "posts",
    "visits": "visits",
    "forecast": "forecasts",
    "composite": "signals_hourly",
    "news": "news",
    "dividend": "bars_daily",
}
_ASKS_MEANING = (("what", "do"), ("what", "does"), ("whats",), ("what", "is"), ("what",))


def definition(draft: Draft) -> Definition | None:
    """The meaning asked for, or None where the question asks for something else."""
    words = draft.lexed.words
    asks = bool(draft.of("define", "unit_of", "why_absent"))
    mean = [item for item in draft.items if item.text == "mean" and item.kind == "agg"]
    if not asks and mean and words and words[0] in {"what", "whats"} and mean[-1] is draft.items[-1]:
        asks = True
        mean[-1].used = True
    apart = draft.of("apart")
    roles = [cast("str", item.value) for item in draft.of("role")]
    concepts = [cast("str", item.value) for item in draft.of("concept")]
    nothing_named = not draft.of("company", "sector", "tag", "number", "time", "place", "cmp", "ambiguous")
    if not asks and nothing_named:
        two_terms = len(concepts) + len(roles) == 2 and bool(apart or draft.of("change"))
        bare = (
            len(concepts) == 1
            and words[:1] in (["what"], ["whats"])
            and not draft.of(
                "sup",
                "agg",
                "noun",
                "unit",
                "by",
                "bucket",
                "chart",
                "move",
                "role",
                "word",
                "share",
                "rank",
                "vague_sup",
                "data",
                "change",
            )
            and words[1:2] in (["is"], ["are"], ["a"], ["an"])
        )
        asks = two_terms or bare
    if (
        not asks
        and nothing_named
        and not concepts
        and len(draft.of("unit")) == 1
        and words[:2] in (["what", "is"], ["what", "are"])
        and draft.of("unit")[0].value in {"session", "tick"}
        and len(draft.items) <= 3
    ):
        asks = True
    if not asks:
        return None
    if not nothing_named:
        return None
    named = list(dict.fromkeys(concepts or roles)) if not (concepts and roles) else concepts
    units = {"session": "session", "tick": "tick"}
    named += [units[cast("str", item.value)] for item in draft.of("unit") if item.value in units and not named]
    named += [
        cast("str", item.value)
        for item in draft.of("data")
        if item.value in {"quarantined", "loaded_at", "coverage", "gaps"} and not named
    ]
    found = define(tuple(named))
    if found is None:
        raise not_understood("the term")
    for kind in (
        "define",
        "unit_of",
        "why_absent",
        "concept",
        "role",
        "apart",
        "change",
        "noun",
        "compare",
        "unit",
        "follow",
        "data",
        "not",
        "table",
        "agg",
    ):
        draft.take(kind)
    finish(draft)
    return found


def data(draft: Draft) -> Plan | None:
    """A plan over the lake's tables, or None where the question is about something else."""
    asked = draft.of("data")
    if not asked and not draft.of("tables"):
        return None
    kinds = [cast("str", item.value) for item in asked]
    if {"gaps", "coverage"} & set(kinds):
        raise not_understood("gaps of that table")
    if draft.of("company", "sector", "tag"):
        return None
    if "newest_tick" in kinds:
        draft.take("data")
        draft.take("time")
        finish(draft)
        return Plan(kind="data", entity="table", values=(Measure(metric="sector.tick"),))
    names = _tables(draft)
    where: list[Condition] = [Among(dimension="table_name", values=tuple(names))] if names else []
    metrics = list(dict.fromkeys(f"data.{kind}" for kind in kinds)) or ["data.rows", "data.loaded_at", "data.source"]
    draft.take("agg", "count")
    older = _older(draft)
    order: tuple[Order, ...] = ()
    limit: int | None = None
    if older is not None:
        where.append(older)
        if "data.loaded_at" not in metrics:
            metrics.append("data.loaded_at")
        order = (Order(value=metrics.index("data.loaded_at")),)
    for item in draft.take("sup"):
        order, limit = (Order(value=0, descending=bool(item.value)),), 1
    if not names and not draft.of("tables", "by") and older is None:
        if set(kinds) & {"quarantined"} or limit:
            draft.note("over all tables")
        else:
            raise clarify(
                "Of which table?",
                *[(name, f"{draft.question} {name} table") for name in ("quotes", "companies", "forecasts")],
                ("all tables", f"{draft.question} all tables"),
            )
    draft.take("data")
    draft.take("when")
    draft.take("tables")
    draft.take("by", "table", "source")
    draft.take("unit")
    for item in draft.of("time"):
        if when_of(item).kind in {"now", "today"}:
            item.used = True
    if draft.take_one("time"):
        raise not_loaded("The tables' state at an earlier time is", "their newest load is", "Ask without a time.")
    finish(draft)
    values = tuple(Measure(metric=metric) for metric in metrics)
    condition = None if not where else where[0] if len(where) == 1 else AllOf(parts=tuple(where))
    return Plan(kind="data", entity="table", values=values, where=condition, order=order, limit=limit)


def _tables(draft: Draft) -> list[str]:
    found: list[str] = []
    keys = [cast("str", item.value) for item in draft.take("table")]
    for item in draft.of("concept"):
        if item.value in _BY_CONCEPT:
            item.used = True
            if not keys or _BY_CONCEPT[cast("str", item.value)] not in keys:
                keys.append(_BY_CONCEPT[cast("str", item.value)])
    loaded = {one.table for one in draft.context.loads}
    for key in keys:
        held = [name for name in _TABLES[key] if name in loaded]
        if not held:
            raise not_loaded(
                f"The {key.replace('_', ' ')} table is",
                "it holds nothing yet",
                "`tidemark status` shows what is there.",
            )
        found.extend(name for name in held if name not in found)
    return found


_MINUTES = {"minute": 1.0, "minutes": 1.0, "hour": 60.0, "hours": 60.0, "day": 1440.0, "days": 1440.0}


def _older(draft: Draft) -> Condition | None:
    """`staler than 2 hours`, `not loaded for an hour`: loaded before then."""
    units = [item for item in draft.of("unit") if item.text.split()[-1] in _MINUTES] or [
        item for item in draft.of("bucket") if item.text in {"an hour", "a day"}
    ]
    if not units:
        return None
    unit = units[0]
    number = draft.neighbour(unit, -1)
    count = 1.0
    if number is not None and number.kind == "number":
        count = cast("tuple[float, str | None]", number.value)[0]
        number.used = True
    unit.used = True
    op: Op = ">"
    for kind in ("cmp", "not", "compare"):
        for item in draft.take(kind):
            if kind == "cmp":
                op = cast("Op", item.value)
    for item in draft.of("time"):
        if item.text in {"last hour", "the last hour", "last full hour"}:
            return None
    return Compare(left=Measure(metric="data.loaded_at"), op=op, number=count * _MINUTES[unit.text.split()[-1]])


__all__ = ["Known", "data", "definition"]
