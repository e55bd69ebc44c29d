"""Sectors, tags and models: few entities, each with figures of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.measures.concepts import SECTOR, SIGNAL
from chat_api.parser.measures.others import sector_measure
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import TO_SECTOR, asked_values, both, company_conditions, limit_of, ordered_list
from chat_api.plan import (
    Among,
    Entity,
    Kind,
    Measure,
    Order,
    Plan,
)  # fmt: skip


def role_errors(draft: Draft, parts: Parts) -> bool:
    names = [item.value for item in parts.concepts]
    mean = parts.statistic == "average" or any(
        word in item.text.split() for item in parts.concepts for word in ("mean", "average", "mae")
    )
    return (
        names == ["error"]
        and mean
        and not parts.companies
        and not parts.threshold_values
        and parts.by in {None, "role"}
        and not draft.of("noun", "sup")
    )


def build_errors(draft: Draft, parts: Parts) -> Plan:
    """The mean error of a model over all its forecasts of a time, or of two models side by side."""
    draft.take("compare")
    draft.take("everything")
    parts.concepts[0].used = True
    roles = tuple(parts.roles or ["champion"])
    times = [timing.forecast_sessions(draft, parts.ask.when, role, scored=True) for role in roles]
    if len({str(time) for time in times}) != 1:
        raise not_understood("models over different sessions")
    measure = Measure(metric="forecast.error", time=times[0], over="average")
    where = both(Among(dimension="role", values=roles), parts.where)
    return Plan(kind="compare" if len(roles) > 1 else "aggregate", entity="role", values=(measure,), where=where)


def entity_of(draft: Draft, parts: Parts) -> Entity:
    names = {cast("str", item.value) for item in parts.concepts}
    if parts.tags or draft.has("unit", "tag") or parts.by == "tag" or names & set(SIGNAL) - {"sentiment"}:
        return "tag"
    if parts.companies:
        return "company"
    if names & set(SECTOR):
        return "sector"
    about_sectors = draft.has("unit", "sector") or parts.by == "sector" or bool(parts.sectors)
    plain = not draft.of("noun") and not company_conditions(parts) and not parts.attributes
    if about_sectors and plain and names and names <= set(TO_SECTOR):
        if draft.has("unit", "sector") or len(parts.sectors) > 1:
            return "sector"
        summed = (
            parts.statistic in {"sum", None}
            and not draft.of("sup", "movers", "good")
            and names <= {"market_cap", "volume"}
        )
        median = parts.statistic == "median" and names == {"pe"}
        if (summed and not draft.of("number")) or median:
            return "sector"
    if draft.has("unit", "sector") and plain and not names:
        return "sector"
    return "company"


def build_sectors(draft: Draft, parts: Parts) -> Plan:
    compared = draft.take("compare")
    apart = bool(draft.take("apart"))
    units = draft.take("unit", "sector")
    draft.take("everything")
    names = [cast("str", item.value) for item in parts.concepts]
    if not names or parts.threshold_values:
        raise clarify(
            "Which figure of the sectors?",
            *[
                (label, f"{draft.question} {label}")
                for label in ("total market cap", "median P/E", "cap weighted change", "total volume")
            ],
        )
    if "pe" in names and parts.statistic != "median":
        raise clarify(
            "A sector's P/E is the median of its companies. Is that meant?",
            ("median P/E", draft.question.lower().replace("p/e", "median p/e")),
        )
    if (
        parts.statistic not in {None, "median", "sum"}
        or (parts.statistic == "median" and names != ["pe"])
        or (parts.statistic == "sum" and not set(names) <= {"market_cap", "volume"})
    ):
        raise not_understood("that aggregate over sectors")
    if any(name not in TO_SECTOR for name in names):
        raise clarify(
            "Sectors have total market cap, median P/E, average and cap-weighted change %, advancers, decliners and total volume. Which?",
            ("total market cap", None),
        )
    values = []
    for item in parts.concepts:
        item.used = True
        values.append(sector_measure(draft, TO_SECTOR[cast("str", item.value)], parts.ask))
    draft.take("follow", "sort")
    orders = [*draft.take("sup"), *draft.take("good")]
    limit = limit_of(draft)
    if (
        orders
        and limit is None
        and not parts.sectors
        and "sector" in draft.lexed.words
        and "sectors" not in draft.lexed.words
        and not parts.by
    ):
        limit = 1
    if limit is not None and not orders:
        raise clarify("The highest or the lowest?", ("highest", None), ("lowest", None))
    if (
        orders
        and limit is None
        and len(units) == 1
        and "all" not in draft.lexed.words
        and not parts.by
        and not ordered_list(draft)
    ):
        raise clarify("How many of them?", ("the first", None), ("all, in order", None))
    ranked_by = draft.neighbour(parts.concepts[0], -1, "agg")
    by_figure = ranked_by is not None and ranked_by.kind == "by_metric" and not parts.sectors
    order = (Order(value=0, descending=bool(orders[0].value) if orders else True),) if orders or by_figure else ()
    if compared and len(parts.sectors) < 2 and len(names) < 2:
        raise not_understood("a comparison with one side")
    kind: Kind = (
        "top_n" if limit else "compare" if len(parts.sectors) > 1 else "aggregate" if parts.statistic else "lookup"
    )
    return Plan(
        kind=kind,
        entity="sector",
        values=tuple(values),
        where=parts.where,
        order=order,
        limit=limit,
        difference=apart and len(parts.sectors) == 2,
        chart=parts.chart,
    )


def build_tags(draft: Draft, parts: Parts) -> Plan:
    draft.take("compare")
    draft.take("unit", "tag")
    draft.take("unit", "hour")
    apart = bool(draft.take("apart"))
    if parts.companies or parts.sectors or parts.attributes:
        raise not_understood("posts by tag together with companies")
    if parts.threshold_values or draft.of("every"):
        raise not_understood("a threshold on signals")
    for item in parts.concepts:
        if item.value not in SIGNAL and item.value != "interval":
            raise not_understood(f"the {item.text} together with posts")
    if parts.statistic == "sum":
        pass
    elif parts.statistic == "average" and {item.value for item in parts.concepts} <= {"sentiment", "composite"}:
        parts.ask = replace(parts.ask, statistic=None)
    elif parts.statistic is not None:
        raise clarify(
            "That aggregate of a signal: by the hour or by the day?", ("hour by hour", f"{draft.question} hour by hour")
        )
    if not parts.concepts:
        raise clarify(
            "Which figure of the signal?",
            *[
                (label, f"{draft.question} {label}")
                for label in ("composite signal", "sentiment", "posts", "engagement")
            ],
        )
    if (
        not parts.tags
        and not draft.of("sup")
        and parts.by != "tag"
        and "tags" not in draft.lexed.words
        and "hashtags" not in draft.lexed.words
    ):
        raise clarify("Of which tag?", *[(f"#{tag}", f"{draft.question} #{tag}") for tag in draft.context.tags[:6]])
    values = asked_values(draft, parts)
    orders = draft.take("sup")
    limit = limit_of(draft)
    if orders and limit is None and not parts.tags:
        if "hashtags" in draft.lexed.words or "tags" in draft.lexed.words:
            raise clarify("How many of them?", ("the first", None))
        limit = 1
    if orders and parts.tags and len(parts.tags) < 2:
        raise not_understood("an order of one tag")
    where = Among(dimension="tag", values=tuple(parts.tags)) if parts.tags else None
    kind: Kind = "change" if parts.ask.change else "compare" if len(parts.tags) > 1 else "top_n" if limit else "lookup"
    order = (Order(value=0, descending=bool(orders[0].value)),) if orders else ()
    return Plan(
        kind=kind,
        entity="tag",
        values=values,
        where=where,
        order=order,
        limit=limit,
        difference=apart and len(parts.tags) == 2,
    )
